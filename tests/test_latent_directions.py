"""`tfgan.latent.directions`: planted directions, closed forms, other ways to the same answer."""

import keras
import numpy as np
import pytest
from sklearn.model_selection import train_test_split

import tfgan
from tfgan.errors import InputError
from tfgan.latent.directions import (
    activations,
    closed_form_directions,
    component_directions,
    first_kernel,
    orthogonalized,
    random_directions,
    supervised_directions,
)

RANDOM = np.random.default_rng(0)
LATENTS = RANDOM.standard_normal((4000, 8))
# Orthonormal, so each may be planted apart from the others.
PLANTED, _ = np.linalg.qr(RANDOM.standard_normal((8, 8)))


def assert_same_up_to_sign(actual, expected, tolerance):
    cosines = np.abs(np.sum(np.asarray(actual) * expected, axis=-1))
    np.testing.assert_allclose(np.linalg.norm(actual, axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(cosines, 1, atol=tolerance)


def test_the_closed_form_is_the_singular_vectors_of_the_kernel():
    kernel = RANDOM.standard_normal((8, 30)).astype(np.float32)
    found = closed_form_directions(kernel, 5)
    left, sizes, _ = np.linalg.svd(kernel)
    assert_same_up_to_sign(found, left.T[:5], 1e-5)
    np.testing.assert_allclose(np.linalg.norm(found @ kernel, axis=1), sizes[:5], rtol=1e-4)


def test_components_of_a_linear_layer_are_the_closed_form():
    # For standard normal latents the covariance of z A is A^T A.
    kernel = PLANTED @ np.diag([9, 7, 5, 4, 3, 2, 1, 0.5]) @ RANDOM.standard_normal((8, 8))
    found = component_directions(LATENTS @ kernel, LATENTS, 3)
    assert_same_up_to_sign(found, closed_form_directions(kernel, 3), 0.02)


def test_components_are_found_behind_a_nonlinearity():
    features = np.tanh(LATENTS @ PLANTED[:, :2] * [3.0, 0.3]) * [1.0, 2.0]
    found = component_directions(features, LATENTS, 2)
    assert_same_up_to_sign(found, PLANTED[:, :2].T, 0.02)


def test_a_measurement_s_direction_is_its_mean_gradient():
    # f(z) = z0 + 3 tanh(z1) + z2^2 has the mean gradient (1, 3 E[1 - tanh^2], 0) by its symmetry.
    coordinates = LATENTS @ PLANTED
    values = coordinates[:, 0] + 3 * np.tanh(coordinates[:, 1]) + 0.3 * coordinates[:, 2] ** 2
    found, score = supervised_directions(LATENTS, values)
    slope = 3 * np.mean(1 - np.tanh(np.random.default_rng(5).standard_normal(10**6)) ** 2)
    expected = PLANTED[:, :2] @ [1, slope]
    assert found.shape == (1, 8)
    assert_same_up_to_sign(found, expected / np.linalg.norm(expected), 0.01)
    assert found[0] @ expected > 0
    assert 0.7 < score < 1


def test_what_was_not_measured_is_left_out():
    values = LATENTS @ PLANTED[:, 0]
    values[::2] = np.nan
    (found,), score = supervised_directions(LATENTS, values)
    assert_same_up_to_sign(found, PLANTED[:, 0], 1e-6)
    assert score == pytest.approx(1)


@pytest.mark.parametrize("num_classes", [2, 4])
def test_a_class_s_direction_raises_its_logit(num_classes):
    logits = LATENTS @ PLANTED[:, :num_classes]
    classes = logits.argmax(axis=1)
    unread = np.where(np.arange(4000) % 5 == 0, -1, classes)
    found, score = supervised_directions(LATENTS, unread)
    centered = np.eye(num_classes) - 1 / num_classes
    expected = (PLANTED[:, :num_classes] @ centered).T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert found.shape == (num_classes, 8)
    np.testing.assert_allclose(np.sum(found * expected, axis=1), 1, atol=0.02)
    assert score > 0.95


def test_what_does_not_depend_on_the_latents_scores_nothing():
    _, score = supervised_directions(LATENTS, RANDOM.standard_normal(4000))
    assert abs(score) < 0.05


@pytest.mark.parametrize("values", [np.ones(4000), np.full(4000, -1), np.full(4000, np.nan)])
def test_an_attribute_that_does_not_vary_is_refused(values):
    with pytest.raises(InputError, match="same everywhere"):
        supervised_directions(LATENTS, values)


def test_a_class_that_hardly_occurs_is_refused():
    # The only one of its class is among those that the probe is not fitted on.
    _, unseen = train_test_split(np.arange(4000), test_size=0.2, random_state=0)
    with pytest.raises(InputError, match="too few of 4000 examples"):
        supervised_directions(LATENTS, (np.arange(4000) == unseen[0]).astype(int))


def test_what_is_left_is_at_right_angles_and_nearest():
    others = RANDOM.standard_normal((3, 8))
    left = orthogonalized(PLANTED[:, 0], [*others, others[0] - 2 * others[1]])
    np.testing.assert_allclose(others @ left, 0, atol=1e-12)
    assert np.linalg.norm(left) == pytest.approx(1)
    # Least squares gives the same remainder.
    fit = np.linalg.lstsq(others.T, PLANTED[:, 0], rcond=None)[0]
    remainder = PLANTED[:, 0] - others.T @ fit
    np.testing.assert_allclose(left, remainder / np.linalg.norm(remainder), atol=1e-12)
    np.testing.assert_allclose(orthogonalized(2 * PLANTED[:, 0], []), PLANTED[:, 0])


def test_others_that_are_nearly_the_same_count_as_one():
    # Their difference is the direction itself, which would leave nothing of it.
    others = PLANTED[:, 1] + 0.05 * np.outer([1, -1], PLANTED[:, 0])
    left = orthogonalized(PLANTED[:, 0], others)
    np.testing.assert_allclose(left, PLANTED[:, 0], atol=0.01)


def test_a_direction_of_which_nothing_is_left_is_refused():
    with pytest.raises(InputError, match="leave nothing"):
        orthogonalized([1.0, 1.0], [[1.0, 0.0], [1.0, 2.0]])


def test_there_are_no_more_directions_than_dimensions():
    with pytest.raises(InputError, match="at most 8 directions"):
        closed_form_directions(np.ones((8, 20)), 9)
    with pytest.raises(InputError, match="at most 8 directions"):
        component_directions(np.ones((40, 20)), np.ones((40, 8)), 9)


def test_random_directions_are_unit_vectors_of_a_seed():
    found = random_directions(50, 200)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    np.testing.assert_array_equal(found, random_directions(50, 200))
    assert np.abs(found @ found.T - np.eye(50)).max() < 0.4


BUILDERS = [tfgan.convolutional_generator, tfgan.dense_generator, tfgan.recurrent_generator]


@pytest.mark.parametrize("conditioning", [None, "projection", "concatenation"])
@pytest.mark.parametrize("builder", BUILDERS)
def test_the_kernel_is_how_the_first_layer_takes_the_latents(builder, conditioning):
    options = {}
    if conditioning:
        condition = tfgan.LabelCondition(3)
        options = {"condition": condition.encoder(), "conditioning": conditioning}
    network = builder((8, 8, 1), 5, width=4, **options)
    kernel = first_kernel(network)
    dense = next(layer for layer in network.layers if isinstance(layer, keras.layers.Dense))
    part = keras.Model(network.inputs, dense.output)
    latents = RANDOM.standard_normal((2, 5)).astype(np.float32)
    labels = [np.array([1, 1])] if conditioning else []
    first, second = part.predict_on_batch([latents, *labels] if labels else latents)
    assert kernel.shape[0] == 5
    np.testing.assert_allclose(first - second, (latents[0] - latents[1]) @ kernel, atol=1e-5)


def test_latents_that_meet_no_dense_layer_are_refused():
    latents = keras.Input((4,))
    network = keras.Model(latents, keras.layers.Reshape((2, 2, 1))(latents))
    with pytest.raises(InputError, match="no dense layer"):
        first_kernel(network)


def test_activations_are_those_of_the_layer_that_is_named():
    network = tfgan.dense_generator((8, 8, 1), 5, width=4)
    latents = LATENTS[:3, :5].astype(np.float32)
    first = activations(network, latents)
    # After the dense layer, its normalization and the first ReLU: eighths of 8 pixels.
    assert first.shape == (3, 1, 1, 16) and first.min() == 0
    last = activations(network, latents, network.layers[-1].name)
    np.testing.assert_allclose(last, network.predict_on_batch(latents), atol=1e-6)
    with pytest.raises(InputError, match="Received: 'absent'"):
        activations(network, latents, "absent")
