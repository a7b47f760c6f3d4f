import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from tfgan import data
from tfgan.errors import InputError
from tfgan.metrics import Measurement, MetricCard, measure, mode_count
from tfgan.metrics import classifier as classifier_module
from tfgan.metrics.classifier import trained_classifier
from tfgan.metrics.comparison import prepare
from tfgan.metrics.extractors import extractor_for, rounded
from tfgan.metrics.report import Report
from tfgan.metrics.text_table import text_table


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        # A twentieth of the usual training is enough for 8x8 digits.
        patch.setattr(classifier_module, "_IMAGES_SEEN", 7_500)
        yield folder


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", 1), data.load("digits", 1, split="test")


@pytest.fixture(scope="module")
def classifier(digits):
    return extractor_for("classifier", *digits)


def test_the_classifier_is_good_seeded_cached_and_leaves_half_unseen(
    digits, classifier, cache_folder, capfd
):
    train, test = digits
    # The test split's accuracy is stated, and true.
    _, probabilities = classifier(test.images)
    accuracy = np.mean(probabilities.argmax(axis=1) == test.labels)
    assert accuracy > 0.9 and f"accuracy {accuracy:.4f}" in classifier.name
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert len(set(classifier.unseen)) == train.num_images // 2

    capfd.readouterr()
    again = extractor_for("classifier", *digits)
    assert "training" not in capfd.readouterr().out
    assert again.digest == classifier.digest
    np.testing.assert_array_equal(again.unseen, classifier.unseen)
    # Files half written or left over do not count as classifiers.
    assert [entry.name for entry in (cache_folder / "tfgan").iterdir()] == [
        next((cache_folder / "tfgan").glob("classifier-digits-*")).name
    ]


def test_a_classifier_that_cannot_be_kept_is_used_all_the_same(
    digits, tmp_path, monkeypatch, capsys
):
    (tmp_path / "a_file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a_file"))
    monkeypatch.setattr(classifier_module, "_IMAGES_SEEN", 1)
    extractor = extractor_for("classifier", *digits)
    assert extractor(digits[1].images[:3])[1].shape == (3, 10)
    assert "cannot be kept in" in capsys.readouterr().out


def test_the_accuracy_is_of_the_split_in_use(digits, classifier):
    train, test = digits
    correct = trained_classifier(train, test).accuracy
    assert f"accuracy {correct:.4f}" in classifier.name
    wrong = dataclasses.replace(test, labels=(test.labels + 1) % 10)
    assert trained_classifier(train, wrong).accuracy < 0.1
    half = test.subset(np.arange(100))
    read = classifier(half.images)[1].argmax(axis=1)
    assert trained_classifier(train, half).accuracy == pytest.approx(np.mean(read == half.labels))
    # Classes in another order, or that the classifier does not know, and images without one.
    backwards = dataclasses.replace(
        test, class_names=train.class_names[::-1], labels=np.int32(9 - test.labels)
    )
    assert trained_classifier(train, backwards).accuracy == correct
    odd = dataclasses.replace(test, labels=np.where(test.labels < 5, -1, test.labels))
    few = trained_classifier(train, test.subset(np.flatnonzero(test.labels >= 5)))
    assert trained_classifier(train, odd).accuracy == few.accuracy
    # Without labels, or a split: on those of the training images that it has not seen.
    unseen = trained_classifier(train, None)
    rows = unseen.unseen
    read = classifier(train.images[rows])[1].argmax(axis=1)
    assert unseen.accuracy == pytest.approx(np.mean(read == train.labels[rows]))
    for labels in (None, np.full(len(test.labels), -1)):
        unlabeled = dataclasses.replace(test, labels=labels)
        assert trained_classifier(train, unlabeled).accuracy == unseen.accuracy


@pytest.mark.parametrize(
    "damage", ["emptied", "cut off", "removed", "other content", "other classes"]
)
def test_a_damaged_classifier_is_trained_again(damage, digits, tmp_path, monkeypatch, capsys):
    trained = []

    def train(dataset, seen, seed):
        trained.append(len(seen))
        return classifier_module._network(dataset.image_shape, len(dataset.class_names), seed)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(classifier_module, "_train", train)
    monkeypatch.setattr(classifier_module, "_accuracy", lambda *arguments: 0.5)
    first = trained_classifier(*digits).model
    (file,) = tmp_path.rglob("classifier.keras")
    whole = file.read_bytes()
    if damage == "removed":
        file.unlink()
    elif damage == "other classes":
        classifier_module._network((8, 8, 1), 9, 0).save(file)
    else:
        file.write_bytes({"emptied": b"", "cut off": whole[:999], "other content": b"no"}[damage])
    again = trained_classifier(*digits).model
    assert "cannot be read" in capsys.readouterr().out and trained == [749] * 2
    for left, right in zip(first.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(left, right)
    # It is whole from now on, and nothing is left of the other.
    trained_classifier(*digits)
    assert len(trained) == 2 and capsys.readouterr().out == ""
    assert [each.name for each in file.parent.parent.iterdir()] == [file.parent.name]
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_components_are_not_fitted_to_the_images_of_the_floor(digits):
    train, test = digits
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (200, 8, 8, 1), dtype=np.uint8)
    train = dataclasses.replace(train.subset(np.arange(200)), images=noise)
    comparison = prepare(noise[:100], train, test, features="pixels", progress=False)
    extractor = comparison.extractor
    assert len(extractor.unseen) == 100 == len(comparison.floor.images)
    # Other images on the same rows do not change the components.
    changed = noise.copy()
    changed[extractor.unseen] = 0
    other = extractor_for("pixels", dataclasses.replace(train, images=changed), test, num=100)
    assert other.digest == extractor.digest
    # In high dimensions components fit their own images: these vary more than others along them.
    wide = rng.normal(128, 20, (200, 16, 16, 1)).clip(0, 255).astype(np.uint8)
    wide = dataclasses.replace(train, images=wide)
    extractor = extractor_for("pixels", wide, wide)
    seen = np.setdiff1d(np.arange(200), extractor.unseen)
    spread = [extractor(wide.images[rows])[0].var(0).sum() for rows in (seen, extractor.unseen)]
    assert spread[0] > 1.5 * spread[1]


def test_the_classes_of_the_lowest_agreement_stand_in_a_table_and_all_in_json():
    by_class = {
        f"class {index}": {"value": index / 25, "low": 0.0, "high": 1.0, "num": 1000 + index}
        for index in range(25)
    }
    agreement = number(0.5, metric="label_agreement")
    report = Report({"label_agreement": agreement}, CARD, None, by_class)
    rows = list(report.class_rows())
    assert rows[0] == ("class 0", "0", "0 to 1", "1,000") and len(rows) == 20
    assert rows[-1][:2] == ("class 19", "0.76")
    assert "class 19             0.76" in str(report) and "class 20" not in str(report)
    assert report.as_dict()["metrics"]["label_agreement"]["by_class"] == by_class
    none = Report({"label_agreement": agreement}, CARD, None)
    assert list(none.class_rows()) == [] and "class" not in str(none)


def test_columns_stay_apart_whatever_they_hold():
    rows = [("metric", "value", "95% interval"), ("a", "3.09e-05", "-0.0001035 to 0.0001653")]
    rows += [("a_very_long_name_of_a_metric_indeed", "-1.234e-100", "")]
    assert text_table(rows).split("\n") == [
        "metric                                     value             95% interval",
        "a                                       3.09e-05  -0.0001035 to 0.0001653",
        "a_very_long_name_of_a_metric_indeed  -1.234e-100",
    ]


@pytest.mark.slow
def test_the_classifier_never_saw_its_unseen_half(digits):
    train, test = digits
    # Images whose labels are all wrong: whoever saw them has learned them.
    wrong = dataclasses.replace(train, labels=(train.labels + 1) % 10)
    trained = trained_classifier(train, test, seed=1, cache=False)
    half_wrong = dataclasses.replace(
        train, labels=np.where(np.isin(np.arange(1498), trained.unseen), wrong.labels, train.labels)
    )
    poisoned = trained_classifier(half_wrong, test, seed=1, cache=False)
    for left, right in zip(trained.model.get_weights(), poisoned.model.get_weights()):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "name", [pytest.param("classifier", marks=pytest.mark.slow), "random", "pixels"]
)
def test_features_are_a_function_of_the_image_alone(name, digits, classifier, monkeypatch):
    train, test = digits
    # Of the seeds besides that of `classifier`, which need not be good.
    monkeypatch.setattr(classifier_module, "_IMAGES_SEEN", 750)
    extractor = extractor_for(name, train, test)
    features, _ = extractor(test.images)
    alone, _ = extractor(test.images[7:8])
    assert features.shape[0] == test.num_images
    np.testing.assert_allclose(features[7], alone[0], rtol=1e-4, atol=1e-4)
    assert extractor_for(name, train, test).digest == extractor.digest
    assert extractor_for(name, train, test, seed=3).digest != extractor.digest


def test_images_are_rounded_before_anything_looks_at_them(classifier, digits):
    images = digits[1].images[:20]
    exact, _ = classifier(images)
    noise = np.random.default_rng(0).uniform(-0.45, 0.45, images.shape)
    almost = np.clip(images + noise, 0, 255) / 255
    np.testing.assert_array_equal(classifier(almost)[0], exact)
    np.testing.assert_array_equal(rounded(np.float32(images / 255)), images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 8, 8, 1), np.float32) - 0.1, r"\[0, 1\].*-0.1"),
        (np.full((2, 8, 8, 1), np.nan), "nan"),
        (np.full((2, 8, 8, 1), 255.0), "255"),
        (np.zeros((2, 8, 8, 1), np.int64), "int64"),
        (np.zeros((8, 8)), r"\(8, 8\)"),
        (np.zeros((0, 8, 8, 1)), "0, 8, 8"),
    ],
)
def test_images_that_are_none(images, message):
    with pytest.raises(InputError, match=message):
        rounded(images)


def test_without_labels_there_is_no_classifier(digits):
    unlabeled = dataclasses.replace(digits[0], labels=None)
    with pytest.raises(InputError, match=r"no labels.*random"):
        extractor_for("classifier", unlabeled, digits[1])
    assert "random" in extractor_for("auto", unlabeled, digits[1]).name


def test_unknown_features(digits):
    with pytest.raises(InputError, match="clip-vit"):
        extractor_for("clip-vit", *digits)


def test_inception_without_its_weights_names_the_reason(digits, monkeypatch):
    import keras

    def no_network(**arguments):
        raise Exception("URL fetch failure on somewhere: None -- no route")

    monkeypatch.setattr(keras.applications, "InceptionV3", no_network)
    with pytest.raises(InputError, match=r"Inception-v3.*URL fetch failure"):
        extractor_for("inception", *digits)


CARD = MetricCard("pixels", "abc", "mnist", "test", 10, 10, 10, 10, 5, (8, 8, 1), "none", 0, ())


def number(value, metric="precision", **differences):
    return Measurement(metric, value, None, None, None, dataclasses.replace(CARD, **differences))


def test_numbers_under_one_card_compare():
    assert number(0.25) < number(0.5) and number(0.5) > number(0.25)
    assert number(0.75) - number(0.5) == 0.25


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(MetricCard)])
def test_numbers_under_different_cards_refuse(field):
    with pytest.raises(InputError, match=f"different conditions.*{field} .* and 'another'"):
        number(0.25) < number(0.5, **{field: "another"})  # noqa: B015


def test_different_metrics_refuse():
    with pytest.raises(InputError, match="precision cannot be compared with recall"):
        number(0.25) - number(0.5, metric="recall")


def test_real_images_measure_like_the_floor_and_bad_ones_do_not(digits):
    train, _ = digits
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (299, 8, 8, 1), dtype=np.uint8)
    arguments = {"features": "pixels", "progress": False}
    real = measure(train.images[::5], "digits", **arguments)
    bad = measure(noise, "digits", **arguments)
    assert real["frechet_distance"].value == pytest.approx(real["frechet_distance"].floor, abs=0.1)
    for metric in ("frechet_distance", "frechet_distance_limit", "kernel_distance"):
        assert bad[metric].low > real[metric].high
    assert bad["precision"].value == 0 and real["precision"].value > 0.8
    assert bad["coverage"].value < 0.05 and real["coverage"].value > 0.8
    # Training images themselves are as near to the training images as can be.
    assert real["copies_nearer"].value == 1 and bad["copies_nearer"].value == 0
    for one in real.measurements.values():
        if one.low is not None:
            assert one.low <= one.value <= one.high
    assert real.card.num_generated == 300 and real.card.num_real == 299
    assert real.as_dict()["metrics"]["recall"]["floor"] == real["recall"].floor
    assert "frechet_distance_limit" in str(real) and "pixels" in str(real)


@pytest.mark.slow
def test_a_generator_that_drops_classes_is_found_out(digits, classifier):
    train, _ = digits
    kept = train.images[~np.isin(train.labels, [2, 5, 8])][:600]
    whole = measure(train.images[:600], "digits", num_neighbours=250, progress=False)
    report = measure(kept, "digits", num_neighbours=250, progress=False)
    # A classifier errs now and then, so a class that is dropped can still be counted.
    assert report["modes_kl"].value > np.log(10 / 7) * 0.8
    assert whole["modes"].value == 10 and whole["modes_kl"].value < 0.05
    assert report["class_imbalance"].value > 0.2 > whole["class_imbalance"].value
    assert report["recall"].value < whole["recall"].value - 0.1
    assert report["coverage"].value < whole["coverage"].value - 0.1


def test_label_agreement_is_the_share_that_is_taken_for_what_was_asked_for(digits, classifier):
    _, test = digits
    images, labels = test.images, test.labels.copy()
    read = classifier(images)[1].argmax(axis=1)
    # Every third image was conditioned on another digit.
    labels[::3] = (labels[::3] + 1) % 10
    report = measure(images, "digits", labels=labels, progress=False)
    agreement = report["label_agreement"]
    # Each class counts once, however often it was requested.
    shares = [np.mean(read[labels == label] == label) for label in range(10)]
    assert agreement.value == pytest.approx(np.mean(shares))
    assert agreement.value == pytest.approx(np.mean(read == test.labels) * 2 / 3, abs=0.05)
    by_class = report.as_dict()["metrics"]["label_agreement"]["by_class"]
    assert [*by_class] == list("0123456789")
    assert [one["value"] for one in by_class.values()] == pytest.approx(shares)
    assert [one["num"] for one in by_class.values()] == np.bincount(labels).tolist()
    assert all(one["low"] < one["value"] < one["high"] for one in by_class.values())
    assert agreement.low < agreement.value < agreement.high
    assert agreement.floor > 0.9


def test_each_image_needs_a_label(digits):
    with pytest.raises(InputError, match=r"needs a label\. Received: 299 images, 3 labels"):
        measure(digits[1].images, "digits", labels=[1, 2, 3], progress=False)


def test_the_order_of_the_images_does_not_matter(digits):
    train, _ = digits
    shuffled = train.images[::3]
    by_class = shuffled[np.argsort(train.labels[::3], kind="stable")]
    arguments = {"features": "pixels", "num_neighbours": 150, "progress": False}
    mixed, ordered = (measure(each, "digits", **arguments) for each in (shuffled, by_class))
    for metric in ("precision", "recall", "coverage"):
        assert ordered[metric].value == pytest.approx(mixed[metric].value, abs=0.1)


def test_of_more_images_than_are_measured_some_of_each_class_are(digits):
    train, test = digits
    order = np.argsort(train.labels, kind="stable")
    images, labels = train.images[order], train.labels[order]
    arguments = {"features": "pixels", "num_neighbours": 50, "progress": False}
    fake = prepare(images, train, test, labels=labels, num=200, **arguments).fake
    assert len(fake.images) == len(fake.labels) == 200
    assert np.bincount(fake.labels, minlength=10).min() > 5
    for image, label in zip(fake.images, fake.labels):
        assert (images[labels == label] == image).all(axis=(1, 2, 3)).any()


def test_images_of_another_shape():
    with pytest.raises(InputError, match=r"\(8, 8, 1\).*\(28, 28, 1\)"):
        measure(np.zeros((500, 28, 28, 1)), "digits")


@pytest.mark.slow
def test_metrics_import_nothing_of_the_models():
    script = (
        "import sys, tfgan.metrics; sys.exit(any('tfgan.models' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.mnist
def test_stacked_mnist_has_a_thousand_modes_by_its_labels_and_by_the_classifier(mnist_data_dir):
    stacks = data.load("stacked_mnist", 1, data_dir=mnist_data_dir, split="test")
    assert mode_count(stacks.labels, 1000).modes >= 999
    digits = [data.load("mnist", 1, data_dir=mnist_data_dir, split=s) for s in ("train", "test")]
    extractor = extractor_for("classifier", *digits)
    read = sum(
        100 // 10**channel * extractor(stacks.images[..., [channel]])[1].argmax(axis=1)
        for channel in range(3)
    )
    # Three digits have to be read right, by a classifier trained for seconds here.
    assert np.mean(read == stacks.labels) > 0.85


def test_no_public_name_of_the_metrics_equals_a_module():
    import pkgutil

    import tfgan.metrics

    modules = {module.name for module in pkgutil.iter_modules(tfgan.metrics.__path__)}
    assert modules.isdisjoint(tfgan.metrics.__all__)
