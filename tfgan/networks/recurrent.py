"""A pair of recurrent networks (循环神经网络), which feature_vectors.txt and gan_overview.txt name.

Both documents say that generator and discriminator may be RNNs as well as CNNs, and publish neither
code nor sizes. Here an image is a sequence of rows from top to bottom: the generator writes one
row a step, the discriminator reads one. The cell is the GRU (Cho et al. 2014, arXiv 1406.1078),
which has fewer weights than an LSTM and remembers as well over some tens of rows.
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
from tfgan.networks.layers import NEGATIVE_SLOPE, normal_initializer, to_images

# Unrolled, a GRU trains faster and is converted by LiteRT, but its set-up grows with the rows; that
# of a loop is the same for any number.
MOST_ROWS_UNROLLED = 32


def read_rows(x, units):
    """The state of a GRU at every row: float [N, H, F] -> float [N, H, units].

    It has no biases, which the layers before and after it have. That keeps cuDNN away, whose GRU
    has no second derivative, which R1 needs, and would make an export run on GPUs alone; Keras'
    own `use_cudnn=False` is lost wherever a layer is copied or saved.
    """
    unroll = x.shape[1] <= MOST_ROWS_UNROLLED
    return layers.GRU(units, use_bias=False, return_sequences=True, unroll=unroll)(x)


def recurrent_generator(
    image_shape, latent_dim=100, width=128, condition=None, conditioning="projection"
):
    """Noise, of which a GRU reads another view at every row, and writes that row of pixels.

    The views, linear and normalized, are what keeps the generator from drawing a few images
    only, as it does where every row is given the same vector.

    Args:
        image_shape: `(height, width, channels)`, any sizes: a step for each row.
        latent_dim: length of the latent vector.
        width: units of the GRU; a row's view of the latents has a quarter as many numbers.
        condition, conditioning: as in `convolutional_generator`.

    Returns:
        A functional model, float [N, latent_dim] -> float32 [N, *image_shape] in [-1, 1]; with a
        condition its inputs are `[latents, condition]`.

    Raises:
        InputError: an unknown conditioning.

    Reference:
        feature_vectors.txt, section 3.1.1; gan_overview.txt on architectures.
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(1, latent_dim=latent_dim, width=width)
    height, image_width, channels = image_shape
    latents = keras.Input((latent_dim,), name="latents")
    outer, inner = split_condition(condition, conditioning)
    x = concat_condition(latents, outer)
    view = max(1, width // 4)
    x = layers.Dense(height * view, use_bias=False)(x)
    x = layers.Reshape((height, view))(x)
    x = conditional_normalization(x, inner)
    x = layers.LeakyReLU(NEGATIVE_SLOPE)(x)
    x = read_rows(x, width)
    x = conditional_normalization(x, inner)
    x = layers.Dense(image_width * channels, kernel_initializer=normal_initializer())(x)
    x = layers.Reshape(image_shape)(x)
    return network(latents, condition, to_images(x), "recurrent_generator")


def recurrent_discriminator(image_shape, width=128, condition=None, conditioning="projection"):
    """An image, read row by row by a GRU, whose states at all the rows decide on one logit.

    Args:
        image_shape: `(height, width, channels)`.
        width: units of the dense layer that each row passes and of the GRU.
        condition, conditioning: as in `convolutional_discriminator`.

    Returns:
        A functional model, float [N, *image_shape] in [-1, 1] -> logits float32 [N, 1]; with a
        condition its inputs are `[images, condition]`. The sigmoid is left to the loss, which is
        stable on logits.

    Raises:
        InputError: an unknown conditioning.

    Reference:
        feature_vectors.txt, section 3.1.2; gan_overview.txt on architectures.
    """
    image_shape = checked_image_shape(image_shape)
    require_integers(1, width=width)
    images = keras.Input(image_shape, name="images")
    outer, inner = split_condition(condition, conditioning)
    x = concat_condition(images, outer)
    height, image_width, channels = x.shape[1:]
    x = layers.Reshape((height, image_width * channels))(x)
    x = layers.Dense(width)(x)
    x = layers.LeakyReLU(NEGATIVE_SLOPE)(x)
    x = read_rows(x, width)
    x = layers.Flatten()(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    logits = projection_logit(logits, x, inner)
    return network(images, condition, logits, "recurrent_discriminator")
