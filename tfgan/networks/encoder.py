"""The encoder of a variational autoencoder, out of any discriminator's stages."""

import keras
from keras import layers

from tfgan.arguments import require_integers
from tfgan.errors import InputError
from tfgan.networks.functional import functional
from tfgan.networks.layers import normal_initializer


def encoder_of(discriminator, latent_dim=100):
    """A discriminator whose logit has given way to a normal distribution of latents.

    Whatever a library of networks has for classifying an image, it has for encoding one.

    Args:
        discriminator: functional model of images alone, as the builders here make them: its last
            layer is called "logits". The encoder takes its layers over.
        latent_dim: length of the latent vector, D.

    Returns:
        A functional model, float [N, H, W, C] in [-1, 1] -> `[mean, log_variance]`, float32 [N, D]
        each.

    Raises:
        InputError: the discriminator has no layer called "logits", or takes a condition.
    """
    discriminator = functional(discriminator, "discriminator", float32=False)
    require_integers(1, latent_dim=latent_dim)
    names = [layer.name for layer in discriminator.layers]
    if len(discriminator.inputs) != 1 or "logits" not in names:
        raise InputError(
            "an encoder is made of a discriminator that takes images alone and ends in a layer "
            f"'logits'. Received: {len(discriminator.inputs)} inputs, layers {', '.join(names)}"
        )
    features = discriminator.get_layer("logits").input
    parameters = [
        layers.Dense(
            latent_dim, kernel_initializer=normal_initializer(), dtype="float32", name=name
        )(features)
        for name in ("mean", "log_variance")
    ]
    return keras.Model(discriminator.input, parameters, name="encoder")
