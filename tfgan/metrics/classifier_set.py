"""The declared set of classifiers that tries to tell generated images from real ones."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

# What a risk is measured with, for whoever reads the number.
DESCRIPTION = (
    "logistic regression, nearest neighbours and boosted trees on standardized features, combined "
    "by a logistic regression on images that none of them has seen"
)

# One row in so many is kept from the members, to combine and calibrate them with.
_HELD_OUT = 4
# Log odds beyond it are one member's alone, and would outweigh all that the others say.
_MOST_LOG_ODDS = 7.0


def fit_classifiers(
    features: np.ndarray, is_fake: np.ndarray, groups: np.ndarray, seed: int = 0
) -> Callable[[np.ndarray], np.ndarray]:
    """Fits the set, both sides weighing the same however many rows they have.

    The members: logistic regression (with ridge), which has the Bayes rule of Gaussians with one
    covariance; nearest neighbours, about 1.5 sqrt(n) of them; gradient boosting of 50 trees with
    four leaves. A logistic regression on their log odds, fitted on a quarter of the rows that they
    have not seen, weighs them and makes a calibrated probability of what they say. It has their
    signed squares, too: where a part of the images is surely fake and nothing is known of the
    rest, what is small is chance, and weighs less than what is large. The log odds of the sizes
    are subtracted everywhere, which is Bayes' rule for even odds.

    Args:
        features: float64 [N, D].
        is_fake: bool [N], some of either.
        groups: int [N]: rows of one group come to the same part.
        seed: Of the parts.

    Returns:
        A function from features [M, D] to the probability [M] that each is of a generated image,
        where one in two are.
    """
    held_out = deal(is_fake, groups, _HELD_OUT, seed) == 0
    is_fake_fit = is_fake[~held_out]
    scaler = StandardScaler().fit(features[~held_out])
    scaled = scaler.transform(features[~held_out])

    linear = LogisticRegression(C=0.01).fit(scaled, is_fake_fit)
    trees = HistGradientBoostingClassifier(
        max_iter=50, max_leaf_nodes=4, early_stopping=False, random_state=0
    ).fit(scaled, is_fake_fit)
    num_neighbours = min(len(scaled), max(5, round(1.5 * np.sqrt(len(scaled)))))
    search = NearestNeighbors(n_neighbors=num_neighbours, algorithm="brute").fit(scaled)

    def neighbours_log_odds(scaled):
        fake = is_fake_fit[search.kneighbors(scaled, return_distance=False)].sum(axis=1)
        return np.log((fake + 0.5) / (num_neighbours - fake + 0.5))

    def readings(features):
        scaled = scaler.transform(features)
        members = np.stack(
            [
                linear.decision_function(scaled),
                trees.decision_function(scaled),
                neighbours_log_odds(scaled),
            ],
            axis=1,
        )
        members -= _log_odds_of_sizes(is_fake_fit)
        members = np.clip(members, -_MOST_LOG_ODDS, _MOST_LOG_ODDS)
        return np.concatenate([members, members * np.abs(members) / _MOST_LOG_ODDS], axis=1)

    combination = LogisticRegression().fit(readings(features[held_out]), is_fake[held_out])
    offset = _log_odds_of_sizes(is_fake[held_out])
    return lambda features: expit(combination.decision_function(readings(features)) - offset)


def _log_odds_of_sizes(is_fake: np.ndarray) -> float:
    return logit(is_fake.mean())


def deal(is_fake: np.ndarray, groups: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """Deals rows at random into parts that have the same share of either side.

    Args:
        is_fake: bool [N].
        groups: int [N]: rows of one group come to the same part.
        parts: How many.
        seed: Of the order.

    Returns:
        int [N], the part of each row, in [0, parts).
    """
    _, group = np.unique(groups, return_inverse=True)
    fakes, rows = np.bincount(group, is_fake), np.bincount(group)
    # Groups of real rows, of fake ones, and of both.
    side = np.where(fakes == 0, 0, np.where(fakes == rows, 1, 2))
    order = np.lexsort((np.random.default_rng(seed).random(len(rows)), side))
    part_of_group = np.empty(len(rows), np.int64)
    part_of_group[order] = np.arange(len(rows)) % parts
    return part_of_group[group]
