"""What an exported model answers, in terms that say nothing of its family."""

import dataclasses

import keras
import tensorflow as tf

from tfgan.formats import plain_function_name, weights_name


@dataclasses.dataclass
class Served:
    """What is written, checked and warmed up.

    Attributes:
        module: a `tf.Module` with all that a SavedModel needs: every weight once, and functions.
        signatures: the functions that answer requests, by their names.
        networks: what other formats are made from: functional models from a signature's inputs to
            pictures in [0, 1], by the signature's name.
        examples: for each signature a request and the live model's answer, both dicts of tensors by
            their names. The answer holds the pictures themselves, float32 [N, H, W, C] in [0, 1],
            where the signature gives `image_bytes`.
        condition: what the model is told, such as a `LabelCondition`, or None.
    """

    module: tf.Module
    signatures: dict[str, tf.types.experimental.PolymorphicFunction]
    networks: dict[str, keras.Model]
    examples: dict[str, tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]]
    condition: object = None


def hold(module, network, signature="serving_default"):
    """Keeps a network in a module: its weights, and the plain function that it is.

    The function checks nothing, and so other formats can be made from it.

    Args:
        module: a `tf.Module`.
        network: functional model from a signature's inputs to pictures.
        signature: its name.

    Returns:
        The plain function, a `tf.function` of as many tensors as the network has inputs.
    """
    specs = [
        tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name=tensor.name)
        for tensor in network.inputs
    ]

    @tf.function(input_signature=specs)
    def images_of(*inputs):
        return network(inputs[0] if len(inputs) == 1 else [*inputs], training=False)

    # The variables alone: a tracked Keras model would store each of them a second time.
    variables = [variable.value for variable in network.variables]
    setattr(module, weights_name(signature), variables)
    setattr(module, plain_function_name(signature, specs[0].name), images_of)
    return images_of
