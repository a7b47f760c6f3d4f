"""The two networks of TensorFlow's DCGAN tutorial for MNIST, in Keras, and their optimizer.

Both compute under the dtype policy in force; images and logits are float32 under any.
"""

import keras
from keras import layers

from benchmarks.contenders.task import (
    BETAS,
    DROPOUT,
    EPSILON,
    IMAGE_SHAPE,
    LATENT_DIM,
    LEAK,
    LEARNING_RATE,
)


def generator():
    """Functional model, float [N, 100] -> float32 [N, 28, 28, 1] in [-1, 1]."""
    latents = keras.Input((LATENT_DIM,))
    x = layers.Dense(7 * 7 * 256, use_bias=False)(latents)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU(LEAK)(x)
    x = layers.Reshape((7, 7, 256))(x)
    for filters, strides in ((128, 1), (64, 2)):
        x = transposed_convolution(filters, strides)(x)
        x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU(LEAK)(x)
    x = transposed_convolution(IMAGE_SHAPE[-1], 2)(x)
    return keras.Model(latents, layers.Activation("tanh", dtype="float32")(x))


def transposed_convolution(filters, strides):
    """Kernel 5, padded so that an image's sides grow by the factor `strides`, without a bias."""
    return layers.Conv2DTranspose(filters, 5, strides=strides, padding="same", use_bias=False)


def discriminator(dropout=DROPOUT):
    """Functional model, float [N, 28, 28, 1] -> float32 logits [N, 1]."""
    images = x = keras.Input(IMAGE_SHAPE)
    for filters in (64, 128):
        x = layers.Conv2D(filters, 5, strides=2, padding="same")(x)
        x = layers.LeakyReLU(LEAK)(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    return keras.Model(images, layers.Dense(1, dtype="float32")(x))


def adam():
    """A player's optimizer, a fresh one at every call."""
    return keras.optimizers.Adam(LEARNING_RATE, *BETAS, epsilon=EPSILON)
