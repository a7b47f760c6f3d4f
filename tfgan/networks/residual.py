"""The residual generator of CycleGAN: images in, images of the same size out."""

import keras
from keras import layers

from tfgan.arguments import checked_image_shape, require_integers
from tfgan.errors import InputError
from tfgan.networks.layers import (
    instance_normalization,
    normal_initializer,
    stage_sizes,
    to_images,
    upsample,
)

SMALLEST_SIDE = 8
# Kernels of the first and the last convolution, and of all others.
OUTER_KERNEL_SIZE = 7
KERNEL_SIZE = 3


def default_residual_sizes(image_shape):
    """`(blocks, depth)`: 9 blocks from 256 pixels on and 6 from 128 on, as published, and then 3.

    Two halvings as published, but one where they would leave fewer than 4 pixels per side.
    """
    shorter = min(image_shape[:2])
    blocks = 9 if shorter >= 256 else 6 if shorter >= 128 else 3
    return blocks, 2 if shorter >= 16 else 1


def residual_generator(image_shape, input_channels=None, width=32, blocks=None, depth=None):
    """Halved twice, through residual blocks, and doubled again.

    Args:
        image_shape: `(height, width, channels)` of what comes out, from 8x8 on, any sizes: each
            halving pads to an even number of pixels, and the doubling that answers it crops.
        input_channels: of what goes in; by default as many as come out.
        width: channels at full size; each halving doubles them. 64 is the published width.
        blocks: residual blocks at the smallest size, at least 1; by default the published 9 from
            256 pixels per side on and 6 from 128 on, and 3 for smaller images.
        depth: number of halvings, from 0 to 2; by default the published 2, but 1 for images
            smaller than 16 pixels.

    Returns:
        A functional model, float [N, H, W, input_channels] in [-1, 1] -> float32
        [N, *image_shape] in [-1, 1].

    Raises:
        InputError: an image of fewer than 8 pixels per side; blocks or a depth out of range.

    Reference:
        Zhu et al. 2017 (arXiv 1703.10593), section 7.2; Johnson et al. 2016 (arXiv 1603.08155).
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(1, width=width, input_channels=input_channels or image_shape[-1])
    height, image_width, channels = image_shape
    if min(height, image_width) < SMALLEST_SIDE:
        raise InputError(
            f"a residual generator needs images of at least {SMALLEST_SIDE}x{SMALLEST_SIDE} "
            f"pixels. Received: {height}x{image_width}"
        )
    default_blocks, default_depth = default_residual_sizes(image_shape)
    blocks = default_blocks if blocks is None else blocks
    depth = default_depth if depth is None else depth
    require_integers(1, blocks=blocks)
    if depth not in (0, 1, 2):
        raise InputError(f"depth must be between 0 and 2. Received: {depth}")
    sizes = stage_sizes(height, image_width, depth)

    inputs = keras.Input((height, image_width, input_channels or channels), name="inputs")
    x = reflection_padding(inputs, OUTER_KERNEL_SIZE)
    x = convolution(width, OUTER_KERNEL_SIZE, padding="valid")(x)
    x = instance_norm_relu(x)
    for level in range(1, depth + 1):
        x = convolution(width * 2**level, KERNEL_SIZE, strides=2, padding="same")(x)
        x = instance_norm_relu(x)
    for _ in range(blocks):
        x = residual_block(x)
    for level in reversed(range(depth)):
        x = upsample(x, width * 2**level, KERNEL_SIZE, sizes[level])
        x = instance_norm_relu(x)
    x = reflection_padding(x, OUTER_KERNEL_SIZE)
    x = convolution(channels, OUTER_KERNEL_SIZE, padding="valid", use_bias=True)(x)
    return keras.Model(inputs, to_images(x), name="residual_generator")


def residual_block(x):
    """x + f(x), f being two convolutions of kernel 3 with as many channels."""
    branch = x
    for last in (False, True):
        branch = reflection_padding(branch, KERNEL_SIZE)
        branch = convolution(x.shape[-1], KERNEL_SIZE, padding="valid")(branch)
        branch = instance_normalization()(branch) if last else instance_norm_relu(branch)
    return layers.Add()([x, branch])


def reflection_padding(x, kernel_size):
    """Padded with its own reflection, so that a convolution that pads nothing keeps the size.

    Zeros there would be an edge that no image has, and leave artifacts along the border.
    """
    border = (kernel_size // 2, kernel_size // 2)
    return keras.ops.pad(x, ((0, 0), border, border, (0, 0)), mode="reflect")


def convolution(filters, kernel_size, use_bias=False, **kwargs):
    """A convolution, without the bias that a normalization after it would take away again."""
    return layers.Conv2D(
        filters, kernel_size, use_bias=use_bias, kernel_initializer=normal_initializer(), **kwargs
    )


def instance_norm_relu(x):
    return layers.ReLU()(instance_normalization()(x))
