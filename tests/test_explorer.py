"""The explorer's server: what it answers, what it refuses, and which sliders it finds."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_gan, strong
from PIL import Image
from sklearn.model_selection import train_test_split
from werkzeug.test import Client

import tfgan
from tfgan import explore
from tfgan.explorer import sliders
from tfgan.explorer.server import MAX_IMAGES, Explorer
from tfgan.explorer.sliders import Slider, sliders_of
from tfgan.latent.attributes import read_strokes
from tfgan.latent.generator import LatentGenerator

SHAPE = (8, 8, 1)
SLIDER = Slider("width", "supervised", "width 40%", np.eye(6)[2])


def conditional(condition):
    return strong(
        tfgan.ConditionalGAN(
            tfgan.dense_generator(SHAPE, 4, 2, condition.encoder(), "concatenation"),
            tfgan.dense_discriminator(SHAPE, 2, condition.encoder()),
            condition,
        )
    )


@pytest.fixture(scope="module")
def model_folder(exported_gan):
    return exported_gan[1]


@pytest.fixture(scope="module")
def client(model_folder):
    return Client(Explorer(LatentGenerator.load(model_folder), [SLIDER], model_folder))


def pixels_of(response, height=8):
    """uint8 [N, H, W, ...] of a strip of images."""
    assert (response.status_code, response.mimetype) == (200, "image/png")
    strip = np.asarray(Image.open(io.BytesIO(response.data)))
    return strip.reshape(-1, height, *strip.shape[1:])


def test_the_page_is_one_file_that_loads_nothing(client):
    response = client.get("/")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in response.text, outside


def test_the_model_is_described(client, model_folder):
    described = client.get("/model").json
    assert described["folder"] == str(model_folder)
    assert (described["name"], described["family"], described["latent_dim"]) == ("tiny", "GAN", 6)
    assert (
        described["height"],
        described["width"],
        described["channels"],
        described["condition"],
    ) == (*SHAPE, None)
    (slider,) = described["sliders"]
    assert slider == {
        "title": "width",
        "kind": "supervised",
        "detail": "width 40%",
        "vector": [0, 0, 1, 0, 0, 0],
    }


def test_images_are_those_of_the_saved_model(client, model_folder):
    latents = client.post("/latents", json={"seeds": [5, 2**40]}).json["latents"]
    pixels = pixels_of(client.post("/images", json={"latents": latents}))
    model = tf.saved_model.load(str(model_folder / "1"))
    seeds = tf.constant([5, 2**40], tf.int64)
    expected = np.rint(255 * model.signatures["from_seeds"](seeds=seeds)["images"][..., 0])
    assert pixels.shape == (2, 8, 8)
    assert np.abs(pixels - expected).max() <= 1
    assert np.abs(expected[0] - expected[1]).max() > 20


VECTOR = [0.0] * 6
JSON = {"content_type": "application/json"}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/latents", {}, "seeds must be"),
        ("/latents", {"seeds": []}, "seeds must be"),
        ("/latents", {"seeds": [-1]}, "seeds must be"),
        ("/latents", {"seeds": [2**63]}, "seeds must be"),
        ("/latents", {"seeds": [1.5]}, "seeds must be"),
        ("/latents", {"seeds": [True]}, "seeds must be"),
        ("/latents", {"seeds": [0] * (MAX_IMAGES + 1)}, "seeds must be"),
        ("/latents", {"seeds": "7"}, "seeds must be"),
        ("/latents", [], "must be a JSON object"),
        ("/images", {}, "6 numbers"),
        ("/images", {"latents": []}, "6 numbers"),
        ("/images", {"latents": VECTOR}, "6 numbers"),
        ("/images", {"latents": [VECTOR[1:]]}, "6 numbers"),
        ("/images", {"latents": [VECTOR, VECTOR[1:]]}, "6 numbers"),
        ("/images", {"latents": [[*VECTOR[1:], 1e39]]}, "finite"),
        ("/images", {"latents": [[*VECTOR[1:], None]]}, "finite"),
        ("/images", {"latents": [[*VECTOR[1:], "a"]]}, "6 numbers"),
        ("/images", {"latents": [[*VECTOR[1:], {}]]}, "6 numbers"),
        ("/images", {"latents": [[*VECTOR[1:], 10**400]]}, "6 numbers"),
        ("/images", {"latents": [VECTOR] * (MAX_IMAGES + 1)}, "6 numbers"),
        ("/images", {"latents": [VECTOR], "condition": 3}, "takes no condition"),
    ],
)
def test_malformed_requests_are_refused_with_what_is_wrong(path, body, words, client):
    response = client.post(path, json=body)
    assert response.status_code == 400
    assert response.mimetype == "application/json"
    assert words in response.json["error"]


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/absent", {}, 404),
        ("GET", "/../server.py", {}, 404),
        ("GET", "/images", {}, 405),
        ("POST", "/", {"json": {}}, 405),
        ("POST", "/images", JSON | {"data": "{"}, 400),
        ("POST", "/images", JSON | {"data": b"\xff"}, 400),
        ("POST", "/images", JSON | {"data": "[" * 100_000}, 400),
        (
            "POST",
            "/images",
            JSON | {"data": '{"latents": NaN}'},
            400,
        ),
        (
            "POST",
            "/images",
            JSON | {"data": b"0" * (2**24 + 1)},
            413,
        ),
        # What a form of another site could send without being asked.
        ("POST", "/latents", {"data": '{"seeds": [1]}', "content_type": "text/plain"}, 415),
        # A name of somebody else's that leads to this machine.
        ("GET", "/model", {"headers": {"Host": "example.com:8700"}}, 403),
        ("GET", "/", {"headers": {"Host": "127.0.0.1.example.com"}}, 403),
    ],
)
def test_other_requests_are_refused_as_json(method, path, options, status, client):
    response = client.open(path, method=method, **options)
    assert response.status_code == status
    assert response.mimetype == "application/json" and response.json["error"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8700", "127.0.0.1:9", "[::1]:8700"])
def test_this_machine_s_own_names_are_answered(host, client):
    assert client.get("/model", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("shape", [(6, 8, 3), (8, 6, 4)])
def test_color_and_transparency_are_kept(shape, tmp_path):
    generator = tfgan.convolutional_generator(shape, 2, width=2, depth=1)
    gan = strong(tfgan.GAN(generator, tfgan.convolutional_discriminator(shape, width=2, depth=1)))
    live = LatentGenerator.of(gan)
    latents = [[1.0, -1.0], [0.5, 2.0]]
    client = Client(Explorer(live, [], tmp_path))
    pixels = pixels_of(client.post("/images", json={"latents": latents}), height=shape[0])
    expected = np.rint(255 * live.draw(np.float32(latents)))
    assert np.abs(pixels - expected).max() <= 1


@pytest.fixture(scope="module")
def label_client():
    gan = conditional(tfgan.LabelCondition(3, ["dark", "grey", "light"]))
    return Client(Explorer(LatentGenerator.of(gan), [], "m"))


def test_a_conditional_model_takes_a_condition(label_client):
    described = label_client.get("/model").json["condition"]
    categories = [{"name": "class", "categories": ["dark", "grey", "light"]}]
    assert described == {"kind": "label", "is_list": False, "attributes": categories}
    body = {"latents": [[1, 2, 3, 4]]}
    drawn = [
        pixels_of(label_client.post("/images", json=body | {"condition": label}))
        for label in (0, 2)
    ]
    assert (drawn[0] != drawn[1]).any()
    # The route and the key of before.
    before = label_client.post("/pictures", json=body | {"told": 2})
    np.testing.assert_array_equal(pixels_of(before), drawn[1])


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (None, "takes labels"),
        (3, "labels must be from 0 to 2. Received: 3"),
        (-1, "number of a class"),
        (2**40, "number of a class"),
        ("dark", "number of a class"),
        (True, "number of a class"),
        ([0, 1], "takes labels (None,)"),
        ({}, "number of a class"),
    ],
)
def test_what_is_no_class_is_refused(condition, words, label_client):
    body = {"latents": [[1, 2, 3, 4]], "condition": condition}
    response = label_client.post("/images", json=body)
    assert response.status_code == 400 and words in response.json["error"]


def test_attributes_and_texts_are_conditions():
    several = tfgan.LabelCondition([2, 3], {"size": ["small", "large"], "colour": ["r", "g", "b"]})
    client = Client(Explorer(LatentGenerator.of(conditional(several)), [], "m"))
    described = client.get("/model").json["condition"]
    assert described["is_list"] and [each["name"] for each in described["attributes"]] == [
        "size",
        "colour",
    ]
    body = {"latents": [[1, 2, 3, 4]]}
    assert client.post("/images", json=body | {"condition": [1, 2]}).status_code == 200
    assert client.post("/images", json=body | {"condition": [1, 3]}).status_code == 400

    texts = tfgan.TextCondition(["a", "red", "blue", "circle"], 3, ["a red circle"])
    client = Client(Explorer(LatentGenerator.of(conditional(texts)), [], "m"))
    assert client.get("/model").json["condition"] == {"kind": "text", "examples": ["a red circle"]}
    assert client.post("/images", json=body | {"condition": "a blue circle"}).status_code == 200
    response = client.post("/images", json=body | {"condition": "a pink circle"})
    assert response.status_code == 400 and "pink" in response.json["error"]
    assert client.post("/images", json=body | {"condition": 1}).status_code == 400


class Drawn:
    """A generator of bars: the first latent is their slant, the second their thickness."""

    name, latent_dim, image_shape = "bars", 4, (16, 16, 1)
    condition_spec = condition = network = data_name = None

    def latents(self, seeds):
        return np.random.default_rng(len(seeds)).standard_normal((len(seeds), 4), np.float32)

    def example_conditions(self, num):
        return None

    def draw(self, latents, condition=None):
        y, x = np.indices((16, 16)) - 7.5
        slant, half = (0.15 * latents[:, 0], 2 + 0.4 * latents[:, 1])
        distance = np.abs(x + slant[:, None, None] * y) - half[:, None, None]
        inside = (np.abs(y) < 6) * np.clip(0.5 - distance, 0, 1)
        return inside[..., None].astype(np.float32)


def test_sliders_are_named_by_what_they_change(monkeypatch):
    monkeypatch.setattr(sliders, "FITTED", 500)
    found = sliders_of(Drawn())
    supervised = {each.title: each for each in found if each.kind == "supervised"}
    # Right is more: the bar leans to the right.
    assert supervised["slant"].vector[0] > 0.95
    assert supervised["slant"].detail.startswith("slant ")
    # Thickness and width are one and the same of a bar: nothing is left of one without the other.
    assert supervised["thickness"].vector[1] > 0.95
    assert supervised["width"].vector[1] > 0.95
    components = [each for each in found if each.kind != "supervised"]
    assert [each.kind for each in components] == [f"component {n}" for n in (1, 2, 3, 4)]
    assert components[0].title.startswith("slant")
    assert components[1].title == "width, thickness"
    np.testing.assert_allclose([np.linalg.norm(each.vector) for each in found], 1)


def test_a_class_of_a_single_image_has_no_slider_and_disturbs_none(monkeypatch):
    _, unseen = train_test_split(np.arange(500), test_size=0.2, random_state=0)

    def read(images):
        return read_strokes(images) | {"rare": np.int32(np.arange(len(images)) == unseen[0])}

    monkeypatch.setattr(sliders, "FITTED", 500)
    expected = [(each.title, each.detail) for each in sliders_of(Drawn())]
    monkeypatch.setattr(sliders, "reader_for", lambda data_name, image_shape: read)
    assert [(each.title, each.detail) for each in sliders_of(Drawn())] == expected


def test_two_dimensions_are_enough(monkeypatch):
    monkeypatch.setattr(sliders, "FITTED", 200)
    live = LatentGenerator.of(strong(make_gan(latent_dim=2)))
    found = sliders_of(live)
    unsupervised = [each for each in found if each.kind.startswith("closed form")]
    assert len(unsupervised) == 2
    assert all(each.vector.shape == (2,) for each in found)
    client = Client(Explorer(live, found, "m"))
    assert len(client.get("/model").json["sliders"]) == len(found)
    assert client.post("/images", json={"latents": [[0, 1]]}).status_code == 200


def test_what_has_no_latents_is_refused_in_one_line(tmp_path, capsys):
    module = tf.Module()
    module.same = tf.function(
        lambda images: {"images": images}, input_signature=[tf.TensorSpec([None, 8, 8, 1])]
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.same})
    assert explore.main([str(tmp_path), "--no-open"]) == 2
    errors = capsys.readouterr().err
    assert "no latent space" in errors and errors.count("\n") == 1
    assert explore.main([str(tmp_path / "absent"), "--no-open"]) == 2


def test_the_command_serves_until_it_is_interrupted(model_folder, monkeypatch, capsys):
    from werkzeug import serving

    monkeypatch.setattr(sliders, "FITTED", 50)
    made = []

    def interrupted(server):
        made.append(server.socket.getsockname())
        raise KeyboardInterrupt

    monkeypatch.setattr(serving.BaseWSGIServer, "serve_forever", interrupted)
    opened = []
    monkeypatch.setattr(explore.webbrowser, "open", opened.append)
    assert explore.main([str(model_folder), "--port", "0"]) == 0
    ((host, port),) = made
    assert host == "127.0.0.1" and opened == [f"http://127.0.0.1:{port}/"]
    assert opened[0] in capsys.readouterr().out


def test_a_port_that_is_taken_is_told_in_one_line(model_folder, monkeypatch, capsys):
    import socket

    monkeypatch.setattr(sliders, "FITTED", 50)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert explore.main([str(model_folder), "--port", port, "--no-open"]) == 2
    errors = capsys.readouterr().err
    assert f"--port {port}" in errors and errors.count("\n") == 1


def test_sliders_as_the_page_gets_them_are_plain_numbers(client):
    json.dumps(client.get("/model").json, allow_nan=False)
