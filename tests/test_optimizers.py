"""Adam in one operation does what Keras' does in twelve."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.optimizers import Adam

STEPS = 5


def trained(optimizer, gradients):
    """A weight [40, 3] after an update for each of `gradients`, in a graph."""
    weight = keras.Variable(np.linspace(-1, 1, 120, dtype=np.float32).reshape(40, 3))
    optimizer.build([weight])
    update = tf.function(lambda gradient: optimizer.apply([gradient], [weight]))
    for gradient in gradients:
        update(gradient)
    return weight.numpy()


def random_gradients():
    rng = np.random.default_rng(0)
    # From tiny to large, where epsilon and the correction of the bias each count.
    scales = np.float32(10.0) ** rng.uniform(-9, 2, (40, 3)).astype(np.float32)
    return [tf.constant(rng.normal(size=(40, 3)).astype(np.float32) * scales) for _ in range(STEPS)]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8},
        {"weight_decay": 0.1, "clipnorm": 1.0},
        {"amsgrad": True},
        {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.02, 2, 0.5)},
    ],
    ids=["defaults", "without momentum", "decay and clipping", "amsgrad", "schedule"],
)
def test_is_kerass(arguments):
    arguments = {"learning_rate": 0.01} | arguments
    ours = trained(Adam(**arguments), random_gradients())
    theirs = trained(keras.optimizers.Adam(**arguments), random_gradients())
    start = np.linspace(-1, 1, 120, dtype=np.float32).reshape(40, 3)
    assert np.abs(theirs - start).max() > 0.01
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-7)


@pytest.mark.parametrize(
    "arguments",
    [
        {"gradient_accumulation_steps": 2},
        {"use_ema": True, "ema_overwrite_frequency": 2},
        {"loss_scale_factor": 2.0},
        {"global_clipnorm": 0.1},
        {"clipvalue": 0.1},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_is_kerass_with_every_option(arguments):
    ours, theirs = (
        trained(optimizer(0.01, **arguments), random_gradients())
        for optimizer in (Adam, keras.optimizers.Adam)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-7)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
def test_is_kerass_in_every_dtype(dtype):
    def moved(optimizer):
        weight = keras.Variable(np.linspace(-1, 1, 12).reshape(4, 3), dtype=dtype)
        optimizer.build([weight])
        for seed in range(3):
            gradient = np.random.default_rng(seed).normal(size=(4, 3))
            optimizer.apply([tf.cast(gradient, dtype)], [weight])
        return tf.cast(weight.value, "float64")

    np.testing.assert_array_equal(moved(Adam(0.01)), moved(keras.optimizers.Adam(0.01)))


def test_takes_the_gradient_of_an_embedding():
    rows = tf.IndexedSlices(tf.ones([2, 3]), tf.constant([1, 4]), dense_shape=tf.constant([40, 3]))
    ours, theirs = (
        trained(optimizer(0.01), [rows] * STEPS) for optimizer in (Adam, keras.optimizers.Adam)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-7)


def test_comes_back_from_its_configuration():
    optimizer = Adam(0.02, beta_1=0.3, beta_2=0.7, epsilon=1e-3)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is Adam
    assert copy.get_config() == optimizer.get_config()
