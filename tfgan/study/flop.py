"""Floating-point operations of a training step, counted from the layers of its two networks.

A multiplication and an addition are two operations. Convolutions and dense layers are counted, and
nothing else: normalization, activations and optimizers are a small share of the arithmetic. What a
kernel does on the padding is not counted, since it need not be done.

Going back through a layer costs as much as going forward, twice: once for the gradient at its
weights, once for that at its input. So a step that shares one forward pass between both networks,
as this library and TensorFlow's tutorial write it, costs

- the generator forward, and back to its weights;
- the discriminator forward and back to its weights, on real and on generated images;
- the discriminator back to the generated images, for the generator.

No gradient is needed at the input of either network's first layer, but for the last item. Other
ways of writing the step do more than this; the surplus is not counted as work done.
"""

from keras import layers


def taps(size, kernel_size, stride):
    """Pairs of a kernel's element and a pixel, not padding, that it falls on, along one axis.

    Args:
        size: pixels of the larger side: a convolution's input, a transposed one's output.
        kernel_size, stride: in pixels, with "same" padding.
    """
    positions = -(-size // stride)
    padding = max((positions - 1) * stride + kernel_size - size, 0) // 2
    return sum(
        0 <= position * stride + element - padding < size
        for position in range(positions)
        for element in range(kernel_size)
    )


def layer_flop(layer):
    """Operations of one layer of a functional model on one image, forward."""
    if isinstance(layer, layers.Dense):
        return 2 * layer.input.shape[-1] * layer.units
    if isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose)):
        larger = layer.input if isinstance(layer, layers.Conv2D) else layer.output
        sides = zip(larger.shape[1:3], layer.kernel_size, layer.strides)
        rows, columns = (taps(*side) for side in sides)
        return 2 * rows * columns * layer.input.shape[-1] * layer.filters
    return 0


def step_flop(generator, discriminator):
    """Operations of one training step per image of its batch, an integer; see the module."""
    generator_layers = [flop for layer in generator.layers if (flop := layer_flop(layer))]
    discriminator_layers = [flop for layer in discriminator.layers if (flop := layer_flop(layer))]
    return (
        training_flop(generator_layers)
        + 2 * training_flop(discriminator_layers)
        + sum(discriminator_layers)
    )


def training_flop(layer_flops):
    """Operations of a network forward and back to its weights, but not to its input.

    Args:
        layer_flops: those of its layers forward, the first layer's first.
    """
    return 3 * sum(layer_flops) - layer_flops[0]
