"""`python -m tfgan.train` with the image-to-image families, to the exported model."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from data_fixtures import save_random
from PIL import Image

from tfgan import generate, train
from tfgan.families.samples import NUM_TRANSLATED

TINY = ["--width", "2", "--batch-size", "8", "--precision", "float32"]


def train_tiny(*arguments):
    return train.main([*TINY, *map(str, arguments)])


def served(folder):
    return tf.saved_model.load(str(folder)).signatures


@pytest.mark.slow
def test_inpainting_resumes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = ["--model", "pix2pix", "--task", "inpaint"]
    assert train_tiny(*flags, "--steps", 3) == 0
    assert train_tiny(*flags, "--steps", 5) == 0
    assert "resumed at step 3\n" in capsys.readouterr().out
    exported = tmp_path / "saved_models/digits_inpaint_pix2pix/2"
    assert sorted(served(exported)) == ["png", "serving_default"]


@pytest.mark.slow
def test_inpainting_trains_and_exports(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = ["--model", "pix2pix", "--task", "inpaint", "--steps", 3]
    assert train_tiny(*flags) == 0
    output = capsys.readouterr().out
    for part in ("digits_inpaint: 1,498 images", "non_saturating loss + 100 L1", "--mask"):
        assert part in output
    assert train_tiny(*flags) == 0
    assert "is finished" in capsys.readouterr().out
    assert train_tiny(*flags, "--jitter") == 2
    assert "jitter" in capsys.readouterr().err

    run = tmp_path / "runs" / "digits_inpaint_pix2pix"
    settings = json.loads((run / "config.json").read_text())["settings"]
    assert settings["task"] == "inpaint" and settings["l1_weight"] == 100.0
    assert "latent_dim" not in settings
    # Its quality is not read during training.
    assert not (run / "quality.csv").exists()
    assert "quality" not in json.loads((run / "result.json").read_text())
    rows = NUM_TRANSLATED // 4
    # 8x8 digits are enlarged eight times, with gaps of 4 pixels.
    assert Image.open(run / "contact_sheet.png").size == (12 * 68 + 4, rows * 68 + 4)
    assert sorted(served(tmp_path / "saved_models/digits_inpaint_pix2pix/1")) == [
        "png",
        "serving_default",
    ]


@pytest.mark.slow
def test_a_folder_of_pairs_trains_resumes_exports_and_translates(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_random(tmp_path / "pairs" / "train", 12, 64, 128, 3)
    save_random(tmp_path / "pairs" / "test", 2, 64, 128, 3)
    flags = ["--model", "pix2pix", "--dataset", "pairs", "--direction", "BtoA", "--jitter"]
    assert train_tiny(*flags, "--steps", 2) == 0
    assert train_tiny(*flags, "--steps", 3) == 0
    assert "resumed at step 2\n" in capsys.readouterr().out
    photo = np.random.default_rng(1).integers(256, size=(90, 100, 3), dtype=np.uint8)
    Image.fromarray(photo).save("photo.jpg")
    model = "saved_models/pairs_BtoA_pix2pix"
    assert generate.main([model, "--input", "photo.jpg", "--out", "made.png"]) == 0
    made = Image.open("made.png")
    assert (made.size, made.mode) == ((64, 64), "RGB")


@pytest.mark.slow
def test_two_folders_of_other_sizes_train_resume_export_and_translate(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    save_random(tmp_path / "domains" / "trainA", 10, 40, 36, 3)
    save_random(tmp_path / "domains" / "trainB", 12, 34, 50)
    flags = ["--model", "cyclegan", "--dataset", "domains", "--image-size", "32"]
    assert train_tiny(*flags, "--steps", 2) == 0
    assert train_tiny(*flags, "--steps", 3) == 0
    output = capsys.readouterr().out
    assert "resumed at step 2\n" in output
    # Where the images of either domain lie.
    place = r".*, 0\.0 MiB in memory"
    assert re.search(f"22 images of 32x32x3: {place}; {place}\n", output)
    model = "saved_models/domains_cyclegan"
    assert {"a_to_b", "b_to_a", "png", "serving_default"} == set(served(f"{model}/2"))
    flags = ["--input", "domains/trainB", "--direction", "BtoA", "--out", "made"]
    assert generate.main([model, *flags]) == 0
    assert len(list((tmp_path / "made").glob("*.png"))) == 12


@pytest.mark.parametrize(
    ("shape", "flags", "words"),
    [
        ((8, 9, 3), [], ["wide", "9"]),
        ((4, 8, 3), [], ["8x8", "4x4"]),
        ((8, 16), ["--task", "colorize"], ["color"]),
    ],
)
def test_images_that_cannot_be_learned_from_are_refused(
    shape, flags, words, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "pictures"
    save_random(folder if flags else folder / "train", 9, *shape)
    assert train_tiny("--model", "pix2pix", "--dataset", "./pictures", *flags, "--steps", 1) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    for word in words:
        assert word in error


def test_domains_that_cannot_be_learned_from_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_random(tmp_path / "domains" / "trainA", 9, 8, 8)
    (tmp_path / "domains" / "trainB").mkdir()
    assert train_tiny("--model", "cyclegan", "--dataset", "domains", "--steps", 1) == 2
    assert "trainB" in capsys.readouterr().err
    save_random(tmp_path / "domains" / "trainB", 3, 8, 8)
    assert train_tiny("--model", "cyclegan", "--dataset", "domains", "--steps", 1) == 2
    error = capsys.readouterr().err
    assert "trainB" in error and "3" in error and "--batch-size" in error
