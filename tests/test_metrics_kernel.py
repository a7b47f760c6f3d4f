"""`tfgan.metrics.kernel`: against double loops, and its standard error against fresh repeats."""

import numpy as np
import pytest

from tfgan.errors import InputError
from tfgan.metrics import kernel
from tfgan.metrics.kernel import kernel_distance

RANDOM = np.random.default_rng(0)
REAL = RANDOM.normal(size=(23, 5))
FAKE = RANDOM.normal(size=(17, 5)) * 1.5 + 0.5


def k(x, y):
    return (float(np.dot(x, y)) / len(x) + 1) ** 3


def mean(values):
    return sum(values) / len(values)


def reference(real, fake):
    """The U-statistic, pair by pair."""
    xx = mean([k(x, z) for i, x in enumerate(real) for j, z in enumerate(real) if i != j])
    yy = mean([k(y, z) for i, y in enumerate(fake) for j, z in enumerate(fake) if i != j])
    xy = mean([k(x, y) for x in real for y in fake])
    return xx + yy - 2 * xy


@pytest.fixture(params=[4, 2048])
def block(request, monkeypatch):
    monkeypatch.setattr(kernel, "_BLOCK", request.param)


def test_equals_the_double_loop(block):
    assert kernel_distance(REAL, FAKE).value == pytest.approx(reference(REAL, FAKE), rel=1e-10)
    assert kernel_distance(REAL, REAL + 0.1).value < 0


def residual_square(values, design):
    """The squared residuals of least squares, per degree of freedom."""
    residuals = values - design @ np.linalg.lstsq(design, values)[0]
    return np.sum(residuals**2) / (len(values) - np.linalg.matrix_rank(design))


def zeta_within(x):
    """Of k(x_i, x_j) = a_i + a_j over pairs."""
    pairs = [(i, j) for i in range(len(x)) for j in range(i)]
    design = np.zeros((len(pairs), len(x)))
    for row, (i, j) in zip(design, pairs):
        row[[i, j]] = 1
    return residual_square(np.array([k(x[i], x[j]) for i, j in pairs]), design)


def zeta_between(x, y):
    """Of k(x_i, y_j) = a_i + b_j."""
    pairs = [(i, j) for i in range(len(x)) for j in range(len(y))]
    design = np.zeros((len(pairs), len(x) + len(y)))
    for row, (i, j) in zip(design, pairs):
        row[[i, len(x) + j]] = 1
    return residual_square(np.array([k(x[i], y[j]) for i, j in pairs]), design)


def reference_variances(x, y):
    """The whole variance, and what is left of it where the linear term vanishes."""
    n, m = len(x), len(y)
    h_x = [mean([k(a, b) for j, b in enumerate(x) if j != i]) - mean([k(a, b) for b in y])
           for i, a in enumerate(x)]  # fmt: skip
    h_y = [mean([k(a, b) for j, b in enumerate(y) if j != i]) - mean([k(a, b) for b in x])
           for i, a in enumerate(y)]  # fmt: skip
    xx, yy, xy = zeta_within(x), zeta_within(y), zeta_between(x, y)
    linear = 4 / n * (np.var(h_x, ddof=1) - xx / (n - 1) - xy / m)
    linear += 4 / m * (np.var(h_y, ddof=1) - yy / (m - 1) - xy / n)
    quadratic = 2 * xx / (n * (n - 1)) + 2 * yy / (m * (m - 1)) + 4 * xy / (n * m)
    return linear + quadratic, quadratic


def test_standard_error_equals_the_double_loop(block):
    whole, quadratic = reference_variances(REAL, FAKE)
    assert whole > 1.1 * quadratic
    assert kernel_distance(REAL, FAKE).standard_error == pytest.approx(whole**0.5, rel=1e-8)


def test_standard_error_keeps_the_quadratic_part_where_the_linear_one_vanishes(block):
    whole, quadratic = reference_variances(REAL, REAL[:17])
    assert whole < quadratic
    distance = kernel_distance(REAL, REAL[:17])
    assert distance.standard_error == pytest.approx(quadratic**0.5, rel=1e-8)


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (0.1, 1), (1.0, 1), (0, 1.3)])
def test_is_unbiased_and_its_standard_error_is_the_spread_of_repeats(shift, scale):
    # E(x.y / D + 1)^3 = 1 + 3 E(x.y)^2 / D^2 for centered x: here, with x ~ N(0, I) and
    # y ~ N(v, s^2 I), moments of x.y by hand.
    dimension, repeats = 8, 300
    v = np.full(dimension, shift)

    def expected_kernel(a, s, b, t):
        # x.y with x ~ N(a, s^2 I), y ~ N(b, t^2 I): moments 1 to 3.
        ab, aa, bb = a @ b, a @ a, b @ b
        second = ab**2 + t**2 * aa + s**2 * bb + dimension * s**2 * t**2
        third = ab**3 + 3 * ab * (t**2 * aa + s**2 * bb + dimension * s**2 * t**2)
        third += 6 * s**2 * t**2 * ab
        return 1 + 3 * ab / dimension + 3 * second / dimension**2 + third / dimension**3

    zero = np.zeros(dimension)
    truth = expected_kernel(zero, 1, zero, 1) + expected_kernel(v, scale, v, scale)
    truth -= 2 * expected_kernel(zero, 1, v, scale)

    random = np.random.default_rng(3)
    results = [
        kernel_distance(
            random.normal(size=(80, dimension)), v + scale * random.normal(size=(60, dimension))
        )
        for _ in range(repeats)
    ]
    values = np.array([result.value for result in results])
    errors = np.array([result.standard_error for result in results])
    assert abs(values.mean() - truth) < 3.5 * values.std() / np.sqrt(repeats)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.2)
    assert np.mean(np.abs(values - truth) < 2 * errors) > 0.9


def test_ignores_the_order_of_rows_and_is_symmetric(block):
    first = kernel_distance(REAL, FAKE)
    second = kernel_distance(FAKE[::-1], REAL[::-1])
    assert second.value == pytest.approx(first.value, rel=1e-10)
    assert second.standard_error == pytest.approx(first.standard_error, rel=1e-10)


def test_float32_features_are_computed_in_float64():
    real, fake = REAL.astype(np.float32), FAKE.astype(np.float32)
    assert kernel_distance(real, fake) == kernel_distance(
        real.astype(np.float64), fake.astype(np.float64)
    )


def test_constant_features_have_no_distance_and_no_error():
    result = kernel_distance(np.ones((9, 3)), np.ones((7, 3)))
    assert (result.value, result.standard_error) == (0, 0)


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (REAL[:3], FAKE, "real features must have at least 4 rows.*Received: 3"),
        (REAL, FAKE[None], r"fake features must be an array \[N, D\]"),
        (REAL, FAKE[:, 1:], "Received: 5 and 4"),
        (REAL, FAKE * np.nan, "finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(real, fake, message):
    with pytest.raises(InputError, match=message):
        kernel_distance(real, fake)
