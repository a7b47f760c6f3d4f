"""`python -m tfgan.train` in bfloat16, whatever the machine computes best, and what `auto` does."""

import json

import keras
import pytest
from conftest import step_by_operation
from data_fixtures import save_random
from PIL import Image

from tfgan import generate, train
from tfgan.families import from_latents, pix2pix
from tfgan.metrics import classifier
from tfgan.names import TASKS
from tfgan.networks import precision
from tfgan.training import loop, session
from tfgan.training.plan import plan_of

TINY = ["--width", "2", "--batch-size", "8", "--name", "it"]
BFLOAT16 = ["--precision", "bfloat16"]
MACHINES = {"with bfloat16": {"avx512_bf16"}, "without": {"avx2"}}
# A kernel that overhangs a map narrower than its stride.
NARROW = ["--image-size", "64x2", "--latent-dim", "4"]


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=MACHINES)
def machine(request, monkeypatch):
    """Which kind of processor the commands see."""
    monkeypatch.setattr(precision, "cpu_flags", lambda: MACHINES[request.param])
    return request.param


def train_tiny(*arguments):
    # Tracing takes longer than these few steps.
    with step_by_operation():
        return train.main([*TINY, *map(str, arguments)])


def recorded_precision():
    with open("runs/it/config.json") as file:
        return json.load(file)["settings"]["precision"]


def assert_trains(flags, capsys, steps=1):
    """Trains to a step and exports; the suite of the families resumes each of them."""
    assert train_tiny(*flags, *BFLOAT16, "--steps", steps) == 0
    output = capsys.readouterr().out
    assert ", bfloat16\n" in output
    assert "(reloaded, it differs from the live model by at most" in output
    return output


def save_attributes(folder):
    save_random(folder, 9, 8, 8)
    rows = [f"{index:03d}.png,{'odd' if index % 2 else 'even'}" for index in range(9)]
    (folder / "attributes.csv").write_text("\n".join(["file,parity", *rows]) + "\n")


@pytest.mark.parametrize(
    "flags",
    [
        ["--networks", "dense"],
        ["--networks", "recurrent"],
        ["--loss", "hinge", "--augment", "color,translation,cutout", "--penalty-interval", 1]
        + ["--r1-gamma", 0, "--gradient-penalty", 1, "--normalization", "spectral"],
        ["--model", "cgan", "--condition", "label"],
        ["--model", "cgan", "--condition", "text"],
        ["--dataset", "./pictures", "--model", "cgan", "--condition", "attributes"],
        ["--model", "vae"],
    ],
    ids=lambda flags: flags[-1],
)
def test_what_draws_from_latents_trains_and_exports(flags, workplace, capsys):
    save_attributes(workplace / "pictures")
    assert_trains(["--latent-dim", 4, *flags], capsys)


def test_a_run_in_bfloat16_resumes_and_is_measured(capsys, monkeypatch):
    monkeypatch.setattr(pix2pix, "NUM_MEASURED", 40)
    flags = ["--model", "pix2pix", "--task", "denoise"]
    assert_trains(flags, capsys)
    output = assert_trains([*flags, "--measure"], capsys, steps=2)
    assert "resumed at step 1\n" in output and "psnr" in output


@pytest.mark.slow
def test_what_draws_from_latents_is_measured(workplace, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(workplace))
    monkeypatch.setattr(classifier, "_IMAGES_SEEN", 300)
    monkeypatch.setattr(from_latents, "NUM_MEASURED", 300)
    output = assert_trains(["--latent-dim", 4, "--model", "cgan", "--measure"], capsys)
    assert "label_agreement" in output


@pytest.mark.parametrize(
    "flags",
    [
        ["--dataset", "pairs"],
        *(["--dataset", "./pictures", "--task", task] for task in TASKS),
    ],
    ids=lambda flags: flags[-1],
)
def test_pix2pix_trains_exports_and_translates(flags, workplace, capsys):
    save_random(workplace / "pictures", 9, 8, 8, 3)
    save_random(workplace / "pairs" / "train", 9, 8, 16, 3)
    assert_trains(["--model", "pix2pix", *flags], capsys)
    save_random(workplace, 1, 20, 24, 3)
    mask = ["--mask", "000.png"] if "inpaint" in flags else []
    command = ["saved_models/it", "--input", "000.png", *mask, "--out", "made.png"]
    assert generate.main(command) == 0
    assert Image.open("made.png").size == (8, 8)


def test_a_cyclegan_trains_exports_and_translates(workplace, capsys):
    domains = ["--domain-a", "digits", "--domain-b", "digits:inverted"]
    assert_trains(["--model", "cyclegan", *domains], capsys)
    save_random(workplace, 1, 20, 24, 3)
    for direction in ("AtoB", "BtoA"):
        command = ["saved_models/it", "--input", "000.png", "--direction", direction]
        assert generate.main([*command, "--out", "made.png"]) == 0
        assert Image.open("made.png").size == (8, 8)


def test_auto_is_what_the_machine_computes_best(machine, capsys):
    assert train_tiny("--latent-dim", 4, "--steps", 1) == 0
    assert recorded_precision() == {"with bfloat16": "bfloat16", "without": "float32"}[machine]
    assert "note" not in capsys.readouterr().out


def test_auto_is_float32_for_what_bfloat16_gets_wrong(machine, capsys):
    assert train_tiny(*NARROW, "--steps", 1) == 0
    assert recorded_precision() == "float32"
    output = capsys.readouterr().out
    assert ", float32\n" in output
    note = "note: in float32, since this machine computes conv2d"
    assert (note in output) == (machine == "with bfloat16")
    # It stays so for the run.
    assert train_tiny(*NARROW, "--steps", 2) == 0
    assert "resumed at step 1\n" in capsys.readouterr().out


def test_bfloat16_is_refused_for_what_it_gets_wrong(machine, monkeypatch, capsys):
    assert train_tiny(*NARROW, "--steps", 1, *BFLOAT16) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "(4x3 kernel, stride 2, 32x1 map)" in error
    assert "Pass --precision float32" in error

    # A run that was begun when nobody looked.
    with monkeypatch.context() as patch:
        patch.setattr("tfgan.training.convolution_check.miscomputed_layer", lambda *arguments: None)
        patch.setattr(loop, "train_step", one_step_right)
        assert train_tiny(*NARROW, "--steps", 1, *BFLOAT16) == 0
    capsys.readouterr()
    assert train_tiny(*NARROW, "--steps", 2) == 2
    assert "--continue-anyway, --fresh or another --name" in capsys.readouterr().err
    goes_on = ["--precision", "float32", "--continue-anyway"]
    assert train_tiny(*NARROW, "--steps", 2, *goes_on) == 0
    assert recorded_precision() == "float32"


def one_step_right(model, batch, step):
    """A step as some machine may do it, which leaves the weights as they are."""
    model.step.assign_add(1)
    return model.get_metrics_result()


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_what_is_not_finite_names_float32_where_it_may_help(name, monkeypatch, capsys):
    def fails(*arguments):
        raise loop.NotFiniteError("generator loss became NaN at step 1")

    monkeypatch.setattr(loop, "train_step", fails)
    assert train_tiny("--latent-dim", 4, "--steps", 1, "--precision", name) == 3
    assert ("--precision float32" in capsys.readouterr().err) == (name == "bfloat16")


def test_the_policy_of_a_session_stays(monkeypatch):
    class Stop(Exception):
        pass

    def stops(*arguments):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise Stop

    plan = plan_of(*train.parse(["--steps", "1"]))
    monkeypatch.setattr(type(plan.family), "build", stops)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(Stop):
            session.compiled_model(plan, "bfloat16")
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
