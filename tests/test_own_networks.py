"""Networks that users bring: of every kind that Keras has, or refused in one line."""

import re

import keras
import numpy as np
import pytest
from smallest_models import LATENTS, SHAPE, arrays, discriminator, generator, random_images

from tfgan.conditions import LabelCondition
from tfgan.errors import InputError
from tfgan.models import GAN, VAE, ConditionalGAN, CycleGAN, Pix2Pix
from tfgan.networks import encoder_of


def one_line(message):
    """A pattern of an error's whole message."""
    return re.compile(rf"\A[^\n]*{message}[^\n]*\Z")


def layers_of_generator(activation="tanh"):
    return [keras.layers.Dense(64, activation), keras.layers.Reshape(SHAPE)]


def layers_of_discriminator(activation=None):
    return [keras.layers.Flatten(), keras.layers.Dense(1, activation)]


class Subclassed(keras.Model):
    def __init__(self, own):
        super().__init__()
        self.own = own

    def call(self, inputs):
        for layer in self.own:
            inputs = layer(inputs)
        return inputs


def built(network, shape):
    network(np.zeros((1, *shape), np.float32))
    return network


SEQUENTIAL = {
    "with an input": lambda own, shape: keras.Sequential([keras.Input(shape), *own]),
    "built": lambda own, shape: built(keras.Sequential(own), shape),
}


@pytest.mark.parametrize("kind", SEQUENTIAL)
def test_sequential_networks_train_and_come_back(kind, tmp_path):
    g = SEQUENTIAL[kind](layers_of_generator(), LATENTS)
    d = SEQUENTIAL[kind](layers_of_discriminator(), SHAPE)
    gan = GAN(g, d)
    gan.compile(run_eagerly=True)
    before = g.get_weights()
    gan.train_step(arrays("gan"))
    # The weights are those of the user's own.
    assert not np.array_equal(before[0], g.get_weights()[0])
    gan.save(tmp_path / "gan.keras")
    reloaded = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(reloaded.generate([1, 2]), gan.generate([1, 2]))


UNKNOWN = {
    "subclassed": (lambda own, shape: Subclassed(own), "must be a functional.*Subclassed"),
    "subclassed and built": (
        lambda own, shape: built(Subclassed(own), shape),
        "must be a functional.*Subclassed",
    ),
    "Sequential without an input": (lambda own, shape: keras.Sequential(own), "no input shape"),
    "a layer": (lambda own, shape: own[-1], "must be a functional"),
    "a function": (lambda own, shape: len, "must be a functional"),
    "nothing": (lambda own, shape: None, "must be a functional"),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_networks_of_unknown_shape(kind):
    wrong, message = UNKNOWN[kind]
    wrong_generator = wrong(layers_of_generator(), LATENTS)
    wrong_discriminator = wrong(layers_of_discriminator(), SHAPE)
    good_generator, good_discriminator = generator(SHAPE), discriminator()
    for name, make in {
        "generator": lambda: GAN(wrong_generator, good_discriminator),
        "discriminator": lambda: GAN(generator(), wrong_discriminator),
        "encoder": lambda: VAE(wrong_discriminator, generator()),
        "generator_ba": lambda: CycleGAN(
            good_generator, wrong_generator, good_discriminator, good_discriminator
        ),
        "discriminator_b": lambda: CycleGAN(
            good_generator, good_generator, good_discriminator, wrong_discriminator
        ),
    }.items():
        with pytest.raises(InputError, match=one_line(f"the {name} .*{message}")):
            make()
    with pytest.raises(InputError, match=one_line("the generator ")):
        Pix2Pix(wrong_generator, discriminator(SHAPE))
    with pytest.raises(InputError, match=one_line("the discriminator ")):
        Pix2Pix(good_generator, wrong_discriminator)
    with pytest.raises(InputError, match=one_line("the discriminator ")):
        encoder_of(wrong_discriminator)


def ending(shape, units, end, out):
    inputs = keras.Input(shape)
    x = keras.layers.Dense(units)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, end(keras.layers.Reshape(out)(x)))


ENDINGS_OUT_OF_RANGE = {
    "sigmoid": keras.layers.Activation("sigmoid"),
    "relu": keras.layers.ReLU(),
    "softmax": keras.layers.Softmax(),
    "softplus": keras.layers.Activation("softplus"),
    "sigmoid as an operation": keras.ops.sigmoid,
    "sigmoid before a reshape": lambda x: keras.layers.Reshape(SHAPE)(
        keras.layers.Dense(1, "sigmoid")(x)
    ),
    "sigmoid in float32": lambda x: keras.layers.Activation("linear", dtype="float32")(
        keras.layers.Activation("sigmoid")(x)
    ),
    "sigmoid of a model": lambda x: keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Activation("sigmoid")]
    )(x),
    "linear": lambda x: x,
    "a convolution": lambda x: keras.layers.Conv2DTranspose(1, 3, padding="same")(x),
    "leaky": keras.layers.LeakyReLU(),
    "a normalization": keras.layers.BatchNormalization(),
    "a convolution of spectral norm 1": keras.layers.SpectralNormalization(
        keras.layers.Conv2D(1, 3, padding="same")
    ),
    "sigmoid in a wrapper": keras.layers.TimeDistributed(keras.layers.Dense(1, "sigmoid")),
    "sigmoid, pooled and padded": lambda x: keras.layers.ZeroPadding2D(4)(
        keras.layers.AveragePooling2D(2)(keras.layers.Activation("sigmoid")(x))
    )[:, 2:-2, 2:-2],
    "sigmoid, joined": lambda x: keras.layers.Concatenate(axis=1)(
        [keras.layers.Activation("sigmoid")(half) for half in (x[:, :4], x[:, 4:])]
    ),
}
ENDINGS_IN_RANGE = {
    "tanh": keras.layers.Activation("tanh"),
    "tanh as an operation": keras.ops.tanh,
    "tanh, cropped": lambda x: keras.layers.Cropping2D(0)(keras.layers.Activation("tanh")(x)),
    "softsign": keras.layers.Activation("softsign"),
    "clipped": lambda x: keras.ops.clip(x, -1, 1),
    "tanh of spectral norm 1": keras.layers.SpectralNormalization(keras.layers.Dense(1, "tanh")),
    "a sigmoid, stretched": lambda x: 2 * keras.ops.sigmoid(x) - 1,
}


@pytest.mark.parametrize("end", ENDINGS_OUT_OF_RANGE)
def test_generators_that_leave_the_range(end):
    wrong = ending(LATENTS, 64, ENDINGS_OUT_OF_RANGE[end], SHAPE)
    with pytest.raises(InputError, match=one_line(r"generator must give images in \[-1, 1\]")):
        GAN(wrong, discriminator())
    wrong = ending(SHAPE, 64, ENDINGS_OUT_OF_RANGE[end], SHAPE)
    with pytest.raises(InputError, match=one_line(r"generator must give images in \[-1, 1\]")):
        Pix2Pix(wrong, discriminator(SHAPE))
    for pair in ((wrong, generator(SHAPE)), (generator(SHAPE), wrong)):
        with pytest.raises(InputError, match=one_line(r"generator_.. must give images")):
            CycleGAN(*pair, discriminator(), discriminator())


@pytest.mark.parametrize("end", ENDINGS_IN_RANGE)
def test_generators_that_keep_the_range(end):
    GAN(ending(LATENTS, 64, ENDINGS_IN_RANGE[end], SHAPE), discriminator())


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "tanh", "hard_sigmoid", "relu"])
def test_discriminators_that_give_no_logits(activation):
    images, condition = keras.Input(SHAPE), keras.Input(SHAPE)
    wrong = keras.Sequential([keras.Input(SHAPE), *layers_of_discriminator(activation)])
    of_pairs = keras.Model([images, condition], wrong(images + condition))
    for make in (
        lambda: GAN(generator(), wrong),
        lambda: Pix2Pix(generator(SHAPE), of_pairs),
        lambda: CycleGAN(generator(SHAPE), generator(SHAPE), discriminator(), wrong),
    ):
        with pytest.raises(InputError, match=one_line(f"must give logits.*{activation}")):
            make()


@pytest.mark.parametrize("wrap", [keras.layers.SpectralNormalization, keras.layers.TimeDistributed])
def test_activations_in_a_wrapper(wrap):
    images = keras.Input(SHAPE)
    wrong = keras.Model(images, wrap(keras.layers.Dense(1, "sigmoid"))(images))
    with pytest.raises(InputError, match=one_line("must give logits.*sigmoid")):
        GAN(generator(), wrong)


def test_what_a_network_takes():
    condition = LabelCondition(10)
    conditional = keras.Model([images := keras.Input(SHAPE), labels := condition.encoder().input],
                       discriminator()(images))  # fmt: skip
    del labels
    with pytest.raises(InputError, match=one_line("discriminator must have 1 input. Received: 2")):
        GAN(generator(), conditional)
    with pytest.raises(InputError, match=one_line("generator must have 2 inputs. Received: 1")):
        ConditionalGAN(generator(), conditional, condition)
    with pytest.raises(InputError, match=one_line("condition must be a LabelCondition.*int")):
        ConditionalGAN(generator(), conditional, 10)
    two = keras.Model(latents := keras.Input(LATENTS), [generator()(latents)] * 2)
    with pytest.raises(InputError, match=one_line("generator must have 1 output. Received: 2")):
        GAN(two, discriminator())


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_networks_that_end_in_half_precision(policy):
    """Their images and logits are cast, so that penalties and losses are of one dtype."""
    keras.config.set_dtype_policy(policy)
    try:
        gan = GAN(
            keras.Sequential([keras.Input(LATENTS), *layers_of_generator()]),
            keras.Sequential([keras.Input(SHAPE), *layers_of_discriminator()]),
        )
        gan.compile(run_eagerly=True, r2_gamma=1.0, gradient_penalty_weight=1.0)
        logs = gan.train_step({"image": random_images()})
    finally:
        keras.config.set_dtype_policy("float32")
    assert all(np.isfinite(value) for value in logs.values())
    assert gan.generate([0]).dtype == "float32"


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_weights_that_are_not_of_float32(dtype):
    """Their EMAs would stand still, and optimizers count in float32."""
    keras.config.set_dtype_policy(dtype)
    try:
        wrong = keras.Sequential([keras.Input(SHAPE), *layers_of_discriminator()])
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(InputError, match=one_line(f"weights in float32.*Received: {dtype}")):
        GAN(generator(), wrong)


def test_images_of_any_size_have_no_place_in_a_pool():
    def network(channels, activation=None):
        images = keras.Input((None, None, 1))
        x = keras.layers.Conv2D(channels, 3, padding="same", activation=activation)(images)
        return keras.Model(images, x)

    with pytest.raises(InputError, match=one_line("height and the width.*NonexNonex1")):
        CycleGAN(network(1, "tanh"), network(1, "tanh"), network(1), network(1))
