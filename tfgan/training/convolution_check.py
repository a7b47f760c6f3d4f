"""Whether this machine computes the convolutions of a network rightly in bfloat16.

oneDNN, which TensorFlow computes with on CPUs, does not for some shapes (TensorFlow 2.21). The
gradient of a kernel that overhangs a map narrower than its stride holds what happened to lie in
memory; some forward passes, such as that of 4x4 kernels at stride 4 on maps 4 wide of 16 channels,
are wrong by as much as they are large. Both are finite more often than not, and a run would train
on without a word.
"""

import keras
import tensorflow as tf

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
# Of the largest entry. Rounding to bfloat16 leaves about a hundredth, the faults about 1.
_TOLERANCE = 0.05


def miscomputed_layer(networks, batch_size):
    """The first convolution that is not computed rightly in bfloat16, if any.

    Each is run forward and backward once, in bfloat16 and in float32, on the same numbers.

    Args:
        networks: functional models, built under the policy `mixed_bfloat16`.
        batch_size: images in a batch, on which the choice of an algorithm depends.

    Returns:
        What to call it in a message, such as "conv2d_2 (4x4 kernel, stride 4, 2x2 map)", or None.
    """
    on_cpu = not tf.config.list_physical_devices("GPU")
    for network in networks:
        for layer in convolutions_of(network):
            if (on_cpu and overhangs(layer)) or not error_of(layer, batch_size) <= _TOLERANCE:
                kernel = "x".join(map(str, layer.kernel_size))
                map_size = "x".join(map(str, map_size_of(layer)))
                return f"{layer.name} ({kernel} kernel, stride {layer.strides[0]}, {map_size} map)"
    return None


def convolutions_of(network):
    """The two-dimensional convolutions of a network that compute in bfloat16, transposed or not."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from convolutions_of(layer)
        elif isinstance(layer, CONVOLUTIONS) and layer.compute_dtype == "bfloat16":
            yield layer


def map_size_of(layer):
    """`(height, width)` of the larger map: what goes in, or comes out of a transposed layer."""
    shape = layer.get_build_config()["input_shape"]
    if isinstance(layer, keras.layers.Conv2DTranspose):
        shape = layer.compute_output_shape(shape)
    return tuple(shape[1:3])


def overhangs(layer):
    """Whether the map is narrower than the stride and the kernel; then oneDNN reads past it.

    A rule and no comparison, since what lies there may be zeros, as it should.
    """
    sides = zip(map_size_of(layer), layer.kernel_size, layer.strides)
    return any(side < min(kernel, stride) for side, kernel, stride in sides)


def error_of(layer, batch_size):
    """How far a layer's output and its gradients by images and kernel are from float32's.

    Returns:
        The largest difference, relative to the largest entry; NaN or infinite where the numbers
        are.
    """
    shape = (batch_size, *layer.get_build_config()["input_shape"][1:])
    images = rounded(tf.random.stateless_normal(shape, (0, 0)))
    config = layer.get_config()
    results = []
    for dtype in ("float32", "mixed_bfloat16"):
        twin = layer.from_config(config | {"dtype": dtype})
        twin.build(shape)
        twin.set_weights([rounded(weight) for weight in layer.get_weights()])
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = tf.cast(twin(images), tf.float32)
            # Weighted, for a plain sum has gradients that are all alike.
            loss = tf.reduce_sum(
                output * rounded(tf.random.stateless_normal(tf.shape(output), (0, 1)))
            )
        kernel = twin.trainable_variables[0]
        results.append([output, *tape.gradient(loss, [images, kernel])])
    errors = [
        tf.reduce_max(tf.abs(tf.cast(mixed, tf.float32) - exact)) / tf.reduce_max(tf.abs(exact))
        for exact, mixed in zip(*results)
    ]
    return float(tf.reduce_max(errors))


def rounded(tensor):
    """Numbers that bfloat16 has, in float32."""
    return tf.cast(tf.cast(tensor, tf.bfloat16), tf.float32)
