"""A run that is to go on with its images elsewhere, or with other images or settings."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from data_fixtures import random_pixels, save, save_random
from PIL import Image

from tfgan import train
from tfgan.errors import InputError
from tfgan.export import model_card
from tfgan.training.changes import FINGERPRINT
from tfgan.training.checkpoint import Checkpoints
from tfgan.training.monitor.best_weights import BestWeights
from tfgan.training.plan import plan_of
from tfgan.training.run_folder import RunFolder
from tfgan.training.session import (
    compiled_model,
    hashes_of,
    precision_of,
    require_rates,
)

TINY = ["--width", "2", "--batch-size", "2"]
GAN = [*TINY, "--latent-dim", "4", "--dataset", "{}/flat"]
CGAN = [*TINY, "--latent-dim", "4", "--model", "cgan"]
CYCLEGAN = [*TINY, "--model", "cyclegan"]
FAMILIES = {
    "gan": GAN,
    "vae": [*GAN, "--model", "vae"],
    "label": [*CGAN, "--dataset", "{}/classes"],
    "attributes": [*CGAN, "--dataset", "{}/told", "--condition", "attributes"],
    "text": [*CGAN, "--dataset", "{}/told", "--condition", "text"],
    "task": [*TINY, "--dataset", "{}/flat", "--model", "pix2pix", "--task", "denoise"],
    "pairs": [*TINY, "--dataset", "{}/pairs", "--model", "pix2pix"],
    "domains": [*CYCLEGAN, "--dataset", "{}/domains"],
    "variants": [*CYCLEGAN, "--domain-a", "{}/flat", "--domain-b", "{}/flat:inverted"],
}
TABLES = {"captions.csv": "caption", "attributes.csv": "fur"}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder of images laid out for every family, in a workplace of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "pictures"
    places = ("flat", "told", "classes/cat", "classes/dog", "domains/trainA", "domains/trainB")
    for place in places:
        save_random(root / place, 4 if place == "domains/trainB" else 3, 8, 8, 3)
    save_random(root / "pairs/train", 3, 8, 16, 3)
    for name, column in TABLES.items():
        rows = [f"{index:03d}.png,{'ab'[index % 2]}" for index in range(3)]
        (root / "told" / name).write_text("\n".join([f"file,{column}", *rows]))
    return root


def asked(flags, root):
    """What the flags of a training mean: flags, data set, settings, and hashes of files."""
    plan = plan_of(*train.parse([flag.replace("{}", str(root)) for flag in flags]))
    precision = precision_of(plan.run, RunFolder("run"))
    settings = json.loads(json.dumps(plan.settings(precision)))
    return plan.flags(), plan.dataset, settings, hashes_of(plan.dataset)


def begin(flags, root):
    """Records a run in the folder `run`, as if it had begun."""
    values, _, settings, files = asked([*flags, "--precision", "float32"], root)
    RunFolder("run").path.mkdir()
    RunFolder("run").record(settings, values, files)


def go_on(flags, root):
    """What changes, if that run is to go on by these flags."""
    values, dataset, settings, files = asked(flags, root)
    return RunFolder("run").check(
        settings, dataset.former_fingerprint, files, values["continue_anyway"]
    )


def refused(flags, root):
    with pytest.raises(InputError) as error:
        go_on(flags, root)
    assert "\n" not in str(error.value)
    return str(error.value)


def moved(root):
    return root.rename(root.with_name("elsewhere"))


def copied(root):
    return shutil.copytree(root, root.with_name("elsewhere"))


def touched(root):
    for file in root.rglob("*"):
        os.utime(file, ns=(1, 1))
    return root


def unzipped(root):
    archive = shutil.make_archive("archive", "zip", root)
    shutil.unpack_archive(archive, root.with_name("elsewhere"))
    return root.with_name("elsewhere")


def renamed(root):
    """The folders themselves have other names; those of classes and domains belong to the data."""
    for place in root.iterdir():
        place.rename(place.with_name(f"{place.name}_2"))
    return root


@pytest.mark.parametrize(
    ("family", "move"),
    [
        *((family, move) for family in FAMILIES for move in (moved, renamed)),
        *(("label", move) for move in (copied, touched, unzipped)),
    ],
)
def test_a_run_goes_on_wherever_its_images_lie(root, family, move):
    flags = FAMILIES[family]
    begin(flags, root)
    assert not go_on(flags, root)
    root = move(root)
    if move is renamed:
        places = ("flat", "told", "classes", "pairs", "domains")
        for place in places:
            flags = [flag.replace(f"{{}}/{place}", f"{{}}/{place}_2") for flag in flags]
    assert not go_on(flags, root)


def test_a_path_is_the_same_in_other_words(root):
    flags = FAMILIES["variants"]
    begin(flags, root)
    assert not go_on([flag.replace("{}", "./pictures") for flag in flags], root)


def changed_image(folder):
    save(folder / "001.png", random_pixels(8, 16 if folder.name == "train" else 8, 3, seed=99))


def one_more(folder):
    shutil.copy(folder / "000.png", folder / "new.png")


def one_less(folder):
    (folder / "002.png").unlink()


@pytest.mark.parametrize(
    ("family", "place"),
    [
        *(("gan", "flat"), ("vae", "flat"), ("label", "classes/cat"), ("task", "flat")),
        *(("pairs", "pairs/train"), ("domains", "domains/trainB"), ("variants", "flat")),
    ],
)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed_image, "1 changed (such as '{}001.png')"),
        (one_more, "1 added (such as '{}new.png')"),
        (one_less, "1 missing (such as '{}002.png')"),
    ],
)
def test_other_images_are_named_and_taken_with_consent(root, family, place, change, words):
    flags = FAMILIES[family]
    begin(flags, root)
    change(root / place)
    message = refused(flags, root)
    prefix = {"label": "cat/", "domains": "b/"}.get(family, "")
    assert words.replace("{}", prefix) in message
    assert "images: " in message and "--continue-anyway" in message and "--fresh" in message
    changes = go_on([*flags, "--continue-anyway"], root)
    assert FINGERPRINT in changes.values and str(changes) in message


@pytest.mark.parametrize(
    ("family", "flags", "words"),
    [
        ("gan", ["--learning-rate", "0.5"], "learning_rate 0.001 -> 0.5"),
        ("gan", ["--batch-size", "3"], "batch_size 2 -> 3"),
        (
            "gan",
            ["--loss", "hinge", "--seed", "1"],
            "loss 'non_saturating' -> 'hinge'; seed 0 -> 1",
        ),
        ("gan", ["--augment", "cutout"], "augment [] -> ['cutout']"),
        ("gan", ["--constant-steps", "5"], "constant_steps 3000 -> 5"),
        ("gan", ["--beta-1", "0.5", "--r1-gamma", "2"], "beta_1 0.0 -> 0.5; r1_gamma None -> 2.0"),
        ("gan", ["--precision", "bfloat16"], "precision 'float32' -> 'bfloat16'"),
        ("vae", ["--beta", "2"], "beta 1.0 -> 2.0"),
        ("task", ["--l1-weight", "1", "--jitter"], "jitter False -> True; l1_weight 100.0 -> 1.0"),
        ("variants", ["--domain-b", "{}/flat:grey"], "domain_b "),
        ("pairs", ["--direction", "BtoA"], "direction 'AtoB' -> 'BtoA'"),
    ],
)
def test_other_settings_are_taken_with_consent(root, family, flags, words):
    flags = [*FAMILIES[family], *flags]
    begin(FAMILIES[family], root)
    message = refused(flags, root)
    assert words in message and "--continue-anyway" in message
    assert not go_on(FAMILIES[family], root)
    changes = go_on([*flags, "--continue-anyway"], root)
    assert changes and str(changes) in message


@pytest.mark.parametrize(
    ("family", "flags", "words"),
    [
        ("gan", ["--depth", "1"], "depth None -> 1"),
        ("gan", ["--width", "3"], "width 2 -> 3"),
        ("gan", ["--latent-dim", "5"], "latent_dim 4 -> 5"),
        ("gan", ["--networks", "dense"], "networks 'convolutional' -> 'dense'"),
        ("gan", ["--normalization", "spectral"], "normalization 'none' -> 'spectral'"),
        ("gan", ["--activation", "relu"], "activation None -> 'relu'"),
        ("gan", ["--model", "vae"], "model 'gan' -> 'vae'"),
        ("gan", ["--image-size", "6"], "image_shape [8, 8, 3] -> [6, 6, 3]"),
        ("gan", ["--channels", "1"], "image_shape [8, 8, 3] -> [8, 8, 1]"),
        ("gan", ["--constant-steps", "none"], "constant_steps 3000 -> None"),
        ("label", ["--conditioning", "concatenation"], "conditioning 'projection'"),
        ("text", ["--condition", "attributes"], "condition 'text' -> 'attributes'"),
        ("task", ["--task", "edges"], "task 'denoise' -> 'edges'"),
        ("task", ["--decay-steps", "5"], "decay_steps None -> 5"),
    ],
)
def test_what_the_weights_cannot_go_on_with_is_refused_in_any_case(root, family, flags, words):
    begin(FAMILIES[family], root)
    for consent in ([], ["--continue-anyway"]):
        message = refused([*FAMILIES[family], *flags, *consent], root)
        assert words in message and "cannot go on" in message
        assert "--continue-anyway" not in message and "--fresh" in message
        assert ("--channels 3" in message) == ("--channels" in flags)


@pytest.mark.parametrize(
    ("family", "change"),
    [
        ("label", lambda root: save_random(root / "classes/bird", 2, 8, 8, 3)),
        ("label", lambda root: (root / "classes/cat").rename(root / "classes/zebra")),
        ("text", lambda root: told(root, "captions.csv", "c")),
        ("attributes", lambda root: told(root, "attributes.csv", "c")),
    ],
)
def test_other_classes_and_captions_are_refused_in_any_case(root, family, change):
    begin(FAMILIES[family], root)
    change(root)
    message = refused([*FAMILIES[family], "--continue-anyway"], root)
    assert "categories " in message and "cannot go on" in message


def told(root, name, value):
    file = root / "told" / name
    file.write_text(file.read_text().replace(",b", f",{value}"))


def as_earlier_versions_wrote(root, flags):
    """Makes of what is recorded what earlier versions recorded."""
    _, dataset, _, _ = asked(flags, root)
    config = json.loads(RunFolder("run").config_file.read_text())
    config["settings"]["fingerprint of the pictures"] = dataset.former_fingerprint
    config["settings"].pop("categories", None)
    RunFolder("run").config_file.write_text(json.dumps(config))
    (RunFolder("run").path / "pictures.json").unlink(missing_ok=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_run_of_an_earlier_version_goes_on(root, family):
    flags = FAMILIES[family]
    begin(flags, root)
    as_earlier_versions_wrote(root, flags)
    assert not go_on(flags, root)
    # That version could not know them in another place.
    root = moved(root)
    message = refused(flags, root)
    if family in ("label", "attributes", "text"):
        assert "categories, which an earlier version did not record" in message
    else:
        assert "fingerprint of the pictures '" in message
        assert go_on([*flags, "--continue-anyway"], root)


@pytest.mark.parametrize(
    ("name", "fingerprint"), [("digits", "604b1be95e7fbac3"), ("shapes", "d6981e9d3aafa150")]
)
def test_the_fingerprints_of_named_sets_are_those_of_earlier_versions(name, fingerprint):
    _, dataset, _, files = asked(["--dataset", name], None)
    assert dataset.fingerprint == dataset.former_fingerprint == fingerprint and files is None


def test_what_changed_and_where_is_kept(root):
    begin(GAN, root)
    folder = RunFolder("run")
    for step, flags in ((5, ["--seed", "1"]), (9, ["--seed", "1", "--loss", "hinge"])):
        values, _, settings, files = asked([*GAN, *flags, "--continue-anyway"], root)
        changes = go_on([*GAN, *flags, "--continue-anyway"], root)
        folder.record(settings, values, files, changes, step)
    # A sitting without changes adds nothing.
    folder.record(settings, values, files, go_on([*GAN, *flags], root), 11)
    assert folder.continued == [
        {"step": 5, "changes": {"seed": [0, 1]}},
        {"step": 9, "changes": {"loss": ["non_saturating", "hinge"]}},
    ]
    assert json.loads(folder.config_file.read_text())["continued"] == folder.continued


def test_rows_of_before_the_change_stay(tmp_path):
    folder = RunFolder(tmp_path)
    for file, column in ((folder.history_file, "epoch,step"), (folder.quality_file, "step")):
        rows = [(0, 10), (1, 20), (2, 25), (3, 40)]
        text = [f"{epoch},{step}" if column == "epoch,step" else f"{step}" for epoch, step in rows]
        file.write_text("\n".join([column, *text, ""]))
    folder.config_file.write_text(json.dumps({"settings": {}, "continued": [{"step": 25}]}))
    folder.cut_history(epochs=1, step=30)
    folder.cut_quality(step=30, interval=30)
    assert folder.history_file.read_text() == "epoch,step\n0,10\n1,20\n2,25\n"
    assert folder.quality_file.read_text() == "step\n10\n20\n25\n"
    # It stands before the change again, as its newest checkpoints were damaged.
    folder.cut_history(epochs=1, step=20)
    folder.cut_quality(step=20, interval=30)
    assert folder.history_file.read_text() == "epoch,step\n0,10\n1,20\n"
    assert folder.quality_file.read_text() == "step\n10\n20\n"


def test_checkpoints_of_before_the_images_changed_are_known(tmp_path):
    folder = RunFolder(tmp_path)
    changes = [{"step": 25, "changes": {FINGERPRINT: [1, 2]}}, {"step": 40, "changes": {"seed": 1}}]
    folder.config_file.write_text(json.dumps({"settings": {}, "continued": changes}))
    assert [folder.had_other_images(step) for step in (20, 25, 26, 40)] == [1, 1, 0, 0]


def test_consent_and_a_fresh_start_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        train.parse(["--fresh", "--continue-anyway"])
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True)])
def test_the_best_may_come_or_go_with_the_number_of_images(tmp_path, gan, before, after):
    best = BestWeights(gan)
    best.state.step.assign(3)
    Checkpoints(tmp_path, gan, best=best if before else None).save(1.0)
    gan.generator.weights[0].assign(gan.generator.weights[0] + 1)
    assert Checkpoints(tmp_path, gan, best=best if after else None).restore() == 0
    np.testing.assert_array_equal(gan.generator.weights[0], gan.ema_generator.weights[0])


def test_a_rate_that_stays_is_the_one_of_now(root):
    def compiled(flags):
        words = [flag.replace("{}", str(root)) for flag in flags]
        return compiled_model(plan_of(*train.parse(words)), "float32")

    model = compiled(FAMILIES["task"])
    require_rates(model, 0.5)
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert float(optimizer.learning_rate) == 0.5
    # One that falls follows from the flags alone.
    require_rates(compiled(GAN), 0.5)


def tensors(name):
    newest = max((RunFolder(f"runs/{name}").checkpoints).glob("step-*"))
    reader = tf.train.load_checkpoint(str(newest / "state"))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


def run(name, root, *flags):
    return train.main([flag.replace("{}", str(root)) for flag in [*flags, "--name", name]])


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gan", "vae", "label"])
def test_a_moved_run_ends_like_one_that_stayed(root, capsys, family):
    flags = [*FAMILIES[family], "--precision", "float32"]
    assert run("stayed", root, *flags, "--steps", "4") == 0
    assert run("moved", root, *flags, "--steps", "2") == 0
    root = moved(root)
    assert run("moved", root, *flags, "--steps", "4") == 0
    output = capsys.readouterr().out
    assert "resumed at step 2" in output and "note:" not in output
    stayed, after = tensors("stayed"), tensors("moved")
    different = {key for key in stayed if not np.array_equal(stayed[key], after[key])}
    assert {key for key in different if not key.startswith(("seconds", "_CHECK"))} == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "precision"), [("gan", "bfloat16"), ("vae", "float32"), ("task", "float32")]
)
def test_a_run_goes_on_with_other_images_batches_rate_and_precision(
    root, capsys, family, precision
):
    flags = [*FAMILIES[family], "--precision", precision]
    assert run("a", root, *flags, "--steps", "2") == 0
    for index in range(30):
        Image.new("RGB", (8, 8), (index, 9 * index % 256, 0)).save(root / f"flat/new{index}.png")
    other = [*flags, "--batch-size", "3", "--learning-rate", "0.05", "--precision", "float32"]
    assert run("a", root, *other, "--steps", "4") == 2
    assert "--continue-anyway" in capsys.readouterr().err
    assert run("a", root, *other, "--steps", "4", "--continue-anyway") == 0
    output = capsys.readouterr().out
    assert "resumed at step 2" in output and "not bit for bit" in output
    assert "30 added (such as " in output and "batch_size 2 -> 3" in output
    (continued,) = RunFolder("runs/a").continued
    assert continued["step"] == 2
    changed = continued["changes"].get("precision", ["float32", "float32"])
    assert changed == [precision, "float32"]
    card = model_card.read("saved_models/a/2")
    assert card["training"]["continued"] == [continued]
    rates = [value for key, value in tensors("a").items() if "_learning_rate" in key]
    assert all(rate == np.float32(0.05) for rate in rates) and (family == "gan") == (not rates)
    # From now on these are its settings.
    assert run("a", root, *other, "--steps", "5") == 0
    assert "note:" not in capsys.readouterr().out


class Killed(Exception):
    """What stands for a kill of the process."""


@pytest.mark.slow
def test_what_was_consented_to_holds_after_a_kill(root, monkeypatch):
    """The rate is the new one, and the best of the former images is forgotten."""
    flags = [*FAMILIES["vae"], "--precision", "float32"]
    for index in range(30):
        Image.new("RGB", (8, 8), (index, 9 * index % 256, 0)).save(root / f"flat/new{index}.png")
    assert run("a", root, *flags, "--steps", "2") == 0
    Image.new("RGB", (8, 8), "white").save(root / "flat/white.png")
    other = [*flags, "--learning-rate", "0.5", "--steps", "3"]

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("tfgan.training.loop.train_until", killed)
        run("a", root, *other, "--continue-anyway")
    forgotten = []
    monkeypatch.setattr(BestWeights, "forget", lambda self: forgotten.append(self))
    assert run("a", root, *other) == 0 and len(forgotten) == 1
    rates = [value for key, value in tensors("a").items() if "_learning_rate" in key]
    assert rates == [0.5]
    # What was saved meanwhile is of these images.
    assert run("a", root, *other[:-1], "4") == 0 and len(forgotten) == 1
