"""Blocks that more than one network uses."""

import keras
from keras import layers

from tfgan.errors import InputError
from tfgan.names import ACTIVATIONS

# DCGAN (Radford et al. 2015, section 3) draws every weight from N(0, 0.02); Keras' own default is
# Glorot's uniform.
WEIGHT_STDDEV = 0.02
# Keras' LeakyReLU leaks 0.3; DCGAN's slope is 0.2.
NEGATIVE_SLOPE = 0.2


def stage_sizes(height, width, depth, stride=2):
    """The sizes that `depth` convolutions of a stride pass through, rounded up as they round.

    Args:
        height, width: the image's size in pixels.
        depth: number of convolutions.
        stride: of each.

    Returns:
        `depth + 1` pairs `(height, width)`, the image's own size first. A generator that enlarges
        through them in reverse and crops arrives at any size, not only at powers of two.
    """
    sizes = [(height, width)]
    for _ in range(depth):
        height, width = -(-height // stride), -(-width // stride)
        sizes.append((height, width))
    return sizes


def normal_initializer(stddev=WEIGHT_STDDEV):
    """N(0, stddev), a fresh instance: Keras warns where one unseeded instance is used twice."""
    return keras.initializers.RandomNormal(stddev=stddev)


def batch_normalization(**kwargs):
    """Batch normalization with the constants of the DCGAN code rather than Keras' 0.99 and 1e-3."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, **kwargs)


def activation_layer(name):
    """A fresh layer of one of `ACTIVATIONS`.

    Raises:
        InputError: another name.
    """
    if name not in ACTIVATIONS:
        raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}. Received: {name!r}")
    if name == "leaky_relu":
        return layers.LeakyReLU(NEGATIVE_SLOPE)
    return layers.Activation(name)


def instance_normalization():
    """Each channel of each image at mean 0 and variance 1, then a scale and a shift learned.

    An image's result depends on no other of the batch, in training or after, and no statistics
    are kept. A map of one pixel becomes all 0.

    The epsilon is that of CycleGAN's code; Keras' own is 1e-3.

    Reference: Ulyanov et al. 2016 (arXiv 1607.08022).
    """
    return layers.GroupNormalization(groups=-1, epsilon=1e-5)


def project_and_reshape(latents, shape):
    """Latents float [N, D] to a first feature map float [N, *shape] through one dense layer."""
    height, width, channels = shape
    x = layers.Dense(
        height * width * channels, use_bias=False, kernel_initializer=normal_initializer()
    )(latents)
    return layers.Reshape(shape)(x)


def upsample(x, filters, kernel_size, size, use_bias=False, stride=2):
    """Enlarges a feature map with a transposed convolution, then crops it to `size`.

    Args:
        x: float [N, h, w, c].
        filters: channels of the result.
        kernel_size: of the transposed convolution.
        size: `(height, width)` of the result, at most `stride` times that of x.
        use_bias: whether to add a bias, which a normalization that follows would take away again.
        stride: of the transposed convolution.

    Returns:
        float [N, *size, filters], linear: normalization and activation follow at the caller's.
    """
    x = layers.Conv2DTranspose(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=normal_initializer(),
    )(x)
    surplus = (x.shape[1] - size[0], x.shape[2] - size[1])
    if any(surplus):
        x = layers.Cropping2D(((0, surplus[0]), (0, surplus[1])))(x)
    return x


def to_images(x):
    """Feature maps to images in [-1, 1], in float32 under a mixed dtype policy too."""
    return layers.Activation("tanh", dtype="float32", name="images")(x)
