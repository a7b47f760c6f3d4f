"""What an exported model answers, in terms that say nothing of its family."""

import dataclasses

import keras
import tensorflow as tf

from tfgan.errors import InputError
from tfgan.serving.attributes import plain_function_name, weights_name

# Of images that a PNG holds and grids show.
CHANNELS = (1, 3, 4)
# Of last layers, which keep within [-1, 1]; and layers that only move what goes in.
_WITHIN_ONE = ("tanh", "hard_tanh", "sigmoid", "hard_sigmoid", "softmax", "softsign")
_MOVING = (keras.layers.Reshape, keras.layers.Permute, keras.layers.Cropping2D)


@dataclasses.dataclass
class Served:
    """What is written, checked and warmed up.

    Attributes:
        module: a `tf.Module` with all that a SavedModel needs: every weight once, and functions.
        signatures: the functions that answer requests, by their names.
        networks: what other formats are made from: functional models from a signature's inputs to
            images in [0, 1], by the signature's name.
        examples: for each signature a request and the live model's answer, both dicts of tensors by
            their names. The answer holds the images themselves, float32 [N, H, W, C] in [0, 1],
            where the signature gives `image_bytes`.
        condition: what the model takes, such as a `LabelCondition`, or None.
    """

    module: tf.Module
    signatures: dict[str, tf.types.experimental.PolymorphicFunction]
    networks: dict[str, keras.Model]
    examples: dict[str, tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]]
    condition: object = None


def require_channels(image_shape):
    """Refuses images that no PNG can hold.

    Args:
        image_shape: `(height, width, channels)`.

    Raises:
        InputError: the channels are none of `CHANNELS`.
    """
    if image_shape[-1] not in CHANNELS:
        raise InputError(
            f"images of 1, 3 or 4 channels can be served as PNG. Received: {image_shape[-1]}"
        )


def clipped(images):
    """What the live model gives, as it is served: images in [0, 1] and no others."""
    return tf.clip_by_value(images, 0.0, 1.0)


def in_range(images, generator):
    """A generator's images, clipped to [-1, 1] unless its last activation keeps them there.

    Args:
        images: a Keras tensor.
        generator: the functional model that they come from.
    """
    if _is_bounded(generator.outputs[0]):
        return images
    return keras.layers.Activation("hard_tanh", dtype="float32", name="clipped")(images)


def _is_bounded(tensor):
    """Whether a Keras tensor comes out of an activation that keeps it within [-1, 1]."""
    operation, _, index = tensor._keras_history
    if isinstance(operation, keras.Model):
        return _is_bounded(keras.tree.flatten(operation.outputs)[index])
    if isinstance(operation, _MOVING):
        return _is_bounded(operation.input)
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None) in _WITHIN_ONE


def track(module, network, names, signature="serving_default"):
    """Keeps a network in a module: its weights, and the plain function that it is.

    The function checks nothing, and so other formats can be made from it.

    Args:
        module: a `tf.Module`.
        network: functional model from a signature's inputs to images.
        names: what its inputs are for, such as "latents", whatever the network calls them.
        signature: its name.

    Returns:
        The plain function, a `tf.function` of as many tensors as the network has inputs.
    """
    specs = [
        tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name=name)
        for tensor, name in zip(network.inputs, names, strict=True)
    ]

    @tf.function(input_signature=specs)
    def images_of(*inputs):
        return network(inputs[0] if len(inputs) == 1 else [*inputs], training=False)

    # The variables alone: a tracked Keras model would store each of them a second time.
    variables = [variable.value for variable in network.variables]
    setattr(module, weights_name(signature), variables)
    setattr(module, plain_function_name(signature, names[0]), images_of)
    return images_of
