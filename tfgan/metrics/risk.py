"""Confidence risk (置信风险): how surely classifiers tell generated images from real ones."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from tfgan.errors import InputError
from tfgan.metrics.classifier_set import deal, fit_classifiers
from tfgan.metrics.frechet import as_features, check_same_width
from tfgan.metrics.uncertainty import Interval

_FOLDS = 5
_MIN_ROWS = 40
_PERMUTATIONS = 1999
# By how much the variance of an out-of-fold share exceeds that of independent rows, at most: every
# pair of rows of different folds counts twice, once as training and test and once as test and
# training. For the sign of a linear score, whose correlation with the score is sqrt(2 / pi), that
# adds 2 / pi.
_VARIANCE_FACTOR = 1 + 2 / np.pi


@dataclass(frozen=True, eq=False)
class ConfidenceRisk:
    """How far apart generated and real images are, as a set of classifiers can establish it.

    Attributes:
        unclipped: The estimate and its interval, which may lie outside of [0, 1]: around 0 where
            the classifiers cannot tell, so below 0 about as often as above.
        p_value: Of the null hypothesis that both sides are drawn alike: small where the classifiers
            can tell.
        real_probabilities: float64 [N], for each real image the probability that it is a
            generated one, by classifiers that have not seen it: above 0.5 it is taken for one.
        fake_probabilities: float64 [M], the same for each generated image: its own risk.
    """

    unclipped: Interval
    p_value: float
    real_probabilities: np.ndarray
    fake_probabilities: np.ndarray

    @property
    def value(self) -> float:
        """The risk, in [0, 1]."""
        return float(np.clip(self.unclipped.value, 0, 1))

    @property
    def low(self) -> float:
        """The lower end of its interval, in [0, 1]."""
        return float(np.clip(self.unclipped.low, 0, 1))

    @property
    def high(self) -> float:
        """The upper end of its interval, in [0, 1]."""
        return float(np.clip(self.unclipped.high, 0, 1))

    @property
    def taken_for_fake(self) -> Interval:
        """The chance that one generated image is taken for one, with its interval in [0, 1]."""
        taken = self.fake_probabilities > 0.5
        reach = _reach(_share_variance(taken), self.unclipped.level)
        share = float(taken.mean())
        return Interval(
            share, max(0.0, share - reach), min(1.0, share + reach), self.unclipped.level
        )


def confidence_risk(
    real, fake, *, groups=None, level: float = 0.95, seed: int = 0, progress: bool = False
) -> ConfidenceRisk:
    """The total variation distance that `tfgan.metrics.classifier_set` establishes, out of fold.

    TV(P, Q) = max over rules f of Q(f = fake) - P(f = fake) = 1 - 2 x the Bayes risk at even odds.
    A rule that was made from other images gives no more than that on average, so this estimates
    a lower bound of the distance: what these classifiers find with so many images to learn from.
    0: they cannot tell; 1: they always can. The rows are dealt to five folds; each is classified
    by classifiers fitted, combined and calibrated on the other four, so that choosing among them
    costs no bias.

    The interval is around the difference of the two shares that are taken for fakes. Its variance
    is that of independent rows times 1 + 2 / pi, since folds that train and test each other are
    not independent: that is what the null adds where the rule is the sign of a linear score.
    Where images are easily told the folds hardly depend on each other, and it is too wide.

    The p-value trains on one half and permutes the sides of the other half, which is exact.

    Args:
        real, fake: Features [N, D] and [M, D], at least 40 rows each; N and M may differ.
        groups: int [N + M], real rows first: rows of one group are kept in one fold, as
            `find_duplicates(...).groups` has them; None has each row on its own.
        level: The coverage wanted, in (0, 1).
        seed: Of the folds, the halves and the permutations.
        progress: Shows a bar.

    Returns:
        A `ConfidenceRisk`.

    Raises:
        InputError: Wrong rank, too few rows, non-finite features, different D, groups of another
            length, or a level out of range.

    Reference:
        Lopez-Paz and Oquab 2016 (arXiv 1610.06545): the classifier two-sample test. Tao et al.
        2024 (arXiv 2405.15337): the total variation distance by a classifier's risk.
    """
    real, fake = as_features("real", real, _MIN_ROWS), as_features("fake", fake, _MIN_ROWS)
    check_same_width(real, fake)
    if not 0 < level < 1:
        raise InputError(f"The level must lie between 0 and 1. Received: {level}.")
    features = np.concatenate([real, fake])
    is_fake = np.arange(len(features)) >= len(real)
    groups = np.arange(len(features)) if groups is None else np.asarray(groups)
    if groups.shape != is_fake.shape:
        raise InputError(
            f"Each row needs a group. Received: {len(is_fake)} rows, groups {groups.shape}."
        )

    fold = deal(is_fake, groups, _FOLDS, seed)
    half = deal(is_fake, groups, 2, seed)

    def predict(is_fitted):
        """The probabilities of all other rows."""
        classify = fit_classifiers(features[is_fitted], is_fake[is_fitted], groups[is_fitted], seed)
        return classify(features[~is_fitted])

    probabilities = np.empty(len(features))
    # On one thread: what boosted trees split among several is so little that these mostly wait for
    # each other, and where other programs are at work many times as long as they compute.
    with threadpool_limits(1):
        for i in tqdm(range(_FOLDS), desc="confidence risk", delay=1, disable=not progress):
            probabilities[fold == i] = predict(fold != i)
        by_half = predict(half == 0)

    taken = probabilities > 0.5
    value = float(taken[is_fake].mean() - taken[~is_fake].mean())
    reach = _reach(_share_variance(taken[is_fake]) + _share_variance(taken[~is_fake]), level)
    return ConfidenceRisk(
        unclipped=Interval(value, value - reach, value + reach, level),
        p_value=_p_value(by_half, is_fake[half == 1], seed),
        real_probabilities=probabilities[~is_fake],
        fake_probabilities=probabilities[is_fake],
    )


def probability_better(first: ConfidenceRisk, second: ConfidenceRisk) -> float:
    """The probability that the first risk is the lower one, given what was drawn.

    Of the normal distribution of their difference: what both say of one real image is subtracted
    before its variance is taken.

    Args:
        first, second: Of two sets of generated images, against the same real ones in the same
            order.

    Returns:
        A number in [0, 1]: 0.5 where nothing tells.

    Raises:
        InputError: They were measured against different numbers of real images.
    """
    sizes = len(first.real_probabilities), len(second.real_probabilities)
    if sizes[0] != sizes[1]:
        raise InputError(
            "Risks compare where they are measured against the same real images. "
            f"Received: {sizes[0]} and {sizes[1]} of them."
        )
    taken = [(each.real_probabilities > 0.5).astype(float) for each in (first, second)]
    variance = np.var(taken[0] - taken[1]) / sizes[0]
    variance += sum(_share_variance(each.fake_probabilities > 0.5) for each in (first, second))
    difference = second.unclipped.value - first.unclipped.value
    return float(stats.norm.cdf(difference / np.sqrt(_VARIANCE_FACTOR * variance)))


def _p_value(probabilities, sides, seed: int) -> float:
    """Whether the fakes of one half rank higher than chance, by classifiers of the other half."""
    ranks = stats.rankdata(probabilities)
    return float(
        stats.permutation_test(
            (ranks[sides], ranks[~sides]),
            lambda fake, real, axis: fake.mean(axis) - real.mean(axis),
            vectorized=True,
            n_resamples=_PERMUTATIONS,
            batch=100,
            alternative="greater",
            rng=np.random.default_rng(seed),
        ).pvalue
    )


def _share_variance(taken: np.ndarray) -> float:
    """Of the share of True, a success and a failure added: even a share of 1 is not certain."""
    share = (taken.sum() + 1) / (len(taken) + 2)
    return share * (1 - share) / len(taken)


def _reach(variance: float, level: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2) * np.sqrt(_VARIANCE_FACTOR * variance))
