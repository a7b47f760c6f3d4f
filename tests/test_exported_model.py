"""`tfgan.load`: a trained model of a folder or at a server is the live model, in NumPy arrays."""

import gc

import numpy as np
import pytest
import smallest_models
import tensorflow as tf
from server_process import STAND_IN, running
from threadpoolctl import threadpool_limits

import tfgan
from tfgan import convert, evaluate, explore, generate
from tfgan.errors import InputError
from tfgan.explorer import runtime, sliders
from tfgan.export import model_card
from tfgan.inference import rejection
from tfgan.inference.exported_model import ExportedModel
from tfgan.inference.serving_client import ServingClient
from tfgan.metrics import extractors
from tfgan.noise import latents_from_seeds
from tfgan.serving import limits

SEEDS = np.arange(5, 9)
LABELS = np.array([3, 1, 4, 1], np.int32)
IMAGES = (smallest_models.random_images() + 1) / 2
MASKS = (smallest_models.random_images(seed=1) > 0).astype(np.float32)


@pytest.fixture(scope="module")
def live():
    """A live model of each family, by its name."""
    return {name: smallest_models.make(name) for name in smallest_models.FAMILIES}


@pytest.fixture(scope="module")
def folder(live, tmp_path_factory):
    """The folder in which each lies under its name."""
    folder = tmp_path_factory.mktemp("saved_models")
    for name, model in live.items():
        tfgan.export_saved_model(model, folder / name)
    return folder


@pytest.fixture(scope="module")
def loaded(folder):
    return {name: tfgan.load(folder / name) for name in smallest_models.FAMILIES}


@pytest.fixture(scope="module")
def at_server(folder, tmp_path_factory):
    """Each model at a server."""
    config = tmp_path_factory.mktemp("server") / "models.config"
    models = "".join(
        f'config {{ name: "{name}" base_path: "{folder / name}" }} '
        for name in smallest_models.FAMILIES
    )
    config.write_text(f"model_config_list {{ {models} }}")
    with running(STAND_IN, "gan", f"--model_config_file={config}") as (_, _, port):
        address = f"http://localhost:{port}/v1/models"
        yield {name: tfgan.load(f"{address}/{name}") for name in smallest_models.FAMILIES}


def answers(model, family):
    """What a model can do, by what does it."""
    if family == "pix2pix_masked":
        return {"translate": model.translate(IMAGES, MASKS)}
    if family == "pix2pix":
        return {"translate": model.translate(IMAGES)}
    if family == "cyclegan":
        directions = (None, "AtoB", "BtoA")
        return {each: model.translate(IMAGES, direction=each) for each in directions}
    condition = {"labels": LABELS} if family == "conditional_gan" else {}
    found = {
        "generate": model.generate(SEEDS, **condition),
        "truncated": model.generate(SEEDS, **condition, truncation=0.5),
    }
    if family == "vae":
        found |= {"encode": model.encode(IMAGES), "reconstruct": model.reconstruct(IMAGES)}
    return found


def live_answers(model, family):
    """The same of a live model."""
    if family == "pix2pix_masked":
        return {"translate": model.translate(IMAGES, MASKS)}
    if family == "pix2pix":
        return {"translate": model.translate(IMAGES)}
    if family == "cyclegan":
        forth, back = model.a_to_b(IMAGES), model.b_to_a(IMAGES)
        return {None: forth, "AtoB": forth, "BtoA": back}
    condition = [tf.constant(LABELS)] if family == "conditional_gan" else []
    latents = 0.5 * latents_from_seeds(SEEDS, model.latent_dim)
    short = model.ema_generator([latents, *condition] if condition else latents)
    found = {"generate": model.generate(SEEDS, *condition), "truncated": (short + 1) / 2}
    if family == "vae":
        found |= {"encode": model.encode(IMAGES), "reconstruct": model.reconstruct(IMAGES)}
    return found


each_family = pytest.mark.parametrize("family", smallest_models.FAMILIES)


@each_family
def test_a_loaded_model_is_the_live_model(family, live, loaded):
    expected = live_answers(live[family], family)
    found = answers(loaded[family], family)
    assert found.keys() == expected.keys()
    for name, values in found.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected[name], atol=1e-6, err_msg=name)
    if len(found) > 1:
        first, *_, last = found.values()
        assert first.shape != last.shape or np.abs(first - last).max() > 1e-3


def example(name, num=4):
    """What an input may be given, an array of `num` examples."""
    if name in ("image_bytes", "mask_bytes"):
        pixels = tf.constant(255 * MASKS[:num], tf.uint8)
        return np.array([tf.io.encode_png(each).numpy() for each in pixels], object)
    latents = latents_from_seeds(SEEDS, 6).numpy()
    values = {"seeds": SEEDS, "labels": LABELS, "images": IMAGES, "masks": MASKS}
    return (values | {"latents": latents})[name][:num]


def assert_same_answers(found, expected, message):
    assert found.keys() == expected.keys()
    for name, array in found.items():
        assert isinstance(array, np.ndarray) and array.dtype == expected[name].dtype
        np.testing.assert_array_equal(array, expected[name], err_msg=message)


@each_family
def test_a_signature_gives_what_tensorflow_s_own_gives(family, folder, loaded):
    own = tf.saved_model.load(str(folder / family / "1")).signatures
    assert [*loaded[family].signatures] == [*own]
    for name, function in own.items():
        inputs = {key: example(key) for key in function.structured_input_signature[1]}
        answer = function(**{key: tf.constant(each) for key, each in inputs.items()})
        expected = {key: each.numpy() for key, each in answer.items()}
        assert_same_answers(loaded[family].signatures[name](**inputs), expected, name)


@each_family
def test_a_server_gives_what_the_folder_gives(family, loaded, at_server):
    near, far = loaded[family], at_server[family]
    assert far.signatures.keys() == near.signatures.keys()
    for name, signature in near.signatures.items():
        there = far.signatures[name]
        assert (there.inputs, there.outputs) == (signature.inputs, signature.outputs)
        assert there.max_images == signature.max_images
        inputs = {key: example(key) for key in signature.inputs}
        assert_same_answers(there(**inputs), signature(**inputs), name)
    assert_same_answers(answers(far, family), answers(near, family), family)


def test_pixels_are_those_of_the_images(loaded, at_server):
    images = loaded["conditional_gan"].generate(SEEDS, LABELS)
    expected = np.round(255 * images).astype(np.uint8)
    for models in (loaded, at_server):
        pixels = models["conditional_gan"].pixels([*SEEDS], [*LABELS])
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, expected)
        short = models["conditional_gan"].pixels(SEEDS, LABELS, truncation=0.5)
        assert np.abs(short.astype(int) - expected).max() > 1


def test_a_model_tells_what_it_is(folder, loaded, at_server):
    model = loaded["conditional_gan"]
    assert (model.name, model.path) == ("conditional_gan", folder / "conditional_gan" / "1")
    assert model.card["family"] == "ConditionalGAN"
    assert isinstance(model.condition, tfgan.LabelCondition) and model.condition.num_classes == 10
    assert (model.latent_dim, model.image_shape) == (6, (8, 8, 1))
    assert loaded["gan"].condition is None
    assert (loaded["pix2pix"].latent_dim, loaded["pix2pix"].image_shape) == (None, (8, 8, 1))
    far = at_server["conditional_gan"]
    assert (far.name, far.card, far.condition) == ("conditional_gan", {}, None)
    assert (far.latent_dim, far.image_shape) == (6, (8, 8, 1))
    assert far.path.startswith("http://localhost:")


def test_a_model_without_a_card_still_draws(folder, tmp_path):
    model = tfgan.load(folder / "gan")
    expected = model.generate(SEEDS)
    (folder / "gan" / "1").rename(tmp_path / "bare")
    try:
        (tmp_path / "bare" / model_card.CARD_FILE).rename(tmp_path / "card.json")
        bare = tfgan.load(str(tmp_path / "bare"))
        assert (bare.name, bare.card, bare.condition) == ("bare", {}, None)
        np.testing.assert_array_equal(bare.generate(SEEDS), expected)
        (tmp_path / "bare" / model_card.CARD_FILE).write_text("no JSON")
        assert tfgan.load(tmp_path / "bare").card == {}
    finally:
        (tmp_path / "card.json").rename(tmp_path / "bare" / model_card.CARD_FILE)
        (tmp_path / "bare").rename(folder / "gan" / "1")


def test_a_signature_outlives_its_model(folder):
    signature = tfgan.load(folder / "gan").signatures["from_seeds"]
    gc.collect()
    assert signature(seeds=[1])["images"].shape == (1, 8, 8, 1)


def test_more_than_a_request_takes_is_asked_in_several(folder, at_server, monkeypatch):
    many = np.arange(7)
    expected = tfgan.load(folder / "gan").generate(many)
    # As if images of 8x8 were so large that three are all that one request may ask for.
    monkeypatch.setattr(limits, "_MAX_PIXELS", 3 * 8 * 8)
    asked, predict = [], ServingClient.predict

    def counted(client, name, inputs):
        asked.append(len(inputs["seeds"]))
        return predict(client, name, inputs)

    monkeypatch.setattr(ServingClient, "predict", counted)
    near, far = (tfgan.load(path) for path in (folder / "gan", at_server["gan"].path))
    for model in (near, far):
        assert {each.max_images for each in model.signatures.values()} == {3}
        np.testing.assert_allclose(model.generate(many), expected, atol=1e-6)
    far.pixels(many)
    assert asked == [3, 3, 1] * 2
    assert near.generate([]).shape == (0, 8, 8, 1)


@pytest.mark.parametrize(
    ("family", "call", "words"),
    [
        ("gan", lambda m: m.encode(IMAGES), "no signature encode. Its signatures: serving_default"),
        ("gan", lambda m: m.reconstruct(IMAGES), "no signature reconstruct. Its signatures"),
        ("gan", lambda m: m.translate(IMAGES), "no images out of images. Its signatures"),
        ("gan", lambda m: m.generate(SEEDS, LABELS), "takes seeds. Received: labels, seeds"),
        ("gan", lambda m: m.generate(0), r"takes seeds (None,). Received: seeds ()"),
        ("gan", lambda m: m.generate([0.5]), "takes seeds int64. Received: float64"),
        ("gan", lambda m: m.generate([2**64]), "takes seeds int64. Received: object"),
        ("gan", lambda m: m.generate([[1, 2], [3]]), "takes seeds as one array"),
        ("conditional_gan", lambda m: m.generate(SEEDS), "takes labels, seeds. Received: seeds"),
        (
            "conditional_gan",
            lambda m: m.generate([0, 1], [3, 10]),
            "labels must be from 0 to 9. Received: 10",
        ),
        ("conditional_gan", lambda m: m.generate([0, 1], [2**32, 0]), "takes labels int32"),
        (
            "conditional_gan",
            lambda m: m.generate([0, 1], LABELS),
            "there must be as many seeds as labels. Received:",
        ),
        ("vae", lambda m: m.encode(255 * IMAGES), "images must be numbers from 0 to 1"),
        ("vae", lambda m: m.encode(IMAGES[0]), "takes images (None, 8, 8, 1). Received: images"),
        ("pix2pix", lambda m: m.generate(SEEDS), "no signature from_seeds. Its signatures: serv"),
        ("pix2pix", lambda m: m.generate(SEEDS, truncation=0.5), "no latents to truncate"),
        ("pix2pix", lambda m: m.translate(IMAGES, MASKS), "fills no holes: leave masks out"),
        ("pix2pix", lambda m: m.translate(IMAGES, direction="AtoB"), "leave direction out"),
        ("pix2pix_masked", lambda m: m.translate(IMAGES), "fills holes: pass masks"),
        ("cyclegan", lambda m: m.translate(IMAGES, direction="forth"), "AtoB or BtoA. Received"),
    ],
)
def test_what_a_model_cannot_do_is_told_in_one_line(family, call, words, loaded, capfd):
    with pytest.raises(InputError) as error:
        call(loaded[family])
    message = str(error.value)
    assert words in message and "\n" not in message
    assert capfd.readouterr() == ("", "")


def test_a_server_s_refusal_is_told_in_one_line(at_server):
    with pytest.raises(InputError, match=r"status 400: .*labels must be from 0 to 9"):
        at_server["conditional_gan"].generate([0], [10])
    with pytest.raises(InputError, match=r"no signature encode\. Its signatures: from_seeds, png"):
        at_server["gan"].encode(IMAGES)
    absent = tfgan.load(at_server["gan"].path.replace("/gan", "/absent"))
    with pytest.raises(InputError, match="status 404"):
        absent.generate([0])


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="no SavedModel at"):
        tfgan.load(tmp_path)
    with pytest.raises(InputError, match="must be like http://localhost:8501/v1/models/NAME"):
        tfgan.load("http://localhost:8501")
    (tmp_path / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(InputError, match="cannot be loaded"):
        ExportedModel.load(tmp_path)


@pytest.fixture
def loads(monkeypatch):
    """The SavedModels that were loaded, a list."""
    loaded, load = [], tf.saved_model.load
    monkeypatch.setattr(
        tf.saved_model, "load", lambda path, *rest: loaded.append(path) or load(path, *rest)
    )
    return loaded


@pytest.fixture
def few(monkeypatch):
    """Few images to learn from, and features that need no training."""
    monkeypatch.setattr(rejection, "NUM_FITTED", 160)
    monkeypatch.setattr(sliders, "FITTED", 50)
    real = extractors.extractor_for
    monkeypatch.setattr(
        extractors, "extractor_for", lambda name, *rest, **options: real("pixels", *rest, **options)
    )
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        (generate, "{model} --num 3 --out {out}/grid.png"),
        (generate, "{model} --num 3 --truncation 0.5 --out {out}/grid.png"),
        (generate, "{model} --interpolate 2 --out {out}/walk.gif"),
        (generate, "{model} --num 3 --keep-fraction 0.5 --dataset digits --out {out}/grid.png"),
        (generate, "{cyclegan} --input {image} --out {out}/made.png"),
        (evaluate, "{model} --dataset digits --num 80 --features pixels --keep-fraction 0.5"
         " --out {out}"),
        (explore, "{model} --standalone {out}/page.html --runtime {runtime}"),
        (convert, "{model} --format keras --out {out}/model.keras"),
    ],
)  # fmt: skip
def test_a_command_loads_its_model_once(
    command, flags, exported_gan, folder, loads, few, tmp_path, capsys
):
    places = {"model": exported_gan[1], "cyclegan": folder / "cyclegan", "out": tmp_path / "out"}
    places |= {"runtime": tmp_path / "runtime", "image": tmp_path / "image.png"}
    places["runtime"].mkdir()
    for name in (runtime.SCRIPT, runtime.BINARY):
        (places["runtime"] / name).write_bytes(b"")
    tf.io.write_file(str(places["image"]), tf.io.encode_png(np.zeros((8, 8, 1), np.uint8)))
    status = command.main(flags.format(**places).split())
    assert (status, len(loads)) == (0, 1), capsys.readouterr().err
