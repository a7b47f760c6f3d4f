"""Rejection sampling: which generated images to keep, so that what is kept is nearer to real."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from threadpoolctl import threadpool_limits

from tfgan.errors import InputError
from tfgan.metrics.classifier_set import fit_classifiers
from tfgan.metrics.frechet import as_features, check_same_width

_MIN_ROWS = 40
# One generated row in so many is kept from the classifiers, to set the fraction with.
_HELD_OUT = 4


@dataclass(frozen=True, eq=False)
class RejectionRule:
    """Which images are kept: a function of their features and of their seeds alone.

    Attributes:
        risk_of: features [N, D] -> float64 [N], the calibrated probability that each image is
            generated, where one in two are.
        max_risk: the most that an image that is kept may have; None where a fraction is kept.
        scale: c of the acceptance min(1, c r); None where `max_risk` decides.
    """

    risk_of: Callable[[np.ndarray], np.ndarray]
    max_risk: float | None
    scale: float | None

    def acceptance(self, features) -> np.ndarray:
        """The probability with which each image is kept, float64 [N] in [0, 1]."""
        # Several threads would mostly wait for each other; see `confidence_risk`.
        with threadpool_limits(1):
            risk = self.risk_of(as_features("generated", features, 1))
        if self.max_risk is not None:
            return (risk <= self.max_risk).astype(np.float64)
        return np.minimum(1.0, self.scale * density_ratio(risk))

    def accepts(self, features, seeds) -> np.ndarray:
        """Whether each image is kept, bool [N]; a seed's lot is always the same."""
        return _uniform(seeds) < self.acceptance(features)


def fit_rejection(
    real, fake, *, keep_fraction: float | None = None, max_risk: float | None = None, seed: int = 0
) -> RejectionRule:
    """Fits the rule on real images and on generated ones that will not be kept themselves.

    The classifiers of `tfgan.metrics.classifier_set` give each image the calibrated probability
    u that it is generated, and with it the density ratio r = p_real / p_generated = (1 - u) / u.

    `max_risk` keeps images with u of at most that. It is a threshold: what is kept is safer, but
    is not spread as real images are.

    `keep_fraction` keeps an image with the probability min(1, c r), with c such that the fraction
    is kept. Where the fraction is at most 1 / max r this is plain rejection sampling, and what is
    kept is spread as real images are, so far as r is right. Where more is to be kept, no other
    rule that keeps as many comes nearer, by the total variation or any other f-divergence.
    Discriminator rejection sampling shifts the log odds by a percentile instead, which for small
    fractions keeps the most typical images too often. c is set with a quarter of the generated
    images, which no classifier has seen.

    Args:
        real, fake: Features [N, D] and [M, D], at least 40 rows each.
        keep_fraction: In (0, 1]; of generated images like `fake`.
        max_risk: In (0, 1]; one of the two must be given.
        seed: Of the parts.

    Returns:
        A `RejectionRule`.

    Raises:
        InputError: Wrong rank, too few rows, non-finite features, different D, both or none of the
            two, or one out of its range.

    Reference:
        Azadi et al. 2018 (arXiv 1810.06758): rejection by a discriminator's density ratio. Verine
        et al. 2023 (arXiv 2311.00460), the optimal acceptance for a budget, in place of their
        shift. Grover et al. 2019 (arXiv 1906.09531): the ratio from calibrated probabilities.
    """
    real, fake = as_features("real", real, _MIN_ROWS), as_features("fake", fake, _MIN_ROWS)
    check_same_width(real, fake)
    if (keep_fraction is None) == (max_risk is None):
        raise InputError("Pass one of keep_fraction and max_risk.")
    if keep_fraction is not None and not 0 < keep_fraction <= 1:
        raise InputError(f"keep_fraction must be in (0, 1]. Received: {keep_fraction}.")
    if max_risk is not None and not 0 < max_risk <= 1:
        raise InputError(f"max_risk must be in (0, 1]. Received: {max_risk}.")
    order = np.random.default_rng(seed).permutation(len(fake))
    held_out, fitted = np.split(order, [len(fake) // _HELD_OUT])
    features = np.concatenate([real, fake[fitted]])
    is_fake = np.arange(len(features)) >= len(real)
    with threadpool_limits(1):
        risk_of = fit_classifiers(features, is_fake, np.arange(len(features)), seed)
        held_out_risk = risk_of(fake[held_out])
    if max_risk is not None:
        return RejectionRule(risk_of, max_risk, None)
    return RejectionRule(risk_of, None, scale_for(density_ratio(held_out_risk), keep_fraction))


def density_ratio(risk: np.ndarray) -> np.ndarray:
    """p_real / p_generated of images whose probability to be generated at even odds is `risk`."""
    # A ratio has to be finite; what is as sure as this is kept or left all the same.
    return 1.0 / np.clip(risk, 1e-12, 1.0) - 1.0


def scale_for(ratios: np.ndarray, fraction: float) -> float:
    """c for which min(1, c r) is `fraction` on average, by density ratios r [N] above 0.

    Verine et al. 2023, algorithm 1, by bisection, too.
    """
    least, most = fraction / ratios.max(), 1.0 / ratios.min()
    if fraction == 1:
        return float(most)
    return float(
        brentq(lambda scale: np.mean(np.minimum(1.0, scale * ratios)) - fraction, least, most)
    )


def _uniform(seeds) -> np.ndarray:
    """A number in [0, 1) for each seed, drawn apart from the latents that it has."""
    return np.array([np.random.PCG64(int(seed)).random_raw() / 2**64 for seed in seeds])
