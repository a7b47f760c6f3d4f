"""`tfgan.networks.recurrent`: rows in their order, and derivatives of derivatives through a GRU."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import make_gan, random_batch

from tfgan.models.base import float32_twin
from tfgan.networks import (
    label_encoder,
    precision,
    recurrent,
    recurrent_discriminator,
    recurrent_generator,
)
from tfgan.penalties import r1

LATENT_DIM = 5
any_loop = pytest.mark.parametrize("unroll", [True, False], ids=["unrolled", "loop"])


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def gru_of(network):
    (gru,) = (layer for layer in network.layers if isinstance(layer, keras.layers.GRU))
    return gru


def looped(monkeypatch, unroll):
    monkeypatch.setattr(recurrent, "MOST_ROWS_UNROLLED", 1000 if unroll else 0)


def in_float64(network):
    """The same network and weights, computed in float64."""
    twin = keras.models.clone_model(
        network,
        input_tensors=keras.Input(network.input_shape[1:], dtype="float64"),
        clone_function=lambda layer: layer.from_config(layer.get_config() | {"dtype": "float64"}),
    )
    twin.set_weights(network.get_weights())
    return twin


def test_the_generator_writes_from_top_to_bottom():
    generator = recurrent_generator((7, 6, 2), LATENT_DIM, width=8)
    latents = normal(3, LATENT_DIM)
    before = generator(latents).numpy()
    (views,) = (layer for layer in generator.layers if layer.output.shape[1:] == (7 * 2,))
    kernel = views.kernel.numpy()
    # What the fourth row reads of the latents, 2 numbers.
    kernel[:, 6:8] *= -1.0
    views.kernel.assign(kernel)
    differs = np.abs(generator(latents) - before).max(axis=(0, 2, 3)) > 0
    np.testing.assert_array_equal(differs, np.arange(7) >= 3)


def test_the_discriminator_reads_from_top_to_bottom():
    discriminator = recurrent_discriminator((7, 6, 2), width=4)
    states = keras.Model(discriminator.input, gru_of(discriminator).output)
    images = normal(1, 7, 6, 2)
    changed = images.copy()
    changed[:, 3] *= -1.0
    differs = np.abs(states(images) - states(changed)).max(axis=(0, 2)) > 0
    np.testing.assert_array_equal(differs, np.arange(7) >= 3)


def test_both_ways_of_going_through_the_rows_agree(monkeypatch):
    for build, inputs in (
        (lambda: recurrent_generator((9, 6, 2), LATENT_DIM, width=4), normal(3, LATENT_DIM)),
        (lambda: recurrent_discriminator((9, 6, 2), width=4), normal(3, 9, 6, 2)),
    ):
        networks = []
        for unroll in (True, False):
            looped(monkeypatch, unroll)
            networks.append(build())
            assert gru_of(networks[-1]).unroll == unroll
        networks[1].set_weights(networks[0].get_weights())
        unrolled, loop = (tf.function(network)(inputs) for network in networks)
        np.testing.assert_allclose(loop, unrolled, atol=1e-6)


@pytest.mark.parametrize(
    "unroll",
    [pytest.param(True, marks=pytest.mark.slow), False],
    ids=["unrolled", "loop"],
)
def test_r1_and_its_gradient_against_finite_differences(unroll, monkeypatch):
    looped(monkeypatch, unroll)
    discriminator = in_float64(recurrent_discriminator((4, 3, 2), width=3))
    weights = discriminator.trainable_variables
    images = tf.constant(normal(2, 4, 3, 2), tf.float64)

    @tf.function
    def penalty_and_gradients():
        with tf.GradientTape() as tape:
            penalty = r1(discriminator, images)
        return penalty, tape.gradient(penalty, weights)

    step = 1e-5
    squared_norms = []
    for image in images.numpy():
        nudges = step * np.eye(image.size).reshape(-1, *image.shape)
        rises = discriminator(image + nudges).numpy() - discriminator(image - nudges).numpy()
        squared_norms.append(np.sum((rises / (2 * step)) ** 2))
    penalty, gradients = penalty_and_gradients()
    assert float(penalty) == pytest.approx(np.mean(squared_norms), rel=1e-6)

    rng = np.random.default_rng(1)
    for weight, gradient in zip(weights, gradients):
        if weight.path.endswith("logits/bias"):
            # Adding to the logit moves no slope.
            assert gradient is None
            continue
        value, direction = weight.numpy(), rng.normal(size=weight.shape)
        penalties = []
        for sign in (1, -1):
            weight.assign(value + sign * step * direction)
            penalties.append(float(penalty_and_gradients()[0]))
        weight.assign(value)
        rise = (penalties[0] - penalties[1]) / (2 * step)
        assert np.sum(gradient * direction) == pytest.approx(rise, rel=1e-5, abs=1e-9), weight.path


def test_a_copy_keeps_away_from_cudnn(tmp_path):
    generator = recurrent_generator((40, 3, 1), LATENT_DIM, width=2)
    generator.save(tmp_path / "generator.keras")
    for copy in (
        generator,
        float32_twin(generator),
        keras.models.load_model(tmp_path / "generator.keras"),
    ):
        # cuDNN takes a GRU with biases only.
        assert gru_of(copy).use_bias is False


@pytest.mark.parametrize("conditioning", ["projection", "concatenation"])
def test_a_condition_changes_images_and_logits(conditioning):
    conditional = [{"condition": label_encoder(3), "conditioning": conditioning} for _ in range(2)]
    generator = recurrent_generator((5, 4, 2), LATENT_DIM, width=4, **conditional[0])
    discriminator = recurrent_discriminator((5, 4, 2), width=4, **conditional[1])
    generator.set_weights(
        [weight + 0.1 * normal(*weight.shape) for weight in generator.get_weights()]
    )
    labels = np.arange(3, dtype=np.int32)
    images = generator([np.repeat(normal(1, LATENT_DIM), 3, axis=0), labels]).numpy()
    logits = discriminator([np.repeat(normal(1, 5, 4, 2), 3, axis=0), labels]).numpy()
    assert (images.shape, logits.shape) == ((3, 5, 4, 2), (3, 1))
    assert np.abs(images[0] - images[1]).max() > 1e-4
    assert len(np.unique(logits)) == 3


@pytest.mark.slow
@any_loop
def test_a_step_in_mixed_precision(unroll, monkeypatch):
    looped(monkeypatch, unroll)
    keras.config.set_dtype_policy(precision.dtype_policy("bfloat16"))
    try:
        gan = make_gan(
            generator=recurrent_generator((8, 8, 1), 6, width=4),
            discriminator=recurrent_discriminator((8, 8, 1), width=4),
        )
    finally:
        keras.config.set_dtype_policy("float32")
    logs = gan.train_step(random_batch())
    assert all(np.isfinite(value) for value in logs.values())
    for network in (gan.generator, gan.discriminator):
        assert gru_of(network).cell.compute_dtype == "bfloat16"
        assert {variable.dtype for variable in network.trainable_variables} == {"float32"}
        assert network.outputs[0].dtype == "float32"
    assert gru_of(gan.ema_generator).cell.compute_dtype == "float32"
