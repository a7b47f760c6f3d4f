"""`tfgan.metrics.neighbours`: against double loops, closed forms, and planted failures."""

import time
from math import prod

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from tfgan.errors import InputError
from tfgan.metrics import neighbours
from tfgan.metrics.neighbours import (
    density_coverage,
    memorization,
    nearest_pair_distances,
    neighbour_scores,
    precision_recall,
)

RANDOM = np.random.default_rng(0)
REAL = RANDOM.normal(size=(60, 4))
FAKE = RANDOM.normal(size=(45, 4)) * 0.8 + 0.3


def distance(x, y):
    return float(np.sqrt(np.sum((x - y) ** 2)))


def radii(points, k):
    return [
        sorted(distance(x, y) for j, y in enumerate(points) if j != i)[k - 1]
        for i, x in enumerate(points)
    ]


def reference(real, fake, k):
    """Precision, recall, density and coverage as the papers write them."""
    real_radii, fake_radii = radii(real, k), radii(fake, k)
    precision = sum(any(distance(y, x) <= r for x, r in zip(real, real_radii)) for y in fake)
    recall = sum(any(distance(x, y) <= r for y, r in zip(fake, fake_radii)) for x in real)
    density = sum(distance(y, x) <= r for y in fake for x, r in zip(real, real_radii)) / k
    coverage = sum(any(distance(y, x) <= r for y in fake) for x, r in zip(real, real_radii))
    return precision / len(fake), recall / len(real), density / len(fake), coverage / len(real)


def scores(real, fake, k=5):
    first, second = precision_recall(real, fake, k), density_coverage(real, fake, k)
    both = neighbour_scores(real, fake, k)
    result = (first.precision, first.recall, second.density, second.coverage)
    assert result == (both.precision, both.recall, both.density, both.coverage)
    return result


def ten_modes(random, count, modes=10):
    """Features around ten corners, and their labels: only the first so many of them."""
    labels = random.integers(0, modes, count)
    return 8 * np.eye(10)[labels] + random.normal(size=(count, 10)), labels


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for a busy core make many small searches slow."""
    with threadpool_limits(1):
        yield


@pytest.fixture(params=[16, 2048])
def block(request, monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", request.param)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_equals_the_double_loop(block, k):
    expected = reference(REAL, FAKE, k)
    assert scores(REAL, FAKE, k) == pytest.approx(expected, rel=1e-12)
    assert len(set(expected)) == 4


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_ties_and_duplicates_equal_the_double_loop(block, offset):
    # A lattice, with duplicates in both sets: every radius is met exactly by some distance.
    real = RANDOM.integers(0, 4, (60, 3)) + offset
    fake = np.concatenate([real[:20], RANDOM.integers(0, 5, (30, 3)) + offset])
    for k in (1, 2, 5):
        assert scores(real, fake, k) == pytest.approx(reference(real, fake, k), rel=1e-12)


def test_identical_sets(block):
    # Closed balls: each of N holds its center and k others.
    assert scores(REAL, REAL, 5) == pytest.approx((1, 1, 6 / 5, 1), rel=1e-12)
    assert scores(REAL, RANDOM.permutation(REAL), 3) == pytest.approx((1, 1, 4 / 3, 1), rel=1e-12)


def test_sets_of_one_image(block):
    assert scores(np.ones((40, 3)), np.ones((30, 3))) == pytest.approx((1, 1, 40 / 5, 1))


def test_disjoint_supports():
    assert scores(REAL, FAKE + 100) == (0, 0, 0, 0)


def test_expectations_for_equal_distributions():
    # Density 1, coverage as the lemma says: whatever the distribution.
    count, k = 150, 5
    random = np.random.default_rng(1)
    results = [
        density_coverage(random.gamma(2, size=(count, 6)), random.gamma(2, size=(count, 6)), k)
        for _ in range(100)
    ]
    ratio = prod((count - i) / (2 * count - i) for i in range(1, k + 1))
    densities, coverages = [r.density for r in results], [r.coverage for r in results]
    assert np.mean(densities) == pytest.approx(1, abs=4 * np.std(densities) / 10)
    assert np.mean(coverages) == pytest.approx(1 - ratio, abs=4 * np.std(coverages) / 10)


def test_a_collapsed_generator_is_precise_and_recalls_nothing():
    collapsed = np.repeat(REAL[:1], 40, axis=0)
    result = neighbour_scores(REAL, collapsed)
    assert (result.precision, result.recall) == (1, 1 / 60)
    assert result.coverage < 0.5


def test_a_generator_that_drops_3_of_10_classes_loses_recall_and_coverage():
    random = np.random.default_rng(2)
    real, _ = ten_modes(random, 600)
    whole = neighbour_scores(real, ten_modes(random, 600)[0])
    dropped = neighbour_scores(real, ten_modes(random, 600, modes=7)[0])
    assert dropped.recall == pytest.approx(0.7 * whole.recall, abs=0.08)
    assert dropped.coverage == pytest.approx(0.7 * whole.coverage, abs=0.08)
    assert dropped.precision == pytest.approx(whole.precision, abs=0.08)


def test_an_outlier_of_the_generator_inflates_recall_and_not_coverage():
    outliers = np.concatenate([REAL[:1] + 50, np.full((5, 4), -50.0) + RANDOM.normal(size=(5, 4))])
    result = neighbour_scores(REAL, outliers)
    assert (result.recall, result.coverage) == (1, 0)


def test_ignores_the_order_of_rows():
    shuffled = scores(RANDOM.permutation(REAL), RANDOM.permutation(FAKE))
    assert shuffled == pytest.approx(scores(REAL, FAKE), rel=1e-12)


def test_float32_features_are_computed_in_float64():
    real, fake = REAL.astype(np.float32), FAKE.astype(np.float32)
    assert scores(real, fake) == scores(real.astype(np.float64), fake.astype(np.float64))
    found = memorization(real, fake, real[:30] + 1)
    assert found.distances.dtype == np.float64


@pytest.mark.slow
def test_is_fast_enough_to_be_used():
    real, fake = RANDOM.normal(size=(2, 5000, 128)).astype(np.float32)
    start = time.perf_counter()
    neighbour_scores(real, fake)
    # About 1 s on one core; the machine may be busy.
    assert time.perf_counter() - start < 10


def memorization_reference(train, fake, held_out):
    fake_near = [min(distance(x, t) for t in train) for x in fake]
    held_near = [min(distance(x, t) for t in train) for x in held_out]
    wins = sum((f < h) + (f == h) / 2 for f in fake_near for h in held_near)
    return wins / (len(fake_near) * len(held_near)), fake_near, held_near


def test_memorization_equals_the_double_loop(block):
    train, held_out = RANDOM.normal(size=(70, 4)), RANDOM.normal(size=(50, 4))
    nearer, fake_near, held_near = memorization_reference(train, FAKE, held_out)
    found = memorization(train, FAKE, held_out)
    assert found.nearer == pytest.approx(nearer, rel=1e-12)
    np.testing.assert_allclose(found.distances, fake_near, rtol=1e-12)
    np.testing.assert_array_equal(
        found.nearest, [min(range(70), key=lambda t: distance(x, train[t])) for x in FAKE]
    )
    # The normal approximation of the rank sum, by hand: no ties, continuity of 1/2.
    m, h = len(FAKE), len(held_out)
    z = (nearer * m * h - m * h / 2 - 0.5) / np.sqrt(m * h * (m + h + 1) / 12)
    assert found.p_value == pytest.approx(stats.norm.sf(z), rel=1e-10)
    # The second smallest of 50 is the lower twentieth.
    close = sum(f < sorted(held_near)[1] for f in fake_near)
    assert found.close_share == pytest.approx(close / m)


def test_the_exact_p_value_of_the_close_share_is_the_share_of_random_orders():
    # Three fakes and 20 held out on a line: the first held-out one is the lower twentieth.
    train, held_out = np.zeros((1, 1)), np.arange(1, 21.0)[:, None]
    found = memorization(train, [[0.5], [0.7], [1.5]], held_out)
    assert found.close_share == pytest.approx(2 / 3)
    # Two or more fakes come first in an order of 23: (3 2) / (23 22).
    assert found.close_p_value == pytest.approx(3 * 2 / (23 * 22), rel=1e-9)
    assert memorization(train, [[9.0]], held_out).close_p_value == pytest.approx(1)


def test_a_healthy_generator_raises_the_test_as_often_as_its_level():
    random = np.random.default_rng(4)
    p_values, close = [], []
    for _ in range(300):
        train, fake, held_out = (random.normal(size=(n, 5)) for n in (100, 60, 80))
        found = memorization(train, fake, held_out)
        p_values.append(found.p_value)
        close.append(found.close_p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(np.array(close) <= 0.1) <= 0.14


def test_copied_training_images_raise_the_test_and_are_found():
    random = np.random.default_rng(5)
    train, held_out = random.normal(size=(500, 16)), random.normal(size=(200, 16))
    copied = random.integers(0, 500, 200)
    found = memorization(train, train[copied], held_out)
    assert (found.nearer, found.close_share) == (1, 1)
    assert found.p_value < 1e-20
    assert found.close_p_value < 1e-20
    np.testing.assert_array_equal(found.nearest, copied)
    np.testing.assert_array_equal(found.distances, 0)

    noisy = memorization(train, train[copied] + 0.1 * random.normal(size=(200, 16)), held_out)
    assert noisy.nearer > 0.99
    healthy = memorization(train, random.normal(size=(200, 16)), held_out)
    assert healthy.p_value > 0.01
    assert healthy.nearer == pytest.approx(0.5, abs=0.1)


def test_few_copies_among_poor_images_are_found_by_the_close_share():
    random = np.random.default_rng(6)
    train, held_out = random.normal(size=(500, 16)), random.normal(size=(200, 16))
    fake = np.concatenate([train[:40], 3 * random.normal(size=(160, 16))])
    found = memorization(train, fake, held_out)
    assert found.nearer < 0.5
    assert found.p_value > 0.99
    assert found.close_share == pytest.approx(0.2)
    assert found.close_p_value < 1e-5


def test_copies_are_at_distance_0_far_from_the_origin():
    train = RANDOM.normal(size=(200, 32)) + 1e3
    train[100:] += 1e4
    found = memorization(train, train, train[:30] + 1)
    np.testing.assert_array_equal(found.distances, 0)
    np.testing.assert_array_equal(found.nearest, np.arange(200))


def test_all_ties_are_healthy():
    found = memorization(np.zeros((5, 2)), np.zeros((9, 2)), np.zeros((30, 2)))
    assert (found.nearer, found.close_share, found.close_p_value) == (0.5, 0, 1)
    assert found.p_value >= 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: precision_recall(REAL, FAKE, 0), "k, the number of neighbours.*Received: 0"),
        (lambda: density_coverage(REAL, FAKE[:5], 5), "fake features.*at least 6.*Received: 5"),
        (lambda: neighbour_scores(REAL, FAKE[:, 1:]), "Received: 4 and 3"),
        (lambda: precision_recall(REAL[None], FAKE), r"shape \(1, 60, 4\)"),
        (lambda: precision_recall(REAL, FAKE / 0.0), "finite"),
        (lambda: memorization(REAL, FAKE, REAL[:19]), "held-out.*at least 20.*Received: 19"),
        (lambda: memorization(REAL, FAKE[:, 1:], REAL), "training and fake.*4 and 3"),
        (lambda: memorization(REAL, FAKE, REAL[:, 1:]), "training and held-out.*4 and 3"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_the_nearest_pairs_equal_the_double_loop(block):
    np.testing.assert_allclose(nearest_pair_distances(REAL), radii(REAL, 1), rtol=1e-12)
    repeated = np.concatenate([FAKE[:3]] * 5)
    np.testing.assert_array_equal(nearest_pair_distances(repeated), np.zeros(15))
    with pytest.raises(InputError, match="at least 2 rows"):
        nearest_pair_distances(REAL[:1])
