"""Requests to a server: every command of docs/serving.md, and what the page promises.

Against the stand-in, and against TensorFlow Serving where it is on the PATH.
"""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import keras
import numpy as np
import pytest
import requests
import tensorflow as tf
from PIL import Image
from server_process import STAND_IN, is_available, running, shell_environment
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

import tfgan
from tfgan import generate
from tfgan.data.image_files import to_array
from tfgan.inference import sampling
from tfgan.inference.serving_client import ServingClient
from tfgan.serving import limits
from tfgan.serving.limits import most_images

PAGE = Path(__file__).parents[1] / "docs" / "serving.md"
NAME = "digits_gan"
TRANSLATOR = "shapes_colorize_pix2pix"
LATENT_DIM = 100
SEEDS = list(range(5))
SERVERS = ("stand-in", "tensorflow_model_server")


def command_of(server):
    """The command that starts a server; skips where it is not installed."""
    if server == "stand-in":
        return STAND_IN
    executable = shutil.which(server)
    if executable is None:
        pytest.skip(f"no {server} on the PATH")
    return [executable]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with `saved_models/digits_gan/1`, whose images differ from seed to seed."""
    keras.utils.set_random_seed(0)
    generator = tfgan.convolutional_generator((8, 8, 1), LATENT_DIM, width=4)
    generator.set_weights([3 * weight for weight in generator.get_weights()])
    gan = tfgan.GAN(generator, tfgan.convolutional_discriminator((8, 8, 1), width=2))
    folder = tmp_path_factory.mktemp("workplace")
    tfgan.export_saved_model(gan, folder / "saved_models" / NAME)
    return folder


@pytest.fixture(scope="module")
def local(workplace):
    """The model in this process: seeds to PNGs, a list of bytes."""
    model = tf.saved_model.load(str(workplace / "saved_models" / NAME / "1"))

    def png(seeds):
        seeds = tf.constant(seeds, tf.int64)
        return model.signatures["png"](seeds=seeds)["image_bytes"].numpy().tolist()

    return png


@pytest.fixture(scope="module", params=SERVERS)
def server(request, workplace):
    """`(process, gRPC port, REST port)` of a server of the model."""
    folder = workplace / "saved_models" / NAME
    flags = [f"--model_name={NAME}", f"--model_base_path={folder}"]
    with running(command_of(request.param), NAME, *flags) as started:
        yield started


@pytest.fixture(scope="module")
def url(server):
    return f"http://localhost:{server[2]}/v1/models/{NAME}"


@pytest.fixture(scope="module")
def stub(server):
    with grpc.insecure_channel(f"localhost:{server[1]}") as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def rest_png(url, seeds):
    request = {"signature_name": "png", "instances": seeds}
    answer = requests.post(f"{url}:predict", json=request, timeout=60).json()
    return [base64.b64decode(one["b64"]) for one in answer["predictions"]]


def int64(*values):
    return np.array(values, np.int64)


def grpc_request(signature, name=NAME, **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def grpc_png(stub, seeds):
    request = grpc_request("png", seeds=int64(*seeds))
    return list(stub.Predict(request, timeout=60).outputs["image_bytes"].string_val)


def pixels_of(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image).astype(int)


def test_a_seed_is_the_same_png_here_over_rest_and_over_grpc(local, url, stub):
    pngs = local(SEEDS)
    assert len(set(pngs)) == len(SEEDS)
    assert rest_png(url, SEEDS) == pngs
    assert grpc_png(stub, SEEDS) == pngs
    for seed, png in zip(SEEDS, pngs):
        (alone,) = rest_png(url, [seed])
        assert alone == local([seed])[0]
        assert np.abs(pixels_of(alone) - pixels_of(png)).max() <= 1


def test_no_seeds_are_no_images(url, stub):
    assert grpc_png(stub, []) == []
    for signature in ("from_seeds", "png"):
        request = {"signature_name": signature, "inputs": {"seeds": []}}
        assert requests.post(f"{url}:predict", json=request, timeout=60).json() == {"outputs": []}


def test_numbers_come_by_rows_and_by_columns(local, url):
    expected = np.stack([pixels_of(png) for png in local(SEEDS)])[..., None] / 255
    seeds = {"signature_name": "from_seeds"}
    for request, key in (
        ({**seeds, "instances": SEEDS}, "predictions"),
        ({**seeds, "instances": [{"seeds": seed} for seed in SEEDS]}, "predictions"),
        ({**seeds, "inputs": SEEDS}, "outputs"),
        ({**seeds, "inputs": {"seeds": SEEDS}}, "outputs"),
    ):
        images = np.array(requests.post(f"{url}:predict", json=request, timeout=60).json()[key])
        np.testing.assert_allclose(images, expected, atol=0.5 / 255 + 1e-5)


def test_metadata_and_status(url, stub):
    status = requests.get(url, timeout=60).json()["model_version_status"]
    assert [(one["version"], one["state"]) for one in status] == [("1", "AVAILABLE")]
    metadata = requests.get(f"{url}/metadata", timeout=60).json()
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    assert signatures["png"]["inputs"]["seeds"]["dtype"] == "DT_INT64"

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    packed = stub.GetModelMetadata(request, timeout=60).metadata["signature_def"]
    unpacked = get_model_metadata_pb2.SignatureDefMap()
    assert packed.Unpack(unpacked)
    assert {"serving_default", "from_seeds", "png"} <= set(unpacked.signature_def)


LATENTS = [0.0] * LATENT_DIM
TOO_MANY = most_images((8, 8, 1)) + 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", ""),
        ("[]", ""),
        ({"signature_name": "png"}, ""),
        ({"signature_name": "jpeg", "instances": [0]}, "jpeg"),
        ({"signature_name": "png", "instances": [{"seed": 0}]}, "seed"),
        ({"signature_name": "png", "instances": ["seven"]}, "seven"),
        ({"signature_name": "png", "instances": [0.5]}, "0.5"),
        ({"signature_name": "png", "instances": [[0], [1]]}, r"shape \[\?\]"),
        ({"signature_name": "png", "inputs": 7}, r"shape \[\?\]"),
        ({"signature_name": "png", "instances": [2**63]}, ""),
        ({"signature_name": "png", "instances": [0] * TOO_MANY}, "at most 4,096 .*4097"),
        ({"signature_name": "from_seeds", "instances": [0] * TOO_MANY}, "at most 4,096 .*4097"),
        ({"instances": [LATENTS] * TOO_MANY}, "at most 4,096 .*4097"),
        ({"instances": [LATENTS[1:]]}, rf"\[1,99\].*shape \[\?,{LATENT_DIM}\]"),
        ({"inputs": LATENTS}, rf"\[100\].*shape \[\?,{LATENT_DIM}\]"),
        ({"instances": [[float("nan")] * LATENT_DIM]}, "latents must be finite numbers"),
        ({"instances": [[float("inf")] + LATENTS[1:]]}, "latents must be finite numbers"),
    ],
)
def test_a_malformed_request_is_refused_and_the_server_goes_on(body, words, local, url):
    text = body if isinstance(body, str) else json.dumps(body)
    answer = requests.post(f"{url}:predict", data=text, timeout=60)
    assert answer.status_code == 400
    assert re.search(words, answer.json()["error"])
    assert rest_png(url, SEEDS) == local(SEEDS)


def test_an_unknown_model_or_version_is_not_found(url):
    body = {"signature_name": "png", "instances": [0]}
    for address in (url.replace(NAME, "nobody"), f"{url}/versions/9"):
        answer = requests.post(f"{address}:predict", json=body, timeout=60)
        assert answer.status_code == 404 and answer.json()["error"]


@pytest.mark.parametrize(
    ("status", "words", "request_of"),
    [
        ("FAILED_PRECONDITION", "jpeg", lambda: grpc_request("jpeg", seeds=int64(0))),
        ("INVALID_ARGUMENT", "seed", lambda: grpc_request("png", seed=int64(0))),
        ("INVALID_ARGUMENT", "int64", lambda: grpc_request("png", seeds=np.zeros(1, np.float32))),
        (
            "INVALID_ARGUMENT",
            "shape",
            lambda: grpc_request("png", seeds=int64([0])),
        ),
        ("INVALID_ARGUMENT", "4097", lambda: grpc_request("png", seeds=int64(*[0] * TOO_MANY))),
        ("NOT_FOUND", "", lambda: grpc_request("png", "nobody", seeds=int64(0))),
    ],
)
def test_a_malformed_grpc_request_is_refused(status, words, request_of, local, stub):
    with pytest.raises(grpc.RpcError) as error:
        stub.Predict(request_of(), timeout=60)
    assert error.value.code() is grpc.StatusCode[status]
    assert words in error.value.details()
    assert grpc_png(stub, SEEDS) == local(SEEDS)


def test_generate_takes_an_address_like_a_folder(workplace, url, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sampling, "BATCH_SIZE", 4)
    for model, file in ((url, "far.npz"), (workplace / "saved_models" / NAME, "near.npz")):
        flags = ["--num", "11", "--seed", "5", "--format", "npz", "--out", str(tmp_path / file)]
        assert generate.main([str(model), *flags]) == 0
    assert f"11 images of {url} -> " in capsys.readouterr().out
    with np.load(tmp_path / "far.npz") as far, np.load(tmp_path / "near.npz") as near:
        assert far["images"].shape == (11, 8, 8, 1) and far["images"].dtype == np.uint8
        np.testing.assert_array_equal(far["images"], near["images"])
        np.testing.assert_array_equal(far["seeds"], near["seeds"])


def test_large_images_come_in_several_requests(local, url, monkeypatch):
    # As if those of 8x8 were so large that two are all that one request may ask for.
    monkeypatch.setattr(limits, "_MAX_PIXELS", 2 * 8 * 8)
    requested, predict = [], ServingClient.predict

    def counted(client, name, inputs):
        requested.append(len(inputs["seeds"]))
        return predict(client, name, inputs)

    monkeypatch.setattr(ServingClient, "predict", counted)
    drawn = tfgan.load(url).pixels(SEEDS)
    assert requested == [2, 2, 1]
    expected = np.stack([pixels_of(png) for png in local(SEEDS)])[..., None]
    assert np.abs(drawn - expected).max() <= 1


def test_a_version_that_appears_is_served_and_one_that_goes_is_not(workplace, server, url):
    folder = workplace / "saved_models" / NAME
    shutil.copytree(folder / "1", folder / "2.copying")
    os.rename(folder / "2.copying", folder / "2")
    try:
        wait_for(lambda: is_available(f"{url}/versions/2"))
        assert rest_png(f"{url}/versions/2", SEEDS)
    finally:
        os.rename(folder / "2", workplace / "withdrawn")
        shutil.rmtree(workplace / "withdrawn")
    wait_for(lambda: is_available(f"{url}/versions/1"))
    assert rest_png(url, SEEDS)


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_2000_requests_of_8_threads_leave_no_wrong_answer_and_memory_flat(server, local, url):
    process = server[0]
    expected = {seed: local([seed])[0] for seed in range(50)}

    def resident_bytes():
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def is_right(index):
        seed = index % 50
        if index % 10 == 9:
            bad = {"signature_name": "png", "instances": [[seed]]}
            return requests.post(f"{url}:predict", json=bad, timeout=60).status_code == 400
        return rest_png(url, [seed]) == [expected[seed]]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(is_right, range(500)))
        before = resident_bytes()
        assert all(threads.map(is_right, range(500, 2500)))
    assert resident_bytes() < 1.1 * before


class Page:
    """The fenced blocks of docs/serving.md, and a folder to run them in."""

    def __init__(self, folder):
        self.folder = folder
        text = PAGE.read_text()
        self.blocks = re.findall(r"```(\w+)\n([^`]*)```\n", text)
        # What a command prints stands in a block right behind it.
        self.printed = dict(
            re.findall(r"^```bash\n([^`]*)```\n\n```text\n([^`]*)```\n", text, re.M)
        )

    def text_with(self, words):
        (text,) = [block for kind, block in self.blocks if kind == "text" and words in block]
        return text

    def commands(self, with_labels):
        return [
            (kind, block)
            for kind, block in self.blocks
            if kind != "text"
            and not block.startswith("docker run")
            and ("/labels/" in block) == with_labels
            and TRANSLATOR not in block
        ]

    def run(self, kind, block):
        command = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
        finished = subprocess.run(
            [*command[kind], block],
            cwd=self.folder,
            env=shell_environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert finished.returncode == 0, f"{block}\n{finished.stderr}"
        assert '"error":' not in finished.stdout, f"{block}\n{finished.stdout}"
        if block in self.printed:
            assert finished.stdout.split() == self.printed[block].split()


@pytest.fixture(scope="module")
def page(workplace, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    models = folder / "saved_models" / NAME
    for version in ("1", "2"):
        shutil.copytree(workplace / "saved_models" / NAME / "1", models / version)
    return Page(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_every_command_of_the_page_runs(name, page, local):
    models = page.folder / "saved_models" / NAME
    flags = [f"--model_name={NAME}", f"--model_base_path={models}"]
    commands = page.commands(with_labels=False)
    assert len(commands) >= 7 and len(page.printed) == 1
    with running(command_of(name), NAME, *flags, port=8500, rest_port=8501):
        for kind, block in commands:
            page.run(kind, block)
    (expected,) = local([7])
    assert (page.folder / "rest.png").read_bytes() == expected
    assert (page.folder / "grpc.png").read_bytes() == expected
    assert Image.open(page.folder / "grid.png").size == (4 * 68 + 4,) * 2


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_the_pages_configuration_names_versions(name, page):
    config = page.text_with("model_config_list").replace("/models/", f"{page.folder}/saved_models/")
    (page.folder / "models.config").write_text(config)
    flags = [f"--model_config_file={page.folder / 'models.config'}"]
    if name == "tensorflow_model_server":
        flags.append("--allow_version_labels_for_unavailable_models=true")
    commands = page.commands(with_labels=True)
    assert len(commands) == 1
    with running(command_of(name), NAME, *flags, port=8500, rest_port=8501):
        for kind, block in commands:
            page.run(kind, block)


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_the_pages_commands_for_images_run(name, page):
    keras.utils.set_random_seed(0)
    model = tfgan.Pix2Pix(
        tfgan.unet_generator((8, 8, 3), input_channels=1, width=2),
        tfgan.patch_discriminator((8, 8, 3), condition_channels=1, width=2),
    )
    for variable in model.ema_generator.trainable_variables:
        variable.assign(5 * variable)
    folder = page.folder / "saved_models" / TRANSLATOR
    tfgan.export_saved_model(model, folder)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6), np.uint8)
    photo = Image.fromarray(pixels).resize((48, 32), Image.Resampling.BICUBIC)
    photo.save(page.folder / "photo.jpg")
    commands = [(kind, block) for kind, block in page.blocks if TRANSLATOR in block]
    assert [kind for kind, _ in commands] == ["bash", "python", "bash"]
    flags = [f"--model_name={TRANSLATOR}", f"--model_base_path={folder}"]
    with running(command_of(name), TRANSLATOR, *flags, port=8500, rest_port=8501):
        for kind, block in commands:
            page.run(kind, block)
    gray = to_array(Image.open(page.folder / "photo.jpg"), (8, 8, 1))
    expected = 255 * model.translate(gray[None] / 255)[0]
    for file in ("rest_coloured.png", "coloured.png"):
        coloured = pixels_of((page.folder / file).read_bytes())
        # Both read the JPEG with a library of their own.
        assert np.abs(coloured - expected).max() < 4
