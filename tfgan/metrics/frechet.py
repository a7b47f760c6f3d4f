"""The Frechet distance between two sets of features."""

from dataclasses import dataclass

import numpy as np

from tfgan.errors import InputError


def as_features(name: str, features, minimum: int = 2) -> np.ndarray:
    """The features as float64 [N, D], checked.

    Args:
        name: What the message calls them.
        features: Real numbers [N, D].
        minimum: The fewest rows that the metric is defined for.

    Raises:
        InputError: Not of rank 2, no columns, fewer than `minimum` rows, or not all finite.
    """
    features = np.asarray(features)
    if features.ndim != 2 or features.shape[1] == 0:
        raise InputError(
            f"The {name} features must be an array [N, D]. Received: shape {features.shape}."
        )
    if len(features) < minimum:
        raise InputError(
            f"The {name} features must have at least {minimum} rows here. "
            f"Received: {len(features)}."
        )
    features = features.astype(np.float64, copy=False)
    if not np.isfinite(features).all():
        bad = np.unique(np.nonzero(~np.isfinite(features))[0])
        raise InputError(
            f"The {name} features must be finite. Received: {len(bad)} of {len(features)} rows "
            f"with NaN or infinity, the first at index {bad[0]}."
        )
    return features


def check_same_width(real, fake, names: tuple[str, str] = ("real", "fake")) -> None:
    """Refuses features [N, D] and [M, E] with D != E."""
    if real.shape[1] != fake.shape[1]:
        raise InputError(
            f"The {names[0]} and {names[1]} features must have the same number of columns. "
            f"Received: {real.shape[1]} and {fake.shape[1]}."
        )


@dataclass(frozen=True, eq=False)
class GaussianStatistics:
    """What the Frechet distance needs of a set of features.

    Attributes:
        mean: float64 [D].
        covariance: float64 [D, D], with n - 1 in the denominator.
        n: The number of rows they were computed from.
    """

    mean: np.ndarray
    covariance: np.ndarray
    n: int

    @classmethod
    def from_features(cls, features, name: str = "given") -> "GaussianStatistics":
        """Statistics of features [N, D], N at least 2; `name` is for the error message."""
        features = as_features(name, features)
        mean = features.mean(axis=0)
        centered = features - mean
        return cls(mean, centered.T @ centered / (len(features) - 1), len(features))


def frechet_distance(real, fake) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), of means m and covariances C.

    The squared 2-Wasserstein distance between the Gaussians with these moments; on the features of
    the Inception network it is the FID. It is biased upwards by roughly D^2 / (4 n) times the mean
    eigenvalue per side, so it compares only at equal sample sizes: `frechet_interval` removes that.

    The root is the nuclear norm of C1^(1/2) C2^(1/2), each root taken by eigenvalues: everything
    stays real and symmetric, and constant features and fewer rows than columns are no special case.

    Args:
        real, fake: Each features [N, D] or `GaussianStatistics`.

    Returns:
        A number, at least 0: what rounding leaves below it (about 1e-14 of tr(C1 + C2)) becomes 0.

    Raises:
        InputError: Wrong rank, fewer than 2 rows, non-finite features, or different D.

    Reference:
        Heusel et al. 2017 (arXiv 1706.08500), equation 6; Dowson and Landau 1982, "The Frechet
        distance between multivariate normal distributions".
    """
    real, fake = _statistics("real", real), _statistics("fake", fake)
    check_same_width(real.covariance, fake.covariance)
    root = np.linalg.svd(
        _factor(real.covariance).T @ _factor(fake.covariance), compute_uv=False
    ).sum()
    traces = np.trace(real.covariance) + np.trace(fake.covariance)
    distance = np.sum((real.mean - fake.mean) ** 2) + traces - 2 * root
    # NumPy's, which keeps a NaN.
    return float(np.maximum(distance, 0.0))


def frechet_error(real, fake) -> float:
    """The standard error of `frechet_distance` from the drawing of the fakes, to first order.

    The fakes' moments enter it as |m1 - m2|^2 + tr C2 - 2 tr (C1 C2)^(1/2), so a row x moves it by

        (x - m2)^T (I - T) (x - m2) + 2 (m2 - m1)^T (x - m2)

    where T = C1^(1/2) (C1^(1/2) C2 C1^(1/2))^(-1/2) C1^(1/2) carries the fakes' Gaussian to the
    real one. The error is that of the mean of these. It costs two eigenvalue decompositions, and is
    too small at a distance near 0, where the first order vanishes.

    Args:
        real: `GaussianStatistics` of D columns, taken as known.
        fake: Features [N, D].

    Returns:
        A number, at least 0: 0 for constant fakes.

    Raises:
        InputError: Wrong rank, fewer than 2 rows, or non-finite features.

    Reference:
        Takatsu 2011, "Wasserstein geometry of Gaussian measures", for T; van der Vaart 1998,
        "Asymptotic statistics", chapter 20, for the method.
    """
    fake = as_features("fake", fake)
    statistics = GaussianStatistics.from_features(fake)
    root = _symmetric_power(real.covariance, 0.5)
    inverse = _symmetric_power(root @ statistics.covariance @ root, -0.5)
    centered = fake - statistics.mean
    bent = centered - centered @ (root @ inverse @ root)
    moved = np.einsum("nd,nd->n", bent, centered) + 2 * centered @ (statistics.mean - real.mean)
    return float(moved.std(ddof=1) / np.sqrt(len(fake)))


def _statistics(name: str, given) -> GaussianStatistics:
    if isinstance(given, GaussianStatistics):
        return given
    return GaussianStatistics.from_features(given, name)


def _factor(covariance: np.ndarray) -> np.ndarray:
    """F [D, rank] with F F^T = covariance."""
    eigenvalues, vectors = _spectrum(covariance)
    return vectors * np.sqrt(eigenvalues)


def _symmetric_power(covariance: np.ndarray, exponent: float) -> np.ndarray:
    """A power of a covariance [D, D], on the subspace where it is not 0."""
    eigenvalues, vectors = _spectrum(covariance)
    return (vectors * eigenvalues**exponent) @ vectors.T


def _spectrum(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues [rank] that are not 0, and their vectors [D, rank]."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    # Below this an eigenvalue is rounding, and its root (1e-8) would not be small.
    kept = eigenvalues > len(eigenvalues) * np.finfo(np.float64).eps * eigenvalues[-1]
    return eigenvalues[kept], vectors[:, kept]
