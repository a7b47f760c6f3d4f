"""`python -m tfgan.generate` on a SavedModel of a tiny GAN."""

import base64
import io
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfgan
from tfgan import generate
from tfgan.inference import sampling

SIDE = 8
CHANNELS = 3
GAP = 4


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A model's folder with one version, whose images differ strongly from seed to seed."""
    keras.utils.set_random_seed(0)
    shape = (SIDE, SIDE, CHANNELS)
    generator = tfgan.convolutional_generator(shape, latent_dim=4, width=2, depth=1)
    generator.set_weights([20 * weight for weight in generator.get_weights()])
    gan = tfgan.GAN(generator, tfgan.convolutional_discriminator(shape, width=2, depth=1))
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tfgan.export_saved_model(gan, folder)
    return folder


@pytest.fixture(scope="session")
def expected_images(model_folder):
    """The model's images of the seeds 0 to 15, uint8 [16, H, W, C]."""
    model = tf.saved_model.load(str(model_folder / "1"))
    images = model.signatures["from_seeds"](seeds=tf.range(16, dtype=tf.int64))["images"].numpy()
    assert images.std(axis=0).mean() > 0.1
    return np.rint(images * 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(sampling, "BATCH_SIZE", 4)


def run(*arguments):
    assert generate.main([str(argument) for argument in arguments]) == 0


def assert_same_images(actual, expected):
    """Same but for the last bit of a float, which depends on the size of the batch."""
    assert (actual.shape, actual.dtype) == (expected.shape, np.uint8)
    assert np.abs(actual.astype(int) - expected).max() <= 1


def folder_pixels(folder):
    """`{name: pixels}` of a folder of images."""
    pixels = {}
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            assert (image.format, image.mode) == ("PNG", "RGB")
            pixels[path.name] = np.asarray(image)
    return pixels


def test_the_formats_agree_with_each_other_and_with_the_model(
    model_folder, expected_images, tmp_path, capsys
):
    # 11 is no multiple of the batch of 4; 5 is not its beginning.
    flags = [model_folder, "--num", 11, "--seed", 5]
    outs = [tmp_path / "new" / "folder" / name for name in ("grid.png", "folder", "pictures.npz")]
    for out, form in zip(outs, ("grid", "png-folder", "npz"), strict=True):
        run(*flags, "--format", form, "--out", out)
        assert capsys.readouterr().out == f"11 images of {model_folder / '1'} -> {out}\n"

    with np.load(outs[2]) as arrays:
        assert set(arrays) == {"images", "seeds"}
        seeds, images = arrays["seeds"], arrays["images"]
    np.testing.assert_array_equal(seeds, np.arange(5, 16))
    assert seeds.dtype == np.int64
    assert_same_images(images, expected_images[5:])

    in_folder = folder_pixels(outs[1])
    assert list(in_folder) == [f"{seed:06d}.png" for seed in range(5, 16)]
    np.testing.assert_array_equal(np.stack(list(in_folder.values())), images)

    with Image.open(outs[0]) as grid:
        page = np.asarray(grid)
    # Four columns and three rows of images enlarged 8 times.
    cell = SIDE * 8 + GAP
    assert page.shape == (GAP + 3 * cell, GAP + 4 * cell, CHANNELS)
    for index, image in enumerate(images):
        top, left = (GAP + cell * place for place in divmod(index, 4))
        np.testing.assert_array_equal(page[top : top + 64 : 8, left : left + 64 : 8], image)


def test_a_seed_gives_the_same_image_in_every_call(model_folder, expected_images, tmp_path):
    for number, (seed, num) in enumerate([(7, 1), (4, 5), (0, 8)]):
        out = tmp_path / f"{number}.npz"
        # A version's own folder serves as well as the model's.
        run(model_folder / "1", "--seed", seed, "--num", num, "--format", "npz", "--out", out)
        with np.load(out) as arrays:
            assert_same_images(arrays["images"], expected_images[seed : seed + num])


def test_an_empty_folder_is_filled_and_a_full_one_refused(model_folder, tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    flags = [model_folder, "--num", 2, "--format", "png-folder", "--out", folder]
    run(*flags)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(before) == 2
    capsys.readouterr()
    assert_refused([*flags, "--seed", 9], [str(folder), "not empty"], capsys)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def assert_refused(arguments, received, capsys):
    """The command answers with status 2 and one line that holds all of `received`."""
    assert generate.main([str(argument) for argument in arguments]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1 and errors.endswith("\n")
    for part in received:
        assert part in errors


def test_a_missing_model_is_refused(tmp_path, capsys):
    out = tmp_path / "grid.png"
    absent = tmp_path / "absent"
    assert_refused([absent, "--out", out], [str(absent), "no such folder"], capsys)
    assert_refused([tmp_path, "--out", out], [str(tmp_path), "1/saved_model.pb"], capsys)
    assert not out.exists()


def test_a_model_without_seeds_is_refused_with_its_signatures(tmp_path, capsys):
    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"doubled": module.double})
    out = tmp_path / "grid.png"
    assert_refused([tmp_path, "--out", out], [str(tmp_path / "1"), "from_seeds", "doubled"], capsys)
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_told_in_one_line(model_folder, tmp_path, capsys):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "grid.png"
    assert generate.main([str(model_folder), "--num", "1", "--out", str(out)]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("error: ") and errors.count("\n") == 1
    assert str(tmp_path / "file") in errors


@pytest.fixture
def server():
    """A server that gives every request the answer `server.answer`, a status and a text."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, text = self.server.answer
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments):
            pass

    with HTTPServer(("localhost", 0), Handler) as server:
        server.url = f"http://localhost:{server.server_port}/v1/models/tiny"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, json.dumps({"error": "Servable not found"})), ["404", "Servable not found"]),
        ((400, json.dumps({"error": "no\nsuch\nsignature"})), ["400", "no"]),
        ((502, "<html>Bad gateway</html>"), ["502", "Bad gateway"]),
        ((500, ""), ["500", "no message"]),
        ((200, "<html>Welcome</html>"), ["not with images"]),
        ((200, json.dumps({"outputs": [1.0]})), ["not with images"]),
        ((200, json.dumps({"outputs": [{"b64": "abcd"}]})), ["not with images"]),
    ],
)
def test_what_a_server_says_instead_of_images_is_told_in_one_line(
    answer, words, server, tmp_path, capsys
):
    server.answer = answer
    flags = ["--num", "1", "--out", tmp_path / "grid.png"]
    assert_refused([server.url, *flags], [server.url, *words], capsys)


def test_an_address_needs_no_tensorflow(server, tmp_path):
    png = io.BytesIO()
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(png, "png")
    encoded = {"b64": base64.b64encode(png.getvalue()).decode()}
    server.answer = (200, json.dumps({"outputs": [encoded]}))
    out = tmp_path / "one.npz"
    flags = [server.url, "--num", "1", "--format", "npz", "--out", str(out)]
    code = (
        f"import sys; from tfgan import generate; assert generate.main({flags}) == 0; "
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
    with np.load(out) as arrays:
        np.testing.assert_array_equal(arrays["images"][0, :, :, 0].ravel(), np.arange(12))


def test_an_address_without_a_server_or_a_model_is_refused(server, tmp_path, capsys):
    server.answer = (200, "")
    flags = ["--num", "1", "--out", tmp_path / "grid.png"]
    root = server.url.split("/v1")[0]
    assert_refused([root, *flags], [root, "/v1/models/NAME"], capsys)
    # Port 9 is "discard", which nobody runs.
    nobody = "http://localhost:9/v1/models/tiny"
    assert_refused([nobody, *flags], [nobody, "no server"], capsys)


@pytest.fixture(scope="module")
def conditional_folder(tmp_path_factory):
    """A conditional model's folder: three classes, told apart by their gray."""
    keras.utils.set_random_seed(0)
    condition = tfgan.LabelCondition(3, ["dark", "grey", "light"])
    conditioning = [{"condition": condition.encoder()} for _ in range(2)]
    gan = tfgan.ConditionalGAN(
        tfgan.dense_generator(
            (SIDE, SIDE, 1), 4, width=2, conditioning="concatenation", **conditioning[0]
        ),
        tfgan.dense_discriminator((SIDE, SIDE, 1), width=2, **conditioning[1]),
        condition,
    )
    for variable in gan.ema_generator.trainable_variables:
        variable.assign(20 * variable)
    folder = tmp_path_factory.mktemp("models") / "conditional"
    tfgan.export_saved_model(gan, folder)
    return folder


def test_labels_are_dealt_out_in_turn(conditional_folder, tmp_path):
    flags = (conditional_folder, "--num", 7, "--format", "npz")
    run(*flags, "--label", "0,2", "--out", tmp_path / "several.npz")
    several = np.load(tmp_path / "several.npz")["images"]
    singles = {}
    for label in (0, 2):
        run(*flags, "--label", label, "--out", tmp_path / f"{label}.npz")
        singles[label] = np.load(tmp_path / f"{label}.npz")["images"]
    run(*flags, "--label", "dark,light", "--out", tmp_path / "by_name.npz")
    assert_same_images(np.load(tmp_path / "by_name.npz")["images"], several)
    expected = [singles[index % 2 * 2][index] for index in range(7)]
    assert_same_images(several, np.stack(expected))
    assert np.abs(singles[0].astype(int) - singles[2]).max() > 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], ["pass --label"]),
        (["--label", "3"], ["labels must be from 0 to 2. Received: 3"]),
        (["--label", "0,17"], ["labels must be from 0 to 2", "17"]),
        (["--label", "9999999999"], ["must be the numbers of classes", "9999999999"]),
        (["--label", "pale"], ["no class 'pale', but dark, grey, light"]),
        (["--label", "dark:light"], ["takes 1 attributes", "class", "dark:light"]),
        (["--label", "0:1"], ["takes labels (None,). Received: labels (4, 2)"]),
        (["--text", "a light one"], ["pass --label"]),
    ],
)
def test_a_conditional_model_that_gets_a_wrong_condition_says_so(
    flags, words, conditional_folder, tmp_path, capfd
):
    assert generate.main([str(conditional_folder), "--out", str(tmp_path / "x.png"), *flags]) == 2
    errors = capfd.readouterr().err
    assert errors.startswith("error: ") and errors.count("\n") == 1
    assert all(word in errors for word in words), errors


def test_a_model_without_labels_takes_none(model_folder, tmp_path, capsys):
    flags = ["--label", "1", "--out", str(tmp_path / "x.png")]
    assert generate.main([str(model_folder), *flags]) == 2
    assert "leave --label and --text out" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "1,", ",", "1:", "0:1,2"])
def test_labels_are_complete_and_alike(text, capsys):
    with pytest.raises(SystemExit) as exited:
        generate.parse(["model", f"--label={text}"])
    assert exited.value.code == 2
    assert "expected a class by its number" in capsys.readouterr().err
