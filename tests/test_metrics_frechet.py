"""`tfgan.metrics.frechet`: against scipy's matrix root, closed forms, and hard covariances."""

import numpy as np
import pytest
import scipy.linalg

from tfgan.errors import InputError
from tfgan.metrics.frechet import GaussianStatistics, frechet_distance, frechet_error

RANDOM = np.random.default_rng(0)
MIX = RANDOM.normal(size=(6, 6))
REAL = RANDOM.normal(size=(400, 6)) @ MIX
FAKE = RANDOM.gamma(2, size=(300, 6)) + 0.5


def reference(real, fake):
    """Equation 6 as it is written, by the root of the product that is not symmetric."""
    c_real, c_fake = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(c_real @ c_fake)
    means = np.linalg.norm(real.mean(axis=0) - fake.mean(axis=0)) ** 2
    return means + np.trace(c_real + c_fake - 2 * np.real(root))


def gaussian(mean, covariance):
    return GaussianStatistics(np.asarray(mean, float), np.asarray(covariance, float), 0)


def test_statistics_are_the_unbiased_moments():
    statistics = GaussianStatistics.from_features(REAL)
    np.testing.assert_allclose(statistics.mean, REAL.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(statistics.covariance, np.cov(REAL, rowvar=False), rtol=1e-10)
    assert statistics.n == 400


def test_equals_the_formula_with_scipys_matrix_root():
    assert frechet_distance(REAL, FAKE) == pytest.approx(reference(REAL, FAKE), rel=1e-8)
    assert reference(REAL, FAKE) > 10


def test_features_and_statistics_in_any_mixture():
    statistics = GaussianStatistics.from_features(FAKE)
    assert frechet_distance(REAL, statistics) == frechet_distance(REAL, FAKE)
    assert frechet_distance(statistics, REAL) == frechet_distance(FAKE, REAL)


def test_is_symmetric_and_ignores_the_order_of_rows():
    distance = frechet_distance(REAL, FAKE)
    assert frechet_distance(FAKE, REAL) == pytest.approx(distance, rel=1e-10)
    shuffled = np.random.default_rng(1).permutation(REAL)
    assert frechet_distance(shuffled, FAKE) == pytest.approx(distance, rel=1e-10)


def test_shifted_means_and_scaled_covariances_have_closed_forms():
    # N(0, a^2 I) and N(v, b^2 I): |v|^2 + D (a - b)^2.
    shift = np.array([1.0, -2.0, 0.5])
    distance = frechet_distance(gaussian(np.zeros(3), 4 * np.eye(3)), gaussian(shift, np.eye(3)))
    assert distance == pytest.approx(5.25 + 3 * (2 - 1) ** 2, rel=1e-12)
    moved = frechet_distance(REAL, REAL + np.array([3.0, 0, 0, 0, 0, 4.0]))
    assert moved == pytest.approx(25, rel=1e-10)


def test_covariances_that_do_not_commute():
    # In two dimensions tr (C1 C2)^(1/2) = (tr(C1 C2) + 2 sqrt(det(C1 C2)))^(1/2).
    first, second = np.diag([9.0, 1.0]), np.array([[2.0, 1.5], [1.5, 2.0]])
    product = first @ second
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(first + second) - 2 * root
    distance = frechet_distance(gaussian([0, 0], first), gaussian([0, 0], second))
    assert distance == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("rows", [5, 400])
def test_identical_sets_are_at_distance_0_with_fewer_rows_than_columns_too(rows, scale):
    features = scale * (RANDOM.normal(size=(rows, 40)) + 3)
    distance = frechet_distance(features, features[::-1])
    assert 0 <= distance < 1e-11 * 40 * scale**2


def test_constant_and_repeated_columns_are_exact():
    # A constant column adds only its means, and a copied one counts again.
    constant = np.full((400, 2), 7.0)
    wide_real = np.concatenate([REAL, constant], axis=1)
    wide_fake = np.concatenate([FAKE, constant[:300] + [0, 2]], axis=1)
    distance = frechet_distance(REAL, FAKE)
    assert frechet_distance(wide_real, wide_fake) == pytest.approx(distance + 4, rel=1e-10)
    doubled = frechet_distance(np.tile(REAL, 2), np.tile(FAKE, 2))
    assert doubled == pytest.approx(2 * distance, rel=1e-10)


def test_supports_in_orthogonal_subspaces():
    # C1 C2 = 0, so the distance is the sum of the traces and of the squared means.
    real, fake = np.zeros((50, 10)), np.zeros((50, 10))
    real[:, :3], fake[:, 3:] = RANDOM.normal(size=(50, 3)), RANDOM.normal(size=(50, 7))
    expected = real.var(axis=0, ddof=1).sum() + fake.var(axis=0, ddof=1).sum()
    expected += np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-12)
    # Turned, the eigenvalues that should be 0 are rounding: 1e-16, whose roots are not small.
    turn = np.linalg.qr(RANDOM.normal(size=(10, 10)))[0]
    assert frechet_distance(real @ turn, fake @ turn) == pytest.approx(expected, rel=1e-12)


def test_float32_features_are_computed_in_float64():
    # The variance of 1 about a mean of 10,000 is lost in float32 products.
    real, fake = (REAL + 1e4).astype(np.float32), (FAKE + 1e4).astype(np.float32)
    expected = frechet_distance(real.astype(np.float64), fake.astype(np.float64))
    assert frechet_distance(real, fake) == expected
    assert frechet_distance(real, fake) == pytest.approx(reference(REAL, FAKE), rel=1e-3)


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (REAL[0], FAKE, r"real features must be an array \[N, D\].*\(6,\)"),
        (REAL, FAKE[:1], "fake features must have at least 2 rows.*Received: 1"),
        (REAL, FAKE[:, :5], "same number of columns. Received: 6 and 5"),
        (
            np.where(np.arange(400)[:, None] == 3, np.nan, REAL),
            FAKE,
            "1 of 400 rows.*first at index 3",
        ),
        (REAL, np.full((3, 6), np.inf), "fake features must be finite.*3 of 3"),
        (np.zeros((5, 0)), FAKE, r"shape \(5, 0\)"),
        (GaussianStatistics.from_features(REAL[:, :2]), FAKE, "Received: 2 and 6"),
    ],
)
def test_what_cannot_be_compared_is_refused(real, fake, message):
    with pytest.raises(InputError, match=message):
        frechet_distance(real, fake)


SHIFT = np.full(8, 1 / np.sqrt(8))


@pytest.mark.parametrize(
    "mean, covariance",
    [(0.5 * SHIFT, np.eye(8)), (5 * SHIFT, np.eye(8)), (SHIFT, np.diag(np.arange(1, 9) / 4))],
    ids=["small shift", "large shift", "other covariance"],
)
def test_the_error_is_the_spread_of_fresh_repeats(mean, covariance):
    real = gaussian(np.zeros(8), np.eye(8))
    random = np.random.default_rng(1)
    repeats = [random.multivariate_normal(mean, covariance, 1000) for _ in range(200)]
    spread = np.std([frechet_distance(real, fake) for fake in repeats], ddof=1)
    errors = [frechet_error(real, fake) for fake in repeats]
    # 200 repeats tell a spread to 5%.
    assert np.mean(errors) == pytest.approx(spread, rel=0.15)


def test_the_error_is_that_of_leaving_rows_out():
    real = GaussianStatistics.from_features(REAL)
    without = [frechet_distance(real, np.delete(FAKE, row, axis=0)) for row in range(300)]
    jackknife = np.std(without, ddof=0) * np.sqrt(299)
    assert frechet_error(real, FAKE) == pytest.approx(jackknife, rel=0.02)


def test_fakes_that_are_all_alike_have_no_error():
    real = GaussianStatistics.from_features(REAL)
    assert frechet_error(real, np.full((50, 6), 0.7)) == pytest.approx(0.0, abs=1e-12)
    # Of two images the share is what is left to chance.
    two = np.repeat([[0.0] * 6, [1.0] * 6], 25, axis=0)
    assert np.isfinite(frechet_error(real, two))
    with pytest.raises(InputError, match="at least 2 rows"):
        frechet_error(real, FAKE[:1])
