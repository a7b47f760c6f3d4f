"""`tfgan.penalties`: the R1 penalty against closed forms and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.penalties import r1

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(-1, 1, (3, 4, 5, 2))
WEIGHTS = RANDOM.normal(size=(4, 5, 2))


def linear(images, training):
    """D(x) = <w, x>, [N, 1]."""
    return tf.reduce_sum(images * WEIGHTS, axis=[1, 2, 3])[:, None]


def linear_map(images, training):
    """The same in a map of one logit a pixel and channel, [N, H, W, C]: D is their sum."""
    return images * WEIGHTS


@pytest.mark.parametrize("discriminator", [linear, linear_map])
@pytest.mark.parametrize("count", [1, 3])
def test_a_linear_discriminator_has_the_squared_norm_of_its_weights(discriminator, count):
    # Summed over height, width and channels, averaged over pictures: the same for 1 and 3.
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
