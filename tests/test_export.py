import datetime
import io
import os
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_gan, random_batch, step_by_operation
from cpp_loader import serve
from google.protobuf import unknown_fields
from PIL import Image
from warm_up import warm_up_logs, warm_up_requests

from tfgan.export import model_card, saved_model, saved_models
from tfgan.noise import latents_from_seeds
from tfgan.plotting import to_uint8

IMAGE_SHAPE = (9, 12, 3)


@pytest.fixture(scope="module")
def trained():
    """A GAN whose averaged generator differs from its generator, and its exported version."""
    gan = make_gan(image_shape=IMAGE_SHAPE, r1_gamma=0.0)
    with step_by_operation():
        for seed in range(3):
            gan.train_step(random_batch(IMAGE_SHAPE, seed=seed))
    # After three steps all images are the same gray; larger kernels tell them apart.
    for network in (gan.generator, gan.ema_generator):
        for variable in network.trainable_variables:
            variable.assign(20.0 * variable)
    return gan


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    folder, difference = saved_model.export_saved_model(
        trained, tmp_path_factory.mktemp("models") / "m"
    )
    assert difference == 0.0
    return folder


@pytest.fixture(scope="module")
def served(trained, exported):
    """Answers of TensorFlow's C++ loader, in a process without tensorflow, keras and tfgan."""
    latents = latents_from_seeds(tf.range(7, dtype=tf.int64), trained.latent_dim).numpy()
    requests = []
    for size in (1, 3, 7):
        requests.append(("serving_default", {"latents": latents[:size]}))
        requests.append(("from_seeds", {"seeds": np.arange(size)}))
        requests.append(("png", {"seeds": np.arange(size)}))
    # Seed 5 alone, and at every position of a batch.
    requests.append(("from_seeds", {"seeds": np.array([5])}))
    for position in range(4):
        requests.append(("from_seeds", {"seeds": np.insert([80, 81, 82], position, 5)}))
    return serve(exported, requests)


def test_the_cpp_loader_gives_the_live_models_images_at_any_batch_size(trained, served):
    for index, size in enumerate((1, 3, 7)):
        live = trained.generate(np.arange(size)).numpy()
        default, from_seeds, png = served[3 * index : 3 * index + 3]
        assert default["images"].shape == (size, *IMAGE_SHAPE)
        np.testing.assert_allclose(default["images"], live, atol=1e-5)
        np.testing.assert_allclose(from_seeds["images"], live, atol=1e-5)
        decoded = [np.asarray(Image.open(io.BytesIO(data))) for data in png["image_bytes"]]
        np.testing.assert_array_equal(decoded, to_uint8(from_seeds["images"]))


def test_a_seed_gives_its_image_at_every_position(served):
    alone, *batches = (answer["images"] for answer in served[9:])
    for position, images in enumerate(batches):
        np.testing.assert_allclose(images[position], alone[0], atol=1e-5)
        others = np.delete(images, position, axis=0)
        assert np.abs(others - alone[0]).max(axis=(1, 2, 3)).min() > 1e-3


def test_it_is_the_averaged_generator_that_is_exported(trained, served):
    latents = latents_from_seeds(tf.range(7, dtype=tf.int64), trained.latent_dim)
    raw = (trained.generator(latents, training=False).numpy() + 1) / 2
    assert np.abs(served[6]["images"] - raw).max() > 1e-3


def test_each_tensor_is_stored_once_and_nothing_of_the_optimizers(trained, exported):
    variables = tf.train.list_variables(str(exported / "variables" / "variables"))
    shapes = sorted(tuple(shape) for name, shape in variables if "CHECKPOINTABLE" not in name)
    assert shapes == sorted(tuple(v.shape) for v in trained.generator.variables)


def test_signatures_take_any_batch_and_have_the_names_of_the_contract(trained, exported):
    signatures = tf.saved_model.load(str(exported)).signatures

    def shapes_and_types(specs):
        return {name: (spec.shape.as_list(), spec.dtype.name) for name, spec in specs.items()}

    specs = {
        name: (
            shapes_and_types(function.structured_input_signature[1]),
            shapes_and_types(function.structured_outputs),
        )
        for name, function in signatures.items()
    }
    images = {"images": ([None, *IMAGE_SHAPE], "float32")}
    seeds = {"seeds": ([None], "int64")}
    assert specs == {
        "serving_default": ({"latents": ([None, trained.latent_dim], "float32")}, images),
        "from_seeds": (seeds, images),
        "png": (seeds, {"image_bytes": ([None], "string")}),
    }


def test_the_plain_function_is_in_the_saved_model(trained, exported):
    latents = latents_from_seeds(tf.range(7, dtype=tf.int64), trained.latent_dim)
    reloaded = tf.saved_model.load(str(exported))
    images = reloaded.images_from_latents(latents)
    np.testing.assert_allclose(images, trained.generate(np.arange(7)), atol=1e-5)


def test_the_warm_up_holds_a_request_that_each_signature_accepts(exported):
    logs = warm_up_logs(exported)
    requests = [log.predict_log.request for log in logs]
    for log, request in zip(logs, requests):
        assert log.WhichOneof("log_type") == "predict_log"
        assert request.model_spec.name == "m"
        # Nothing that the official declaration does not know.
        assert not unknown_fields.UnknownFieldSet(request)
    names = [request.model_spec.signature_name for request in requests]
    assert sorted(names) == ["from_seeds", "png", "serving_default"]
    answers = serve(exported, warm_up_requests(exported))
    assert [len(next(iter(answer.values()))) for answer in answers] == [1, 1, 1]


def test_the_card_says_what_the_model_is(trained, exported, tmp_path):
    card = model_card.read(exported)
    assert (card["name"], card["family"]) == ("m", "GAN")
    assert card["training"] is None and card["metrics"] is None and card["condition"] is None
    assert card["signatures"]["png"] == {
        "inputs": {"seeds": {"dtype": "int64", "shape": [None]}},
        "outputs": {"image_bytes": {"dtype": "string", "shape": [None]}},
    }
    assert card["signatures"]["serving_default"] == {
        "inputs": {"latents": {"dtype": "float32", "shape": [None, trained.latent_dim]}},
        "outputs": {"images": {"dtype": "float32", "shape": [None, *IMAGE_SHAPE]}},
    }
    assert model_card.inputs_of_seeds(model_card.read(exported)).keys() == {"seeds"}
    assert model_card.inputs_of_seeds(model_card.read_if_any(tmp_path)) == {}
    assert card["versions"]["tensorflow"] == tf.__version__
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(card["exported"])
    assert datetime.timedelta(0) <= age < datetime.timedelta(hours=1)


def test_versions_count_up_and_leave_nothing_behind(trained, tmp_path):
    (tmp_path / "m" / "7").mkdir(parents=True)
    # Of an export that was killed two days ago, and of one that goes on in another process.
    killed, alive = (f".writing-{index * 8}-version" for index in "01")
    for name, age in ((killed, 2 * 24 * 60 * 60), (alive, 60)):
        (tmp_path / "m" / name / "variables").mkdir(parents=True)
        os.utime(tmp_path / "m" / name, (time.time() - age,) * 2)
    assert saved_model.export_saved_model(trained, tmp_path / "m")[0] == tmp_path / "m" / "8"
    assert sorted(os.listdir(tmp_path / "m")) == [alive, "7", "8"]


def test_a_version_that_another_process_takes_first_is_left_to_it(tmp_path, monkeypatch):
    for name in ("1", "written"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").write_text(name)
    # What was seen before the other process was done, and after.
    seen = iter([{}, saved_models.versions(tmp_path)])
    monkeypatch.setattr(saved_model, "versions", lambda folder: next(seen))
    assert saved_model.renamed_to_next_version(tmp_path / "written", tmp_path) == tmp_path / "2"
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "1"
    assert (tmp_path / "2" / "saved_model.pb").read_text() == "written"


def test_a_server_under_another_user_can_read_it(exported):
    assert exported.stat().st_mode & 0o555 == 0o555


def test_a_model_that_reloads_differently_is_not_exported(trained, tmp_path, monkeypatch):
    honest = saved_model.signatures_of

    def dimmed(model):
        """Half the contrast in one signature."""
        served = honest(model)
        default = served.signatures["serving_default"]

        @tf.function(input_signature=default.input_signature)
        def half_the_contrast(latents):
            return {"images": default(latents)["images"] / 2}

        served.signatures["serving_default"] = half_the_contrast
        return served

    monkeypatch.setattr(saved_model, "signatures_of", dimmed)
    with pytest.raises(RuntimeError, match="differs from the live one by 0"):
        saved_model.export_saved_model(trained, tmp_path / "m")
    assert os.listdir(tmp_path / "m") == []


@pytest.mark.parametrize(
    "failure",
    [
        OSError(28, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "m/1; No space left on device"),
    ],
    ids=["system", "TensorFlow"],
)
def test_a_failed_export_leaves_nothing_behind(failure, trained, tmp_path, monkeypatch):
    def full_disk(*arguments, **keywords):
        raise failure

    monkeypatch.setattr(tf.saved_model, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        saved_model.export_saved_model(trained, tmp_path / "m")
    assert os.listdir(tmp_path / "m") == []
    assert not saved_models.versions(tmp_path / "m")
