"""A family that the package does not know, through every command, by one row of the table."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from bigan import BiGAN, BiGANFamily
from PIL import Image

from tfgan import convert, evaluate, explore, generate, train
from tfgan.export import model_card
from tfgan.families import FAMILIES, from_latents
from tfgan.training import loop
from tfgan.training.monitor import curve
from tfgan.training.run_folder import RunFolder

TINY = ["--model", "bigan", "--width", "4", "--latent-dim", "5", "--precision", "float32"]


@pytest.fixture(scope="module")
def row():
    """The one row that a new family adds."""
    FAMILIES["bigan"] = BiGANFamily
    yield
    del FAMILIES["bigan"]


@pytest.fixture(scope="module")
def place(row, tmp_path_factory):
    """A folder in which a run was killed after 30 steps, resumed, and trained to 60."""
    folder = tmp_path_factory.mktemp("bigan")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        # One that is read before the end.
        patch.setattr(curve, "interval_of", lambda batch_size: 20)
        flags = [*TINY, "--checkpoint-every", "0.001"]
        assert train.main([*flags, "--steps", "60", "--name", "undisturbed"]) == 0

        class Killed(BaseException):
            pass

        step_of_before = loop.train_step

        def dies(model, batch, step):
            if step == 30:
                raise Killed
            return step_of_before(model, batch, step)

        with patch.context() as dying:
            dying.setattr(loop, "train_step", dies)
            with pytest.raises(Killed):
                train.main([*flags, "--steps", "60", "--name", "it"])
        assert train.main([*flags, "--steps", "60", "--name", "it"]) == 0
        yield folder


def tensors(name):
    newest = max(RunFolder(f"runs/{name}").checkpoints.glob("step-*"))
    reader = tf.train.load_checkpoint(str(newest / "state"))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


def test_it_resumes_after_a_kill_bit_for_bit(place):
    resumed, undisturbed = tensors("it"), tensors("undisturbed")
    assert resumed.keys() == undisturbed.keys()
    for key, value in resumed.items():
        if "seconds" not in key and not key.startswith("_"):
            np.testing.assert_array_equal(value, undisturbed[key], err_msg=key)


def test_it_is_monitored_by_its_own_discriminator(place):
    rows = curve_rows(place / "runs/it/quality.csv")
    assert [row["step"] for row in rows] == [20, 40, 60]
    assert all(0 <= row["discriminator_auc"] <= 1 for row in rows)


def curve_rows(file):
    header, *rows = file.read_text().splitlines()
    return [dict(zip(header.split(","), map(float, row.split(",")))) for row in rows]


def test_its_flags_are_its_own(row, capsys):
    with pytest.raises(SystemExit):
        train.main(["--model", "bigan", "--help"])
    shown = capsys.readouterr().out
    assert "--units N" in shown and "(default: 32)" in shown and "--r1-gamma" not in shown
    with pytest.raises(SystemExit):
        train.main(["--units", "3"])
    error = capsys.readouterr().err
    assert "--units is not used by --model gan, but by --model bigan" in error


def test_its_card_tells_what_it_is(place):
    card = model_card.read("saved_models/it/1")
    assert card["family"] == BiGAN.__name__
    assert {"encode", "reconstruct", "from_seeds", "png"} <= card["signatures"].keys()
    assert card["training"]["flags"]["units"] == 32


def test_it_draws_encodes_and_is_explored(place, capsys):
    import tfgan

    assert generate.main(["saved_models/it", "--num", "4", "--out", "grid.png"]) == 0
    assert Image.open("grid.png").mode == "L"
    model = tfgan.load("saved_models/it")
    images = model.generate(np.arange(3))
    assert images.shape == (3, 8, 8, 1)
    assert model.encode(images).shape == (3, 5)
    assert model.reconstruct(images).shape == images.shape
    assert explore.main(["saved_models/it", "--standalone", "it.html"]) == 0
    command = ["saved_models/it", "--format", "keras", "--out", "it.keras"]
    assert convert.main(command) == 0


def test_it_is_measured_and_evaluated(place, monkeypatch, capsys):
    from tfgan.metrics import classifier

    monkeypatch.setattr(classifier, "_IMAGES_SEEN", 300)
    monkeypatch.setattr(from_latents, "NUM_MEASURED", 299)
    assert train.main([*TINY, "--steps", "60", "--name", "it", "--measure"]) == 0
    assert "frechet_distance" in capsys.readouterr().out
    metrics = model_card.read("saved_models/it/1")["metrics"]["metrics"]
    assert np.isfinite(metrics["frechet_distance"]["value"])
    command = ["saved_models/it", "--dataset", "digits", "--num", "299", "--keep-fraction", "0.5"]
    assert evaluate.main([*command, "--features", "pixels", "--out", "page"]) == 0
    assert json.loads((place / "page/report.json").read_text())["confidence_risk"]


def test_the_page_on_adding_a_family_quotes_it():
    tests = Path(__file__).parent
    page = (tests.parent / "docs" / "contributing.md").read_text("utf-8")
    _, _, behind = page.partition("\n## Add a family\n")
    section, _, _ = behind.partition("\n## ")
    blocks = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5 and section.count("```") == 2 * len(blocks)
    source = (tests / "bigan.py").read_text("utf-8")
    # Whole lines, as they are indented there.
    assert [block for block in blocks if f"\n{block}" not in f"\n{source}"] == []
