"""The convolutional pair of feature_vectors.txt (特征向量, feature vectors), corrected.

As published, the generator's 64-128-256-512 stack of stride-2 convolutions shrinks its input, so
it can neither take noise nor make an image; the discriminator builds its Flatten and never calls
it; both make layers anew in every call. Here the stack is turned the right way round and every
layer is made once. `width=64, depth=4` gives the published widths, and the generator's
`output_kernel_size=7` the published last kernel.
"""

import math

import keras
from keras import layers

from tfgan.arguments import checked_image_shape, require_integers
from tfgan.errors import InputError
from tfgan.names import NORMALIZATIONS
from tfgan.networks.condition import (
    concat_condition,
    conditional_normalization,
    network,
    projection_logit,
    split_condition,
)
from tfgan.networks.layers import (
    activation_layer,
    batch_normalization,
    normal_initializer,
    project_and_reshape,
    stage_sizes,
    to_images,
    upsample,
)
from tfgan.networks.spectral import SpectralConv2D, SpectralDense

KERNEL_SIZE = 4
# DCGAN's 0.02 is meant for a discriminator with batch normalization; without it the first few
# hundred steps go by before the logits say anything.
DISCRIMINATOR_STDDEV = 0.05


def default_depth(image_shape):
    """Halvings until the shorter side is at most 4 pixels, but at least 2 and at most 4."""
    shorter = min(image_shape[:2])
    halvings = 0
    while shorter > 4:
        shorter = -(-shorter // 2)
        halvings += 1
    return min(max(halvings, 2), 4)


def checked_depth(image_shape, depth):
    """The requested depth, or the default.

    Raises:
        InputError: more halvings than the image has pixels for, and than the published 4.
    """
    if depth is None:
        return default_depth(image_shape)
    most = max(4, math.ceil(math.log2(max(image_shape[:2]))))
    if depth not in range(1, most + 1):
        height, width = image_shape[:2]
        raise InputError(
            f"depth must be between 1 and {most} for images of {height}x{width}. Received: {depth}"
        )
    return depth


def stage_widths(width, depth):
    """Channels of the stages from the image inwards: width, 2 width, 4 width, ..."""
    return [width * 2**level for level in range(depth)]


def convolutional_generator(
    image_shape,
    latent_dim=100,
    width=16,
    depth=None,
    output_kernel_size=3,
    condition=None,
    conditioning="projection",
    kernel_size=KERNEL_SIZE,
    stride=2,
    activation="leaky_relu",
):
    """Noise through a stack of strided transposed convolutions to an image.

    Args:
        image_shape: `(height, width, channels)`, any sizes: what enlarging overshoots is cropped.
        latent_dim: length of the latent vector.
        width: channels of the last stage; each stage before has twice those of the next.
        depth: number of stages; by default as many as halvings bring the shorter side down to 4
            pixels, between 2 and 4.
        output_kernel_size: of the last convolution, at the image's size. The published 7 costs
            as much there as all stages before.
        condition: an encoder of its own, such as `label_encoder(10)`, for a conditional generator.
        conditioning: "projection" (the normalizations follow the condition) or "concatenation"
            (it is joined to the latents).
        kernel_size: of the stages' convolutions.
        stride: of the stages' convolutions, by which each enlarges its input.
        activation: of the stages: "leaky_relu", "relu", "elu" or "tanh".

    Returns:
        A functional model, float [N, latent_dim] -> float32 [N, *image_shape] in [-1, 1]; with a
        condition its inputs are `[latents, condition]`.

    Raises:
        InputError: more stages than the image has pixels for, an unknown activation or
            conditioning.

    Reference:
        feature_vectors.txt, section 4; Radford et al. 2015 (arXiv 1511.06434) for what it omits.
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(
        1,
        latent_dim=latent_dim,
        width=width,
        output_kernel_size=output_kernel_size,
        kernel_size=kernel_size,
        stride=stride,
    )
    depth = checked_depth(image_shape, depth)
    height, image_width, channels = image_shape
    sizes = stage_sizes(height, image_width, depth, stride)
    widths = stage_widths(width, depth)

    latents = keras.Input((latent_dim,), name="latents")
    outer, inner = split_condition(condition, conditioning)
    x = concat_condition(latents, outer)
    x = project_and_reshape(x, (*sizes[-1], widths[-1]))
    x = conditional_normalization(x, inner)
    x = activation_layer(activation)(x)
    for size, filters in zip(reversed(sizes[:-1]), reversed(widths)):
        x = upsample(x, filters, kernel_size, size, stride=stride)
        x = conditional_normalization(x, inner)
        x = activation_layer(activation)(x)
    # The published convolution with its kernel turned by 180 degrees, which learns the same: on a
    # CPU a convolution to one or three channels spends several times as long on its gradients.
    x = layers.Conv2DTranspose(
        channels,
        output_kernel_size,
        padding="same",
        kernel_initializer=normal_initializer(),
    )(x)
    return network(latents, condition, to_images(x), "convolutional_generator")


def convolutional_discriminator(
    image_shape,
    width=32,
    depth=None,
    normalization=None,
    condition=None,
    conditioning="projection",
    kernel_size=KERNEL_SIZE,
    stride=2,
    activation="leaky_relu",
):
    """An image through a stack of strided convolutions to one logit.

    The kernel is 4 as published, but 3 along sides of an odd number of pixels: each is the one
    whose padding is the same on both sides. Any other even one gives way in the same manner.

    Args:
        image_shape: `(height, width, channels)`.
        width: channels of the first stage; each next one has twice as many.
        depth: number of stages; the generator's default.
        normalization: "batch" normalizes every stage as published; "spectral" divides each kernel
            by its largest singular value (Miyato et al. 2018, arXiv 1802.05957). The default,
            None, does neither: with batch normalization an image's logit depends on the others
            of its batch, and a penalty on its gradient means nothing (Gulrajani et al. 2017,
            arXiv 1704.00028, section 4).
        condition: an encoder of its own, such as `label_encoder(10)`, for a conditional
            discriminator.
        conditioning: "projection" (an inner product with the features is added to the logit) or
            "concatenation" (planes are joined to the image).
        kernel_size, stride, activation: of the stages, as in `convolutional_generator`.

    Returns:
        A functional model, float [N, *image_shape] in [-1, 1] -> logits float32 [N, 1]; with a
        condition its inputs are `[images, condition]`. The published sigmoid is left to the loss,
        which is stable on logits.

    Raises:
        InputError: more stages than the image has pixels for, an unknown normalization,
            activation or conditioning.

    Reference:
        feature_vectors.txt, section 4.
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(1, width=width, kernel_size=kernel_size, stride=stride)
    if normalization not in (None, *NORMALIZATIONS):
        raise InputError(
            f"normalization must be None, 'batch' or 'spectral'. Received: {normalization!r}"
        )
    convolution, dense = layers.Conv2D, layers.Dense
    if normalization == "spectral":
        convolution, dense = SpectralConv2D, SpectralDense
    depth = checked_depth(image_shape, depth)
    images = keras.Input(image_shape, name="images")
    outer, inner = split_condition(condition, conditioning)
    x = concat_condition(images, outer)
    widths = stage_widths(width, depth)
    is_even = kernel_size % 2 == 0
    for filters in widths:
        x = convolution(
            filters,
            [kernel_size - is_even * (side % 2) for side in x.shape[1:3]],
            strides=stride,
            padding="same",
            use_bias=normalization != "batch",
            kernel_initializer=normal_initializer(DISCRIMINATOR_STDDEV),
        )(x)
        if normalization == "batch":
            x = batch_normalization()(x)
        if filters == widths[-1]:
            # Before the activation: TensorFlow 2.21 fails to fuse a last convolution, bias and
            # LeakyReLU for training, says so on the terminal, and drops its other fusions too.
            x = layers.Flatten()(x)
        x = activation_layer(activation)(x)
    logits = dense(
        1,
        kernel_initializer=normal_initializer(DISCRIMINATOR_STDDEV),
        dtype="float32",
        name="logits",
    )(x)
    logits = projection_logit(logits, x, inner, dense)
    return network(images, condition, logits, "convolutional_discriminator")
