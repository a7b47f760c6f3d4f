"""Images that are kept: how they are drawn, which seeds they have, and the commands' flags."""

import json

import numpy as np
import pytest
from conftest import make_gan
from threadpoolctl import threadpool_limits

import tfgan
from tfgan import data, evaluate, generate
from tfgan.errors import InputError
from tfgan.export import model_card
from tfgan.inference import rejection
from tfgan.inference.rejection import sample_accepted
from tfgan.latent.generator import LatentGenerator
from tfgan.metrics import confidence_risk, extractors, neighbour_scores

SPLITS = ("train", "test")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for a busy core make many small fits slow."""
    with threadpool_limits(1):
        yield


def draw(seeds, labels=None):
    """Images that tell their seed and their label."""
    shown = seeds % 1000, seeds % 1000 if labels is None else labels
    return np.stack(shown, axis=1)[:, None, :, None].astype(np.uint16)


def keep_every_third(images, seeds):
    return seeds % 3 == 0


def test_candidates_are_drawn_until_enough_are_kept():
    kept = sample_accepted(draw, keep_every_third, 7, 5, {})
    np.testing.assert_array_equal(kept.seeds, [9, 12, 15, 18, 21])
    assert kept.seeds.dtype == np.int64
    np.testing.assert_array_equal(kept.images, draw(kept.seeds))
    assert kept.num_candidates == 21 - 7 + 1


@pytest.mark.parametrize("size", [1, 4, 512])
def test_what_is_kept_does_not_depend_on_how_many_are_drawn_at_once(size, monkeypatch):
    expected = sample_accepted(draw, keep_every_third, 0, 20, {})
    monkeypatch.setattr(rejection, "_CANDIDATES", size)
    kept = sample_accepted(draw, keep_every_third, 0, 20, {})
    np.testing.assert_array_equal(kept.seeds, expected.seeds)
    assert kept.num_candidates == expected.num_candidates


def test_labels_keep_their_turn_however_many_of_one_are_rejected():
    asked = np.array([7, 1, 1], np.int32)
    rate = {7: 11, 1: 2}

    def keeps(images, seeds):
        return seeds % [rate[label] for label in images[:, 0, 1, 0]] == 0

    kept = sample_accepted(draw, keeps, 5, 10, {"labels": asked})
    labels = asked[np.arange(10) % 3]
    np.testing.assert_array_equal(kept.images, draw(kept.seeds, labels))
    # A candidate has the condition that its seed would have where nothing is rejected.
    np.testing.assert_array_equal(labels, asked[(kept.seeds - 5) % 3])
    assert len(set(kept.seeds)) == 10
    for turn in range(3):
        assert (np.diff(kept.seeds[turn::3]) > 0).all()


def test_what_is_never_kept_is_given_up(monkeypatch):
    monkeypatch.setattr(rejection, "MAX_CONSECUTIVE_REJECTIONS", 900)
    with pytest.raises(InputError, match=r"candidates on end were rejected.*larger --max-risk"):
        sample_accepted(draw, lambda images, seeds: seeds == 3, 0, 2, {})
    with pytest.raises(InputError, match="rejected"):
        sample_accepted(
            draw,
            lambda images, seeds: images[:, 0, 1, 0] == 0,
            0,
            2,
            {"labels": np.array([0, 1])},
        )


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A tiny GAN, its images far apart, whose card tells a training on the digits."""
    gan = make_gan()
    for variable in gan.ema_generator.trainable_variables:
        variable.assign(6 * variable)
    digits = data.load("digits", 1)
    training = {
        "command": "python -m tfgan.train --dataset digits --steps 9",
        "data": {"name": "digits", "fingerprint": digits.fingerprint},
    }
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tfgan.export_saved_model(gan, folder, training)
    return folder


@pytest.fixture
def few(monkeypatch):
    """Few images to learn from, and features that need no training."""
    monkeypatch.setattr(rejection, "NUM_FITTED", 160)
    real = extractors.extractor_for
    monkeypatch.setattr(
        extractors, "extractor_for", lambda name, *rest, **options: real("pixels", *rest, **options)
    )


def run(*arguments):
    assert generate.main([str(each) for each in arguments]) == 0


def test_generate_keeps_a_fraction_and_says_which(model_folder, few, tmp_path, capsys):
    flags = (model_folder, "--num", 30, "--format", "npz", "--keep-fraction", 0.5)
    run(*flags, "--out", tmp_path / "kept.npz")
    printed = capsys.readouterr().out
    kept = np.load(tmp_path / "kept.npz")
    assert len(kept["images"]) == len(kept["seeds"]) == 30
    assert f"the seeds {kept['seeds'][0]} to {kept['seeds'][-1]}" in printed
    assert 35 < kept["seeds"][-1] < 120
    # Each is the image that its seed has anyway.
    seeds = kept["seeds"]
    expected = tfgan.load(model_folder).pixels(seeds)
    assert np.abs(kept["images"].astype(int) - expected).max() <= 1

    # The same call keeps the same, and another beginning what comes from there on.
    run(*flags, "--seed", seeds[10], "--out", tmp_path / "later.npz")
    np.testing.assert_array_equal(np.load(tmp_path / "later.npz")["seeds"][:20], seeds[10:])

    run(model_folder, "--num", 4, "--keep-fraction", 0.5, "--dataset", "digits",
        "--format", "png-folder", "--out", tmp_path / "folder")  # fmt: skip
    names = sorted(path.name for path in (tmp_path / "folder").iterdir())
    assert names == [f"{seed:06d}.png" for seed in seeds[:4]]


def test_truncation_scales_the_latents_of_the_seeds(model_folder, tmp_path):
    run(model_folder, "--num", 3, "--seed", 5, "--truncation", 0.3, "--format", "npz",
        "--out", tmp_path / "short.npz")  # fmt: skip
    generator = LatentGenerator.load(model_folder)
    expected = 255 * generator.draw(0.3 * generator.latents([5, 6, 7]))
    assert np.abs(np.load(tmp_path / "short.npz")["images"] - expected).max() <= 1
    assert np.abs(expected - 255 * generator.draw(generator.latents([5, 6, 7]))).max() > 1


def refused(arguments, words, capsys):
    assert generate.main([str(each) for each in arguments]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: ") and errors.count("\n") == 1
    assert all(word in errors for word in words), errors


def with_training(folder, **training):
    version = folder / "1"
    card = model_card.read(version)
    model_card.write(version, card | {"training": card["training"] | training})


def test_what_a_model_was_trained_on_must_be_known_and_there(model_folder, few, tmp_path, capsys):
    flags = [model_folder, "--num", 2, "--max-risk", 0.001, "--out", tmp_path / "x.png"]
    card = model_card.read(model_folder / "1")
    try:
        refused(flags, ["candidates on end were rejected", "a larger --max-risk"], capsys)
        refused([*flags, "--dataset", "shapes"], ["(8, 8, 1)", "(8, 8, 3)"], capsys)
        with_training(model_folder, data={"fingerprint": "other"})
        refused(flags, ["has changed since", "--dataset digits"], capsys)
        with_training(model_folder, command="python -m tfgan.train --dataset ./gone")
        refused(flags, ["cannot be loaded", "--dataset", "gone"], capsys)
        for command in ("python -m tfgan.train --no-such-flag", "by hand"):
            with_training(model_folder, command=command)
            refused(flags, ["does not tell what it was trained on", "--dataset"], capsys)
        model_card.write(model_folder / "1", card | {"training": None})
        refused(flags, ["does not tell what it was trained on", "--dataset"], capsys)
    finally:
        model_card.write(model_folder / "1", card)


def test_evaluate_tells_the_risk_before_and_after(model_folder, few, tmp_path, capsys):
    out = tmp_path / "out"
    flags = ["--dataset", "digits", "--num", 120, "--features", "pixels", "--out", out]
    flags += ["--keep-fraction", 0.4, "--truncation", 0.9]
    assert evaluate.main([str(each) for each in (model_folder, *flags)]) == 0
    printed = capsys.readouterr().out
    report = json.loads((out / "report.json").read_text())
    assert report["name"] == "tiny"
    risk_reduction = report["risk_reduction"]
    assert risk_reduction["before"].keys() == {*risk_reduction["before"]} >= {
        "confidence_risk", "pixel_risk", "precision", "recall", "coverage"
    }  # fmt: skip
    assert risk_reduction["num_kept"] == 120 < risk_reduction["num_candidates"]
    assert (risk_reduction["keep_fraction"], risk_reduction["max_risk"]) == (0.4, None)
    assert risk_reduction["truncation"] == 0.9
    for name in ("confidence_risk", "recall"):
        before, after = risk_reduction["before"][name], report[name]
        assert before["floor"] == after["floor"]
        shown = f"| {name} | {before['value']:.3f} "
        assert shown in (out / "report.md").read_text()
    assert "Risk reduction" in (out / "report.html").read_text()
    assert "before" in printed and "after" in printed


@pytest.mark.slow
def test_what_stands_under_before_is_what_a_plain_evaluation_says(model_folder, few, tmp_path):
    flags = ["--dataset", "digits", "--num", 120, "--features", "pixels"]
    reports = []
    for name, more in (("plain", []), ("reduced", ["--truncation", 0.5])):
        given = (model_folder, *flags, *more, "--out", tmp_path / name)
        assert evaluate.main([str(each) for each in given]) == 0
        reports.append(json.loads((tmp_path / name / "report.json").read_text()))
    for name, numbers in reports[1]["risk_reduction"]["before"].items():
        assert numbers == reports[0][name]


def noisy_digits(test):
    """A "generator" of real digits, of which 30% are lost in noise, others for fitting."""

    def draw(seeds):
        is_fitted = seeds >= rejection.FIRST_FITTED_SEED
        rows = np.where(is_fitted, 7500, 5000) + seeds % 2500
        images = test.images[rows].copy()
        for image, seed in zip(images, seeds):
            random = np.random.default_rng(int(seed))
            if random.random() < 0.3:
                image[:] = np.maximum(image, random.integers(0, 256, image.shape))
        return images

    return draw


@pytest.mark.slow
@pytest.mark.mnist
def test_of_digits_in_noise_those_without_are_kept(mnist_data_dir, monkeypatch):
    monkeypatch.setattr(rejection, "NUM_FITTED", 2500)
    train, test = (data.load("mnist", 1, data_dir=mnist_data_dir, split=s) for s in SPLITS)
    draw, extractor = noisy_digits(test), extractors.extractor_for("classifier", train, test)
    real, _ = extractor(test.images[:1000])
    plain, _ = extractor(draw(np.arange(1000)))
    before = confidence_risk(real, plain)
    for rule in ({"keep_fraction": 0.7}, {"max_risk": 0.6}):
        keeps = rejection.fit_filter(draw, {}, train, extractor, **rule)
        kept, _ = extractor(sample_accepted(draw, keeps, 0, 1000, {}).images)
        after = confidence_risk(real, kept)
        scores = [neighbour_scores(real, each) for each in (plain, kept)]
        print(rule, f"risk {before.value:.3f} to {after.value:.3f}, recall "
              f"{scores[0].recall:.3f} to {scores[1].recall:.3f}")  # fmt: skip
        assert 0.25 <= before.value <= 0.33
        assert after.high < before.low and after.value < 0.1
        # Not the precision: in these features noise lies within the balls of real digits.
        assert scores[1].recall > scores[0].recall - 0.05
