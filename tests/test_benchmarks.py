"""The benchmarks of quality, sampling, serving and Stacked MNIST, at sizes that take seconds."""

import json

import numpy as np
import pytest

from benchmarks import formats, quality, sampling, serving, stacked_mnist, text_agreement
from tfgan.data import shapes
from tfgan.errors import InputError


def row(seed, distance, recipe="default", budget="1 min"):
    return {
        "recipe": recipe,
        "budget": budget,
        "seed": seed,
        "step": 100 + seed,
        "images": 3200,
        "seconds": 64.0,
        "frechet_distance": distance,
        "floor": 0.5,
        "precision": 0.8,
        "recall": 0.9,
        "coverage": 0.7,
    }


def test_a_table_has_medians_and_extremes_over_the_seeds():
    rows = [row(0, 3.0), row(1, 1.0), row(2, 2.0), row(0, 9.0, budget="5 min")]
    first, second = quality.table(rows).splitlines()[2:]
    assert first == (
        "| default | 1 min | 3 | 101 (100 to 102) | 50 (50 to 50) | 2.00 (1.00 to 3.00) "
        "| 4.0 (2.0 to 6.0) | 0.80 (0.80 to 0.80) | 0.90 (0.90 to 0.90) | 0.70 (0.70 to 0.70) |"
    )
    assert second.startswith("| default | 5 min | 1 |")


def test_a_recipe_is_a_name_and_flags():
    arguments = quality.parse(
        ["--recipe", "a=", "--recipe", "b=--loss hinge --augment color,cutout"]
    )
    assert arguments.recipe == {"a": [], "b": ["--loss", "hinge", "--augment", "color,cutout"]}
    assert quality.parse([]).recipe == {"default": []}


def test_budgets_ascend():
    budgets = quality.budgets_of(quality.parse(["--minutes", "5", "0.5"]))
    assert budgets == [("0.5 min", ["--minutes", "0.5"]), ("5 min", ["--minutes", "5.0"])]
    budgets = quality.budgets_of(quality.parse(["--steps", "200", "100"]))
    assert [flags for _, flags in budgets] == [["--steps", "100"], ["--steps", "200"]]


@pytest.mark.slow
def test_quality_trains_measures_and_draws(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(quality, "NUM_IMAGES", 300)
    recipe = "narrow=--width 4 --precision float32"
    flags = ["--dataset", "digits", "--recipe", recipe, "--seeds", "0", "1"]
    out = tmp_path / "out"
    assert quality.main([*flags, "--steps", "3", "6", "--out", str(out)]) == 0
    rows = json.loads((out / "results.json").read_text())
    assert [(r["seed"], r["step"]) for r in rows] == [(0, 3), (0, 6), (1, 3), (1, 6)]
    assert all(r["frechet_distance"] > r["floor"] > 0 for r in rows)
    assert (out / "quality.png").stat().st_size > 0
    assert "| narrow | 6 steps | 2 | 6 (6 to 6) |" in capsys.readouterr().out


def test_a_run_that_fails_is_named(tmp_path, capsys):
    flags = ["--recipe", "bad=--loss none_such", "--steps", "1", "--out", str(tmp_path)]
    assert quality.main(flags) == 2
    error = capsys.readouterr().err
    assert "tfgan.train" in error and "none_such" in error


@pytest.mark.slow
def test_sampling_compares_with_the_generator(capsys):
    assert sampling.main(["--batch-sizes", "2", "--rounds", "2", "--calls", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split(" | ")[1] for line in lines] == [
        "generator",
        "GAN.generate",
        "serving_default",
        "from_seeds",
        "png",
    ]
    assert lines[0].endswith("| 1.00 (quartiles 1.00 to 1.00) |")


@pytest.mark.slow
def test_serving_times_every_way_to_draw(capsys):
    assert serving.main(["--batch-sizes", "1", "2", "--rounds", "1", "--calls", "2"]) == 0
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert [len(row) for row in rows] == [5] * 14
    signatures = ["serving_default", "from_seeds", "png"]
    assert [row[0] for row in rows[2:]] == [
        "model.predict",
        "eager call",
        "tf.function",
        *(f"C++ loader, {signature}" for signature in signatures),
        *(f"{way}, {signature}" for signature in signatures for way in ("gRPC", "REST")),
    ]


def test_the_serving_table_has_rates_and_percentiles():
    seconds = {1: {"a": [0.001] * 99 + [0.1]}, 8: {"a": [0.002, 0.004, 0.003]}}
    assert serving.table(seconds).splitlines() == [
        "| path | batch 1: images/s | p50 / p95 / p99, ms "
        "| batch 8: images/s | p50 / p95 / p99, ms |",
        "| --- | --- | --- | --- | --- |",
        "| a | 1,000 | 1.0 / 1.0 / 2.0 | 2,667 | 3.0 / 3.9 / 4.0 |",
    ]


@pytest.mark.slow
def test_formats_are_compared_with_the_saved_model(capsys):
    assert formats.main(["--batch-sizes", "2", "--rounds", "2", "--calls", "1"]) == 0
    cells = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in cells] == ["SavedModel", *formats.FILES]
    sizes = [int(row[1].replace(",", "")) for row in cells]
    assert sizes[3] < 0.6 * sizes[2] and sizes[5] < 0.6 * sizes[4]
    assert [float(row[2]) < 1e-5 for row in cells] == [True, True, True, False, True, False]


def test_a_mode_is_the_number_that_the_channels_read():
    def reads_the_first_pixel(images):
        return None, np.eye(10)[images[:, 0, 0, 0]]

    images = np.zeros((3, 2, 2, 3), np.uint8)
    images[:, 0, 0] = [(1, 2, 3), (9, 9, 9), (0, 0, 7)]
    assert list(stacked_mnist.modes_of(images, reads_the_first_pixel)) == [123, 999, 7]


def test_modes_need_three_channels(exported_gan, capsys):
    assert stacked_mnist.main([str(exported_gan[1]), "--num", "2"]) == 2
    assert "three channels. Received: (8, 8, 1)" in capsys.readouterr().err


def test_unseen_captions_are_new_as_wholes_and_not_in_their_words():
    texts, factors = text_agreement.unseen_captions(2000)
    assert len(set(texts)) == 2000 and factors.shape == (2000, 5)
    seen = set(shapes.captions(shapes.combinations("train")).ravel())
    assert not seen & set(texts)
    assert {word for text in texts for word in text.split()} <= {
        word for text in seen for word in text.split()
    }
    # Each says all of its factors.
    for text, row in zip(texts[:100], factors):
        shape, color = shapes.FACTORS["shape"][row[0]], shapes.FACTORS["colour"][row[1]]
        assert shape in text and color in text
    with pytest.raises(InputError, match=r"there are 2,016 captions\. Received: --num 3000"):
        text_agreement.unseen_captions(3000)


@pytest.mark.parametrize(
    ("is_requested", "shares"),
    [(True, {"1.000"}), pytest.param(False, {"0.000"}, marks=pytest.mark.slow)],
)
def test_images_agree_that_show_what_was_asked(is_requested, shares, monkeypatch, capsys):
    images, drawn = shapes.draw(np.arange(504), "test")
    image_of = {tuple(row): image for row, image in zip(drawn, images)}
    _, asked = text_agreement.unseen_captions(100)
    answers = np.stack([image_of[tuple(row)] for row in asked])
    if not is_requested:
        others = [row for row in drawn if all(row != asked[0])]
        answers = np.stack([image_of[tuple(others[0])]] * 100)
        asked = np.tile(asked[:1], (100, 1))
        monkeypatch.setattr(text_agreement, "unseen_captions", lambda _: (["x"] * 100, asked))
    monkeypatch.setattr(text_agreement, "sample", lambda *_: answers)
    monkeypatch.setattr(text_agreement.ExportedModel, "load", lambda model: model)
    assert text_agreement.main(["a_model", "--num", "100"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line[:20].strip() for line in lines] == [
        *shapes.FACTORS,
        "shape and color",
        "all five",
    ]
    assert {line[20:28].strip() for line in lines} == shares, lines
