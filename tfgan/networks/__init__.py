"""Builder functions: sizes in, a functional Keras model out."""

from tfgan.networks.condition import label_encoder, text_encoder
from tfgan.networks.convolutional import convolutional_discriminator, convolutional_generator
from tfgan.networks.dense import dense_discriminator, dense_generator
from tfgan.networks.encoder import encoder_of
from tfgan.networks.patch import patch_discriminator
from tfgan.networks.recurrent import recurrent_discriminator, recurrent_generator
from tfgan.networks.residual import residual_generator
from tfgan.networks.unet import unet_generator

__all__ = [
    "convolutional_discriminator",
    "convolutional_generator",
    "dense_discriminator",
    "dense_generator",
    "encoder_of",
    "label_encoder",
    "patch_discriminator",
    "recurrent_discriminator",
    "recurrent_generator",
    "residual_generator",
    "text_encoder",
    "unet_generator",
]
