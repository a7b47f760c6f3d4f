import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.errors import InputError
from tfgan.models import CycleGAN
from tfgan.models.cyclegan import ImagePool
from tfgan.networks import patch_discriminator, residual_generator

SIZE = (9, 8)


def make(channels_a=1, channels_b=1, pool_size=50, **compile_arguments):
    keras.utils.set_random_seed(3)
    shape_a, shape_b = (*SIZE, channels_a), (*SIZE, channels_b)
    model = CycleGAN(
        residual_generator(shape_b, input_channels=channels_a, width=4, blocks=1),
        residual_generator(shape_a, input_channels=channels_b, width=4, blocks=1),
        patch_discriminator(shape_a, width=4),
        patch_discriminator(shape_b, width=4),
        pool_size=pool_size,
        seed=5,
    )
    model.compile(**compile_arguments)
    return model


@functools.cache
def made(channels_a, channels_b):
    """A model that no test trains."""
    return make(channels_a, channels_b)


def random_images(channels=1, num=3, seed=0):
    images = np.random.default_rng(seed).uniform(-1, 1, (num, *SIZE, channels))
    return tf.constant(images, tf.float32)


def make_batch():
    return {"image_a": random_images(num=6), "image_b": random_images(num=6, seed=1)}


def mean_abs(values):
    return tf.reduce_sum(tf.abs(values)) / np.prod(values.shape)


def mean_square(values):
    return tf.reduce_sum(values**2) / np.prod(values.shape)


def apart(model):
    """The model with EMAs far from its generators."""
    for ema, network in model.ema_pairs():
        network.set_weights([2 * weight for weight in network.get_weights()])
        assert not np.allclose(ema(random_images()), network(random_images()), atol=1e-4)
    return model


def after_exchange(pool, images, seed):
    """Fills a pool, and returns what it will give for the images, some of them others."""
    state = [random_images(num=2, seed=7).numpy(), np.array(2, np.int32)]
    pool.set_weights(state)
    returned = pool.exchange(images, seed)
    num_exchanged = np.any(returned != images, axis=(1, 2, 3)).sum()
    assert 0 < num_exchanged < len(images)
    pool.set_weights(state)
    return returned


@pytest.mark.slow
def test_all_four_networks_move_by_plain_gradients():
    """One step of SGD written out by hand, each cycle term reaching both generators."""
    rate, cycle_weight, identity_weight = 0.1, 3.0, 2.0
    model = make(
        pool_size=2,
        cycle_weight=cycle_weight,
        identity_weight=identity_weight,
        generator_optimizer=keras.optimizers.SGD(rate),
        discriminator_optimizer=keras.optimizers.SGD(rate),
    )
    batch = make_batch()
    a, b = batch["image_a"], batch["image_b"]
    g, f = model.generator_ab, model.generator_ba
    d_a, d_b = model.discriminator_a, model.discriminator_b
    fake_a, fake_b = f(b), g(a)
    pooled_a = after_exchange(model.pool_a, fake_a, model.step_seed(purpose=1))
    pooled_b = after_exchange(model.pool_b, fake_b, model.step_seed(purpose=2))
    with tf.GradientTape(persistent=True) as tape:
        adversarial = mean_square(d_b(g(a)) - 1) + mean_square(d_a(f(b)) - 1)
        cycles = [mean_abs(f(g(a)) - a), mean_abs(g(f(b)) - b)]
        identity = mean_abs(g(b) - b) + mean_abs(f(a) - a)
        objective = adversarial + cycle_weight * sum(cycles) + identity_weight * identity
        loss_a = (mean_square(d_a(a) - 1) + mean_square(d_a(pooled_a))) / 2
        loss_b = (mean_square(d_b(b) - 1) + mean_square(d_b(pooled_b))) / 2
    objectives = {g: objective, f: objective, d_a: loss_a, d_b: loss_b}
    for cycle in cycles:
        for generator in (g, f):
            gradient = tape.gradient(cycle, generator.trainable_variables)
            # Far more than what the comparison below lets pass.
            assert rate * cycle_weight * tf.linalg.global_norm(gradient) > 1e-3
    expected = []
    for network, objective in objectives.items():
        variables = network.trainable_variables
        gradients = tape.gradient(objective, variables)
        expected += [value - rate * gradient for value, gradient in zip(variables, gradients)]
    logs = model.train_step(batch)
    moved = model.generator_variables + model.discriminator_variables
    for value, variable in zip(expected, moved, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-3, atol=1e-5, err_msg=variable.path)
    for name, value in {
        "generator_loss": adversarial,
        "cycle_loss": sum(cycles),
        "identity_loss": identity,
        "discriminator_loss": loss_a + loss_b,
    }.items():
        assert float(logs[name]) == pytest.approx(float(value), rel=1e-4), name


@pytest.mark.slow
def test_losses_between_gray_and_color_of_networks_whose_output_is_known():
    """Generators of gray alone, discriminators that say 3 and 0 to every patch."""
    model = make(1, 3)
    for name in model.networks:
        network = getattr(model, name)
        network.set_weights([np.zeros_like(weight) for weight in network.get_weights()])
    model.discriminator_a.trainable_variables[-1].assign([3.0])
    batch = {"image_a": random_images(1), "image_b": random_images(3)}
    logs = model.train_step(batch)
    brightness = sum(np.abs(images).mean() for images in batch.values())
    assert float(logs["generator_loss"]) == pytest.approx((3 - 1) ** 2 + (0 - 1) ** 2)
    assert float(logs["discriminator_loss"]) == pytest.approx((2**2 + 3**2) / 2 + (1 + 0) / 2)
    assert float(logs["cycle_loss"]) == pytest.approx(brightness, rel=1e-5)
    assert model.identity_weight == float(logs["identity_loss"]) == 0
    assert model.a_to_b((batch["image_a"] + 1) / 2).shape == (3, *SIZE, 3)
    assert model.b_to_a((batch["image_b"] + 1) / 2).shape == (3, *SIZE, 1)


def test_the_published_defaults():
    model = make()
    assert (model.cycle_weight, model.identity_weight, model.pool_size) == (10.0, 5.0, 50)
    assert make(cycle_weight=4.0).identity_weight == 2.0
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.999)


def test_the_emas_translate_each_image_on_its_own():
    model = apart(make())
    images = (random_images(num=7) + 1) / 2
    for translate, ema in (
        (model.a_to_b, model.ema_generator_ab),
        (model.b_to_a, model.ema_generator_ba),
    ):
        together = translate(images).numpy()
        assert together.min() >= 0 and together.max() <= 1
        np.testing.assert_allclose(together, (ema(2 * images - 1) + 1) / 2, atol=1e-6)
        np.testing.assert_allclose(translate(images[3:4])[0], together[3], atol=1e-6)
    np.testing.assert_array_equal(model(random_images()), model.ema_generator_ab(random_images()))


def test_evaluate_reports_the_emas_cycle_losses():
    model, batch = apart(make()), make_batch()
    ab, ba = model.ema_generator_ab, model.ema_generator_ba
    a, b = batch.values()
    expected = mean_abs(ba(ab(a)) - a) + mean_abs(ab(ba(b)) - b)
    reported = model.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0)
    assert reported == pytest.approx(float(expected), rel=1e-5)


def numbered(first, num):
    """Images of one pixel that each hold a number of their own."""
    return tf.reshape(tf.range(first, first + num, dtype=tf.float32), (num, 1, 1, 1))


def exchanged(pool, images, *seed):
    return pool.exchange(images, tf.constant(seed, tf.int64)).numpy().ravel()


def test_the_first_images_come_back_at_once_and_are_kept():
    pool = ImagePool((1, 1, 1), size=5)
    np.testing.assert_array_equal(exchanged(pool, numbered(1, 3), 0, 0), [1, 2, 3])
    assert int(pool.count) == 3
    np.testing.assert_array_equal(exchanged(pool, numbered(4, 2), 0, 1), [4, 5])
    np.testing.assert_array_equal(pool.images.numpy().ravel(), [1, 2, 3, 4, 5])


def test_of_a_full_pool_half_the_images_come_back_in_exchange():
    pool = ImagePool((1, 1, 1), size=50)
    exchanged(pool, numbered(0, 50), 0, 0)
    exchange, num_exchanged, places = tf.function(pool.exchange), 0, set()
    for step in range(40):
        before, new = pool.images.numpy().ravel(), np.arange(100, 120) + 20.0 * step
        returned = (
            exchange(numbered(new[0], 20), tf.constant([0, 1 + step], tf.int64)).numpy().ravel()
        )
        after = pool.images.numpy().ravel()
        # Nothing is lost, nothing is doubled, and what came back as it was is not kept.
        assert sorted([*before, *new]) == sorted([*returned, *after])
        num_exchanged += np.sum(returned != new)
        places |= set(np.flatnonzero(before != after))
    # 800 draws: five standard deviations are 71.
    assert abs(num_exchanged - 400) < 71
    assert places == set(range(50))
    assert int(pool.count) == 50


def test_the_draws_follow_from_the_seed():
    results = []
    for seed in (3, 3, 4):
        pool = ImagePool((1, 1, 1), size=8)
        exchanged(pool, numbered(0, 8), 0, 0)
        results.append(exchanged(pool, numbered(8, 32), 0, seed))
    np.testing.assert_array_equal(results[0], results[1])
    assert np.any(results[0] != results[2])


def test_no_gradient_goes_through_the_pool():
    pool = ImagePool((1, 1, 1), size=4)
    images = numbered(0, 2)
    with tf.GradientTape() as tape:
        tape.watch(images)
        returned = pool.exchange(images, tf.constant([0, 0], tf.int64))
    assert tape.gradient(returned, images) is None


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda: made(1, 3).compile(cycle_weight=-1),
            r"cycle_weight must be at least 0\. Received: -1",
        ),
        (
            lambda: made(1, 3).compile(identity_weight=-2),
            r"identity_weight must be at least 0\. Received: -2",
        ),
        (
            lambda: made(1, 3).compile(identity_weight=1.0),
            r"identity_weight must be 0 between.*Received: 1\.0 for 9x8x1 -> 9x8x3",
        ),
        (lambda: make(pool_size=0), r"pool_size must be at least 1\. Received: 0"),
        (
            lambda: made(1, 3).a_to_b(np.zeros((2, *SIZE, 3))),
            r"images must be of shape \[N, 9, 8, 1\]\. Received: \(2, 9, 8, 3\)",
        ),
        (
            lambda: made(1, 3).b_to_a(np.zeros((2, *SIZE, 1))),
            r"images must be of shape \[N, 9, 8, 3\]\. Received: \(2, 9, 8, 1\)",
        ),
        (
            lambda: CycleGAN(
                *(residual_generator((8, 8, 1), width=1) for _ in range(2)),
                patch_discriminator((8, 8, 1), width=1),
                patch_discriminator((8, 8, 3), width=1),
            ),
            r"A to B 8x8x1 -> 8x8x1.*of B 8x8x3 -> 4x4x1",
        ),
    ],
)
def test_bad_input_in_one_line(act, message):
    with pytest.raises(InputError, match=message) as raised:
        act()
    assert "\n" not in str(raised.value)
