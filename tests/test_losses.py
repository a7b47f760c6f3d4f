"""`tfgan.losses`: each loss against plain arithmetic, its direction, and its lookup by name."""

from math import exp, log

import numpy as np
import pytest
import tensorflow as tf

from tfgan import losses
from tfgan.errors import InputError

REAL = [2.0, -1.0]
FAKE = [0.5, -3.0]


def sigmoid(logit):
    return 1 / (1 + exp(-logit))


def mean(*values):
    return sum(values) / len(values)


CROSS_ENTROPY = mean(-log(sigmoid(2.0)), -log(sigmoid(-1.0))) + mean(
    -log(1 - sigmoid(0.5)), -log(1 - sigmoid(-3.0))
)
# What each network minimizes at REAL and FAKE, (discriminator, generator), written out.
EXPECTED = {
    "non_saturating": (CROSS_ENTROPY, mean(-log(sigmoid(0.5)), -log(sigmoid(-3.0)))),
    "minimax": (CROSS_ENTROPY, mean(log(1 - sigmoid(0.5)), log(1 - sigmoid(-3.0)))),
    "least_squares": (
        mean((2.0 - 1) ** 2, (-1.0 - 1) ** 2) / 2 + mean(0.5**2, (-3.0) ** 2) / 2,
        mean((0.5 - 1) ** 2, (-3.0 - 1) ** 2) / 2,
    ),
    # max(0, 1 - 2) = 0 and max(0, 1 - 3) = 0: one logit of each kind is beyond its margin.
    "hinge": (mean(0, 1 + 1.0) + mean(1 + 0.5, 0), -mean(0.5, -3.0)),
    "wasserstein": (mean(0.5, -3.0) - mean(2.0, -1.0), -mean(0.5, -3.0)),
    "relativistic": (
        mean(-log(sigmoid(2.0 - 0.5)), -log(sigmoid(-1.0 + 3.0))),
        mean(-log(sigmoid(0.5 - 2.0)), -log(sigmoid(-3.0 + 1.0))),
    ),
}
every_loss = pytest.mark.parametrize("name", EXPECTED)


def test_the_expected_values_cover_every_loss():
    assert set(EXPECTED) == set(losses.LOSSES)


@every_loss
def test_a_graph_computes_the_same(name):
    for network, expected in zip(("discriminator", "generator"), EXPECTED[name], strict=True):
        in_graph = tf.function(getattr(losses.get(name), network))
        assert float(in_graph(tf.constant(REAL), tf.constant(FAKE))) == pytest.approx(expected)


@every_loss
@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 3, 5, 1)])
def test_values_are_means_over_all_logits(name, shape):
    # Each logit stands at every place of its map, so the mean is that of the two logits.
    maps = [
        tf.constant(np.broadcast_to(np.reshape(logits, (2,) + (1,) * (len(shape) - 1)), shape))
        for logits in (REAL, FAKE)
    ]
    for network, expected in zip(("discriminator", "generator"), EXPECTED[name], strict=True):
        actual = getattr(losses.get(name), network)(*maps)
        assert (actual.shape, actual.dtype) == ((), tf.float64)
        assert float(actual) == pytest.approx(expected, abs=1e-12), network


@every_loss
@pytest.mark.parametrize("real", [-1000.0, 1000.0])
@pytest.mark.parametrize("fake", [-1000.0, 1000.0])
def test_values_and_gradients_are_finite_at_extreme_logits(name, real, fake):
    logits = (tf.constant([real]), tf.constant([fake]))
    for function in losses.get(name):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = function(*logits)
        gradients = tape.gradient(value, logits, unconnected_gradients="zero")
        assert np.isfinite(value)
        assert np.isfinite(gradients).all()


def gradients_of(function):
    """d function / d (real, fake) where no margin and no target is passed; zero if independent."""
    logits = (tf.constant([0.3, -0.5]), tf.constant([0.2, 0.6]))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = function(*logits)
    return tape.gradient(value, logits, unconnected_gradients="zero")


@every_loss
def test_the_discriminator_raises_real_logits_and_lowers_fake_ones(name):
    real, fake = gradients_of(losses.get(name).discriminator)
    # Descent moves against the gradient.
    assert (real.numpy() < 0).all()
    assert (fake.numpy() > 0).all()


@every_loss
def test_the_generator_raises_fake_logits(name):
    real, fake = gradients_of(losses.get(name).generator)
    assert (fake.numpy() < 0).all()
    if name == "relativistic":
        # It gains as much by real ones that look less real, pair by pair.
        np.testing.assert_allclose(real, -fake.numpy())
    else:
        assert not real.numpy().any()


def test_only_the_saturating_generator_loses_its_gradient_where_fakes_are_rejected():
    fake = tf.constant([-20.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(fake)
        values = {name: losses.get(name).generator(fake + 20.0, fake) for name in EXPECTED}
    slopes = {
        name: abs(float(tape.gradient(value, fake)[0]))
        for name, value in values.items()
        if name != "relativistic"
    }
    assert slopes.pop("minimax") < 1e-6
    assert all(slope > 0.9 for slope in slopes.values())


def test_the_relativistic_loss_compares_pairs():
    # Re-pairing the fakes leaves every other loss as it was.
    real, fake, repaired = tf.constant(REAL), tf.constant(FAKE), tf.constant(FAKE[::-1])
    for name in EXPECTED:
        for function in losses.get(name):
            same = np.isclose(function(real, fake), function(real, repaired))
            assert same == (name != "relativistic")


def test_get_takes_a_name_or_a_pair():
    for name, pair in losses.LOSSES.items():
        assert losses.get(name) is pair
        assert losses.name_of(pair) == name
    own = losses.AdversarialLoss(lambda real, fake: 0.0, lambda real, fake: 0.0)
    assert losses.get(own) is own


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError) as error:
        losses.get("hindge")
    assert "'hindge'" in str(error.value)
    assert all(name in str(error.value) for name in EXPECTED)
    assert "\n" not in str(error.value)


def test_a_pair_of_ones_own_has_no_name():
    pair = losses.AdversarialLoss(losses.hinge_discriminator, losses.minimax_generator)
    with pytest.raises(InputError, match=r"losses\.LOSSES"):
        losses.name_of(pair)
