"""`--measure`: what is measured with what, what is asked for, and where it is written."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from data_fixtures import save_random

from tfgan import data, metrics, self_measurement, training_data
from tfgan.cli.train_flags import parse
from tfgan.errors import InputError
from tfgan.export import model_card
from tfgan.inference import rejection
from tfgan.metrics.extractors import principal_components

PAIRED = ["--model", "pix2pix"]
DOMAINS = ["--model", "cyclegan", "--domain-a", "digits", "--domain-b", "digits:inverted"]


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """A version folder with a card, whose signatures give what they get, and note who was asked."""
    folder = tmp_path / "a_model" / "1"
    folder.mkdir(parents=True)
    model_card.write(folder, {"name": "a_model", "metrics": None})
    asked = []

    def translator(version_folder, name):
        assert version_folder == folder
        asked.append(name)
        return lambda images, masks=None: images

    monkeypatch.setattr(self_measurement, "translator", translator)
    monkeypatch.setattr(self_measurement, "NUM_MEASURED", 40)
    return folder, asked


def test_pairs_of_the_test_split_are_measured(exported, capsys):
    folder, asked = exported
    arguments = parse([*PAIRED, "--task", "denoise"])
    self_measurement.measure_exported(folder, arguments, training_data.load(arguments))
    card = model_card.read(folder)
    assert asked == ["serving_default"] and card["name"] == "a_model"
    psnr = card["metrics"]["metrics"]["psnr"]
    assert psnr["value"] == psnr["untranslated"] > 5 and psnr["difference"]["value"] == 0
    conditions = card["metrics"]["card"]
    assert (conditions["split"], conditions["num_pictures"]) == ("test", [40])
    assert conditions["data"] == "digits_denoise"
    output = capsys.readouterr().out
    assert f"{psnr['value']:.4g}" in output and "digits_denoise test" in output


@pytest.fixture
def uneven(tmp_path, monkeypatch):
    """A card of a model of the digits, and splits that have many 0s and no 9s to test with."""
    folder = tmp_path / "a_cgan" / "1"
    folder.mkdir(parents=True)
    names = list("9876543210")
    inputs = {"seeds": {"shape": [None]}, "labels": {"shape": [None]}}
    card = {"signatures": {"from_seeds": {"inputs": inputs}}, "metrics": None}
    model_card.write(folder, card | {"condition": {"num_classes": 10, "names": names}})
    train, test = (data.load("digits", 1, split=split) for split in ("train", "test"))
    few = np.flatnonzero((test.labels != 9) & ((test.labels == 0) | (np.arange(299) < 60)))
    monkeypatch.setattr(self_measurement, "test_split", lambda arguments: test.subset(few))
    monkeypatch.setattr(self_measurement, "NUM_MEASURED", 200)
    return folder, train, test.labels[few]


def test_classes_are_drawn_as_in_the_test_split_and_evenly_for_the_agreement(
    uneven, monkeypatch, capsys
):
    folder, train, labels = uneven
    given = {}
    model = SimpleNamespace(card=model_card.read(folder))
    monkeypatch.setattr(self_measurement.ExportedModel, "load", lambda folder: model)
    monkeypatch.setattr(self_measurement, "sample", lambda model, seeds, told: told["labels"])
    monkeypatch.setattr(
        metrics, "measure", lambda images, name, **rest: given.update(rest, a=images)
    )
    self_measurement.report_on_drawn(folder, parse(["--model", "cgan"]), train)
    # The model counts its classes backwards.
    np.testing.assert_array_equal(given["labels"], 9 - given["a"])
    share = np.bincount(labels, minlength=10) / len(labels)
    assert np.abs(np.bincount(given["labels"], minlength=10) - 200 * share).max() < 1
    images, classes = given["by_class"]
    np.testing.assert_array_equal(classes, 9 - images)
    assert np.bincount(classes).tolist() == [20] * 10
    assert "none of the model's classes 9" in capsys.readouterr().out


def test_rejection_is_fitted_to_pictures_of_the_same_classes(uneven, monkeypatch):
    folder, train, _ = uneven
    few = train.subset(np.flatnonzero((train.labels == 0) | (np.arange(1498) < 200)))
    monkeypatch.setattr(rejection, "NUM_FITTED", 150)
    asked, fitted = [], []
    monkeypatch.setattr(rejection, "fit_rejection", lambda *sides, **_: fitted.extend(sides))

    def draw(seeds, labels):
        asked.extend(9 - labels)
        return few.images[: len(seeds)]

    extractor = principal_components(few.images)
    inputs = model_card.inputs_of_seeds(folder)
    rejection.keeper_for(draw, inputs, few, extractor, keep_fraction=0.5)
    rows = np.random.default_rng(0).permutation(few.num_images)[:150]
    np.testing.assert_array_equal(np.bincount(asked), np.bincount(few.labels[rows]))
    assert [len(side) for side in fitted] == [150, 150]


def test_both_directions_are_measured_with_both_splits(exported, monkeypatch):
    folder, asked = exported
    given = {}

    def measure_domains(a_to_b, b_to_a, train, test, **options):
        given.update(options, train=train, test=test)
        return metrics.TranslationReport({}, metrics.MetricCard(*[None] * 13))

    monkeypatch.setattr(metrics, "measure_domains", measure_domains)
    arguments = parse([*DOMAINS, "--jitter"])
    train = training_data.load(arguments)
    monkeypatch.setattr(metrics.TranslationReport, "__str__", lambda report: "numbers")
    self_measurement.measure_exported(folder, arguments, train)
    assert asked == ["a_to_b", "b_to_a"]
    assert given["train"] is train and given["num"] == 40 and given["split"] == "test"
    assert (given["test"].a.num_images, given["test"].a.jitter) == (299, False)
    assert json.loads((folder / model_card.CARD_FILE).read_text())["metrics"]["metrics"] == {}


def test_pairs_of_a_folder_are_those_of_test_or_else_of_val(tmp_path):
    arguments = parse([*PAIRED, "--dataset", str(tmp_path)])
    for split, count in (("train", 5), ("val", 3)):
        (tmp_path / split).mkdir()
        save_random(tmp_path / split, count, 8, 16)
    assert self_measurement.split_of(arguments) == "val"
    assert self_measurement.test_split(arguments).num_images == 3
    (tmp_path / "test").mkdir()
    save_random(tmp_path / "test", 2, 8, 16)
    assert self_measurement.split_of(arguments) == "test"
    assert self_measurement.test_split(arguments).num_images == 2
    # A data set's own split has that name whatever folders lie about.
    assert self_measurement.split_of(parse([*PAIRED, "--task", "edges"])) == "test"


def test_without_pairs_to_measure_with_the_command_is_refused(tmp_path):
    (tmp_path / "train").mkdir()
    save_random(tmp_path / "train", 2, 8, 16)
    arguments = parse([*PAIRED, "--dataset", str(tmp_path), "--measure"])
    message = r"\A--measure compares with the test split: .*test.*[^.]\. Leave --measure out\Z"
    with pytest.raises(InputError, match=message):
        self_measurement.test_split(arguments)


@pytest.mark.parametrize("flags", [[], ["--model", "pix2pix", "--task", "edges"]])
def test_a_folder_that_is_one_part_has_nothing_to_measure_against(flags, tmp_path):
    save_random(tmp_path, 2, 8, 8)
    arguments = parse([*flags, "--dataset", str(tmp_path), "--measure"])
    message = r"its pictures are one part\. Leave --measure out(, and give [^\n]*)?\Z"
    with pytest.raises(InputError, match=message):
        self_measurement.test_split(arguments)


def test_an_exported_signature_is_a_function_of_arrays(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    images = tf.TensorSpec([None, 4, 4, 1], tf.float32, name="images")
    masks = tf.TensorSpec([None, 4, 4, 1], tf.float32, name="masks")
    module.fill = tf.function(
        lambda images, masks: {"images": images * (1 - masks)}, input_signature=[images, masks]
    )
    module.halve = tf.function(lambda images: {"images": images / 2}, input_signature=[images])
    tf.saved_model.save(
        module, str(tmp_path), signatures={"serving_default": module.fill, "a_to_b": module.halve}
    )
    ones = np.ones((3, 4, 4, 1), np.float32)
    halved = self_measurement.translator(tmp_path, "a_to_b")(ones)
    np.testing.assert_array_equal(halved, 0.5 * ones)
    filled = self_measurement.translator(tmp_path, "serving_default")(ones, ones)
    np.testing.assert_array_equal(filled, 0 * ones)
