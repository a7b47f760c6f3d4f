"""`--measure`: what is measured with what, what is asked for, and where it is written."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import step_by_operation
from data_fixtures import save_random

from tfgan import data, metrics, train
from tfgan.errors import InputError
from tfgan.export import model_card
from tfgan.families import cyclegan, from_latents, pix2pix
from tfgan.inference import rejection, sampling
from tfgan.inference.exported_model import ExportedModel
from tfgan.metrics.extractors import principal_components
from tfgan.train import parse
from tfgan.training.plan import held_out_of, plan_of
from tfgan.training.publish import measure_exported

PAIRED = ["--model", "pix2pix"]
DOMAINS = ["--model", "cyclegan", "--domain-a", "digits", "--domain-b", "digits:inverted"]


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """A version folder with a card, whose model gives what it gets, and notes what is asked."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "a_model" / "1"
    folder.mkdir(parents=True)
    model_card.write(folder, {"name": "a_model", "metrics": None})
    asked = []

    def translate(images, masks=None, direction=None):
        asked.append(direction)
        return images

    def load(version_folder):
        assert version_folder == folder
        return SimpleNamespace(path=folder, translate=translate)

    monkeypatch.setattr(ExportedModel, "load", load)
    for family in (pix2pix, cyclegan):
        monkeypatch.setattr(family, "NUM_MEASURED", 40)
    return folder, asked


def measured(folder, flags):
    """Measures an exported version as the run of these flags does; returns its plan."""
    plan = plan_of(*parse([*flags, "--measure"]))
    plan.folder.path.mkdir(parents=True)
    plan.folder.finish({"saved_model": str(folder)})
    measure_exported(plan)
    return plan


def held_out(*flags):
    run, family = parse([*flags, "--measure"])
    return held_out_of(run, family)


def test_pairs_of_the_test_split_are_measured(exported, capsys):
    folder, asked = exported
    measured(folder, [*PAIRED, "--task", "denoise"])
    card = model_card.read(folder)
    assert {*asked} == {None} and card["name"] == "a_model"
    psnr = card["metrics"]["metrics"]["psnr"]
    assert psnr["value"] == psnr["untranslated"] > 5 and psnr["difference"]["value"] == 0
    conditions = card["metrics"]["card"]
    assert (conditions["split"], conditions["num_images"]) == ("test", [40])
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
    monkeypatch.setattr(from_latents, "NUM_MEASURED", 200)
    return folder, train, test.subset(few)


def test_classes_are_drawn_as_in_the_test_split_and_evenly_for_the_agreement(
    uneven, monkeypatch, capsys
):
    folder, train, test = uneven
    given = {}
    monkeypatch.setattr(sampling, "sample", lambda model, seeds, told: told["labels"])
    monkeypatch.setattr(
        metrics, "measure", lambda images, sets, **rest: given.update(rest, a=images, sets=sets)
    )
    _, family = parse(["--model", "cgan"])
    family.measure(SimpleNamespace(card=model_card.read(folder)), train, test)
    # The model counts its classes backwards.
    np.testing.assert_array_equal(given["labels"], 9 - given["a"])
    assert given["sets"] == (train, test)
    share = np.bincount(test.labels, minlength=10) / test.num_images
    assert np.abs(np.bincount(given["labels"], minlength=10) - 200 * share).max() < 1
    images, classes = given["by_class"]
    np.testing.assert_array_equal(classes, 9 - images)
    assert np.bincount(classes).tolist() == [20] * 10
    assert "none of the model's classes 9" in capsys.readouterr().out


def test_rejection_is_fitted_to_images_of_the_same_classes(uneven, monkeypatch):
    folder, train, _ = uneven
    few = train.subset(np.flatnonzero((train.labels == 0) | (np.arange(1498) < 200)))
    monkeypatch.setattr(rejection, "NUM_FITTED", 150)
    asked, fitted = [], []
    monkeypatch.setattr(rejection, "fit_rejection", lambda *sides, **_: fitted.extend(sides))

    def draw(seeds, labels):
        asked.extend(9 - labels)
        return few.images[: len(seeds)]

    extractor = principal_components(few.images)
    inputs = model_card.inputs_of_seeds(model_card.read(folder))
    rejection.fit_filter(draw, inputs, few, extractor, keep_fraction=0.5)
    rows = np.random.default_rng(0).permutation(few.num_images)[:150]
    np.testing.assert_array_equal(np.bincount(asked), np.bincount(few.labels[rows]))
    assert [len(side) for side in fitted] == [150, 150]


def test_both_directions_are_measured_with_both_splits(exported, monkeypatch):
    folder, asked = exported
    given = {}

    def measure_domains(a_to_b, b_to_a, train, test, **options):
        given.update(options, train=train, test=test)
        images = np.zeros((1, 8, 8, 1), np.float32)
        assert a_to_b(images) is images and b_to_a(images) is images
        return metrics.TranslationReport({}, metrics.MetricCard(*[None] * 13))

    monkeypatch.setattr(metrics, "measure_domains", measure_domains)
    monkeypatch.setattr(metrics.TranslationReport, "__str__", lambda report: "numbers")
    plan = measured(folder, [*DOMAINS, "--jitter"])
    assert asked == [None, "BtoA"]
    assert given["train"] is plan.dataset and given["test"] is plan.held_out
    assert given["num"] == 40 and given["split"] == "test"
    assert (given["test"].a.num_images, given["test"].a.jitter) == (299, False)
    assert json.loads((folder / model_card.CARD_FILE).read_text())["metrics"]["metrics"] == {}


def test_pairs_of_a_folder_are_those_of_test_or_else_of_val(tmp_path):
    flags = [*PAIRED, "--dataset", str(tmp_path)]
    for split, count in (("train", 5), ("val", 3)):
        (tmp_path / split).mkdir()
        save_random(tmp_path / split, count, 8, 16)
    pairs = held_out(*flags)
    assert (pairs.split, pairs.num_images) == ("val", 3)
    (tmp_path / "test").mkdir()
    save_random(tmp_path / "test", 2, 8, 16)
    pairs = held_out(*flags)
    assert (pairs.split, pairs.num_images) == ("test", 2)
    # A data set's own split has that name whatever folders lie about.
    assert held_out(*PAIRED, "--task", "edges").split == "test"


def test_domains_of_a_folder_tell_their_split(tmp_path):
    for part, count in (("trainA", 5), ("trainB", 4), ("testA", 3), ("testB", 2)):
        save_random(tmp_path / part, count, 8, 8)
    flags = ["--model", "cyclegan", "--dataset", str(tmp_path)]
    run, family = parse(flags)
    both, unseen = family.load(run), held_out(*flags)
    assert (both.split, both.num_images) == ("train", 9)
    assert (unseen.split, unseen.num_images) == ("test", 5)
    assert [each.split for each in unseen.decoded] == ["test", "test"]


def test_without_pairs_to_measure_with_the_command_is_refused(tmp_path):
    (tmp_path / "train").mkdir()
    save_random(tmp_path / "train", 2, 8, 16)
    message = r"\A--measure compares with the test split: .*test.*[^.]\. Leave --measure out\Z"
    with pytest.raises(InputError, match=message):
        held_out(*PAIRED, "--dataset", str(tmp_path))


@pytest.mark.parametrize("flags", [[], ["--model", "pix2pix", "--task", "edges"]])
def test_a_folder_that_is_one_part_has_nothing_to_measure_against(flags, tmp_path):
    save_random(tmp_path, 2, 8, 8)
    message = r"its images are one part\. Leave --measure out(, and give [^\n]*)?\Z"
    with pytest.raises(InputError, match=message):
        held_out(*flags, "--dataset", str(tmp_path))


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """What data are read and which SavedModels loaded, two lists, in a place of its own."""
    import tensorflow as tf

    from tfgan.data import loading, pairs
    from tfgan.metrics import classifier

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(classifier, "_IMAGES_SEEN", 300)
    for family in (from_latents, pix2pix, cyclegan):
        monkeypatch.setattr(family, "NUM_MEASURED", 299)
    read, loaded = [], []
    honest_source, honest_load = loading.from_source, tf.saved_model.load

    def from_source(source, received, batch_size, seed, split):
        read.append((received, split))
        return honest_source(source, received, batch_size, seed, split)

    for module in (loading, pairs):
        monkeypatch.setattr(module, "from_source", from_source)
    monkeypatch.setattr(
        tf.saved_model, "load", lambda path, *rest: loaded.append(path) or honest_load(path, *rest)
    )
    return read, loaded


@pytest.mark.parametrize(
    ("flags", "splits"),
    [
        (["--model", "vae", "--latent-dim", "4"], ["train", "test"]),
        (["--model", "pix2pix", "--task", "denoise"], ["train", "test"]),
        pytest.param(
            ["--model", "cyclegan", "--domain-a", "digits:1", "--domain-b", "digits:7"],
            # Of one data set, each domain of its own.
            ["train", "train", "test", "test"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["vae", "pix2pix", "cyclegan"],
)
def test_a_measured_run_reads_each_split_and_its_model_once(flags, splits, counted, capsys):
    read, loaded = counted
    flags = [*flags, "--width", "2", "--batch-size", "8", "--precision", "float32", "--name", "it"]
    with step_by_operation():
        assert train.main([*flags, "--steps", "2", "--measure"]) == 0
    assert read == [("digits", split) for split in splits]
    assert len(loaded) == 1
    # It appeared with all that belongs to it.
    card = model_card.read("saved_models/it/1")
    assert card["metrics"]["card"]["split"] == "test"
    assert (Path("saved_models/it/1") / model_card.CONTACT_SHEET_FILE).is_file()
    assert not list(Path("saved_models/it").glob(".*"))
    # A finished run is measured again without being loaded for anything else.
    assert train.main([*flags, "--steps", "2", "--measure"]) == 0
    assert len(loaded) == 2 and "is finished" in capsys.readouterr().out


def test_what_cannot_be_measured_is_exported_all_the_same(counted, monkeypatch, capsys):
    def fails(*arguments):
        assert not Path("saved_models/it/1").exists()
        raise InputError("too few images")

    monkeypatch.setattr(pix2pix.Pix2Pix, "measure", fails)
    flags = [*PAIRED, "--task", "denoise", "--width", "2", "--name", "it", "--steps", "1"]
    with step_by_operation():
        assert train.main([*flags, "--measure", "--precision", "float32"]) == 2
    assert capsys.readouterr().err.endswith("error: too few images\n")
    assert model_card.read("saved_models/it/1")["metrics"] is None
