"""The study of the confidence risk's levers: what it trains on, for how long, and its tables."""

import types

import numpy as np
import pytest
from PIL import Image

from benchmarks import levers
from tfgan import data


def a_row(variant, risk, distance):
    one = {"value": risk, "low": risk - 0.1, "high": risk + 0.1, "floor": 0.05}
    metrics = {metric: {"value": 0.5 + risk / 1000} for metric in levers.METRICS}
    metrics |= {"confidence_risk": one, "frechet_distance": {"value": distance}}
    return levers.row("model", variant, {"step": 2500, "images": 40_000, "seconds": 100}, metrics)


def test_every_variant_is_shown_as_many_images():
    assert levers.steps_of(["--dataset", "mnist"], 2500) == 2500
    assert levers.steps_of(["--dataset", "mnist", "--model", "vae"], 2500) == 625
    assert levers.steps_of(["--model", "cgan"], 100) == 100


def test_degraded_copies_are_worse_by_what_they_are_called(tmp_path, monkeypatch):
    images = np.zeros((400, 28, 28, 1), np.uint8)
    images[:, 8:20, 10:18] = 255
    mnist = types.SimpleNamespace(images=images, labels=np.arange(400) % 10)
    monkeypatch.setattr(data, "load", lambda *_: mnist)
    monkeypatch.setattr(levers, "NUM_IMAGES", 400)
    monkeypatch.setattr(levers, "NUM_FEW", 40)
    levers.write_degraded(tmp_path)

    def read(kind):
        files = {file.stem: file for file in (tmp_path / kind).glob("*/*.*")}
        return files, {name: np.asarray(Image.open(file)) for name, file in files.items()}

    files, clean = read("clean")
    assert len(clean) == 400 and len(read("few")[0]) == 40
    assert all(int(name) % 10 == int(file.parent.name) for name, file in files.items())
    np.testing.assert_array_equal(clean["00007"], images[7, ..., 0])
    # A blur leaves the sum of a shape away from the border, and not its peak at a corner.
    blurred = read("blurred")[1]["00007"]
    assert blurred.sum() == pytest.approx(clean["00007"].sum(), rel=0.01)
    assert blurred[8, 10] < 128 < clean["00007"][8, 10]
    jpeg_files, jpeg = read("jpeg")
    assert {file.suffix for file in jpeg_files.values()} == {".jpg"}
    assert 0 < np.abs(jpeg["00007"].astype(float) - clean["00007"]).mean() < 20
    wrong_files, wrong = read("wrong_labels")
    np.testing.assert_array_equal(wrong["00007"], clean["00007"])
    is_wrong = [int(name) % 10 != int(file.parent.name) for name, file in wrong_files.items()]
    # 30%, by four standard deviations of 400 draws.
    assert np.mean(is_wrong) == pytest.approx(0.3, abs=0.092)
    # What is there is not written again.
    monkeypatch.setattr(data, "load", lambda *_: pytest.fail("loaded again"))
    levers.write_degraded(tmp_path)


def test_the_tables_tell_every_variant_and_how_metrics_rank_them():
    rows = [a_row("a", 0.2, 30.0), a_row("b", 0.4, 20.0), a_row("c", 0.6, 10.0)]
    assert levers.table(rows).splitlines()[2] == (
        "| model | a | 2,500 | 0.200 (0.100 to 0.300) | 0.050 | 30.0 "
        "| 0.50 | 0.50 | 0.50 | 0.50 |  |"
    )
    ranks = levers.table_of_ranks(rows)
    assert "| frechet_distance | -1.00 |" in ranks
    sizes = levers.table_of_sizes({200: rows[0]["confidence_risk"]})
    assert sizes.splitlines()[-1] == "| 200 | 0.200 (0.100 to 0.300) | 0.050 |"
