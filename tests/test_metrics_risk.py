"""`tfgan.metrics.risk`: closed forms, what it reads by chance alone, and planted differences."""

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from tfgan import data
from tfgan.errors import InputError
from tfgan.metrics import (
    confidence_risk,
    find_duplicates,
    memorization,
    mode_count,
    neighbour_scores,
    probability_better,
)
from tfgan.metrics.classifier_set import deal, fit_classifiers
from tfgan.metrics.extractors import extractor_for


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for a busy core make many small fits slow."""
    with threadpool_limits(1):
        yield


def gaussians(seed, shift, num_real=400, num_fake=400, dimension=3):
    """Two samples whose means lie `shift` standard deviations apart."""
    random = np.random.default_rng(seed)
    real = random.normal(size=(num_real, dimension))
    fake = random.normal(size=(num_fake, dimension)) + shift / np.sqrt(dimension)
    return real, fake


def total_variation(shift):
    """In closed form, of Gaussians with one covariance: linear classifiers have the Bayes rule."""
    return 2 * stats.norm.cdf(shift / 2) - 1


@pytest.mark.parametrize("shift", [1, 2])
def test_the_risk_of_shifted_gaussians_is_their_total_variation(shift):
    risk = confidence_risk(*gaussians(0, shift, 1000, 1000))
    assert risk.value == pytest.approx(total_variation(shift), abs=0.05)
    assert risk.low < total_variation(shift) < risk.high
    assert risk.p_value < 0.001


def test_by_chance_alone_the_risk_is_around_0_and_its_interval_holds_it():
    risks = [confidence_risk(*gaussians(seed, 0, 200, 200), seed=seed) for seed in range(8)]
    values = [risk.unclipped.value for risk in risks]
    assert abs(np.mean(values)) < 0.06 and min(values) < 0
    assert sum(risk.unclipped.low <= 0 <= risk.unclipped.high for risk in risks) >= 7
    assert sum(risk.p_value < 0.05 for risk in risks) <= 2
    assert all(0 <= risk.low <= risk.value <= risk.high for risk in risks)


def test_what_is_always_told_apart_has_the_risk_1():
    risk = confidence_risk(*gaussians(0, 40, 100, 100))
    assert risk.value == risk.unclipped.value == risk.high == 1
    # Not certain, however clear: a hundred images per side are a hundred.
    assert 0.9 < risk.low < 1
    assert risk.p_value == 1 / 2000
    assert risk.fake_probabilities.min() > 0.9 and risk.real_probabilities.max() < 0.1
    assert risk.taken_for_fake.value == 1


@pytest.mark.parametrize("sizes", [(1200, 150), (150, 1200)])
def test_either_side_weighs_the_same_however_many_rows_it_has(sizes):
    # The most frequent side as the answer for everything would read 0.
    risk = confidence_risk(*gaussians(1, 2, *sizes))
    assert risk.value == pytest.approx(total_variation(2), abs=0.09)
    same = confidence_risk(*gaussians(3, 0, *sizes))
    assert same.unclipped.low < 0 < same.unclipped.high


def test_the_risk_is_the_difference_of_the_shares_that_are_taken_for_fakes():
    risk = confidence_risk(*gaussians(0, 1))
    taken = (risk.fake_probabilities > 0.5).mean()
    assert risk.taken_for_fake.value == taken
    assert risk.unclipped.value == pytest.approx(taken - (risk.real_probabilities > 0.5).mean())
    assert risk.taken_for_fake.low < taken < risk.taken_for_fake.high


def test_an_images_risk_is_a_calibrated_probability():
    real, fake = gaussians(0, 1.5, 1500, 1500, dimension=2)
    risk = confidence_risk(real, fake)
    features = np.concatenate([real, fake])
    stated = np.concatenate([risk.real_probabilities, risk.fake_probabilities])
    means = np.zeros(2), np.full(2, 1.5 / np.sqrt(2))
    densities = [stats.multivariate_normal(mean).pdf(features) for mean in means]
    true = densities[1] / (densities[0] + densities[1])
    assert np.abs(stated - true).mean() < 0.04


def test_the_riskiest_images_are_those_that_no_real_one_resembles():
    real, fake = gaussians(0, 0, dimension=4)
    fake[::5] += 6
    risk = confidence_risk(real, fake)
    assert risk.unclipped.value == pytest.approx(0.2, abs=0.08)
    riskiest = np.argsort(risk.fake_probabilities)[-80:]
    assert np.mean(riskiest % 5 == 0) > 0.95


def test_a_seed_is_a_seed_and_a_level_a_level():
    pair = gaussians(0, 1)
    first, again = confidence_risk(*pair, seed=3), confidence_risk(*pair, seed=3)
    np.testing.assert_array_equal(first.fake_probabilities, again.fake_probabilities)
    assert first.p_value == again.p_value
    narrow = confidence_risk(*pair, seed=3, level=0.5)
    ratio = (first.unclipped.high - first.unclipped.value) / (
        narrow.unclipped.high - narrow.unclipped.value
    )
    assert ratio == pytest.approx(stats.norm.ppf(0.975) / stats.norm.ppf(0.75))


def test_folds_that_train_each_other_add_2_over_pi_to_the_variance():
    """The null of a linear rule, of many repeats: the mean difference, its sign, five folds."""
    random = np.random.default_rng(0)
    rows, values = 100, []
    for _ in range(3000):
        features = random.normal(size=(2, 5, rows // 5, 10))
        means = features.mean(axis=2)
        rest = means.sum(axis=1, keepdims=True) - means
        direction = rest[1] - rest[0]
        scores = np.einsum("sfnd,fd->sfn", features, direction)
        middle = np.einsum("sfd,fd->f", rest, direction) / 8
        taken = scores > middle[:, None]
        values.append(taken[1].mean() - taken[0].mean())
    independent = 2 * 0.25 / rows
    assert np.var(values) / independent == pytest.approx(1 + 2 / np.pi, rel=0.1)


def test_parts_have_both_sides_evenly_and_keep_groups_whole():
    is_fake = np.arange(1000) >= 700
    groups = np.arange(1000)
    groups[710:720] = groups[:10]
    part = deal(is_fake, groups, 5, seed=0)
    np.testing.assert_array_equal(part[710:720], part[:10])
    for side in (is_fake, ~is_fake):
        counts = np.bincount(part[side], minlength=5)
        assert counts.max() - counts.min() <= 3
    assert not np.array_equal(part, deal(is_fake, groups, 5, seed=1))


def test_the_set_finds_what_no_linear_rule_does():
    random = np.random.default_rng(0)
    features = random.normal(size=(1200, 2))
    # Sides that have the same mean and covariance: the sign of the product decides.
    is_fake = np.prod(features, axis=1) > 0
    classify = fit_classifiers(features[:900], is_fake[:900], np.arange(900))
    assert np.mean((classify(features[900:]) > 0.5) == is_fake[900:]) > 0.9


def test_duplicates_are_found_counted_and_grouped():
    random = np.random.default_rng(0)
    real = random.integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
    fake = random.integers(0, 256, (30, 4, 4, 1), dtype=np.uint8)
    fake[:2], fake[2] = real[5:7], real[5]
    fake[10:14] = fake[10]
    found = find_duplicates(real, fake)
    assert (found.shared, found.repeated) == (3, 4)
    assert found.groups[5] == found.groups[20] == found.groups[22]
    assert found.groups[6] == found.groups[21]
    # Copies within a side are what that side is made of.
    assert len(set(found.groups)) == 50 - 3
    # A generator that has collapsed onto a real image is classified in every fold.
    fake[:] = real[0]
    found = find_duplicates(real, fake)
    assert (found.shared, found.repeated) == (30, 29)
    assert len(set(found.groups)) == 50


def test_a_generator_of_one_image_is_always_told():
    random = np.random.default_rng(0)
    real = random.integers(0, 256, (100, 4, 4, 1), dtype=np.uint8)
    fake = np.repeat(real[:1], 100, axis=0)
    groups = find_duplicates(real, fake).groups
    risk = confidence_risk(real.reshape(100, -1), fake.reshape(100, -1), groups=groups)
    assert risk.value > 0.9


def test_which_of_two_generators_is_better():
    real, good = gaussians(0, 0.5)
    _, bad = gaussians(1, 2)
    near, far = confidence_risk(real, good), confidence_risk(real, bad)
    assert probability_better(near, far) > 0.999
    assert probability_better(far, near) == pytest.approx(1 - probability_better(near, far))
    assert probability_better(near, near) == 0.5
    with pytest.raises(InputError, match=r"the same real images.*400 and 300"):
        probability_better(near, confidence_risk(real[:300], bad))


@pytest.mark.parametrize(
    ("real", "arguments", "message"),
    [
        (np.zeros((39, 3)), {}, r"real features must have at least 40 rows here. Received: 39"),
        (np.zeros((50, 2)), {}, r"same number of columns. Received: 2 and 3"),
        (np.zeros((50, 3)), {"level": 1}, r"between 0 and 1. Received: 1"),
        (np.zeros((50, 3)), {"groups": [1, 2]}, r"100 rows, groups \(2,\)"),
    ],
)
def test_what_cannot_be_judged(real, arguments, message):
    with pytest.raises(InputError, match=message):
        confidence_risk(real, np.zeros((50, 3)), **arguments)


@pytest.mark.slow
def test_the_interval_and_the_p_value_keep_their_levels():
    risks = [confidence_risk(*gaussians(seed, 0, 300, 300), seed=seed) for seed in range(100)]
    assert sum(risk.unclipped.low <= 0 <= risk.unclipped.high for risk in risks) >= 90
    assert sum(risk.p_value < 0.05 for risk in risks) <= 10
    # And where there is a difference: the interval covers what such a sample reads on average.
    risks = [confidence_risk(*gaussians(seed, 1, 300, 300), seed=seed) for seed in range(100)]
    mean = np.mean([risk.unclipped.value for risk in risks])
    assert total_variation(1) - 0.03 < mean < total_variation(1) + 0.01
    assert sum(risk.unclipped.low <= mean <= risk.unclipped.high for risk in risks) >= 90


class HeldOutDigits:
    """Features of real MNIST digits that the classifier has not seen, and of noise."""

    def __init__(self, data_dir):
        train, test = (data.load("mnist", 1, data_dir=data_dir, split=s) for s in ("train", "test"))
        extractor = extractor_for("classifier", train, test)
        self.train, self.unseen = train, np.sort(extractor.unseen)
        self.features, self.probabilities = extractor(test.images)
        self.labels = test.labels
        noise = np.random.default_rng(0).integers(0, 256, (2000, *test.image_shape), dtype=np.uint8)
        self.noise, _ = extractor(noise)
        self.extractor = extractor

    def halves(self, seed, num, noisy_share=0.0, dropped=()):
        """Two disjoint samples; the second has noise, or lacks digits."""
        random = np.random.default_rng(seed)
        order = random.permutation(len(self.features))
        rest = order[num:]
        fake = self.features[rest[~np.isin(self.labels[rest], dropped)][:num]]
        num_noisy = round(noisy_share * num)
        fake[:num_noisy] = self.noise[random.permutation(len(self.noise))[:num_noisy]]
        return self.features[order[:num]], fake


@pytest.fixture(scope="module")
def digits(mnist_data_dir):
    return HeldOutDigits(mnist_data_dir)


def repeats(digits, count, **arguments):
    return [
        confidence_risk(*digits.halves(seed, 1000, **arguments), seed=seed) for seed in range(count)
    ]


@pytest.mark.slow
@pytest.mark.mnist
def test_real_digits_against_real_digits(digits):
    risks = repeats(digits, 100)
    reach = np.median([risk.unclipped.high - risk.unclipped.value for risk in risks])
    held = sum(risk.unclipped.low <= 0 <= risk.unclipped.high for risk in risks)
    small = sum(risk.p_value < 0.05 for risk in risks)
    print(f"0 held in {held} of 100, median reach {reach:.4f}, p below 0.05 in {small}")
    assert held >= 90 and reach <= 0.06 and small <= 10


@pytest.mark.slow
@pytest.mark.mnist
def test_a_fifth_of_noise_is_found_every_time(digits):
    risks = repeats(digits, 100, noisy_share=0.2)
    found = sum(risk.low > 0 for risk in risks)
    print(f"0 excluded in {found} of 100, mean {np.mean([risk.value for risk in risks]):.3f}")
    assert found >= 95


@pytest.mark.mnist
def test_a_mixture_with_noise_reads_its_share(digits):
    values = [risk.value for risk in repeats(digits, 5, noisy_share=0.3)]
    print(f"30% noise: {np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
    assert 0.25 <= np.mean(values) <= 0.33


@pytest.mark.mnist
def test_digits_that_are_dropped_read_their_share_and_are_named(digits):
    dropped = (2, 5, 8)
    values = [risk.value for risk in repeats(digits, 5, dropped=dropped)]
    print(f"without 2, 5, 8: {np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
    assert min(values) >= 0.18 and max(values) <= 0.32

    kept = ~np.isin(digits.labels, dropped)
    real, whole, fewer = (digits.features[i] for i in np.split(np.arange(10_000), [2000, 4000])[:2]
                          + [4000 + np.flatnonzero(kept[4000:])[:2000]])  # fmt: skip
    complete, incomplete = neighbour_scores(real, whole), neighbour_scores(real, fewer)
    assert incomplete.recall < complete.recall - 0.15
    assert incomplete.coverage < complete.coverage - 0.15
    counts = np.bincount(digits.probabilities[kept].argmax(axis=1), minlength=10)
    # The classifier errs in one of a hundred, so that a dropped digit is not quite absent.
    assert set(np.argsort(counts)[:3]) == set(dropped)
    assert mode_count(digits.probabilities[kept].argmax(axis=1), 10).kl > 0.9 * np.log(10 / 7)


@pytest.mark.mnist
def test_copied_training_images_raise_the_memorization_test(digits):
    trained_on, _ = digits.extractor(digits.train.images[digits.unseen[:5000]])
    held_out, healthy = np.split(digits.features[:2000], 2)
    assert memorization(trained_on, healthy, held_out).p_value > 0.01
    copies = np.concatenate([trained_on[:200], healthy[:800]])
    found = memorization(trained_on, copies, held_out)
    assert found.close_share > 0.2 and found.close_p_value < 1e-6 and found.nearer > 0.55
