"""Size and direction of feature vectors: how many dimensions they fill, and where they point."""

from dataclasses import dataclass

import numpy as np

from tfgan.metrics.frechet import as_features, check_same_width


@dataclass(frozen=True)
class FeatureGeometry:
    """What is known of a set of feature vectors without anything to compare them with.

    Attributes:
        dimension: D, how many numbers a vector has.
        effective_dimension: the participation ratio of the covariance, in [1, D]: how many
            dimensions the vectors spread over. 0 where they are all the same.
        mean_length: of a vector.
        mean_cosine: between two different vectors, in [-1, 1]: 1 where all have one direction, 0
            where directions are even over the sphere. A vector of 0 has none, and counts as at
            right angles to all.
    """

    dimension: int
    effective_dimension: float
    mean_length: float
    mean_cosine: float


def feature_geometry(features) -> FeatureGeometry:
    """Measures a set of feature vectors.

    The participation ratio is tr(C)^2 / tr(C^2) with the covariance C of the sample. That cannot
    exceed N - 1, and for N vectors of an isotropic normal distribution is about D / (1 + D / N).

    Args:
        features: [N, D], at least 2 rows.

    Returns:
        A `FeatureGeometry`.

    Raises:
        InputError: Wrong rank, too few rows, or non-finite features.

    Reference:
        Gao et al. 2017, "A theory of multineuronal dimensionality, dynamics and measurement"
        (bioRxiv 214262), equation 5.
    """
    features = as_features("given", features)
    directions = _directions(features)
    num = len(features)
    centered = features - features.mean(axis=0)
    # Of the covariance's eigenvalues and those of the Gram matrix, the ones that are not 0 agree.
    gram = centered @ centered.T if num < features.shape[1] else centered.T @ centered
    squares = np.sum(gram**2)
    total = directions.sum(axis=0)
    return FeatureGeometry(
        dimension=features.shape[1],
        effective_dimension=float(np.trace(gram) ** 2 / squares) if squares > 0 else 0.0,
        mean_length=float(np.linalg.norm(features, axis=1).mean()),
        mean_cosine=float((total @ total - np.sum(directions**2)) / (num * (num - 1))),
    )


def direction_cosine(real, fake) -> float:
    """The cosine between the mean directions of two sets of feature vectors.

    Args:
        real, fake: Features [N, D] and [M, D].

    Returns:
        A number in [-1, 1]: 1 where both point the same way on average; 0 where one points
        nowhere.

    Raises:
        InputError: Wrong rank, non-finite features, or different D.
    """
    real, fake = as_features("real", real, 1), as_features("fake", fake, 1)
    check_same_width(real, fake)
    means = np.stack([_directions(side).mean(axis=0) for side in (real, fake)])
    first, second = _directions(means)
    return float(first @ second)


def _directions(features: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.divide(features, lengths, out=np.zeros_like(features), where=lengths > 0)
