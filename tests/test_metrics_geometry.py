"""`tfgan.metrics.geometry` against closed forms and plain loops."""

import numpy as np
import pytest

from tfgan.errors import InputError
from tfgan.metrics import FeatureGeometry, direction_cosine, feature_geometry


def normal(num, deviations, mean=0.0, seed=0):
    deviations = np.asarray(deviations, float)
    noise = np.random.default_rng(seed).standard_normal((num, len(deviations)))
    return mean + deviations * noise


def test_an_isotropic_gaussian_fills_all_its_dimensions():
    found = feature_geometry(normal(20_000, np.ones(10), mean=3.0))
    assert found.dimension == 10
    assert found.effective_dimension == pytest.approx(10 / (1 + 10 / 20_000), rel=0.01)


@pytest.mark.parametrize(("num", "dimension"), [(100, 50), (50, 100)])
def test_few_vectors_fill_fewer(num, dimension):
    # As the docstring says, on either side of N = D.
    found = [
        feature_geometry(normal(num, np.ones(dimension), seed=seed)).effective_dimension
        for seed in range(10)
    ]
    assert np.mean(found) == pytest.approx(dimension / (1 + dimension / num), rel=0.03)


def test_one_large_dimension_counts_as_one():
    # Eigenvalues 4, 1, 1: (4 + 1 + 1)^2 / (16 + 1 + 1) = 2.
    found = feature_geometry(normal(50_000, [2, 1, 1]))
    assert found.effective_dimension == pytest.approx(2.0, rel=0.02)
    assert feature_geometry([[1.0, 2.0], [2.0, 4.0], [5.0, 10.0]]).effective_dimension == 1.0
    assert feature_geometry([[1.0, 2.0]] * 3).effective_dimension == 0.0


def test_lengths_and_cosines_of_known_vectors():
    # Lengths 5, 2 and 1; cosines 0.8, 0.6 and 0.
    found = feature_geometry([[3.0, 4.0], [0.0, 2.0], [1.0, 0.0]])
    assert found.mean_length == pytest.approx(8 / 3)
    assert found.mean_cosine == pytest.approx((0.8 + 0.6 + 0.0) / 3)


def test_the_mean_cosine_is_that_of_all_pairs():
    features = normal(30, np.ones(7), mean=0.5)
    unit = [row / np.sqrt(row @ row) for row in features]
    cosines = [unit[i] @ unit[j] for i in range(30) for j in range(i)]
    assert feature_geometry(features).mean_cosine == pytest.approx(np.mean(cosines))
    # Even over the sphere, and all of one direction.
    assert abs(feature_geometry(normal(5000, np.ones(50))).mean_cosine) < 0.002
    assert feature_geometry([[1.0, 1.0], [3.0, 3.0]]).mean_cosine == pytest.approx(1.0)


def test_directions_of_two_sets():
    # Mean directions (1, 1) / 2 and (1, 0), whatever the lengths.
    real, fake = [[5.0, 0.0], [0.0, 1.0]], [[7.0, 0.0]]
    assert direction_cosine(real, fake) == pytest.approx(np.sqrt(0.5))
    assert direction_cosine(real, np.negative(real)) == pytest.approx(-1.0)


def test_a_vector_of_0_is_at_right_angles_to_all():
    # One pair of three has a direction, and the same.
    found = feature_geometry([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert found.mean_cosine == pytest.approx(1 / 3)
    assert direction_cosine([[1.0, 0.0]], [[0.0, 0.0]]) == 0.0
    assert feature_geometry(np.zeros((3, 2))) == FeatureGeometry(2, 0.0, 0.0, 0.0)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InputError, match="same number of columns"):
        direction_cosine([[1.0, 0.0]], [[1.0]])
    with pytest.raises(InputError, match="at least 2 rows"):
        feature_geometry([[1.0, 0.0]])
