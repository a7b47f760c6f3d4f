"""What both image-to-image families keep, beside what every family does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.models import CycleGAN, Pix2Pix
from tfgan.networks import patch_discriminator, residual_generator, unet_generator
from tfgan.optimizers import LinearDecay
from tfgan.training.checkpoint import Checkpoints

IMAGE_SHAPE = (8, 8, 1)
STEPS = 4


def pix2pix():
    return Pix2Pix(
        unet_generator(IMAGE_SHAPE, input_channels=3, width=4),
        patch_discriminator(IMAGE_SHAPE, condition_channels=3, width=4),
        seed=5,
    )


def masked_pix2pix():
    return Pix2Pix(
        unet_generator(IMAGE_SHAPE, input_channels=2, width=4),
        patch_discriminator(IMAGE_SHAPE, condition_channels=2, width=4),
        masked=True,
        seed=5,
    )


def cyclegan():
    """Its pool is full after the second of the batches of 3."""
    return CycleGAN(
        *(residual_generator(IMAGE_SHAPE, width=4, blocks=1) for _ in range(2)),
        *(patch_discriminator(IMAGE_SHAPE, width=4) for _ in range(2)),
        pool_size=5,
        seed=5,
    )


# Every other family takes as long to trace, and one with four networks longer.
FAMILIES = [
    pix2pix,
    pytest.param(masked_pix2pix, marks=pytest.mark.slow),
    pytest.param(cyclegan, marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=FAMILIES)
def make(request):
    """A function of `compile`'s arguments to a tiny model, the same at every call."""

    def made(generator_optimizer=None, **compile_arguments):
        keras.utils.set_random_seed(3)
        model = request.param()
        rate = LinearDecay(1e-3, constant_steps=2, decay_steps=20)
        model.compile(
            generator_optimizer or keras.optimizers.Adam(rate, beta_1=0.5), **compile_arguments
        )
        return model

    made.channels = 1 if request.param is masked_pix2pix else 3
    return made


def batches(make, steps=STEPS):
    """Whatever either family reads: uniform noise, and masks of a half of the pixels."""
    random = np.random.default_rng(0)

    def noise(channels):
        return random.uniform(-1, 1, (steps, 3, *IMAGE_SHAPE[:2], channels)).astype(np.float32)

    return tf.data.Dataset.from_tensor_slices(
        {
            "image": noise(1),
            "condition": noise(make.channels),
            "mask": (noise(1) > 0).astype(np.float32),
            "image_a": noise(1),
            "image_b": noise(1),
        }
    )


def train(model, dataset):
    for batch in dataset:
        model.train_step(batch)


@pytest.fixture(scope="module")
def straight(make, tmp_path_factory):
    """A model after twice STEPS steps, its values before, in between and then, and its files."""
    folder = tmp_path_factory.mktemp("translation")
    model = make()
    values = [every_value(model)]
    for _ in range(2):
        train(model, batches(make))
        values.append(every_value(model))
        if len(values) == 2:
            model.save(folder / "model.keras")
            Checkpoints(folder, model).save(seconds=1.0)
    return model, values, folder


def values_of(variables):
    return [np.array(variable) for variable in variables]


def every_value(model):
    """All that training changes but the metrics, which `fit` resets."""
    optimizers = [getattr(model, name) for name in model.optimizers]
    return values_of(
        [*model.weights, *(variable for one in optimizers for variable in one.variables)]
    )


def assert_equal(left, right):
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one, other)


def test_all_that_training_changes_is_among_the_weights(make):
    model = make()
    weights = {id(weight) for weight in model.weights}
    owners = [network for pair in model.ema_pairs() for network in pair]
    owners += [getattr(model, name) for name in model.networks]
    if isinstance(model, CycleGAN):
        owners += [model.pool_a, model.pool_b]
    assert {id(weight) for owner in owners for weight in owner.weights} < weights
    assert id(model.step) in weights


def test_one_trace_changes_all(straight):
    model, (initial, middle, _), _ = straight
    assert model.train_step.experimental_get_tracing_count() == 1
    # Behind the weights come the optimizers' values, and rates stay.
    for weight, old, new in zip(model.weights, initial, middle):
        assert not np.array_equal(old, new), weight.path


@pytest.mark.slow
def test_a_keras_file_goes_on_alike(make, straight):
    model, (_, middle, last), folder = straight
    reloaded = keras.saving.load_model(folder / "model.keras")
    assert reloaded.get_compile_config() == model.get_compile_config()
    assert_equal(every_value(reloaded), middle)
    train(reloaded, batches(make))
    assert_equal(every_value(reloaded), last)


def test_a_checkpoint_goes_on_alike(make, straight):
    _, (_, _, last), folder = straight
    resumed = make()
    assert Checkpoints(folder, resumed).restore() == STEPS
    train(resumed, batches(make))
    assert_equal(every_value(resumed), last)


def test_evaluating_changes_nothing(make, straight):
    model, (_, _, last), _ = straight
    first = model.evaluate(batches(make), verbose=0)
    assert first == model.evaluate(batches(make), verbose=0) > 0
    assert_equal(every_value(model), last)


def test_the_emas_follow_with_a_growing_decay(make, straight):
    model, _, _ = straight
    for batch in batches(make, 2):
        step = int(model.step)
        emas = [values_of(ema.weights) for ema, _ in model.ema_pairs()]
        model.train_step(batch)
        decay = (1 + step) / (10 + step)
        for before, (ema, network) in zip(emas, model.ema_pairs()):
            for old, new, value in zip(before, ema.weights, network.weights, strict=True):
                expected = decay * old + (1 - decay) * np.array(value)
                np.testing.assert_allclose(new, expected, rtol=1e-4, atol=1e-6)


def test_a_loss_that_is_not_finite_is_named(make, straight):
    model, _, _ = straight
    variables = model.generator_variables + model.discriminator_variables
    before = values_of(variables)
    batch = {key: value * np.nan for key, value in next(iter(batches(make))).items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"non-finite (gen|discrim)\w* loss"):
        model.train_step(batch)
    assert_equal(before, values_of(variables))


@pytest.mark.slow
def test_in_mixed_precision_the_emas_and_the_losses_are_float32(make):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make()
    finally:
        keras.config.set_dtype_policy("float32")
    logs = [model.train_step(batch) for batch in batches(make, 2)][-1]
    assert all(np.isfinite(value) and value.dtype == tf.float32 for value in logs.values())
    for ema, network in model.ema_pairs():
        dtypes = [
            {layer.compute_dtype for layer in one.layers if layer.weights} for one in (ema, network)
        ]
        assert dtypes[0] == {"float32"} and "bfloat16" in dtypes[1]
