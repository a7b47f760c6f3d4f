"""`tfgan.metrics.rejection`: closed forms, fitted rules, and what an independent estimate says."""

import numpy as np
import pytest
from scipy import integrate, stats
from threadpoolctl import threadpool_limits

from tfgan.errors import InputError
from tfgan.metrics import confidence_risk
from tfgan.metrics.rejection import RejectionRule, density_ratio, fit_rejection, scale_for

NUM = 20_000


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for a busy core make many small fits slow."""
    with threadpool_limits(1):
        yield


def generated(seed, num=NUM):
    """Of twice the standard deviation of the real numbers, so that 1 / max r is 1 / 2."""
    return 2 * np.random.default_rng(seed).normal(size=(num, 1))


def true_risk(features):
    """In closed form, of a generated number at even odds."""
    real, fake = stats.norm.pdf(features[:, 0]), stats.norm.pdf(features[:, 0], scale=2)
    return fake / (real + fake)


def true_rule(fraction):
    sample = np.random.default_rng(9).normal(size=(50_000, 1)) * 2
    return RejectionRule(true_risk, None, scale_for(density_ratio(true_risk(sample)), fraction))


@pytest.mark.parametrize("fraction", [0.5, 0.2])
def test_rejection_with_the_true_ratio_gives_the_real_distribution(fraction):
    candidates = generated(0)
    rule = true_rule(fraction)
    kept = candidates[rule.accepts(candidates, np.arange(NUM))]
    assert len(kept) / NUM == pytest.approx(fraction, abs=0.015)
    assert stats.kstest(kept[:, 0], "norm").pvalue > 0.01
    # Which a test of as many candidates would not overlook.
    assert stats.kstest(candidates[: len(kept), 0], "norm").pvalue < 1e-9


def test_where_more_is_kept_no_rule_comes_nearer():
    """TV(real, kept) of at most 1 / F times the candidates is least where min(p, q / F) is kept."""
    fraction = 0.75
    x = np.linspace(-9, 9, 20_001)
    real, candidates = stats.norm.pdf(x), stats.norm.pdf(x, scale=2)
    kept = candidates * true_rule(fraction).acceptance(x[:, None]) / fraction

    def total_variation(density):
        return integrate.trapezoid(np.maximum(0, real - density), x)

    assert integrate.trapezoid(kept, x) == pytest.approx(1, abs=0.01)
    bound = total_variation(candidates / fraction)
    assert total_variation(kept) == pytest.approx(bound, abs=0.005)
    assert total_variation(kept) < 0.6 * total_variation(candidates)


@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.99, 1])
def test_the_scale_keeps_the_fraction(fraction):
    ratios = np.random.default_rng(0).lognormal(0, 2, 1000)
    kept = np.minimum(1, scale_for(ratios, fraction) * ratios).mean()
    assert kept == pytest.approx(fraction)


def test_a_fitted_rule_brings_the_spread_to_that_of_real_numbers():
    real = np.random.default_rng(1).normal(size=(4000, 1))
    rule = fit_rejection(real, generated(2, 4000), keep_fraction=0.5)
    candidates = generated(3, 8000)
    kept = candidates[rule.accepts(candidates, np.arange(8000))]
    assert len(kept) / 8000 == pytest.approx(0.5, abs=0.04)
    assert kept.std() == pytest.approx(1, abs=0.12)
    assert np.abs(kept.mean()) < 0.1


def test_a_threshold_keeps_what_is_at_most_as_risky():
    real = np.random.default_rng(1).normal(size=(2000, 1))
    rule = fit_rejection(real, generated(2, 2000), max_risk=0.4)
    candidates = generated(3, 1000)
    accepted = rule.accepts(candidates, np.arange(1000))
    np.testing.assert_array_equal(accepted, rule.risk_of(candidates) <= 0.4)
    assert 0.2 < accepted.mean() < 0.8
    assert true_risk(candidates[accepted]).mean() < 0.4 < true_risk(candidates[~accepted]).mean()


def test_a_seed_decides_whatever_else_is_in_the_batch():
    candidates, seeds = generated(0, 300), np.arange(300) + 2**60
    rule = true_rule(0.5)
    accepted = rule.accepts(candidates, seeds)
    np.testing.assert_array_equal(accepted[7:9], rule.accepts(candidates[7:9], seeds[7:9]))
    order = np.random.default_rng(0).permutation(300)
    np.testing.assert_array_equal(accepted[order], rule.accepts(candidates[order], seeds[order]))
    assert (accepted != rule.accepts(candidates, seeds + 1)).any()


def mixture(seed, num, noisy_share):
    """Good images' features, and a share of failures."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(num, 4))
    features[random.random(num) < noisy_share] += 3
    return features


def test_the_risk_is_lower_on_images_that_were_not_used_to_select():
    real = mixture(0, 3000, 0)
    rule = fit_rejection(real[:1500], mixture(1, 2000, 0.3), keep_fraction=0.7)
    candidates = mixture(2, 2200, 0.3)
    kept = candidates[rule.accepts(candidates, np.arange(2200))]
    before = confidence_risk(real[1500:], candidates[:1500])
    after = confidence_risk(real[1500:], kept[:1500])
    assert before.value == pytest.approx(0.3, abs=0.06)
    assert after.high < before.low and after.value < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one of keep_fraction and max_risk"),
        ({"keep_fraction": 0.5, "max_risk": 0.4}, "one of keep_fraction and max_risk"),
        ({"keep_fraction": 0}, r"in \(0, 1\]. Received: 0"),
        ({"keep_fraction": 1.5}, r"in \(0, 1\]. Received: 1.5"),
        ({"max_risk": np.nan}, r"in \(0, 1\]. Received: nan"),
    ],
)
def test_what_is_asked_for_must_make_sense(arguments, message):
    with pytest.raises(InputError, match=message):
        fit_rejection(np.zeros((50, 2)), np.ones((50, 2)), **arguments)


def test_there_must_be_enough_to_learn_from():
    with pytest.raises(InputError, match=r"at least 40 rows here. Received: 39"):
        fit_rejection(np.zeros((50, 2)), np.ones((39, 2)), max_risk=0.4)
