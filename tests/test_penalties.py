"""`tfgan.penalties` against closed forms and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.penalties import gradient_penalty, r1, r2

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(-1, 1, (3, 4, 5, 2))
WEIGHTS = RANDOM.normal(size=(4, 5, 2))


def linear(images, training):
    """D(x) = <w, x>, [N, 1]."""
    return tf.reduce_sum(images * WEIGHTS, axis=[1, 2, 3])[:, None]


def linear_map(images, training):
    """The same in a map of one logit per pixel and channel, [N, H, W, C]: D is their sum."""
    return images * WEIGHTS


@pytest.mark.parametrize("discriminator", [linear, linear_map])
@pytest.mark.parametrize("count", [1, 3])
def test_a_linear_discriminator_has_the_squared_norm_of_its_weights(discriminator, count):
    # Summed over height, width and channels, averaged over images: the same for 1 and 3.
    penalty = r1(discriminator, tf.constant(IMAGES[:count]))
    assert (penalty.shape, penalty.dtype) == ((), tf.float64)
    assert float(penalty) == pytest.approx(np.sum(WEIGHTS**2), rel=1e-12)


def test_a_quadratic_discriminator_and_its_gradient():
    # D(x) = a |x|^2 / 2 has the gradient a x, so R1 = a^2 E|x|^2 and dR1/da = 2 a E|x|^2.
    a = tf.Variable(-1.7, dtype=tf.float64)
    mean_square = np.mean(np.sum(IMAGES**2, axis=(1, 2, 3)))
    with tf.GradientTape() as tape:
        penalty = r1(
            lambda images, training: 0.5 * a * tf.reduce_sum(images**2, axis=[1, 2, 3]),
            tf.constant(IMAGES),
        )
    assert float(penalty) == pytest.approx(1.7**2 * mean_square, rel=1e-12)
    assert float(tape.gradient(penalty, a)) == pytest.approx(-2 * 1.7 * mean_square, rel=1e-12)


def test_a_convolutional_network_against_finite_differences():
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((4, 5, 2), dtype="float64"),
            keras.layers.Conv2D(3, 3, strides=2, activation="tanh", dtype="float64"),
            keras.layers.Flatten(dtype="float64"),
            keras.layers.Dense(1, dtype="float64"),
        ]
    )
    step = 1e-5
    squared_norms = []
    for image in IMAGES:
        nudges = step * np.eye(image.size).reshape(-1, *image.shape)
        rises = network(image + nudges).numpy() - network(image - nudges).numpy()
        squared_norms.append(np.sum((rises / (2 * step)) ** 2))
    assert float(r1(network, tf.constant(IMAGES))) == pytest.approx(
        np.mean(squared_norms), rel=1e-7
    )


def test_a_flat_discriminator_costs_nothing_and_keeps_finite_gradients():
    weights = tf.Variable(tf.zeros((4, 5, 2), tf.float64))
    with tf.GradientTape() as tape:
        penalty = r1(lambda images, training: images * weights, tf.constant(IMAGES))
    assert float(penalty) == 0.0
    # The slope of a norm, which is not squared, would be NaN here.
    np.testing.assert_array_equal(tape.gradient(penalty, weights), np.zeros((4, 5, 2)))


def test_the_discriminator_is_called_as_in_training():
    modes = []

    def discriminator(images, training):
        modes.append(training)
        return images

    r1(discriminator, tf.constant(IMAGES))
    assert modes == [True]


def test_r2_is_r1_of_the_generated_images_held_constant():
    # D(x) = |x|^2 / 2: R2 = E|x|^2 at the generated images, which do not feel it.
    fake = tf.Variable(IMAGES)
    with tf.GradientTape() as tape:
        penalty = r2(lambda images, training: 0.5 * images**2, tf.identity(fake))
    expected = np.mean(np.sum(IMAGES**2, axis=(1, 2, 3)))
    assert float(penalty) == pytest.approx(expected, rel=1e-12)
    assert tape.gradient(penalty, fake) is None


def test_the_gradient_penalty_of_a_linear_discriminator():
    # Its slope is |w| everywhere, so the penalty is (|w| - 1)^2 wherever the points lie.
    slope = np.sqrt(np.sum(WEIGHTS**2))
    for scale in (1.0, 1.0 / slope, 0.2 / slope):
        penalty = gradient_penalty(
            lambda images, training, scale=scale: linear(scale * images, training),
            tf.constant(IMAGES),
            tf.constant(-IMAGES),
            seed=(1, 2),
        )
        assert float(penalty) == pytest.approx((scale * slope - 1) ** 2, abs=1e-9)


def test_the_gradient_penalty_looks_evenly_between_the_images():
    # D(x) = |x|^2 / 2 has the slope |x|. Between 0 and an image of norm 1 that is alpha or
    # 1 - alpha, and E[(alpha - 1)^2] = 1 / 3; a normal alpha would give 2.
    count = 4000
    ones = tf.fill((count, 2, 2, 1), tf.constant(0.5, tf.float64))
    zeros = tf.zeros_like(ones)
    for real, fake in ((ones, zeros), (zeros, ones)):
        penalty = gradient_penalty(
            lambda images, training: 0.5 * images**2, real, fake, seed=(1, 2)
        )
        # The standard deviation of (alpha - 1)^2 is 0.298.
        assert float(penalty) == pytest.approx(1 / 3, abs=4 * 0.298 / np.sqrt(count))


def test_the_gradient_penalty_draws_by_its_seed():
    def penalty(seed):
        return float(
            gradient_penalty(
                lambda images, training: 0.5 * images**2,
                tf.constant(IMAGES),
                tf.constant(-IMAGES),
                seed,
            )
        )

    assert penalty((1, 2)) == penalty((1, 2)) != penalty((1, 3))


def test_the_gradient_penalty_of_a_flat_discriminator_has_finite_gradients():
    weights = tf.Variable(tf.zeros((4, 5, 2), tf.float64))
    with tf.GradientTape() as tape:
        penalty = gradient_penalty(
            lambda images, training: images * weights,
            tf.constant(IMAGES),
            tf.constant(-IMAGES),
            seed=(1, 2),
        )
    assert float(penalty) == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(tape.gradient(penalty, weights)).all()
