"""A training whose export fails: nothing is lost, and the same command exports it."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgan import train
from tfgan.export import model_card, saved_model

TINY = ["--width", "2", "--steps", "3", "--precision", "float32"]
GAN = ["--latent-dim", "4", "--batch-size", "32", "--r1-gamma", "0"]
TRANSLATION = ["--batch-size", "8"]
FAMILIES = {
    "gan": GAN,
    "cgan": [*GAN, "--model", "cgan"],
    "vae": ["--model", "vae", "--latent-dim", "4", "--batch-size", "32"],
    "pix2pix": [*TRANSLATION, "--model", "pix2pix", "--task", "denoise", "--dataset", "pictures"],
    "cyclegan": [
        *(*TRANSLATION, "--model", "cyclegan"),
        *("--domain-a", "./pictures", "--domain-b", "./pictures:inverted"),
    ],
}
# Whatever a failure is raised as.
FAILURES = {
    "self-check": RuntimeError("the exported model differs from the live one by 0.5"),
    "disk": OSError(28, "No space left on device"),
    "TensorFlow": tf.errors.InvalidArgumentError(None, None, "no such operation\n  at a line"),
    "defect": TypeError("unsupported"),
}


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A working folder with a folder of images of every opacity."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    random = np.random.default_rng(0)
    for index in range(16):
        pixels = random.integers(0, 256, (8, 8, 4), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{index}.png")


def weights_of(version):
    reader = tf.train.load_checkpoint(f"saved_models/{version}/variables/variables")
    names = [name for name in reader.get_variable_to_dtype_map() if "OBJECT_GRAPH" not in name]
    return {name: reader.get_tensor(name) for name in names}


def history_of(name):
    with open(f"runs/{name}/history.csv") as file:
        # What is not the time on the clock.
        return [line.split(",")[:2] + line.split(",")[3:] for line in file]


def fails_once_and_is_exported(flags, failure, capsys, monkeypatch):
    """A run that fails to saved_model, and the same command again."""
    with monkeypatch.context() as patched:

        def failing(*arguments):
            raise failure

        patched.setattr(saved_model, "self_check", failing)
        capsys.readouterr()
        assert train.main([*TINY, *flags, "--name", "failed"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: the model was not exported (")
    assert str(failure).splitlines()[0] in error
    assert error.endswith("runs/failed/checkpoints: the same command exports it")
    assert train.main([*TINY, *flags, "--name", "failed"]) == 0
    assert "resumed at step 3\n" in capsys.readouterr().out
    assert json.loads(Path("runs/failed/result.json").read_text())["step"] == 3


def assert_nothing_is_lost(flags):
    """The run is as one that never failed."""
    assert train.main([*TINY, *flags, "--name", "whole"]) == 0
    assert history_of("failed") == history_of("whole")
    whole, failed = weights_of("whole/1"), weights_of("failed/1")
    assert whole.keys() == failed.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(failed[name], values)


def test_a_run_whose_export_failed_is_exported_by_the_same_command(images, capsys, monkeypatch):
    fails_once_and_is_exported(GAN, FAILURES["self-check"], capsys, monkeypatch)
    assert model_card.read("saved_models/failed/1")["training"]["precision"] == "float32"


def test_a_budget_that_ends_before_the_first_step_exports_nothing(images, capsys):
    command = ["--width", "2", "--precision", "float32", *GAN, "--name", "short"]
    assert train.main([*command, "--minutes", "0.0001"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: --minutes 0.0001 was over before the first step, ")
    assert error.endswith("Pass a larger one")
    assert not Path("saved_models/short").exists()
    # What was begun goes on.
    assert train.main([*command, "--steps", "1"]) == 0
    assert Path("saved_models/short/1").exists()


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_so_is_one_of_every_family(family, images, capsys, monkeypatch):
    flags = FAMILIES[family]
    fails_once_and_is_exported(flags, FAILURES["self-check"], capsys, monkeypatch)
    assert_nothing_is_lost(flags)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in FAILURES if kind != "self-check"])
def test_so_is_one_that_failed_otherwise(kind, images, capsys, monkeypatch):
    fails_once_and_is_exported(GAN, FAILURES[kind], capsys, monkeypatch)
