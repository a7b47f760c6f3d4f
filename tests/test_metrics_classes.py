"""`tfgan.metrics.classes`: against sums written out, closed forms, and dropped classes."""

from math import exp, log, sqrt

import numpy as np
import pytest
from scipy import stats

from tfgan.errors import InputError
from tfgan.metrics.classes import (
    class_balance,
    classifier_score,
    label_agreement,
    mode_count,
    within_class_diversity,
)

RANDOM = np.random.default_rng(0)
PROBABILITIES = RANDOM.dirichlet(np.full(5, 0.4), size=30)
SEVEN_OF_TEN = np.repeat(np.arange(7), 100)


def test_classifier_score_equals_the_sum_written_out():
    marginal = [sum(row[c] for row in PROBABILITIES) / 30 for c in range(5)]
    divergence = sum(
        p * (log(p) - log(q)) for row in PROBABILITIES for p, q in zip(row, marginal) if p > 0
    )
    assert classifier_score(PROBABILITIES) == pytest.approx(exp(divergence / 30), rel=1e-12)


def test_classifier_score_in_closed_form():
    assert classifier_score(np.eye(10)[np.arange(50) % 10]) == pytest.approx(10, rel=1e-12)
    assert classifier_score(np.eye(10)[SEVEN_OF_TEN]) == pytest.approx(7, rel=1e-12)
    assert classifier_score(np.tile([0.2, 0.5, 0.3], (9, 1))) == pytest.approx(1, rel=1e-12)
    # Right in the share 1 - e of the cases: log K - H(e).
    row = np.array([0.9, 0.1])
    expected = 2 * exp(0.9 * log(0.9) + 0.1 * log(0.1))
    assert classifier_score([row, row[::-1]]) == pytest.approx(expected, rel=1e-12)


def test_classifier_score_normalizes_float32_rows():
    rounded = PROBABILITIES.astype(np.float16).astype(np.float32)
    exact = rounded.astype(np.float64) / rounded.astype(np.float64).sum(axis=1, keepdims=True)
    assert classifier_score(rounded) == pytest.approx(classifier_score(exact), rel=1e-12)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (PROBABILITIES * 2, r"sums from 2 to 2"),
        (PROBABILITIES - 0.2, "minimum of -0"),
        (PROBABILITIES[0], r"shape \(5,\)"),
        (PROBABILITIES * np.nan, "finite"),
        (np.zeros((0, 5)), "at least 1 rows"),
    ],
)
def test_classifier_score_refuses_what_are_no_probabilities(probabilities, message):
    with pytest.raises(InputError, match=message):
        classifier_score(probabilities)


def test_class_balance_against_even_shares():
    balance = class_balance([0, 0, 0, 1, 2, 2, 0, 0], num_classes=4)
    np.testing.assert_allclose(balance.frequencies, [5 / 8, 1 / 8, 2 / 8, 0])
    np.testing.assert_allclose(balance.reference, 1 / 4)
    assert balance.total_variation == pytest.approx(3 / 8)
    # sum (observed - expected)^2 / expected, with 3 degrees of freedom.
    statistic = sum((n - 2) ** 2 / 2 for n in (5, 1, 2, 0))
    assert balance.p_value == pytest.approx(stats.chi2.sf(statistic, 3), rel=1e-12)


def test_class_balance_against_reference_labels():
    first, second = [0] * 30 + [1] * 20 + [3] * 10, [0] * 20 + [1] * 20 + [3] * 80
    balance = class_balance(first, second, num_classes=6)
    np.testing.assert_allclose(balance.frequencies, [1 / 2, 1 / 3, 0, 1 / 6, 0, 0])
    np.testing.assert_allclose(balance.reference, [1 / 6, 1 / 6, 0, 4 / 6, 0, 0])
    assert balance.total_variation == pytest.approx(1 / 2)
    # Classes that occur nowhere count for no degree of freedom.
    observed = np.array([[30, 20, 10], [20, 20, 80]])
    expected = np.outer([60, 120], [50, 40, 90]) / 180
    statistic = np.sum((observed - expected) ** 2 / expected)
    assert balance.p_value == pytest.approx(stats.chi2.sf(statistic, 2), rel=1e-10)


def test_class_balance_of_two_classes_has_no_continuity_correction():
    observed = np.array([[30, 20], [20, 40]])
    expected = np.outer([50, 60], [50, 60]) / 110
    statistic = np.sum((observed - expected) ** 2 / expected)
    balance = class_balance([0] * 30 + [1] * 20, [0] * 20 + [1] * 40)
    assert balance.p_value == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-10)


def test_labels_of_a_narrow_integer_type():
    assert len(class_balance(np.array([0, 255], np.uint8)).frequencies) == 256


def test_class_balance_of_dropped_classes_is_the_share_that_is_missing():
    balance = class_balance(SEVEN_OF_TEN, np.repeat(np.arange(10), 100))
    assert balance.total_variation == pytest.approx(0.3)
    assert balance.p_value < 1e-20
    assert len(balance.frequencies) == 10
    assert class_balance(SEVEN_OF_TEN, num_classes=10).total_variation == pytest.approx(0.3)


def test_class_balance_of_equal_labels():
    for balance in (class_balance(SEVEN_OF_TEN, SEVEN_OF_TEN), class_balance([0, 0, 0])):
        assert (balance.total_variation, balance.p_value) == (0, 1)


def test_class_balance_raises_false_alarms_at_its_level():
    random = np.random.default_rng(1)
    with_reference = [
        class_balance(*random.integers(0, 5, (2, 300)), num_classes=5).p_value for _ in range(400)
    ]
    even = [class_balance(random.integers(0, 5, 300), num_classes=5).p_value for _ in range(400)]
    assert stats.kstest(with_reference, "uniform").pvalue > 0.01
    assert stats.kstest(even, "uniform").pvalue > 0.01


def test_total_variation_by_chance_is_as_the_docstring_says():
    random = np.random.default_rng(2)
    found = [class_balance(random.integers(0, 10, 1000)).total_variation for _ in range(300)]
    assert np.mean(found) == pytest.approx(sqrt(10 / (2 * np.pi * 1000)), rel=0.1)


def test_mode_count_of_dropped_classes():
    result = mode_count(SEVEN_OF_TEN, 10)
    assert result.modes == 7
    assert result.kl == pytest.approx(log(10 / 7), rel=1e-12)


def test_mode_count_has_the_generated_shares_first():
    labels, reference = [0] * 6 + [1] * 3 + [2] * 1, [2, 5, 3]
    expected = sum(q * log(q / p) for q, p in zip((0.6, 0.3, 0.1), (0.2, 0.5, 0.3)))
    result = mode_count(labels, 3, reference)
    assert (result.modes, result.kl) == (3, pytest.approx(expected, rel=1e-12))
    assert mode_count(labels, 3, [1, 1, 0]).kl == np.inf
    assert mode_count([0, 1], 3, [1, 1, 0]).kl == 0


def test_mode_count_by_chance_is_as_the_docstring_says():
    labels = np.random.default_rng(3).integers(0, 1000, 26_000)
    result = mode_count(labels, 1000)
    assert result.modes == 1000
    assert result.kl == pytest.approx(999 / 52_000, rel=0.15)


def test_within_class_diversity_equals_the_double_loop():
    features, labels = RANDOM.normal(size=(40, 3)) * [1, 2, 3] + 50, RANDOM.integers(0, 4, 40)
    expected = []
    for c in range(4):
        rows = features[labels == c]
        squares = [np.sum((a - b) ** 2) for i, a in enumerate(rows) for b in rows[:i]]
        expected.append(sqrt(sum(squares) / len(squares)))
    result = within_class_diversity(features, labels)
    np.testing.assert_allclose(result.distances, expected, rtol=1e-10)
    assert result.mean == pytest.approx(sum(expected) / 4, rel=1e-10)
    order = RANDOM.permutation(40)
    shuffled = within_class_diversity(features[order], labels[order])
    np.testing.assert_allclose(shuffled.distances, expected, rtol=1e-10)


def test_within_class_diversity_sees_one_image_for_each_class():
    labels = np.arange(100) % 10
    collapsed = RANDOM.normal(size=(10, 6))[labels]
    assert within_class_diversity(collapsed, labels).mean < 1e-12
    assert within_class_diversity(collapsed, labels * 0).mean > 1


def test_within_class_diversity_leaves_out_classes_of_one():
    result = within_class_diversity([[0.0], [3.0], [9.0]], np.array([0, 0, 2], np.uint8), 4)
    np.testing.assert_allclose(result.distances, [3, np.nan, np.nan, np.nan])
    assert result.mean == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: class_balance([]), r"integers \[N\].*shape \(0,\)"),
        (lambda: class_balance([0.0, 1.0]), "float64"),
        (lambda: class_balance([[0], [1]]), r"shape \(2, 1\)"),
        (lambda: class_balance([0, 1], [-1, 0]), r"\[0, 2\). Received: -1 to 0"),
        (lambda: class_balance([0, 5], num_classes=5), r"\[0, 5\). Received: 0 to 5"),
        (lambda: mode_count([0, 10], 10), r"\[0, 10\). Received: 0 to 10"),
        (lambda: mode_count([0, 1], 2, [1, 1, 1]), r"2 shares.*shape \(3,\)"),
        (lambda: mode_count([0, 1], 2, [1, -1]), "none negative"),
        (lambda: mode_count([0, 1], 2, [0, 0]), "not all 0"),
        (lambda: within_class_diversity(np.ones((3, 2)), [0, 1]), "3 rows and 2 labels"),
        (lambda: within_class_diversity(np.ones((3, 2)), [0, 1, 2]), "class with at least 2"),
        (lambda: within_class_diversity(np.ones(3), [0, 1, 2]), r"\[N, D\]"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_label_agreement_counts_each_class_once():
    labels = np.repeat([0, 1, 3], (900, 90, 10))
    read = labels.copy()
    read[:90] = 1
    read[-5:] = 0
    found = label_agreement(read, labels, 4)
    assert found.counts.tolist() == [900, 90, 0, 10]
    np.testing.assert_array_equal(found.shares, [0.9, 1, np.nan, 0.5])
    assert found.value == pytest.approx(0.8)
    # The variances of the shares add up, and that of few images is most of it.
    assert found.low < 0.8 - 1.96 * np.sqrt(0.25 / 10) / 3 * 0.9 < 0.8 < found.high
    for index, (agreeing, num) in {0: (810, 900), 1: (90, 90), 3: (5, 10)}.items():
        exact = stats.binomtest(agreeing, num).proportion_ci(method="wilson")
        assert (found.lows[index], found.highs[index]) == pytest.approx(exact)
    even = label_agreement(np.zeros(100, int), np.arange(100) % 2, 2)
    assert even.value == 0.5 and even.high - even.low < 0.06
    with pytest.raises(InputError, match=r"\[0, 2\)"):
        label_agreement([0, 1], [0, 2], 2)


def test_the_interval_of_label_agreement_covers_it():
    random, chances = np.random.default_rng(0), np.array([0.99, 0.6, 0.9])
    labels = np.repeat([0, 1, 2], (400, 40, 60))
    covered = 0
    for _ in range(400):
        read = np.where(random.random(len(labels)) < chances[labels], labels, 3)
        found = label_agreement(read, labels, 4)
        covered += found.low <= chances.mean() <= found.high
    assert covered >= 372
