"""`python -m tfgan.latent_study`: its command line, its report, and a tiny study to the end."""

import json

import keras
import numpy as np
import pytest
from conftest import make_gan
from PIL import Image

from tfgan import latent_study
from tfgan.errors import InputError
from tfgan.latent.generator import LatentGenerator
from tfgan.metrics import direction_cosine, feature_geometry
from tfgan.networks import convolutional_discriminator, convolutional_generator
from tfgan.study import measurements, report

TINY = ["--sizes", "2,4", "--steps", "3", "--seeds", "1", "--train"]
# What is measured of networks in bfloat16 has to be taken to more bits.
TINY += ["--width 2 --batch-size 4 --precision bfloat16"]
# What another run of the same study need not repeat.
OF_THE_CLOCK = ("seconds", "images_per_second", "saved_model")


def refusal_of(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        latent_study.parse(argv)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("argv", "received"),
    [
        (["--sizes", "0"], ["--sizes", "'0'", "from 1"]),
        (["--sizes", "2,,4"], ["--sizes", "'2,,4'"]),
        (["--sizes", "2,-4"], ["--sizes", "'2,-4'"]),
        (["--sizes", "65537"], ["--sizes", "to 65536"]),
        (["--sizes", "2", "--ablation"], ["--ablation", "--sizes"]),
        (["--steps", "2", "--minutes", "1"], ["--minutes", "--steps"]),
        (["--seeds", "0"], ["--seeds", "'0'"]),
        (["--train=--latent-dim 3"], ["--train must not hold --latent-dim"]),
        (["--train=--seed=3"], ["--train must not hold --seed"]),
        (["--train=--model vae"], ["--train must not hold --model"]),
        (["--train=--loss hindge"], ["--loss", "'hindge'"]),
        (["--ablation", "--train=--networks dense"], ["--networks dense"]),
    ],
    ids=str,
)
def test_refuses(argv, received, capsys):
    error = refusal_of(argv, capsys)
    assert all(part in error for part in received), error


def test_a_run_is_an_ordinary_one_of_the_trainer():
    arguments = latent_study.parse(["--dataset", "mnist", "--sizes", "8,2,8", "--minutes", "1.5"])
    variants = latent_study.variants_of(arguments)
    assert variants == {"8": ["--latent-dim", "8"], "2": ["--latent-dim", "2"]}
    assert latent_study.flags_of(arguments, variants["2"], 7) == (
        ["--dataset", "mnist", "--latent-dim", "2", "--seed", "7", "--minutes", "1.5"]
    )
    assert str(arguments.out) == "studies/mnist_sizes"
    arguments = latent_study.parse(["--ablation", "--steps", "9", "--train", "--width 4"])
    flags = latent_study.flags_of(arguments, latent_study.ABLATION["tanh"], 0)
    assert flags[:6] == ["--dataset", "digits", "--width", "4", "--activation", "tanh"]
    assert flags[6:] == ["--seed", "0", "--steps", "9"]
    assert latent_study.budget_of(latent_study.parse([])) == ["--minutes", "2.0"]


def test_the_ablations_default_is_what_its_names_leave_out():
    # One thing at a time, and none of them what the networks have anyway.
    default = {
        layer.get_config()["kernel_size"] + layer.get_config()["strides"]
        for layer in convolutional_discriminator((8, 8, 1), 2).layers
        if isinstance(layer, keras.layers.Conv2D)
    }
    assert default == {(4, 4, 2, 2)}
    flags = {name: flags for name, flags in latent_study.ABLATION.items() if name != "default"}
    assert all(len(each) == 2 for each in flags.values())
    assert not {("--kernel-size", "4"), ("--stride", "2"), ("--activation", "leaky_relu")} & {
        tuple(each) for each in flags.values()
    }


def row(variant, seed, **numbers):
    return {"variant": variant, "seed": seed, **numbers}


def test_a_table_has_means_and_intervals_over_the_seeds():
    rows = [row("2", 0, precision=0.8), row("2", 1, precision=0.6), row("2", 2, precision=0.7)]
    rows += [row("4", 0, precision=0.5)] + [row("8", seed, precision=1 - seed) for seed in (0, 1)]
    # Whose sum of three is none of 0.3.
    rows += [row("16", seed, precision=0.1) for seed in range(3)]
    lines = report.table(rows, [("precision", "precision", report.SHARE)], {"precision": 0.95})
    # Student's t with 2 degrees of freedom: 4.303 x 0.1 / sqrt(3) = 0.2484.
    assert lines.splitlines()[2:] == [
        "| 2 | 0.7 (0.452 to 0.948) |",
        "| 4 | 0.5 |",
        # Cut to what a share can be.
        "| 8 | 0.5 (0 to 1) |",
        "| 16 | 0.1 |",
        "| real training images | 0.95 |",
    ]


def test_what_is_inside_is_what_a_plain_reading_of_the_networks_gives():
    gan = make_gan(latent_dim=2)
    generator = LatentGenerator.of(gan)
    random = np.random.default_rng(0)
    real, drawn = random.uniform(-1, 1, (9, 8, 8, 1)), random.uniform(0, 1, (9, 8, 8, 1))
    found = measurements.inside(gan, generator, real, drawn)

    *_, weights, bias = gan.discriminator.get_weights()
    head = gan.discriminator.layers[-1]
    assert head.name == "logits"
    features = keras.Model(gan.discriminator.input, gan.discriminator.layers[-2].output)
    real_features, fake_features = (
        features(images.astype(np.float32)).numpy() for images in (real, 2 * drawn - 1)
    )
    # They are what the logit is made of.
    np.testing.assert_allclose(
        real_features @ weights + bias, gan.discriminator(real.astype(np.float32)), atol=1e-6
    )
    assert found["real_dimension"] == 2 * 2 * 8
    assert found["fake_mean_length"] == pytest.approx(
        np.linalg.norm(fake_features, axis=1).mean(), rel=1e-5
    )
    assert found["real_fake_cosine"] == pytest.approx(
        direction_cosine(real_features, fake_features), abs=1e-6
    )

    latents = generator.latents(np.arange(measurements.NUM_INSIDE))
    kernel, _, _, mean, variance = gan.ema_generator.get_weights()[:5]
    first = (latents @ kernel).reshape(-1, 2, 2, 8)
    first = (first - mean) / np.sqrt(variance + 1e-5)
    first = np.where(first > 0, first, 0.2 * first).reshape(len(latents), -1)
    expected = feature_geometry(first)
    assert found["generator_dimension"] == 2 * 2 * 8
    assert found["generator_effective_dimension"] == pytest.approx(
        expected.effective_dimension, rel=1e-4
    )
    assert found["generator_mean_cosine"] == pytest.approx(expected.mean_cosine, abs=1e-4)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_features_behind_another_activation_are_found(activation):
    gan = make_gan(generator=convolutional_generator((8, 8, 1), 6, 4, 2, activation=activation))
    generator = LatentGenerator.of(gan)
    first = generator.activations(generator.latents(np.arange(50)))
    assert first.shape == (50, 2, 2, 8)
    # Fresh batch normalization changes nothing.
    linear = generator.latents(np.arange(50)) @ gan.generator.get_weights()[0]
    function = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh}[activation]
    np.testing.assert_allclose(first.reshape(50, -1), function(linear), atol=1e-3)


@pytest.fixture
def small(monkeypatch):
    """Few images: what they tell means nothing."""
    monkeypatch.setattr(measurements, "NUM_IMAGES", 120)
    monkeypatch.setattr(measurements, "NUM_INSIDE", 60)
    monkeypatch.setattr(measurements, "NUM_INVERTED", 2)
    monkeypatch.setattr(measurements, "INVERSION", {"restarts": 2, "steps": 3})


@pytest.mark.slow
def test_a_study_goes_on_to_the_end_and_repeats(small, tmp_path, monkeypatch, capsys):
    trained = []
    train_apart = latent_study.train_apart

    def noted(flags, name, folder):
        trained.append(name)
        if len(trained) == 2:
            raise InputError("the power is gone")
        return train_apart(flags, name, folder)

    monkeypatch.setattr(latent_study, "train_apart", noted)
    out = tmp_path / "study"
    assert latent_study.main([*TINY, "--out", str(out)]) == 2
    assert capsys.readouterr().err.endswith("error: the power is gone\n")
    interrupted = json.loads((out / "study.json").read_text())
    assert [row["variant"] for row in interrupted["rows"]] == ["2"]

    # What is finished stays as it is, its times included.
    assert latent_study.main([*TINY, "--out", str(out)]) == 0
    assert trained == ["2_seed0", "4_seed0", "4_seed0"]
    content = json.loads((out / "study.json").read_text())
    assert content["rows"][:1] == interrupted["rows"]
    assert [(row["variant"], row["seed"]) for row in content["rows"]] == [("2", 0), ("4", 0)]
    assert content["card"]["num_generated"] == 120
    for row in content["rows"]:
        assert row["step"] == 3 and row["images"] == 12
        assert row["frechet_distance"] > content["floor"]["frechet_distance"] > 0
        assert row["generator_effective_dimension"] < row["generator_dimension"] == 2 * 2 * 4
        assert 0 < row["reconstruction_error"] < 1
    # Two more latents, each to 2x2x4 numbers.
    first, second = content["rows"]
    assert second["parameters"] - first["parameters"] == 2 * 2 * 2 * 4

    printed = capsys.readouterr().out
    text = (out / "study.md").read_text()
    assert "\n| 4 | " in text and "\n| 4 | " in printed and "--sizes 2,4" in text
    assert (out / "study.png").stat().st_size > 0
    with Image.open(out / "pictures.png") as page:
        # 12 images of 8x8 for each size, enlarged eight times.
        assert page.size == (12 * 68 + 4, 2 * 68 + 4)

    # Elsewhere again: the same numbers, but for the clock.
    again = tmp_path / "again"
    assert latent_study.main([*TINY, "--sizes", "4", "--out", str(again)]) == 0
    (repeated,) = json.loads((again / "study.json").read_text())["rows"]
    assert {name for name in second if second[name] != repeated[name]} <= set(OF_THE_CLOCK)

    # Another budget is another study.
    assert latent_study.main([*TINY, "--steps", "4", "--out", str(out)]) == 2
    assert "holds another study (budget" in capsys.readouterr().err
