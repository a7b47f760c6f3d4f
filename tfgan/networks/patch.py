"""The PatchGAN discriminator: a logit for every patch of an image."""

import keras
from keras import layers

from tfgan.arguments import checked_image_shape, require_integers
from tfgan.errors import InputError
from tfgan.networks.layers import NEGATIVE_SLOPE, instance_normalization, normal_initializer

KERNEL_SIZE = 4
MOST_HALVINGS = 3


def patch_size(depth):
    """Pixels per side of the patch that one logit sees: 16, 34, 70 for 1, 2, 3 halvings.

    Two convolutions of kernel 4 and stride 1 see 7 pixels; each halving before them sees 2 n + 2.
    """
    size = 7
    for _ in range(depth):
        size = 2 * size + 2
    return size


def default_patch_depth(image_shape):
    """The halvings, from 1 to the published 3, of the largest patch that fits into the image."""
    fitting = [
        depth for depth in range(1, MOST_HALVINGS + 1) if patch_size(depth) <= min(image_shape[:2])
    ]
    return max(fitting, default=1)


def patch_discriminator(image_shape, condition_channels=None, width=32, depth=None):
    """A fully convolutional discriminator that classifies overlapping patches of an image.

    Kernels of 4 pixels, `depth` times at stride 2 and twice at stride 1. Normalization, on all
    layers but the first and the last, is that of single images, as CycleGAN has it, and pix2pix
    at its batch size of 1.

    Args:
        image_shape: `(height, width, channels)`, any sizes.
        condition_channels: of the images that generated ones are made from, where the
            discriminator takes these too, as in pix2pix; None where it does not.
        width: channels of the first layer; each next one has twice as many, up to 8 times this.
            64 is the published width.
        depth: number of halvings, from 1 to 3, for patches of 16, 34 or 70 pixels per side; by
            default those of the largest patch that fits into the image. The published default
            is 3.

    Returns:
        A functional model, float [N, *image_shape] in [-1, 1] -> logits float32 [N, h, w, 1], h
        and w being the image's sides halved `depth` times and rounded up. With condition
        channels its inputs are `[images, condition]`.

    Raises:
        InputError: a depth out of range.

    Reference:
        Isola et al. 2016 (arXiv 1611.07004), sections 3.2.2 and 6.1.2; Zhu et al. 2017
        (arXiv 1703.10593), section 7.2.
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(1, width=width)
    if condition_channels is not None:
        require_integers(1, condition_channels=condition_channels)
    depth = default_patch_depth(image_shape) if depth is None else depth
    if depth not in range(1, MOST_HALVINGS + 1):
        raise InputError(f"depth must be between 1 and {MOST_HALVINGS}. Received: {depth!r}")
    images = keras.Input(image_shape, name="images")
    inputs, x = images, images
    if condition_channels is not None:
        condition = keras.Input((*image_shape[:2], condition_channels), name="condition")
        inputs = [images, condition]
        x = layers.Concatenate()(inputs)
    for level in range(depth + 1):
        x = layers.Conv2D(
            width * 2**level,
            KERNEL_SIZE,
            strides=2 if level < depth else 1,
            padding="same",
            use_bias=level == 0,
            kernel_initializer=normal_initializer(),
        )(x)
        if level > 0:
            x = instance_normalization()(x)
            x = layers.LeakyReLU(NEGATIVE_SLOPE)(x)
        else:
            # TensorFlow 2.21 fails to fuse a convolution, its bias and this activation where the
            # gradient goes on to the images, and says so on the terminal; rows in between keep
            # it from trying.
            size = x.shape[1:]
            x = layers.Reshape((-1, size[-1]))(x)
            x = layers.LeakyReLU(NEGATIVE_SLOPE)(x)
            x = layers.Reshape(size)(x)
    logits = layers.Conv2D(
        1,
        KERNEL_SIZE,
        padding="same",
        kernel_initializer=normal_initializer(),
        dtype="float32",
        name="logits",
    )(x)
    return keras.Model(inputs, logits, name="patch_discriminator")
