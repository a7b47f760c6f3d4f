"""The convolutional pair of feature_vectors.txt (特征向量, feature vectors), corrected.

As published, the generator's 64-128-256-512 ladder of stride-2 convolutions shrinks its input, so
it can neither take noise nor make a picture; the discriminator builds its Flatten and never calls
it; both make layers anew in every call. Here the ladder is turned the right way round and every
layer is made once. `width=64, depth=4` gives the published widths.
"""

import math

import keras
from keras import layers

from tfgan.errors import InputError
from tfgan.networks.layers import (
    LEAK,
    batch_normalization,
    halved_sizes,
    normal_initializer,
    project_and_reshape,
    upsample,
)

KERNEL_SIZE = 4
OUTPUT_KERNEL_SIZE = 7


def default_depth(image_shape):
    """Halvings until the shorter side is at most 4 pixels, but at least 2 and at most 4."""
    shorter = min(image_shape[:2])
    halvings = 0
    while shorter > 4:
        shorter = -(-shorter // 2)
        halvings += 1
    return min(max(halvings, 2), 4)


def checked_depth(image_shape, depth):
    """The depth that was asked for, or the default.

    Raises:
        InputError: more halvings than the picture has pixels for, and than the published 4.
    """
    if depth is None:
        return default_depth(image_shape)
    most = max(4, math.ceil(math.log2(max(image_shape[:2]))))
    if not 1 <= depth <= most:
        height, width = image_shape[:2]
        raise InputError(
            f"depth must be between 1 and {most} for pictures of {height}x{width}. "
            f"Received: {depth}"
        )
    return depth


def ladder_widths(width, depth):
    """Channels of the ladder from the picture inwards: width, 2 width, 4 width, ..."""
    return [width * 2**level for level in range(depth)]


def convolutional_generator(image_shape, latent_dim=100, width=32, depth=None):
    """Noise up a ladder of stride-2, kernel-4 transposed convolutions to a picture.

    Args:
        image_shape: `(height, width, channels)`, any sizes: what doubling overshoots is cropped.
        latent_dim: length of the latent vector.
        width: channels of the last rung; each rung below has twice those of the one above.
        depth: number of doublings; by default as many as bring the shorter side down to 4 pixels,
            between 2 and 4.

    Returns:
        A functional model, float [N, latent_dim] -> float [N, *image_shape] in [-1, 1].

    Reference:
        feature_vectors.txt, section 4; Radford et al. 2015 (arXiv 1511.06434) for what it omits.
    """
    depth = checked_depth(image_shape, depth)
    height, image_width, channels = image_shape
    sizes = halved_sizes(height, image_width, depth)
    widths = ladder_widths(width, depth)

    latents = keras.Input((latent_dim,), name="latents")
    x = project_and_reshape(latents, (*sizes[-1], widths[-1]))
    x = batch_normalization()(x)
    x = layers.LeakyReLU(LEAK)(x)
    for size, filters in zip(reversed(sizes[:-1]), reversed(widths)):
        x = upsample(x, filters, KERNEL_SIZE, size)
        x = batch_normalization()(x)
        x = layers.LeakyReLU(LEAK)(x)
    images = layers.Conv2D(
        channels,
        OUTPUT_KERNEL_SIZE,
        padding="same",
        activation="tanh",
        kernel_initializer=normal_initializer(),
        name="images",
    )(x)
    return keras.Model(latents, images, name="convolutional_generator")


def convolutional_discriminator(image_shape, width=32, depth=None, normalization=None):
    """A picture down a ladder of stride-2, kernel-4 convolutions to one logit.

    Args:
        image_shape: `(height, width, channels)`.
        width: channels of the first rung; each next one has twice as many.
        depth: number of halvings; the generator's default.
        normalization: "batch" normalises every rung as published. The default, None, does not:
            with batch normalisation a picture's logit depends on the others of its batch, and a
            penalty on its gradient means nothing (Gulrajani et al. 2017, arXiv 1704.00028,
            section 4).

    Returns:
        A functional model, float [N, *image_shape] in [-1, 1] -> logits float [N, 1]. The
        published sigmoid is left to the loss, which is stable on logits.

    Reference:
        feature_vectors.txt, section 4.
    """
    depth = checked_depth(image_shape, depth)
    images = keras.Input(image_shape, name="images")
    x = images
    widths = ladder_widths(width, depth)
    for filters in widths:
        x = layers.Conv2D(
            filters,
            KERNEL_SIZE,
            strides=2,
            padding="same",
            use_bias=normalization is None,
            kernel_initializer=normal_initializer(),
        )(x)
        if normalization == "batch":
            x = batch_normalization()(x)
        if filters == widths[-1]:
            # Before the activation: TensorFlow 2.21 fails to fuse a last convolution, bias and
            # LeakyReLU for training, says so on the terminal, and drops its other fusions too.
            x = layers.Flatten()(x)
        x = layers.LeakyReLU(LEAK)(x)
    logits = layers.Dense(1, kernel_initializer=normal_initializer(), name="logits")(x)
    return keras.Model(images, logits, name="convolutional_discriminator")
