"""Every family with one dense layer per network: built and traced in no time."""

import keras
import numpy as np

from tfgan.conditions import LabelCondition
from tfgan.models import GAN, VAE, ConditionalGAN, CycleGAN, Pix2Pix

SHAPE = (8, 8, 1)
LATENTS = (6,)


def dense(inputs, units, activation=None, shape=None, name=None):
    """A functional model of one dense layer over all its inputs."""
    flat = [keras.layers.Flatten()(each) for each in inputs]
    x = flat[0] if len(flat) == 1 else keras.layers.Concatenate()(flat)
    x = keras.layers.Dense(units)(x)
    if shape is not None:
        x = keras.layers.Reshape(shape)(x)
    if activation is not None:
        x = keras.layers.Activation(activation, dtype="float32")(x)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], x, name=name)


def generator(inputs=LATENTS, activation="tanh"):
    return dense([keras.Input(inputs)], 64, activation, SHAPE)


def discriminator(*shapes):
    return dense([keras.Input(shape) for shape in (SHAPE, *shapes)], 1)


def gan(**kwargs):
    return GAN(generator(), discriminator(), seed=5, **kwargs)


def conditional_gan():
    condition = LabelCondition(10)

    def conditioned(shape, units, activation=None, out=None):
        encoder = condition.encoder()
        own = keras.Input(shape)
        joined = dense([own, keras.Input((10,))], units, activation, out)
        return keras.Model([own, encoder.input], joined([own, encoder.output]))

    return ConditionalGAN(
        conditioned(LATENTS, 64, "tanh", SHAPE), conditioned(SHAPE, 1), condition, seed=5
    )


def vae():
    images = keras.Input(SHAPE)
    x = keras.layers.Flatten()(images)
    parameters = [keras.layers.Dense(6, dtype="float32")(x) for _ in range(2)]
    return VAE(keras.Model(images, parameters), generator(), seed=5)


def pix2pix():
    return Pix2Pix(generator(SHAPE), discriminator(SHAPE), seed=5)


def pix2pix_masked():
    masked = (8, 8, 2)
    return Pix2Pix(generator(masked), discriminator(masked), masked=True, seed=5)


def cyclegan():
    return CycleGAN(
        generator(SHAPE), generator(SHAPE), discriminator(), discriminator(), pool_size=5, seed=5
    )


FAMILIES = {
    "gan": gan,
    "conditional_gan": conditional_gan,
    "vae": vae,
    "pix2pix": pix2pix,
    "pix2pix_masked": pix2pix_masked,
    "cyclegan": cyclegan,
}


def make(family, **compile_arguments):
    """A compiled model, the same at every call, that steps operation by operation."""
    keras.utils.set_random_seed(3)
    model = FAMILIES[family]()
    model.compile(**{"run_eagerly": True} | compile_arguments)
    return model


def random_images(num=4, seed=0):
    """float32 [num, 8, 8, 1] in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1, 1, (num, *SHAPE)).astype(np.float32)


def arrays(family, num=4):
    """A batch of a family, or `num` images for several, as arrays by their names."""
    values = {
        "image": random_images(num),
        "label": np.arange(num, dtype=np.int32) % 10,
        "condition": random_images(num, seed=1),
        "mask": (random_images(num, seed=2) > 0).astype(np.float32),
        "image_a": random_images(num),
        "image_b": random_images(num, seed=1),
    }
    return {name: values[name] for name in WANTED[family]}


WANTED = {
    "gan": ("image",),
    "conditional_gan": ("image", "label"),
    "vae": ("image",),
    "pix2pix": ("condition", "image"),
    "pix2pix_masked": ("condition", "image", "mask"),
    "cyclegan": ("image_a", "image_b"),
}
