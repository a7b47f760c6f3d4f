import keras
import numpy as np
import pytest

from tfgan.errors import InputError
from tfgan.optimizers import InverseSquareRootDecay, LinearDecay


def test_constant_then_falling_to_zero_and_staying_there():
    rate = LinearDecay(0.2, constant_steps=3, decay_steps=4)
    rates = [float(rate(step)) for step in range(10)]
    np.testing.assert_allclose(rates, [0.2, 0.2, 0.2, 0.2, 0.15, 0.1, 0.05, 0, 0, 0], atol=1e-7)


def test_constant_then_falling_with_the_square_root():
    rate = InverseSquareRootDecay(0.2, constant_steps=4)
    rates = [float(rate(step)) for step in (0, 3, 4, 15, 63, 399)]
    np.testing.assert_allclose(rates, [0.2, 0.2, 0.2 * 0.8**0.5, 0.1, 0.05, 0.02], rtol=1e-6)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert type(again) is InverseSquareRootDecay
    assert again.get_config() == {"learning_rate": 0.2, "constant_steps": 4}


def test_an_optimizer_follows_it_and_saves_it():
    optimizer = keras.optimizers.SGD(LinearDecay(0.5, constant_steps=1, decay_steps=2))
    weight = keras.Variable(0.0)
    moved = []
    for _ in range(4):
        before = float(weight)
        optimizer.apply([np.float32(-1.0)], [weight])
        moved.append(float(weight) - before)
    np.testing.assert_allclose(moved, [0.5, 0.5, 0.25, 0.0], atol=1e-7)
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == optimizer.get_config()


@pytest.mark.parametrize(
    ("steps", "message"),
    [((-1, 1), "constant_steps.*at least 0.*-1"), ((0, 0), "decay_steps.*at least 1.*0")],
)
def test_steps_out_of_range(steps, message):
    with pytest.raises(InputError, match=message):
        LinearDecay(0.1, *steps)


def test_a_square_root_needs_a_step_to_start_from():
    with pytest.raises(InputError, match=r"constant_steps.*at least 1.*0"):
        InverseSquareRootDecay(0.1, 0)
