"""The trained models in `saved_models/`: what their cards claim, and that anyone can load them."""

import io
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cpp_loader import serve
from PIL import Image
from warm_up import warm_up_requests

from benchmarks.model_table import table
from tfgan import metrics
from tfgan.export import model_card
from tfgan.inference import sampling
from tfgan.inference.exported_model import ExportedModel
from tfgan.inference.sampling import sample
from tfgan.train import parse
from tfgan.training.plan import plan_of

ROOT = Path(__file__).parents[1]
NAMES = ("mnist_gan", "mnist_cgan", "mnist_vae", "mnist_inpaint", "mnist_cyclegan")
MAX_BYTES = 4_000_000
IMAGE_SHAPE = (28, 28, 1)

each_model = pytest.mark.parametrize("name", NAMES)


def folder_of(name):
    return ROOT / "saved_models" / name / "1"


def metrics_of(folder):
    return model_card.read(folder)["metrics"]["metrics"]


def png(size):
    buffer = io.BytesIO()
    Image.new("L", size, 255).save(buffer, "png")
    return buffer.getvalue()


def request_of(inputs, num):
    """What a signature may be asked, by what the card says of its inputs; dict of arrays."""
    random = np.random.default_rng(num)
    made = {
        "latents": lambda shape: random.standard_normal(shape, np.float32),
        "seeds": lambda shape: random.integers(2**40, size=shape),
        "labels": lambda shape: random.integers(10, size=shape, dtype=np.int32),
        "images": lambda shape: random.random(shape, np.float32),
        "masks": lambda shape: random.integers(2, size=shape).astype(np.float32),
        "image_bytes": lambda shape: [png((40, 30))] * shape[0],
        "mask_bytes": lambda shape: [png((40, 30))] * shape[0],
    }
    return {name: made[name]((num, *one["shape"][1:])) for name, one in inputs.items()}


@each_model
def test_the_card_says_where_the_model_comes_from(name):
    folder = folder_of(name)
    card = model_card.read(folder)
    training = card["training"]
    assert card["name"] == name and card["exported"][:2] == "20"
    words = shlex.split(training["command"])
    assert words[:3] == ["python", "-m", "tfgan.train"] and "--measure" in words
    # It would write to this very folder, and holds no path of the machine that ran it.
    run, family = parse(words[3:])
    assert (run.name or f"{training['data']['name']}_{family.name}") == name
    assert "/" not in training["command"]
    assert training["seed"] == run.seed and training["seconds"] > 0
    assert training["precision"] == "float32"
    assert training["data"]["license"].startswith("CC BY-SA 3.0")
    assert {"tfgan", "tensorflow", "keras", "numpy"} <= card["versions"].keys()
    assert card["metrics"]["card"]["split"] == "test"
    Image.open(folder / model_card.CONTACT_SHEET_FILE).verify()
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < MAX_BYTES


@each_model
def test_the_page_has_the_figures_of_the_card(name):
    page = (ROOT / "docs" / "models.md").read_text()
    assert table(folder_of(name)) in page
    assert f"../saved_models/{name}/1/{model_card.CONTACT_SHEET_FILE}" in page


def test_the_gan_is_near_real_digits_and_the_conditional_one_draws_what_is_requested():
    distance = metrics_of(folder_of("mnist_gan"))["frechet_distance"]
    assert distance["value"] <= 2 * distance["floor"]
    assert metrics_of(folder_of("mnist_cgan"))["label_agreement"]["value"] >= 0.985


def test_a_users_own_runs_stay_out_of_git():
    def is_ignored(path):
        return subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0

    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    model = "saved_model.pb"
    assert all(is_ignored(f"saved_models/{name}/2/{model}") for name in (*NAMES, "digits_gan"))
    assert is_ignored(f"saved_models/digits_gan/1/{model}")
    assert not any(is_ignored(f"saved_models/{name}/1/{model}") for name in NAMES)


@pytest.mark.slow
@each_model
def test_the_c_plus_plus_loader_answers_every_signature_and_the_warm_up(name):
    folder = folder_of(name)
    signatures = model_card.read(folder)["signatures"]
    warm_up = warm_up_requests(folder)
    assert {signature for signature, _ in warm_up} == signatures.keys()
    requests = [
        (signature, request_of(described["inputs"], num))
        for signature, described in signatures.items()
        for num in (1, 3, 7)
    ]
    answers = serve(folder, requests + warm_up)
    for (signature, inputs), answer in zip(requests, answers):
        num = len(next(iter(inputs.values())))
        assert answer.keys() == signatures[signature]["outputs"].keys()
        assert all(len(values) == num for values in answer.values())
        for images in filter(lambda values: np.ndim(values) == 4, answer.values()):
            assert images.shape == (num, *IMAGE_SHAPE)
            assert np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1
        for file in answer.get("image_bytes", []):
            assert Image.open(io.BytesIO(file)).size == IMAGE_SHAPE[1::-1]


@pytest.mark.slow
@pytest.mark.mnist
@each_model
def test_measured_afresh_the_figures_are_within_the_cards_intervals(
    name, mnist_data_dir, tmp_path, monkeypatch
):
    monkeypatch.setenv("TFDS_DATA_DIR", str(mnist_data_dir))
    # What draws from latents draws other images than those that the card was made from.
    monkeypatch.setattr(
        sampling,
        "sample",
        lambda model, seeds, condition: sample(model, seeds + 2**40, condition),
    )
    shutil.copytree(folder_of(name), tmp_path / "1")
    command = model_card.read(tmp_path / "1")["training"]["command"]
    plan = plan_of(*parse(shlex.split(command)[3:]))
    exported = ExportedModel.load(tmp_path / "1")
    report = plan.family.measure(exported, plan.dataset, plan.held_out)
    model_card.add_metrics(tmp_path / "1", report)
    claimed, found = metrics_of(folder_of(name)), metrics_of(tmp_path / "1")
    assert claimed.keys() == found.keys()
    digests = {
        model_card.read(folder)["metrics"]["card"].get("digest")
        for folder in (folder_of(name), tmp_path / "1")
    }
    for metric, number in claimed.items():
        if number["low"] is None:
            continue
        # On another kind of processor the training of the classifier ends in other weights, and
        # the distances in its features in other numbers: an interval is of the images alone.
        margin = 0.0 if len(digests) == 1 else (number["high"] - number["low"]) / 2
        value = found[metric]["value"]
        assert number["low"] - margin <= value <= number["high"] + margin, metric


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("name", ["mnist_gan", "mnist_cgan"])
def test_a_classifier_that_made_no_card_comes_to_the_same_end(name, mnist_data_dir):
    labels = np.arange(10_000, dtype=np.int32) % 10 if name == "mnist_cgan" else None
    condition = {} if labels is None else {"labels": labels}
    images = sample(ExportedModel.load(folder_of(name)), np.arange(10_000) + 2**41, condition)
    # The seed is the classifier's, too: it has learnt from another half of the images.
    report = metrics.measure(
        images,
        "mnist",
        labels=labels,
        data_dir=mnist_data_dir,
        num_neighbours=500,
        seed=1,
        progress=False,
    )
    found = report.measurements
    if labels is not None:
        assert found["label_agreement"].value >= 0.985
    else:
        assert found["frechet_distance"].value <= 2 * found["frechet_distance"].floor
