import os
from pathlib import Path

# The tests measure values, not devices: a GPU would only add its own rounding.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.models import GAN
from tfgan.networks import convolutional_discriminator, convolutional_generator

IMAGE_SHAPE = (8, 8, 1)


def make_gan(
    image_shape=IMAGE_SHAPE,
    width=4,
    latent_dim=6,
    generator=None,
    discriminator=None,
    averaging_decay=0.999,
    **compile_arguments,
):
    """A tiny compiled GAN, the same at every call."""
    keras.utils.set_random_seed(3)
    gan = GAN(
        generator or convolutional_generator(image_shape, latent_dim, width=width, depth=2),
        discriminator or convolutional_discriminator(image_shape, width=width, depth=2),
        averaging_decay=averaging_decay,
        seed=5,
    )
    gan.compile(**compile_arguments)
    return gan


def random_batch(image_shape=IMAGE_SHAPE, size=4, seed=0):
    images = np.random.default_rng(seed).uniform(-1, 1, (size, *image_shape))
    return {"image": tf.constant(images, tf.float32)}


@pytest.fixture
def gan():
    return make_gan()


@pytest.fixture
def batch():
    return random_batch()


@pytest.fixture(scope="session")
def mnist_data_dir():
    """The folder that holds a prepared MNIST; skips where there is none."""
    beside = Path(__file__).parents[2] / "shared" / "tensorflow_datasets"
    folder = Path(os.environ.get("TFDS_DATA_DIR", beside))
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no prepared MNIST in {folder}: set TFDS_DATA_DIR")
    return folder
