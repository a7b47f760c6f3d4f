"""The pair of confidence_risk.txt (置信风险, confidence risk), corrected.

As published, the generator's transposed convolutions follow each other with no activation, so the
whole stack is one linear map; it makes 64x64 images while the dense discriminator takes 28x28
ones; and the names it uses are never imported. Here each layer has its normalization and
activation, and both are sized by the images. `width=64` gives the published widths.
"""

import keras
from keras import layers

from tfgan.arguments import checked_image_shape, require_integers
from tfgan.networks.condition import (
    concat_condition,
    conditional_normalization,
    network,
    projection_logit,
    split_condition,
)
from tfgan.networks.layers import (
    NEGATIVE_SLOPE,
    normal_initializer,
    project_and_reshape,
    stage_sizes,
    to_images,
    upsample,
)

KERNEL_SIZE = 5
DOUBLINGS = 3


def dense_generator(
    image_shape, latent_dim=100, width=32, condition=None, conditioning="projection"
):
    """Noise through one dense layer and four transposed convolutions to an image.

    At 64x64 and `width=64` it is the published one: 100 -> 8x8x256 -> 128 (stride 1) -> 128 -> 64
    -> channels (stride 2 each), kernel 5.

    Args:
        image_shape: `(height, width, channels)`, any sizes: what doubling overshoots is cropped.
        latent_dim: length of the latent vector.
        width: channels of the last hidden layer; the others keep the published proportions.
        condition, conditioning: as in `convolutional_generator`.

    Returns:
        A functional model, float [N, latent_dim] -> float [N, *image_shape] in [-1, 1]; with a
        condition its inputs are `[latents, condition]`.

    Reference:
        confidence_risk.txt, section 1.4.
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(1, latent_dim=latent_dim, width=width)
    height, image_width, channels = image_shape
    full, half, quarter, eighth = stage_sizes(height, image_width, DOUBLINGS)

    latents = keras.Input((latent_dim,), name="latents")
    outer, inner = split_condition(condition, conditioning)
    x = concat_condition(latents, outer)
    x = project_and_reshape(x, (*eighth, 4 * width))
    x = conditional_normalization(x, inner)
    x = layers.ReLU()(x)
    x = layers.Conv2DTranspose(
        2 * width,
        KERNEL_SIZE,
        padding="same",
        use_bias=False,
        kernel_initializer=normal_initializer(),
    )(x)
    x = conditional_normalization(x, inner)
    x = layers.ReLU()(x)
    for size, filters in ((quarter, 2 * width), (half, width)):
        x = upsample(x, filters, KERNEL_SIZE, size)
        x = conditional_normalization(x, inner)
        x = layers.ReLU()(x)
    x = upsample(x, channels, KERNEL_SIZE, full, use_bias=True)
    return network(latents, condition, to_images(x), "dense_generator")


def dense_discriminator(image_shape, width=32, condition=None, conditioning="projection"):
    """A flattened image through dense layers, 1024 and 512 wide at `width=64`, to one logit.

    The published ReLU is a LeakyReLU here, as DCGAN has it in every discriminator.

    Args:
        image_shape: `(height, width, channels)`.
        width: a sixteenth of the first layer, an eighth of the second.
        condition, conditioning: as in `convolutional_discriminator`.

    Returns:
        A functional model, float [N, *image_shape] in [-1, 1] -> logits float [N, 1]; with a
        condition its inputs are `[images, condition]`. The published sigmoid is left to the loss,
        which is stable on logits.

    Reference:
        confidence_risk.txt, section 1.4.
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(1, width=width)
    images = keras.Input(image_shape, name="images")
    outer, inner = split_condition(condition, conditioning)
    x = layers.Flatten()(images)
    x = concat_condition(x, outer)
    for units in (16 * width, 8 * width):
        x = layers.Dense(units)(x)
        x = layers.LeakyReLU(NEGATIVE_SLOPE)(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    logits = projection_logit(logits, x, inner)
    return network(images, condition, logits, "dense_discriminator")
