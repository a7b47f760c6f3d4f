"""Networks of every kind of layer that were built under another dtype policy than float32."""

import re

import keras
import numpy as np
import pytest
from smallest_models import SHAPE, discriminator, generator

from tfgan.errors import InputError
from tfgan.models import GAN, Pix2Pix
from tfgan.models.base import float32_twin

layers = keras.layers


@pytest.fixture
def policy():
    """Sets a dtype policy for the test."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


def no_dtype_of_its_own(x):
    class Doubled(layers.Layer):
        def __init__(self, factor, name=None):
            super().__init__(name=name)
            self.factor = factor

        def call(self, inputs):
            return self.factor * inputs

        def get_config(self):
            return {"factor": self.factor, "name": self.name}

    return Doubled(2)(x)


# What a lambda refers to, and a copy of its code alone would not find.
SCALE = 0.5


def scaled_by(factor):
    def scaled(x):
        return factor * x

    return scaled


HOLDING = {
    "a layer": lambda x: layers.Conv2D(3, 3, padding="same")(x),
    "a policy of the layer's own": lambda x: layers.Dense(3, dtype="mixed_bfloat16")(x),
    "a wrapped layer": lambda x: layers.SpectralNormalization(layers.Conv2D(3, 3))(x),
    "a layer for each step": lambda x: layers.TimeDistributed(layers.Dense(3))(x),
    "a cell": lambda x: layers.RNN(layers.GRUCell(3))(layers.Reshape((8, 8))(x)),
    "cells": lambda x: layers.RNN([layers.GRUCell(3), layers.LSTMCell(3)])(
        layers.Reshape((8, 8))(x)
    ),
    "two directions": lambda x: layers.Bidirectional(layers.LSTM(3))(layers.Reshape((8, 8))(x)),
    "attention": lambda x: layers.MultiHeadAttention(2, 3)(x, x),
    "an activation": lambda x: layers.Dense(3, activation=layers.LeakyReLU())(x),
    "a Sequential": lambda x: keras.Sequential([layers.Dense(3), layers.LeakyReLU()])(x),
    "no dtype of its own": no_dtype_of_its_own,
    "a lambda": lambda x: layers.Lambda(
        lambda y, factor: factor * SCALE * y, arguments={"factor": 2}
    )(layers.Dense(3)(x)),
    "a lambda for an activation": lambda x: layers.Dense(3, activation=lambda y: SCALE * y)(x),
    "a function of a function": lambda x: layers.Activation(scaled_by(3))(layers.Dense(3)(x)),
}


@pytest.mark.parametrize("kind", HOLDING)
def test_an_ema_computes_in_float32_all_that_a_layer_holds(kind, policy):
    def network():
        inputs = keras.Input(SHAPE)
        return keras.Model(inputs, HOLDING[kind](inputs))

    policy("mixed_bfloat16")
    mixed = network()
    twin = float32_twin(mixed)
    assert {layer.compute_dtype for layer in twin._flatten_layers()} == {"float32"}
    # The twin is the same network: its numbers are those of the mixed one, less their rounding.
    images = np.random.default_rng(0).uniform(-1, 1, (2, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(twin(images), keras.ops.cast(mixed(images), "float32"), atol=0.05)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


class Forgetful(layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = keras.ops.convert_to_tensor(factor)

    def call(self, inputs):
        return self.factor * inputs

    def get_config(self):
        return {}


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Forgetful(2.0),
        lambda: layers.TimeDistributed(layers.Dense(1, activation=lambda x: x)),
    ],
)
def test_a_layer_that_cannot_be_made_again_is_named_in_one_line(layer):
    inputs = keras.Input(SHAPE)
    made = layer()
    with pytest.raises(InputError, match=rf"\Athe layer {made.name} [^\n]*get_config[^\n]*\Z"):
        float32_twin(keras.Model(inputs, made(inputs)))


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float64"])
def test_weights_in_other_numbers_than_float32_are_refused(name, policy):
    good_generator, good_discriminator = generator(), discriminator(SHAPE)
    policy(name)
    wrong_generator, wrong_discriminator = generator(SHAPE), discriminator()
    for network, make in {
        "generator": lambda: Pix2Pix(wrong_generator, good_discriminator),
        "discriminator": lambda: GAN(good_generator, wrong_discriminator),
    }.items():
        message = rf"\Athe {network} must keep its weights in float32[^\n]*Received: {name}\Z"
        with pytest.raises(InputError, match=re.compile(message)):
            make()
