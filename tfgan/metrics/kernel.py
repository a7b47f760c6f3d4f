"""The kernel distance between two sets of features."""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from tfgan.metrics.frechet import as_features, check_same_width

# Rows and columns of the kernel matrix held at a time.
_BLOCK = 2048


@dataclass(frozen=True)
class KernelDistance:
    """Attributes: value, the unbiased estimate of MMD^2; standard_error, that of the estimate."""

    value: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class _Sums:
    """Of a kernel matrix: its row sums, its column sums, the sum of its squared entries."""

    rows: np.ndarray
    columns: np.ndarray
    squares: float


def kernel_distance(real, fake, progress: bool = False) -> KernelDistance:
    """MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y) with k(x, y) = (x.y / D + 1)^3.

    The unbiased estimator, over all pairs of all samples (the usual code averages subsets of
    1,000). On the features of the Inception network it is the KID. Its expectation does not depend
    on the sample size, and is 0 for equal distributions.

    The standard error is that of the two-sample U-statistic: Var = L + Q, with L = 4 Var(h_x) / n +
    4 Var(h_y) / m of the mean kernels h_x = E k(x, x') - E k(x, y), and Q = 2 z_xx / (n (n - 1)) +
    2 z_yy / (m (m - 1)) + 4 z_xy / (n m) of the mean squares z of the doubly centered kernels. The
    spread of the row means, which is what the jackknife uses, has the expectation L + 2 Q; so Q is
    taken off once. It is right both where the distributions differ (L rules) and where they are
    equal (L = 0).

    Args:
        real, fake: Features [N, D] and [M, D], at least 4 rows each.
        progress: Shows a bar from the fifth second on.

    Returns:
        A `KernelDistance`; the value may be negative.

    Raises:
        InputError: Wrong rank, too few rows, non-finite features, or different D.

    Reference:
        Binkowski et al. 2018 (arXiv 1801.01401), section 4; Gretton et al. 2012, "A kernel
        two-sample test", equation 3; Sutherland and Deka 2019 (arXiv 1906.02104) on its variance.
    """
    real, fake = as_features("real", real, 4), as_features("fake", fake, 4)
    check_same_width(real, fake)
    n, m = len(real), len(fake)
    blocks = [-(-n // _BLOCK), -(-m // _BLOCK)]
    total = sum(count * (count + 1) // 2 for count in blocks) + blocks[0] * blocks[1]
    with tqdm(total=total, desc="kernel distance", delay=5, disable=not progress) as bar:
        xx, yy, xy = _within(real, bar), _within(fake, bar), _between(real, fake, bar)

    value = xx.rows.sum() / (n * (n - 1)) + yy.rows.sum() / (m * (m - 1))
    value -= 2 * xy.rows.sum() / (n * m)
    h_x = xx.rows / (n - 1) - xy.rows / m
    h_y = yy.rows / (m - 1) - xy.columns / n
    spread = 4 * h_x.var(ddof=1) / n + 4 * h_y.var(ddof=1) / m
    quadratic = 2 * _centered_square(xx) / (n * (n - 1)) + 2 * _centered_square(yy) / (m * (m - 1))
    quadratic += 4 * _centered_square_between(xy) / (n * m)
    variance = max(spread - quadratic, quadratic, 0.0)
    return KernelDistance(float(value), float(np.sqrt(variance)))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    base = x @ y.T
    base /= x.shape[1]
    base += 1
    return base * base * base


def _within(x: np.ndarray, bar) -> _Sums:
    """Sums over the kernel matrix [N, N] of one set, its diagonal left out."""
    sums = np.zeros(len(x))
    squares = 0.0
    for i in range(0, len(x), _BLOCK):
        for j in range(i, len(x), _BLOCK):
            block = _kernel(x[i : i + _BLOCK], x[j : j + _BLOCK])
            if i == j:
                np.fill_diagonal(block, 0)
            else:
                sums[j : j + _BLOCK] += block.sum(axis=0)
            sums[i : i + _BLOCK] += block.sum(axis=1)
            squares += (1 if i == j else 2) * np.vdot(block, block)
            bar.update()
    return _Sums(sums, sums, squares)


def _between(x: np.ndarray, y: np.ndarray, bar) -> _Sums:
    """Sums over the kernel matrix [N, M] of two sets."""
    rows, columns = np.zeros(len(x)), np.zeros(len(y))
    squares = 0.0
    for i in range(0, len(x), _BLOCK):
        for j in range(0, len(y), _BLOCK):
            block = _kernel(x[i : i + _BLOCK], y[j : j + _BLOCK])
            rows[i : i + _BLOCK] += block.sum(axis=1)
            columns[j : j + _BLOCK] += block.sum(axis=0)
            squares += np.vdot(block, block)
            bar.update()
    return _Sums(rows, columns, squares)


def _centered_square(sums: _Sums) -> float:
    """The mean square of k_ij - a_i - a_j - mu over i != j, per degree of freedom."""
    n = len(sums.rows)
    effects = (sums.rows - sums.rows.mean()) / (n - 2)
    fitted = sums.rows.sum() ** 2 / (n * (n - 1)) + 2 * (n - 2) * np.sum(effects**2)
    return (sums.squares - fitted) / (n * (n - 3))


def _centered_square_between(sums: _Sums) -> float:
    """The mean square of k_ij - a_i - b_j - mu, per degree of freedom."""
    n, m = len(sums.rows), len(sums.columns)
    fitted = np.sum(sums.rows**2) / m + np.sum(sums.columns**2) / n
    fitted -= sums.rows.sum() ** 2 / (n * m)
    return (sums.squares - fitted) / ((n - 1) * (m - 1))
