"""Builder functions: sizes in, a functional Keras model out."""

from tfgan.networks.condition import label_encoder, text_encoder
from tfgan.networks.convolutional import convolutional_discriminator, convolutional_generator
from tfgan.networks.dense import dense_discriminator, dense_generator
from tfgan.networks.encoder import encoder_of
from tfgan.networks.recurrent import recurrent_discriminator, recurrent_generator

__all__ = [
    "convolutional_discriminator",
    "convolutional_generator",
    "dense_discriminator",
    "dense_generator",
    "encoder_of",
    "label_encoder",
    "recurrent_discriminator",
    "recurrent_generator",
    "text_encoder",
]
