"""The families of models: one file each, with its whole training step."""

import keras

from tfgan.models.conditional_gan import ConditionalGAN
from tfgan.models.cyclegan import CycleGAN
from tfgan.models.gan import GAN
from tfgan.models.pix2pix import Pix2Pix
from tfgan.models.vae import VAE

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "tfgan trains with TensorFlow's GradientTape and needs Keras on TensorFlow. Received: "
        f"backend {keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow"
    )

__all__ = ["GAN", "VAE", "ConditionalGAN", "CycleGAN", "Pix2Pix"]
