"""Reports on translating models, of translators whose answers are known."""

import dataclasses
import json

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from tfgan.data import ImageDataset
from tfgan.data.pairs import pairs_of
from tfgan.data.transformed import TransformedDataset
from tfgan.data.unpaired import UnpairedDataset, load_unpaired
from tfgan.errors import InputError
from tfgan.metrics import classifier as classifier_module
from tfgan.metrics import measure_domains, measure_pairs, pair_scores, translation
from tfgan.metrics.extractors import Extractor

NUM = 70


def make_dataset(*shape):
    images = np.random.default_rng(0).integers(0, 256, (NUM, *shape), np.uint8)
    return ImageDataset("noise", images, None, None, 4, 0)


@pytest.fixture(scope="module")
def inverted_pairs():
    """Pairs whose target is the negative of the condition."""
    return TransformedDataset(
        "noise_inverted",
        make_dataset(12, 12, 3),
        lambda images, seed: {"image": images, "condition": -images},
    )


def invert(images, masks=None):
    assert masks is None and images.dtype == np.float32
    return 1 - images


def keep(images, masks=None):
    return images


def test_an_exact_translator_scores_perfectly(inverted_pairs):
    report = measure_pairs(invert, inverted_pairs, progress=False)
    assert report["l1"].value == pytest.approx(0, abs=1e-6)
    assert report["psnr"].value == pytest.approx(10 * np.log10(12 * 255**2))
    assert report["ssim"].value == pytest.approx(1, abs=1e-6)
    assert report["l1"].difference.value == pytest.approx(-report["l1"].untranslated, abs=1e-6)
    assert report["psnr"].difference.low > 40 and report["ssim"].difference.low > 0.5
    assert report.card.num_images == (NUM,) and report.card.ssim_window == 11


def test_leaving_images_as_they_are_gains_nothing(inverted_pairs):
    report = measure_pairs(keep, inverted_pairs, progress=False)
    images = inverted_pairs.dataset.images / 255
    assert report["l1"].value == pytest.approx(np.mean(np.abs(2 * images - 1)), abs=1e-6)
    for one in report.measurements.values():
        assert one.value == one.untranslated and one.low < one.value < one.high
        assert (one.difference.value, one.difference.low, one.difference.high) == (0, 0, 0)


def test_differences_are_taken_image_by_image(inverted_pairs):
    def nearly(images, masks=None):
        return 0.9 * images

    report = measure_pairs(nearly, inverted_pairs, progress=False)
    scores = pair_scores({"a": nearly, "b": keep}, inverted_pairs, progress=False)
    differences = scores["a"]["psnr"] - scores["b"]["psnr"]
    assert report["psnr"].difference.value == pytest.approx(differences.mean())
    # What images have in common falls out of the difference.
    reach = report["psnr"].difference.high - report["psnr"].difference.low
    assert reach < 0.5 * (report["psnr"].high - report["psnr"].low)


def test_filled_holes_are_measured_by_themselves():
    pairs = pairs_of(make_dataset(8, 8, 1), "inpaint")

    def fill_with_gray(images, masks):
        np.testing.assert_array_equal(images[masks == 1], 0.5)
        return images

    report = measure_pairs(fill_with_gray, pairs, progress=False)
    made = pairs.examples(NUM)
    is_missing = made["mask"] == 1
    per_image = [
        np.abs(image[missing] / 2).mean() for image, missing in zip(made["image"], is_missing)
    ]
    assert report["hole_l1"].value == pytest.approx(np.mean(per_image), rel=1e-6)
    assert report["hole_l1"].value > 2 * report["l1"].value > 0
    assert report.card.ssim_window == 7


def test_a_gray_condition_is_compared_in_the_targets_channels():
    pairs = pairs_of(make_dataset(8, 8, 4), "colorize")
    report = measure_pairs(lambda images, masks: pairs_in_gray(images), pairs, progress=False)
    assert report["l1"].value == report["l1"].untranslated > 0


def pairs_in_gray(images):
    return np.concatenate([np.repeat(images, 3, axis=-1), np.ones_like(images)], axis=-1)


def test_fewer_pairs_are_a_random_part(inverted_pairs):
    some, others, same = (
        measure_pairs(keep, inverted_pairs, num=20, seed=seed, progress=False) for seed in (0, 1, 0)
    )
    assert some.card.num_images == (20,)
    assert some["l1"].value == same["l1"].value != others["l1"].value
    with pytest.raises(InputError, match="seed 0 and 1"):
        some["l1"] < others["l1"]  # noqa: B015


def test_a_report_is_text_and_json(inverted_pairs):
    report = measure_pairs(keep, inverted_pairs, split="val", progress=False)
    numbers = json.loads(json.dumps(report.as_dict()))
    assert numbers["metrics"]["psnr"]["difference"]["value"] == 0
    assert numbers["metrics"]["psnr"]["untranslated"] == report["psnr"].untranslated
    assert numbers["card"]["split"] == "val"
    assert "psnr" in str(report) and "70 of noise_inverted val" in str(report)
    # Pairs have no floor, and so no column of it.
    assert "floor" not in str(report)


def test_what_is_made_must_fit_the_targets(inverted_pairs):
    for translate, message in (
        (lambda images, masks: images[..., :1], r"\(64, 12, 12, 1\)"),
        (lambda images, masks: 2 * images - 1, r"in \[0, 1\]"),
    ):
        with pytest.raises(InputError, match=message):
            measure_pairs(translate, inverted_pairs, progress=False)


def test_one_pair_has_no_interval(inverted_pairs):
    pictures = inverted_pairs.dataset
    one = dataclasses.replace(
        inverted_pairs, dataset=dataclasses.replace(pictures, images=pictures.images[:1])
    )
    with pytest.raises(InputError, match="at least 2 pairs"):
        measure_pairs(keep, one, progress=False)


def centroids(name, train, test, seed):
    """In place of the classifier: the class whose mean is nearest."""
    assert name == "classifier" and train.image_shape == test.image_shape
    model = NearestCentroid().fit(train.images.reshape(train.num_images, -1), train.labels)

    def features_of(images):
        read = model.predict(images.reshape(len(images), -1))
        return images, np.eye(len(train.class_names))[read]

    return Extractor(f"centroids of {train.name}", "digest", features_of)


@pytest.fixture(scope="module")
def inverted_digits():
    return tuple(
        load_unpaired("digits", "digits:inverted", 1, split=split) for split in ("train", "test")
    )


def shuffled(images):
    """The negatives, but of other images."""
    return 1 - np.roll(images, 7, axis=0)


def measured(a_to_b, b_to_a, domains):
    return measure_domains(a_to_b, b_to_a, *domains, progress=False)


def test_exact_translators_reach_the_floor_and_none_do_not(inverted_digits, monkeypatch):
    monkeypatch.setattr(translation, "extractor_for", centroids)
    exact, none, other = (
        measured(translate, translate, inverted_digits) for translate in (invert, keep, shuffled)
    )
    for letter in "ab":
        assert exact[f"cycle_l1_{letter}"].value == pytest.approx(0, abs=1e-6)
        assert none[f"cycle_l1_{letter}"].value == 0
        assert other[f"cycle_l1_{letter}"].value > 0.1
    for direction in ("a_to_b", "b_to_a"):
        domain, shown = f"domain_agreement_{direction}", f"class_agreement_{direction}"
        assert exact[domain].value == exact[domain].floor > 0.99
        assert none[domain].value == none[domain].untranslated < 0.01
        assert other[domain].value == exact[domain].value
        # Of the digits as they are the centroids of the digits read as many, whatever the domain.
        assert exact[shown].value == pytest.approx(exact[shown].floor, abs=1e-9)
        assert exact[shown].low < exact[shown].value < exact[shown].high
        assert exact[shown].value > 0.8
        assert other[shown].value < 0.3 and none[shown].value < 0.5
    assert exact.card.num_images == (299, 299) and len(exact.card.classifiers) == 3
    assert "class_agreement_b_to_a" in str(exact) and "299 and 299 of digits_to" in str(exact)
    json.dumps(exact.as_dict())


def test_the_cycle_error_is_that_of_the_way_back(inverted_digits, monkeypatch):
    monkeypatch.setattr(translation, "extractor_for", centroids)
    report = measured(invert, lambda images: np.full_like(images, 0.5), inverted_digits)
    digits = inverted_digits[1].a.dataset.images / 255
    assert report["cycle_l1_a"].value == pytest.approx(np.mean(np.abs(digits - 0.5)), abs=1e-6)
    # From B to A nothing is left, and the way from gray to B is gray.
    assert report["cycle_l1_b"].value == pytest.approx(np.mean(np.abs(digits - 0.5)), abs=1e-6)


def test_classes_count_where_the_domains_share_them(inverted_digits, monkeypatch):
    monkeypatch.setattr(translation, "extractor_for", centroids)
    single = tuple(
        load_unpaired("digits:3", "digits:7", 1, split=split) for split in ("train", "test")
    )
    report = measured(keep, keep, single)
    assert "domain_agreement_a_to_b" in report.measurements
    assert "class_agreement_a_to_b" not in report.measurements
    unlabeled = tuple(without_labels(both) for both in inverted_digits)
    report = measured(keep, keep, unlabeled)
    assert len(report.measurements) == 4 and len(report.card.classifiers) == 1


def without_labels(unpaired):
    return UnpairedDataset(
        unpaired.name,
        *(
            dataclasses.replace(
                domain,
                dataset=dataclasses.replace(domain.dataset, labels=None, class_names=None),
            )
            for domain in (unpaired.a, unpaired.b)
        ),
    )


def test_the_classifiers_get_as_many_images_of_either_domain(inverted_digits, monkeypatch):
    seen = []

    def counting(name, train, test, seed):
        seen.append(train)
        return centroids(name, train, test, seed)

    monkeypatch.setattr(translation, "extractor_for", counting)
    train, test = inverted_digits
    few = dataclasses.replace(
        train.a,
        dataset=train.a.dataset.subset(np.arange(200)),
    )
    measured(keep, keep, (UnpairedDataset("few", few, train.b), test))
    both, *_ = seen
    np.testing.assert_array_equal(np.bincount(both.labels), [200, 200])
    np.testing.assert_array_equal(both.images[:200], train.a.dataset.images[:200])
    # The training's own classifier gets the domains' images as they are translated to.
    assert both.images[200:].mean() > 150 > both.images[:200].mean()


def test_domains_go_by_the_same_names_in_either_split(inverted_digits, monkeypatch):
    seen = []

    def naming(name, train, test, seed):
        seen.append((train, test))
        return centroids(name, train, test, seed)

    def renamed(both, part):
        domains = (both.a, both.b)
        names = (f"{part}_{each.name}" for each in domains)
        return UnpairedDataset(
            part, *(dataclasses.replace(each, name=name) for each, name in zip(domains, names))
        )

    monkeypatch.setattr(translation, "extractor_for", naming)
    # As a folder's are called, which has trainA and testA.
    train, test = (renamed(both, part) for both, part in zip(inverted_digits, ("train", "test")))
    measured(keep, keep, (train, test))
    (known, unseen), *_ = seen
    assert known.class_names == unseen.class_names and known.name != unseen.name


def test_one_image_has_no_interval(inverted_digits):
    train, test = inverted_digits
    one = dataclasses.replace(test.a, dataset=test.a.dataset.subset(np.arange(1)))
    with pytest.raises(InputError, match=r"2 images per domain\. Received: 1"):
        measured(keep, keep, (train, UnpairedDataset("one", one, test.b)))


@pytest.mark.slow
def test_the_projects_own_classifiers_tell_the_same(inverted_digits, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    # A tenth of the usual training is enough for 8x8 digits.
    monkeypatch.setattr(classifier_module, "_IMAGES_SEEN", 15_000)
    exact, none = (measured(translate, translate, inverted_digits) for translate in (invert, keep))
    for direction in ("a_to_b", "b_to_a"):
        assert exact[f"domain_agreement_{direction}"].value > 0.97
        assert none[f"domain_agreement_{direction}"].value < 0.03
        shown = exact[f"class_agreement_{direction}"]
        assert shown.value == pytest.approx(shown.floor, abs=1e-9) and shown.value > 0.9
        assert none[f"class_agreement_{direction}"].value < 0.5
    assert all("accuracy" in each for each in exact.card.classifiers)
