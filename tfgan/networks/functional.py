"""What a family asks of the networks that it is given: functional, float32 out, in range.

Networks of users come in every kind that Keras has. What can be meant is taken, and what would
train on without sense is refused.
"""

import keras

from tfgan.errors import InputError

# Activations by what they leave out of the range of an image, or of a logit.
_NOT_BELOW_ZERO = {
    "sigmoid", "hardsigmoid", "relu", "relu6", "softmax", "softplus", "exponential", "exp",
}  # fmt: skip
_UNBOUNDED = {
    "linear", "leakyrelu", "prelu", "elu", "selu", "celu", "gelu", "silu", "swish", "hardsilu",
    "mish", "batchnormalization", "layernormalization", "groupnormalization", "rmsnormalization",
}  # fmt: skip
_BOUNDED = {"tanh", "hardtanh", "softsign", "logsigmoid", "logsoftmax"}
# Operations that hand on the numbers that they are given, or means of them.
_REARRANGING = (
    "Reshape", "Flatten", "Permute", "Cropping2D", "UpSampling2D", "Identity", "Transpose",
    "Squeeze", "ExpandDims", "Cast", "GetItem", "Concatenate", "ZeroPadding2D", "AveragePooling2D",
    "MaxPooling2D", "Dropout",
)  # fmt: skip


def functional(network, name, num_inputs=None, num_outputs=1, float32=True):
    """A network as a functional model.

    Args:
        network: a functional or Sequential model that knows the shape of its input.
        name: what the family calls it.
        num_inputs: that it must have; None for any number.
        num_outputs: that it must have.
        float32: whether what comes out must be float32. Under a mixed dtype policy it may be less,
            and is cast: losses are sums of many numbers.

    Returns:
        The network itself, or where that does not do, a functional model of its layers.

    Raises:
        InputError: the network is none of these.
    """
    try:
        inputs, outputs = network.inputs, network.outputs
    except AttributeError:
        inputs = outputs = None
    if not inputs or not outputs:
        what = "has no input shape: put keras.Input(shape) first"
        if not isinstance(network, keras.Sequential):
            what = "must be a functional model, keras.Model(inputs, outputs)"
        raise InputError(f"the {name} {what}. Received: {type(network).__name__}")
    for kind, tensors, number in (("input", inputs, num_inputs), ("output", outputs, num_outputs)):
        if number is not None and len(tensors) != number:
            raise InputError(
                f"the {name} must have {number} {kind}{'s' * (number > 1)}. "
                f"Received: {len(tensors)}"
            )
    dtypes = {weight.dtype for weight in network.weights if "float" in weight.dtype}
    if dtypes - {"float32"}:
        raise InputError(
            f"the {name} must keep its weights in float32, as under the dtype policies "
            f"mixed_bfloat16 and mixed_float16. Received: {' and '.join(sorted(dtypes))}"
        )
    if float32 and any(output.dtype != "float32" for output in outputs):
        outputs = [keras.layers.Activation("linear", dtype="float32")(each) for each in outputs]
    elif not isinstance(network, keras.Sequential):
        return network
    # A list of one would come out as a list.
    outputs = outputs if num_outputs > 1 else outputs[0]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=network.name)


def checked_generator(network, name, **kwargs):
    """A generator, as `functional` makes it, whose last activation can fill [-1, 1] and no more.

    What ends in none that is known here is taken.

    Raises:
        InputError: as in `functional`, or another activation.
    """
    network = functional(network, name, **kwargs)
    activation = _last_activation(network)
    if _plain(activation) in _NOT_BELOW_ZERO | _UNBOUNDED:
        raise InputError(
            f"the {name} must give images in [-1, 1]: end it in tanh. Received: {activation}, "
            f"which {'has no bounds' if _plain(activation) in _UNBOUNDED else 'is never below 0'}"
        )
    return network


def checked_discriminator(network, name, **kwargs):
    """A discriminator, as `functional` makes it, that gives logits.

    Raises:
        InputError: as in `functional`, or its last activation keeps logits within bounds.
    """
    network = functional(network, name, **kwargs)
    activation = _last_activation(network)
    if _plain(activation) in _NOT_BELOW_ZERO | _BOUNDED:
        raise InputError(
            f"the {name} must give logits, without an activation at its end: the losses have "
            f"their own. Received: {activation}"
        )
    return network


def _plain(activation):
    return activation.lower().replace("_", "")


def _last_activation(network):
    """The name of the activation that a network's output comes out of, as well as that shows.

    "linear" is a layer without one.
    """
    tensor = network.outputs[0]
    while True:
        operation = tensor._keras_history.operation
        if isinstance(operation, keras.Model) and operation.outputs:
            tensor = operation.outputs[0]
            continue
        layer = operation
        while isinstance(layer, keras.layers.Wrapper):
            layer = layer.layer
        activation = getattr(layer, "activation", layer)
        name = getattr(activation, "__name__", type(activation).__name__)
        is_silent = name == "linear" and not operation.weights
        if not (is_silent or name in _REARRANGING):
            return name
        try:
            tensor = keras.tree.flatten(operation.input)[0]
        except ValueError:
            # The layer is used more than once.
            return name
