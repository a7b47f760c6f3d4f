"""Metrics from nearest neighbours: fidelity, coverage, and copying of training images."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.neighbors import NearestNeighbors
from tqdm import tqdm

from tfgan.errors import InputError
from tfgan.metrics.frechet import as_features, check_same_width

# Rows of each set whose distances are held at a time.
_BLOCK = 2048

# The share of held-out images that lie closer to the training images than a "close" one.
_CLOSE_SHARE = 0.05


@dataclass(frozen=True)
class PrecisionRecall:
    """Attributes: precision and recall, each in [0, 1]."""

    precision: float
    recall: float


@dataclass(frozen=True)
class DensityCoverage:
    """Attributes: density, at least 0 and about 1 for equal distributions; coverage in [0, 1]."""

    density: float
    coverage: float


@dataclass(frozen=True)
class NeighbourScores:
    """Attributes: those of `PrecisionRecall` and of `DensityCoverage`."""

    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True, eq=False)
class Memorization:
    """How much nearer to the training images generated images lie than held-out ones do.

    Attributes:
        nearer: The probability that a generated image is nearer to its nearest training image
            than a held-out one is to its own, ties counted half: 0.5 is healthy, 1 is copying,
            below 0.5 the generated images are far from the data.
        p_value: Of `nearer` against 0.5, one-sided: small where generated images are too near.
        close_share: The share of generated images that are nearer to a training image than 95%
            of the held-out ones are: 0.05 is healthy. It finds a few copies among poor images,
            which `nearer` averages away.
        close_p_value: Of `close_share`, one-sided and exact.
        distances: float64 [M], from each generated image to its nearest training image.
        nearest: int64 [M], the index of that training image.
    """

    nearer: float
    p_value: float
    close_share: float
    close_p_value: float
    distances: np.ndarray
    nearest: np.ndarray


def precision_recall(real, fake, k: int = 5, progress: bool = False) -> PrecisionRecall:
    """The share of fakes inside the real manifold, and of reals inside the fake one.

    A set's manifold is the union of closed balls around its members, each reaching to the member's
    k-th nearest neighbour in the set (itself not counted).

    Args:
        real, fake: Features [N, D] and [M, D], more than k rows each.
        k: The neighbour that sets the radius. The paper has 3; 5 is the usual choice at 10,000.
        progress: Shows a bar from the fifth second on.

    Returns:
        A `PrecisionRecall`. Both grow with k and depend on the sample sizes and on D, and are not 1
        for equal distributions: 0.94 for 1,000 Gaussian samples at D = 8, 0.79 at D = 32.

    Raises:
        InputError: Wrong rank, too few rows, non-finite features, different D, or k below 1.

    Reference:
        Kynkaanniemi et al. 2019 (arXiv 1904.06991), equations 1 and 2.
    """
    scores = neighbour_scores(real, fake, k, progress)
    return PrecisionRecall(scores.precision, scores.recall)


def density_coverage(real, fake, k: int = 5, progress: bool = False) -> DensityCoverage:
    """How many real balls hold a fake, over k; and the share of real balls that hold any.

    density = 1 / (k M) sum over fakes and reals of [fake in the real's ball],
    coverage = 1 / N sum over reals of [some fake in its ball], with the balls of
    `precision_recall`, of the reals alone: outliers among the fakes do not widen anything.

    Args:
        real, fake: Features [N, D] and [M, D], more than k rows each.
        k: The neighbour that sets the radius.
        progress: Shows a bar from the fifth second on.

    Returns:
        A `DensityCoverage`. For equal distributions and N = M the expected density is 1 and the
        expected coverage is 1 - (N - 1) ... (N - k) / ((2 N - 1) ... (2 N - k)), 0.97 at k = 5.

    Raises:
        InputError: Wrong rank, too few rows, non-finite features, different D, or k below 1.

    Reference:
        Naeem et al. 2020 (arXiv 2002.09797), equations 3 and 4; the expectation is their lemma 2.
    """
    _, density, coverage = _against_real(*_prepare(real, fake, k), k, progress)
    return DensityCoverage(density, coverage)


def neighbour_scores(real, fake, k: int = 5, progress: bool = False) -> NeighbourScores:
    """`precision_recall` and `density_coverage` at once, at the cost of the first.

    Args:
        real, fake: Features [N, D] and [M, D], more than k rows each.
        k: The neighbour that sets the radius.
        progress: Shows a bar from the fifth second on.

    Returns:
        A `NeighbourScores`.

    Raises:
        InputError: Wrong rank, too few rows, non-finite features, different D, or k below 1.
    """
    real, fake = _prepare(real, fake, k)
    precision, density, coverage = _against_real(real, fake, k, progress)
    balls, _ = _count_in_balls(real, fake, _squared_radii(fake, k, progress), progress)
    return NeighbourScores(precision, float(np.mean(balls > 0)), density, coverage)


def memorization(train, fake, held_out, progress: bool = False) -> Memorization:
    """Whether generated images lie nearer to the training images than held-out images do.

    Both are measured by the distance to the nearest training image. Given the training set these
    distances are independent, so the Mann-Whitney test of them is sound at any sample size; held
    out images must come from the same source as the training images, and must not be in it.

    Args:
        train: Features [T, D] of the images the generator was trained on: all of them, as a
            subset hides the copies of the others.
        fake: Features [M, D] of generated images.
        held_out: Features [H, D] of images kept from training.
        progress: Shows a bar from the fifth second on.

    Returns:
        A `Memorization`.

    Raises:
        InputError: Wrong rank, fewer than 20 rows held out, non-finite features, or different D.

    Reference:
        Meehan et al. 2020 (arXiv 2004.05675), section 3: their test over the whole space, as a
        probability in place of the z-score C_T.
    """
    train, fake = as_features("training", train, 1), as_features("fake", fake, 1)
    held_out = as_features("held-out", held_out, round(1 / _CLOSE_SHARE))
    check_same_width(train, fake, ("training", "fake"))
    check_same_width(train, held_out, ("training", "held-out"))
    squared, indices = _nearest(fake, train, 1, progress)
    distances = np.sqrt(squared[:, 0])
    healthy = np.sqrt(_nearest(held_out, train, 1, progress)[0][:, 0])

    m, h = len(fake), len(held_out)
    test = stats.mannwhitneyu(healthy, distances, alternative="greater", method="asymptotic")
    # Below the r-th of the held-out distances lie as many fakes as successes come before the r-th
    # failure in a random order: exact where distances don't tie, and ties only raise p.
    r = max(1, int(_CLOSE_SHARE * h))
    close = int(np.sum(distances < np.partition(healthy, r - 1)[r - 1]))
    return Memorization(
        nearer=float(test.statistic / (m * h)),
        p_value=float(test.pvalue),
        close_share=close / m,
        close_p_value=float(stats.nhypergeom(m + h, m, r).sf(close - 1)),
        distances=distances,
        nearest=indices[:, 0],
    )


def nearest_pair_distances(features) -> np.ndarray:
    """The distance from each row to the nearest other one: what repeats has 0.

    Args:
        features: Features [N, D], at least 2 rows.

    Returns:
        float64 [N]. They fall as N grows: comparable at equal N only.

    Raises:
        InputError: Wrong rank, too few rows, or non-finite features.
    """
    return np.sqrt(_squared_radii(as_features("given", features), 1, progress=False))


def _prepare(real, fake, k: int) -> tuple[np.ndarray, np.ndarray]:
    if k < 1:
        raise InputError(f"k, the number of neighbours, must be at least 1. Received: {k}.")
    real, fake = as_features("real", real, k + 1), as_features("fake", fake, k + 1)
    check_same_width(real, fake)
    return real, fake


def _against_real(real, fake, k: int, progress: bool) -> tuple[float, float, float]:
    """Precision, density and coverage: what the balls of the reals give."""
    balls, fakes = _count_in_balls(fake, real, _squared_radii(real, k, progress), progress)
    return float(np.mean(balls > 0)), float(np.mean(balls) / k), float(np.mean(fakes > 0))


def _squared_radii(points: np.ndarray, k: int, progress: bool) -> np.ndarray:
    """The squared distance [N] of each point to its k-th nearest other point."""
    squared, indices = _nearest(points, points, k + 1, progress)
    # Among more than k duplicates the point itself may be missing, and then all of them are others.
    squared[indices == np.arange(len(points))[:, None]] = np.inf
    return np.sort(squared, axis=1)[:, k - 1]


def _nearest(queries: np.ndarray, points: np.ndarray, k: int, progress: bool):
    """Squared distances [N, k] from each query to the k nearest points, in any order; indices.

    Found by products of the matrices, which lose the digits of small distances; the distances
    themselves are then computed from differences, so that identical rows have distance 0.
    """
    center = points.mean(axis=0)
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points - center)
    squared, indices = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
    for i in _blocks(len(queries), "nearest neighbours", progress):
        found = search.kneighbors(queries[i : i + _BLOCK] - center, return_distance=False)
        indices[i : i + _BLOCK] = found
        for column in range(k):
            squared[i : i + _BLOCK, column] = _squared_distance(
                queries[i : i + _BLOCK], points[found[:, column]]
            )
    return squared, indices


def _count_in_balls(points, centers, squared_radii, progress: bool):
    """For each point the number of balls that hold it [N], for each ball that of its points [M]."""
    held_by, holds = np.zeros(len(points), np.int64), np.zeros(len(centers), np.int64)
    # Around the mean, where products lose fewest digits.
    middle = centers.mean(axis=0)
    p, c = points - middle, centers - middle
    point_norms, center_norms = np.einsum("nd,nd->n", p, p), np.einsum("nd,nd->n", c, c)
    # |p - c|^2 <= r^2 is p.c - |p|^2 / 2 - (|c|^2 - r^2) / 2 >= 0, up to this rounding: what is
    # nearer to 0 is decided by differences, as the radii were computed.
    rounding = (
        (p.shape[1] + 8) * np.finfo(np.float64).eps * (point_norms.max() + center_norms.max())
    )
    offsets = (center_norms - squared_radii) / 2
    for i in _blocks(len(points), "neighbourhoods", progress):
        for j in range(0, len(centers), _BLOCK):
            margin = p[i : i + _BLOCK] @ c[j : j + _BLOCK].T
            margin -= point_norms[i : i + _BLOCK, None] / 2
            margin -= offsets[j : j + _BLOCK]
            inside = margin >= 0
            doubtful = np.flatnonzero(np.abs(margin, out=margin) < rounding)
            for part in np.array_split(doubtful, 1 + len(doubtful) // _BLOCK):
                row, column = np.unravel_index(part, inside.shape)
                exact = _squared_distance(points[i + row], centers[j + column])
                inside[row, column] = exact <= squared_radii[j + column]
            held_by[i : i + _BLOCK] += inside.sum(axis=1)
            holds[j : j + _BLOCK] += inside.sum(axis=0)
    return held_by, holds


def _squared_distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    difference = x - y
    return np.einsum("nd,nd->n", difference, difference)


def _blocks(length: int, title: str, progress: bool):
    return tqdm(range(0, length, _BLOCK), desc=title, delay=5, disable=not progress)
