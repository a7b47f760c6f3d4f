"""The benchmark of image-to-image models, with stand-ins for models."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import translation
from tfgan import metrics
from tfgan.errors import InputError
from tfgan.metrics.extractors import extractor_for


@pytest.fixture
def exported(monkeypatch):
    """A function that puts a translator and the flags that trained it in place of every model."""

    def put(translate, *flags):
        command = " ".join(["python -m tfgan.train --model pix2pix", *flags])
        training = {"command": command, "data": {"fingerprint": "of these"}}
        model = SimpleNamespace(
            path=Path("some/model/1"),
            name="model",
            card={"family": "Pix2Pix", "training": training},
            translate=translate,
        )
        monkeypatch.setattr(translation.ExportedModel, "load", lambda path: model)
        return model

    return put


def cells_of(output):
    return [line.strip("| ").split(" | ") for line in output.splitlines() if line.startswith("|")]


def test_the_input_gains_nothing_over_itself(exported, capsys):
    exported(lambda images, masks: images, "--task denoise")
    assert translation.main(["some/model", "--num", "20"]) == 0
    titles, _, model, baseline = cells_of(capsys.readouterr().out)
    assert titles[-1] == "difference in PSNR, dB" and len(titles) == 6
    assert model[:2] == ["model", "model"] and baseline[1] == "input"
    assert model[2:5] == baseline[2:5]
    assert baseline[5] == "+0 (+0 to +0)"


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--task inpaint"], ["mean of the known", "biharmonic"]),
        (["--task colorize", "--dataset shapes"], ["grey"]),
        (["--task super_resolution"], ["bicubic"]),
        (["--task style"], ["input"]),
    ],
)
def test_every_task_has_its_baselines(flags, names, exported):
    model = exported(None, *flags)
    run, family = translation.trained_as(model, data_dir="data")
    assert list(translation.baselines(family.task, 3)) == names
    assert run.data_dir == "data"


def test_gray_is_compared_in_color():
    (gray,) = translation.baselines("colorize", 3).values()
    assert gray(np.full((2, 4, 4, 1), 0.5, np.float32), None).shape == (2, 4, 4, 3)


def test_holes_take_the_mean_of_what_is_known():
    images = np.zeros((1, 2, 2, 2), np.float32)
    images[0, 0], images[0, 1, 0] = [0.25, 1.0], [1.0, 0.25]
    images[0, 1, 1] = 0.9
    masks = np.zeros((1, 2, 2, 1), np.float32)
    masks[0, 1, 1] = 1
    filled = translation.mean_fill(images, masks)
    np.testing.assert_allclose(filled[0, 1, 1], [0.5, 0.75])
    np.testing.assert_array_equal(filled[0, 0], images[0, 0])


def test_a_slope_is_continued_by_the_biharmonic_fill():
    pytest.importorskip("skimage")
    rows, columns = np.indices((12, 12)) / 12
    slope = np.float32(0.1 + 0.5 * rows + 0.3 * columns)[None, ..., None]
    masks = np.zeros_like(slope)
    masks[0, 4:7, 5:9] = 1
    filled = translation.biharmonic_fill(slope * (1 - masks), masks)
    np.testing.assert_allclose(filled, slope, atol=1e-4)
    assert np.abs(translation.mean_fill(slope, masks) - slope).max() > 0.05


def test_without_scikit_image_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(translation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"skimage.*tfgan\[benchmark\]"):
        translation.biharmonic_fill(np.zeros((1, 4, 4, 1)), np.ones((1, 4, 4, 1)))


def test_holes_are_measured_by_themselves(exported, capsys):
    pytest.importorskip("skimage")
    exported(translation.mean_fill, "--task inpaint")
    assert translation.main(["some/model", "--num", "20"]) == 0
    _, _, model, mean, biharmonic = cells_of(capsys.readouterr().out)
    assert model[2:5] == mean[2:5] and mean[5] == "+0 (+0 to +0)"
    assert float(model[2].split()[0]) > 0.1
    assert biharmonic[2] != mean[2] and biharmonic[5].startswith(("+", "-"))


@pytest.mark.slow
def test_detail_is_compared_in_features_too(exported, capsys, monkeypatch):
    monkeypatch.setattr(metrics, "extractor_for", lambda _, *sets: extractor_for("pixels", *sets))
    exported(lambda images, masks: np.round(images), "--task super_resolution", "--scale 2")
    assert translation.main(["some/model", "--num", "200"]) == 0
    rows = cells_of(capsys.readouterr().out)
    assert [row[1] for row in rows[2:4]] == ["model", "bicubic"]
    titles, _, model, bicubic = rows[4:]
    assert titles[2] == "Frechet distance from the targets"
    value, low, high = map(float, re.findall(r"[-+]?[\d.]+(?:e[-+]\d+)?", bicubic[3]))
    distances = [float(row[2].split()[0]) for row in (model, bicubic)]
    assert low < value < high and value == pytest.approx(distances[0] - distances[1], abs=2e-2)


def test_a_model_that_draws_from_noise_is_refused(exported, capsys):
    exported(None).card = {"family": "GAN", "training": None}
    assert translation.main(["some/model"]) == 2
    assert "no pix2pix" in capsys.readouterr().err
