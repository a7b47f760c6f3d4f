import contextlib
import csv
import io
import json
import re
import shlex
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks.alarms import collapsing
from tfgan import generate, losses, train
from tfgan.export import model_card
from tfgan.families import FAMILIES, from_latents
from tfgan.metrics import classifier
from tfgan.models import GAN
from tfgan.training import session
from tfgan.training.monitor import curve
from tfgan.training.run_folder import RunFolder

TINY = ["--width", "4", "--latent-dim", "8", "--batch-size", "32", "--precision", "float32"]
# A graph without the gradient of a gradient is traced in half the time.
NO_PENALTY = ["--r1-gamma", "0"]
CORRUPT_PNG = b"\x89PNG\r\n\x1a\n and no more"


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train_tiny(*arguments):
    return train.main([*TINY, *map(str, arguments)])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which a run of 130 steps was finished, and what it printed."""
    folder, printed = tmp_path_factory.mktemp("finished"), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        assert train_tiny("--steps", 130, *NO_PENALTY) == 0
    return folder, printed.getvalue()


@pytest.fixture
def workplace_after(finished, workplace):
    """A workplace in which that run was finished."""
    shutil.copytree(finished[0], workplace, dirs_exist_ok=True)
    return workplace


def rows_of(file):
    with open(file, newline="") as handle:
        return list(csv.DictReader(handle))


def test_a_run_leaves_its_folder_and_a_model_that_generate_samples(finished, monkeypatch, tmp_path):
    # 1,498 digits in batches of 32 are 46 steps an epoch.
    folder, output = finished
    monkeypatch.chdir(folder)
    run = folder / "runs" / "digits_gan"
    for part in ("digits: 1,498 images of 8x8x1", "CPU", "130 steps", "images/s", "130/130"):
        assert part in output
    assert "reloaded, it differs from the live model by at most 0" in output
    # Which of its two checks was the better one is for the arithmetic to say.
    assert re.search(r"^quality  step 1(25|30), .*Frechet distance \d", output, re.MULTILINE)
    # Every 4,000 images, and at the end.
    assert [row["step"] for row in rows_of(run / "quality.csv")] == ["125", "130"]
    history = rows_of(run / "history.csv")
    assert [(row["epoch"], row["step"]) for row in history] == [
        ("0", "46"),
        ("1", "92"),
        ("2", "130"),
    ]
    assert all(np.isfinite(float(row["generator_loss"])) for row in history)
    sheets = sorted(file.name for file in (run / "samples").iterdir())
    assert sheets == [f"step-{step:09d}.png" for step in (46, 92, 130)]
    # 8x8 digits are enlarged eight times, with gaps of 4 pixels.
    assert Image.open(run / "contact_sheet.png").size == (8 * (64 + 4) + 4,) * 2
    assert Image.open(run / "curves.png").size[0] > 100
    assert list((run / "tensorboard").glob("events.out.tfevents.*"))
    config = json.loads((run / "config.json").read_text())
    assert config["settings"]["width"] == 4 and config["versions"]["tensorflow"] == tf.__version__

    grid = tmp_path / "grid.png"
    assert generate.main(["saved_models/digits_gan", "--num", "64", "--out", str(grid)]) == 0
    sampled = np.asarray(Image.open(grid))
    contact_sheet = (run / "contact_sheet.png").read_bytes()
    np.testing.assert_array_equal(sampled, np.asarray(Image.open(run / "contact_sheet.png")))
    exported = folder / "saved_models" / "digits_gan" / "1"
    assert (exported / model_card.CONTACT_SHEET_FILE).read_bytes() == contact_sheet


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ((1.0, 0.0, 0.0), "R1 1 every 8 steps"),
        ((0.5, 0.5, 0.0), "R1 0.5 + R2 0.5 every 8 steps"),
        ((0.0, 0.0, 10.0), "gradient penalty 10 every 8 steps"),
        ((0.0, 0.0, 0.0), "no penalty"),
    ],
)
def test_the_plan_names_the_penalties(weights, words):
    names = ("r1_gamma", "r2_gamma", "gradient_penalty_weight")
    gan = types.SimpleNamespace(**dict(zip(names, weights)), penalty_interval=8)
    assert FAMILIES["gan"]().describe(gan) == f"non_saturating loss, {words}"


def test_the_card_tells_the_training(workplace_after):
    flags = ["--steps", 130, *NO_PENALTY]
    card = model_card.read("saved_models/digits_gan/1")
    assert card["metrics"] is None
    training = card["training"]
    assert training["command"] == shlex.join(
        ["python", "-m", "tfgan.train", *TINY, *map(str, flags)]
    )
    assert (training["seed"], training["step"], training["images"]) == (0, 130, 4160)
    assert training["precision"] == RunFolder("runs/digits_gan").settings["precision"]
    assert 0 < training["seconds"] < 600
    digits = training["data"]
    assert (digits["name"], digits["num_images"]) == ("digits", 1498)
    assert digits["image_shape"] == [8, 8, 1]
    assert digits["license"].startswith("CC BY 4.0") and digits["fingerprint"]


@pytest.mark.slow
def test_a_finished_run_is_measured(workplace_after, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(workplace_after))
    # What the numbers are is not the point here.
    monkeypatch.setattr(classifier, "_IMAGES_SEEN", 300)
    monkeypatch.setattr(from_latents, "NUM_MEASURED", 300)
    card = model_card.read("saved_models/digits_gan/1")
    assert train_tiny("--steps", 130, *NO_PENALTY, "--measure") == 0
    output = capsys.readouterr().out
    measured = model_card.read("saved_models/digits_gan/1")
    metrics = measured["metrics"]["metrics"]
    assert f"{metrics['frechet_distance']['value']:.4g}" in output
    assert metrics["recall"].keys() == {"value", "low", "high", "floor"}
    conditions = measured["metrics"]["card"]
    assert (conditions["split"], conditions["num_real"]) == ("test", 299)
    assert conditions["num_generated"] == 300
    assert measured | {"metrics": None} == card


@pytest.mark.slow
def test_a_run_keeps_its_best_and_exports_it(workplace, capsys, monkeypatch):
    monkeypatch.setattr(curve, "interval_of", lambda batch_size: 10)
    assert train_tiny("--steps", 20, "--name", "twenty", *NO_PENALTY) == 0
    output = capsys.readouterr().out
    assert "quality  step 20, Frechet distance " in output and "299 held-out images" in output
    run = workplace / "runs" / "twenty"
    assert [row["step"] for row in rows_of(run / "quality.csv")] == ["10", "20"]
    assert Image.open(run / "curves.png").size == (800, 1200)
    assert list((run / "tensorboard").glob("events.out.tfevents.*"))
    quality = json.loads((run / "result.json").read_text())["quality"]
    assert quality["exported_step"] == 20 and quality["alarms"] == []
    assert model_card.read("saved_models/twenty/1")["training"]["quality"] == quality

    # The same training, whose averages are spoiled after step 20.
    average = GAN.update_ema

    def spoiled(gan):
        average(gan)
        for weight in gan.ema_generator.weights:
            weight.assign(tf.where(gan.step >= 20, 10.0, 1.0) * weight)

    monkeypatch.setattr(GAN, "update_ema", spoiled)
    assert train_tiny("--steps", 25, "--name", "spoiled", *NO_PENALTY) == 0
    assert "quality  step 20, not the last: Frechet distance " in capsys.readouterr().out
    assert [row["step"] for row in rows_of(workplace / "runs/spoiled/quality.csv")] == [
        *("10", "20", "25")
    ]
    result = json.loads((workplace / "runs/spoiled/result.json").read_text())
    assert (result["step"], result["quality"]["exported_step"]) == (25, 20)
    images = [
        tf.saved_model.load(f"saved_models/{name}/1").signatures["from_seeds"](
            seeds=tf.range(4, dtype=tf.int64)
        )["images"]
        for name in ("twenty", "spoiled")
    ]
    np.testing.assert_array_equal(*images)
    # Finished it is all the same, and the training can go on from its own last step.
    assert train_tiny("--steps", 25, "--name", "spoiled", *NO_PENALTY) == 0
    assert "is finished: 25 steps" in capsys.readouterr().out


@pytest.mark.slow
def test_a_generator_that_freezes_raises_the_alarm(workplace, capsys, monkeypatch):
    monkeypatch.setattr(curve, "interval_of", lambda batch_size: 50)
    build = session.compiled_model

    def build_collapsing(*arguments):
        model = build(*arguments)
        model.generator = collapsing(model.generator, 3, 220, model.step)
        return model

    flags = ["--steps", 350, "--width", 16, *NO_PENALTY]
    assert train_tiny(*flags, "--name", "healthy") == 0
    assert "alarm" not in capsys.readouterr().out
    assert not (workplace / "runs/healthy/alarms.json").exists()
    monkeypatch.setattr(session, "compiled_model", build_collapsing)
    assert train_tiny(*flags, "--name", "frozen") == 0
    output = capsys.readouterr().out
    # Seen at the first check after step 220, raised at the second.
    assert output.count("alarm: mode collapse since step 250: ") == 1
    assert "mode collapse since step 250, and still at the end" in output
    (alarm,) = json.loads((workplace / "runs/frozen/alarms.json").read_text())
    assert (alarm["name"], alarm["since"], alarm["raised"]) == ("mode collapse", 250, 300)
    assert model_card.read("saved_models/frozen/1")["training"]["quality"]["alarms"] == [alarm]


def test_measuring_without_a_test_split_is_refused_before_training(workplace, capsys):
    (workplace / "pictures").mkdir()
    for index in range(32):
        Image.new("L", (8, 8), index).save(workplace / "pictures" / f"{index}.png")
    assert train_tiny("--steps", 1, "--dataset", "pictures", "--measure") == 2
    error = one_error_line(capsys)
    assert "--measure" in error and "test split" in error and "pictures" in error
    assert not (workplace / "runs").exists()


@pytest.mark.slow
def test_a_conditional_run_draws_a_class_a_column(workplace, capsys):
    assert train_tiny("--steps", 3, "--model", "cgan", *NO_PENALTY) == 0
    assert "--label" in capsys.readouterr().out
    sheet = Image.open(workplace / "runs/digits_cgan/contact_sheet.png")
    # Ten digits stand side by side; 64 images take seven rows of cells of 64 and a gap of 4.
    assert sheet.size == (10 * 68 + 4, 7 * 68 + 4)
    model = tf.saved_model.load("saved_models/digits_cgan/1")
    specs = model.signatures["serving_default"].structured_input_signature[1]
    assert {name: spec.shape.as_list() for name, spec in specs.items()} == {
        "latents": [None, 8],
        "labels": [None],
    }
    flags = ["--model", "cgan", "--conditioning", "concatenation", *NO_PENALTY]
    assert train_tiny("--steps", 3, *flags) == 2
    assert "conditioning" in one_error_line(capsys)


def test_a_conditional_run_without_labels_is_refused_before_training(workplace, capsys):
    (workplace / "pictures").mkdir()
    for index in range(32):
        Image.new("L", (8, 8), index).save(workplace / "pictures" / f"{index}.png")
    assert train_tiny("--steps", 1, "--dataset", "pictures", "--model", "cgan") == 2
    error = one_error_line(capsys)
    assert "needs labels" in error and "pictures" in error
    assert not (workplace / "runs").exists()


def test_the_same_command_again_is_finished_and_more_steps_train_on(workplace_after, capsys):
    assert train_tiny("--steps", 130, *NO_PENALTY) == 0
    output = capsys.readouterr().out
    assert "is finished: 130 steps" in output and "--steps" in output and "--fresh" in output
    exported = workplace_after / "saved_models" / "digits_gan"
    assert not (exported / "2").exists()

    assert train_tiny("--steps", 132, *NO_PENALTY) == 0
    assert "resumed at step 130" in capsys.readouterr().out
    assert (exported / "2").exists()
    assert json.loads((workplace_after / "runs/digits_gan/result.json").read_text())["step"] == 132


@pytest.mark.slow
def test_other_settings_in_the_same_folder_are_refused_with_the_difference(workplace, capsys):
    train_tiny("--steps", 2)
    before = (workplace / "runs/digits_gan/config.json").read_text()
    assert train_tiny("--steps", 2, "--loss", "hinge", "--seed", 1) == 2
    error = capsys.readouterr().err
    assert "loss 'non_saturating' -> 'hinge'; seed 0 -> 1" in error
    assert (workplace / "runs/digits_gan/config.json").read_text() == before
    assert train_tiny("--steps", 2, "--loss", "hinge", "--fresh") == 0
    assert "resumed" not in capsys.readouterr().out


def test_a_folder_that_is_not_a_runs_is_left_alone(workplace, capsys):
    (workplace / "runs/digits_gan").mkdir(parents=True)
    (workplace / "runs/digits_gan/thesis.tex").write_text("precious")
    assert train_tiny("--steps", 2, "--fresh") == 2
    assert "not the folder of a run" in capsys.readouterr().err
    assert (workplace / "runs/digits_gan/thesis.tex").read_text() == "precious"


@pytest.mark.parametrize("config", ['{"hf": 1}', "{", None])
def test_a_folder_with_somebody_elses_config_is_left_alone(config, workplace, capsys):
    folder = workplace / "runs/digits_gan"
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("precious")
    if config:
        (folder / "config.json").write_text(config)
    assert train_tiny("--steps", 2, "--fresh") == 2
    assert "not the folder of a run" in one_error_line(capsys)
    assert (folder / "thesis.tex").read_text() == "precious"


@pytest.mark.slow
def test_a_damaged_configuration_is_said_and_a_damaged_result_is_no_result(workplace, capsys):
    assert train_tiny("--steps", 2) == 0
    folder = workplace / "runs/digits_gan"
    (folder / "result.json").write_text('{"st')
    assert train_tiny("--steps", 2) == 0
    assert "resumed at step 2" in capsys.readouterr().out
    (folder / "config.json").write_text('{"bro')
    assert train_tiny("--steps", 2) == 2
    error = one_error_line(capsys)
    assert "config.json is damaged" in error and "--fresh" in error


@pytest.mark.parametrize("flag", ["--out", "--export-dir"])
def test_folders_that_cannot_be_written_are_found_before_training(flag, workplace, capsys):
    (workplace / "a_file").write_text("")
    assert train_tiny("--steps", 2, flag, "a_file") == 2
    assert flag in one_error_line(capsys)


def test_a_depth_beyond_the_image_is_refused_and_claims_nothing(workplace, capsys):
    assert train_tiny("--steps", 1, "--depth", 10) == 2
    assert "between 1 and 4 for images of 8x8. Received: 10" in one_error_line(capsys)
    assert RunFolder(workplace / "runs/digits_gan").settings is None


@pytest.mark.parametrize(("flag", "value"), [("--depth", 10), ("--export-dir", "a_file")])
def test_a_fresh_run_that_is_refused_leaves_the_earlier_one(flag, value, workplace_after, capsys):
    (workplace_after / "a_file").write_text("")
    before = sorted(workplace_after.glob("runs/**/*"))
    assert train_tiny("--steps", 130, *NO_PENALTY, "--fresh", flag, value) == 2
    assert flag.strip("-") in one_error_line(capsys)
    assert sorted(workplace_after.glob("runs/**/*")) == before


@pytest.mark.slow
def test_fewer_steps_than_were_trained_are_refused(workplace, capsys):
    assert train_tiny("--steps", 3) == 0
    (workplace / "runs/digits_gan/result.json").unlink()
    assert train_tiny("--steps", 2) == 2
    assert "to step 3 already, beyond the 2 requested" in one_error_line(capsys)


@pytest.mark.slow
def test_a_lost_model_is_exported_again(workplace, capsys):
    assert train_tiny("--steps", 2) == 0
    shutil.rmtree(workplace / "saved_models")
    assert train_tiny("--steps", 2) == 0
    assert (workplace / "saved_models/digits_gan/1/saved_model.pb").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "found"), [(1e38, "the images became"), (1e39, "weight ")])
def test_a_model_that_is_not_finite_is_not_kept(rate, found, workplace, capsys):
    assert train_tiny("--steps", 1, "--learning-rate", rate) == 3
    assert found in capsys.readouterr().err
    assert not list((workplace / "runs/digits_gan").glob("checkpoints/step-*"))


def test_a_second_live_process_is_refused(workplace, capsys):
    # The lock belongs to an open file: held here, it keeps out whoever opens the file anew.
    with RunFolder(workplace / "runs/digits_gan").locked():
        assert train_tiny("--steps", 2) == 2
    assert "another process is training" in one_error_line(capsys)


@pytest.mark.slow
def test_minutes_count_the_clock_and_go_on_where_they_stopped(workplace, capsys):
    assert train_tiny("--minutes", 0.05) == 0
    result = json.loads((workplace / "runs/digits_gan/result.json").read_text())
    assert result["seconds"] >= 3
    assert train_tiny("--minutes", 0.05) == 0
    assert "is finished" in capsys.readouterr().out
    # Setting up counts: on a busy machine it may take all that the first time had.
    seconds = 2 * result["seconds"] + 2
    assert train_tiny("--minutes", seconds / 60) == 0
    later = json.loads((workplace / "runs/digits_gan/result.json").read_text())
    assert later["step"] > result["step"] and later["seconds"] >= seconds


@pytest.mark.slow
@pytest.mark.parametrize("networks", ["convolutional", "dense", "recurrent"])
def test_rgba_images_that_are_not_square_less_one_that_is_corrupt(workplace, capsys, networks):
    (workplace / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for index in range(32):
        pixels = rng.integers(0, 256, (16, 24, 4), dtype=np.uint8)
        Image.fromarray(pixels).save(workplace / "pictures" / f"{index}.png")
    (workplace / "pictures" / "broken.png").write_bytes(CORRUPT_PNG)
    flags = ["--dataset", "./pictures", "--networks", networks, "--steps", 1, "--skip-corrupt"]
    flags += NO_PENALTY
    assert train_tiny(*flags) == 0
    assert "1 corrupt" in capsys.readouterr().out
    assert generate.main(["saved_models/pictures_gan", "--num", "2", "--format", "npz"]) == 0
    assert np.load("pictures.npz")["images"].shape == (2, 16, 24, 4)


@pytest.mark.slow
def test_gray_jpegs_in_class_subfolders(workplace):
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (workplace / "pets" / name).mkdir(parents=True)
        for index in range(16):
            pixels = rng.integers(0, 256, (20, 20), dtype=np.uint8)
            Image.fromarray(pixels).save(workplace / "pets" / name / f"{index}.jpg")
    assert train_tiny("--dataset", "./pets", "--steps", 1) == 0
    assert generate.main(["saved_models/pets_gan", "--num", "2", "--format", "npz"]) == 0
    assert np.load("pictures.npz")["images"].shape == (2, 20, 20, 1)


@pytest.mark.mnist
def test_mnist_trains_a_step_and_exports(workplace, mnist_data_dir):
    assert train_tiny("--dataset", "mnist", "--data-dir", mnist_data_dir, "--steps", 1) == 0
    assert generate.main(["saved_models/mnist_gan", "--num", "2", "--format", "npz"]) == 0
    assert np.load("pictures.npz")["images"].shape == (2, 28, 28, 1)


def image_folder(folder, sizes):
    folder.mkdir()
    for index, size in enumerate(sizes):
        Image.new("L", size, index).save(folder / f"{index}.png")


def one_error_line(capsys):
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ")
    return lines[0]


def test_an_unknown_data_set(workplace, capsys):
    assert train_tiny("--dataset", "mnsit") == 2
    error = one_error_line(capsys)
    assert "mnsit" in error and "mnist" in error
    assert not (workplace / "runs").exists()


def test_an_empty_folder(workplace, capsys):
    (workplace / "empty").mkdir()
    assert train_tiny("--dataset", "./empty") == 2
    assert "empty" in one_error_line(capsys)


def test_a_corrupt_image_is_named(workplace, capsys):
    image_folder(workplace / "pictures", [(8, 8)] * 33)
    (workplace / "pictures" / "broken.png").write_bytes(CORRUPT_PNG)
    assert train_tiny("--dataset", "./pictures", "--steps", 1) == 2
    error = one_error_line(capsys)
    assert "broken.png" in error and "--skip-corrupt" in error


def test_fewer_images_than_a_batch(workplace, capsys):
    image_folder(workplace / "pictures", [(8, 8)] * 5)
    assert train_tiny("--dataset", "./pictures") == 2
    error = one_error_line(capsys)
    assert "5" in error and "32" in error and "--batch-size" in error


@pytest.mark.slow
def test_images_of_several_sizes(workplace, capsys):
    image_folder(workplace / "pictures", [(8, 8), (9, 8)] * 16)
    assert train_tiny("--dataset", "./pictures") == 2
    assert "--image-size" in one_error_line(capsys)
    assert train_tiny("--dataset", "./pictures", "--image-size", "8x10", "--steps", 1) == 0
    assert "8x10x1" in capsys.readouterr().out


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_the_last_checkpoint(
    workplace_after, capsys, monkeypatch
):
    honest = losses.LOSSES["non_saturating"]
    overflowing = losses.AdversarialLoss(
        honest.discriminator, lambda real, fake: tf.exp(1000.0 + tf.reduce_mean(fake))
    )
    monkeypatch.setitem(losses.LOSSES, "non_saturating", overflowing)
    assert train_tiny("--steps", 140, *NO_PENALTY) == 3
    error = capsys.readouterr().err
    assert "error: generator loss became Inf at step 131. Checkpoints: up to step 130 in" in error
    assert "--learning-rate" in error
    checkpoints = workplace_after / "runs/digits_gan/checkpoints"
    assert max(entry.name for entry in checkpoints.iterdir()) == "step-000000130"
    assert not (workplace_after / "saved_models/digits_gan/2").exists()


@pytest.mark.slow
def test_the_disk_is_full(workplace, capsys, monkeypatch):
    def full_disk(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full_disk)
    assert train_tiny("--steps", 2) == 1
    assert "No space left on device" in one_error_line(capsys)
    monkeypatch.undo()
    monkeypatch.chdir(workplace)
    # Nothing is lost: the same command exports what was trained.
    assert train_tiny("--steps", 2) == 0
    assert "resumed at step 2" in capsys.readouterr().out
    assert (workplace / "saved_models/digits_gan/1/saved_model.pb").is_file()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_dry_run_shows_the_plan_and_leaves_nothing(workplace, capsys, as_json):
    flags = ["--dry-run", *["--json"] * as_json, "--model", "vae", "--beta", "2", "--steps", "7"]
    assert train.main([*flags, "--width", "2", "--precision", "float32"]) == 0
    output = capsys.readouterr().out
    assert not list(workplace.iterdir())
    if not as_json:
        assert "bernoulli likelihood, beta 2" in output and "7 steps" in output
        return
    plan = json.loads(output)
    assert plan["flags"]["beta"] == 2.0 and plan["steps"] == 7
    assert plan["settings"]["precision"] == "float32"
    assert set(plan["parameters"]) == {"encoder", "generator"}
