"""The U-Net generator of pix2pix: images in, images of the same size out."""

import math

import keras
from keras import layers

from tfgan.arguments import checked_image_shape, require_integers
from tfgan.errors import InputError
from tfgan.networks.layers import (
    NEGATIVE_SLOPE,
    instance_normalization,
    normal_initializer,
    stage_sizes,
    to_images,
    upsample,
)

KERNEL_SIZE = 4
SMALLEST_SIDE = 8


def default_unet_depth(image_shape):
    """Halvings until the shorter side is at most 4 pixels, but at least 2."""
    return max(2, math.ceil(math.log2(min(image_shape[:2]) / 4)))


def unet_generator(image_shape, input_channels=None, width=32, depth=None):
    """Down a stack of stride-2 convolutions and up again, with skips between stages of a size.

    As published but for two things. Normalization is that of single images, which the published
    batch normalization is at the published batch size of 1 (section 3.3): what an image becomes
    depends on no other. And there is no dropout: the paper keeps it in use after training as the
    noise z and finds that it hardly changes the output (section 3.1), but it would make what is
    served random.

    Args:
        image_shape: `(height, width, channels)` of what comes out, from 8x8 on, any sizes: each
            halving pads to an even number of pixels, and the doubling that answers it crops.
        input_channels: of what goes in; by default as many as come out.
        width: channels of the first stage, of which each next one has twice as many, up to 8 times
            this. 64 is the published width.
        depth: number of halvings; by default as many as bring the shorter side down to 4 pixels,
            at least 2. The published 8 bring 256 pixels down to 1.

    Returns:
        A functional model, float [N, H, W, input_channels] in [-1, 1] -> float32
        [N, *image_shape] in [-1, 1].

    Raises:
        InputError: an image of fewer than 8 pixels per side, or more halvings than it has pixels
            for.

    Reference:
        Isola et al. 2016 (arXiv 1611.07004), sections 3.2 and 6.1.1; Ronneberger et al. 2015
        (arXiv 1505.04597).
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(1, width=width, input_channels=input_channels or image_shape[-1])
    height, image_width, channels = image_shape
    if min(height, image_width) < SMALLEST_SIDE:
        raise InputError(
            f"a U-Net needs images of at least {SMALLEST_SIDE}x{SMALLEST_SIDE} pixels. "
            f"Received: {height}x{image_width}"
        )
    depth = default_unet_depth(image_shape) if depth is None else depth
    most = math.ceil(math.log2(max(height, image_width)))
    if depth not in range(1, most + 1):
        raise InputError(
            f"depth must be between 1 and {most} for images of {height}x{image_width}. "
            f"Received: {depth}"
        )
    sizes = stage_sizes(height, image_width, depth)
    widths = [width * min(2**level, 8) for level in range(depth)]

    inputs = keras.Input((height, image_width, input_channels or channels), name="inputs")
    x, skips = inputs, []
    for level, filters in enumerate(widths):
        # Not where it would leave nothing: a map of one pixel is its own mean.
        normalized = level > 0 and sizes[level + 1] != (1, 1)
        x = layers.Conv2D(
            filters,
            KERNEL_SIZE,
            strides=2,
            padding="same",
            use_bias=not normalized,
            kernel_initializer=normal_initializer(),
        )(x)
        if normalized:
            x = instance_normalization()(x)
        x = layers.LeakyReLU(NEGATIVE_SLOPE)(x)
        skips.append(x)
    for level in reversed(range(depth - 1)):
        x = upsample(x, widths[level], KERNEL_SIZE, sizes[level + 1])
        x = instance_normalization()(x)
        x = layers.ReLU()(x)
        x = layers.Concatenate()([x, skips[level]])
    x = upsample(x, channels, KERNEL_SIZE, sizes[0], use_bias=True)
    return keras.Model(inputs, to_images(x), name="unet_generator")
