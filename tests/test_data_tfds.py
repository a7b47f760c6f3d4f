"""TFDS data sets: downloaded, prepared from files fetched by hand, read; and told when offline."""

import gzip
import hashlib
import http.server
import io
import shutil
import socket
import threading
import time
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from data_fixtures import encoded, random_pixels
from PIL import Image

import tfgan.data.tfds
from tfgan import evaluate, train
from tfgan.data import load
from tfgan.data.reachable import unreachable
from tfgan.data.source import Annotation, Source
from tfgan.errors import InputError
from tfgan.training.plan import held_out_of

IMAGES = random_pixels(10, 4, 6, 3)
LABELS = np.arange(10) % 2


def npz():
    buffer = io.BytesIO()
    np.savez(buffer, images=IMAGES, labels=LABELS)
    return buffer.getvalue()


PAYLOAD = npz()


class TfganTiny(tfds.core.GeneratorBasedBuilder):
    """Ten images in two classes; the tests set the URL."""

    VERSION = tfds.core.Version("1.0.0")
    url = ""
    url_infos = None
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(4, 6, 3)),
            "label": tfds.features.ClassLabel(names=["even", "odd"]),
        }
    )

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=self.features)

    def _split_generators(self, dl_manager):
        path = dl_manager.download(self.url)
        black = self.example(np.zeros_like(IMAGES[0]), 0)
        return {"another": iter([(0, black)]), "train": self._generate_examples(path)}

    def _generate_examples(self, path):
        arrays = np.load(path)
        for index, (image, label) in enumerate(zip(arrays["images"], arrays["labels"])):
            yield index, self.example(image, int(label))

    def example(self, image, label):
        return {"image": image, "label": label}


class TfganTinySizes(TfganTiny):
    """Images of two sizes, no labels, and no split that is called train."""

    VERSION = tfds.core.Version("1.0.0")
    features = tfds.features.FeaturesDict({"image": tfds.features.Image()})

    def _split_generators(self, dl_manager):
        return {"everything": self._generate_examples(dl_manager.download(self.url))}

    def example(self, image, label):
        return {"image": image[: 4 - label]}


class TfganTinyFiles(tfds.core.GeneratorBasedBuilder):
    """100 files, PNG and others, of which the tests choose some to be damaged."""

    VERSION = tfds.core.Version("1.0.0")
    damaged = ()
    disable_shuffling = False

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(4, 6, 3)),
            "label": tfds.features.ClassLabel(num_classes=100),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(features),
            disable_shuffling=self.disable_shuffling,
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for index in range(100):
            pixels = random_pixels(4, 6, 3, seed=index)
            extension = "jpeg" if index % 10 == 9 else "png"
            stored = encoded(Image.fromarray(pixels), extension)
            if index in self.damaged:
                stored = stored[:-30]
            yield index, {"image": stored, "label": index}


class TfganSplits(tfds.core.GeneratorBasedBuilder):
    """Images of one gray level a split, in splits that the tests choose."""

    VERSION = tfds.core.Version("1.0.0")
    splits = ()

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(4, 4, 1)),
            "label": tfds.features.ClassLabel(num_classes=2),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {
            name: self._generate_examples(100 + number) for number, name in enumerate(self.splits)
        }

    def _generate_examples(self, level):
        for index in range(6):
            yield index, {"image": np.full((4, 4, 1), level, np.uint8), "label": index % 2}


class TfganTinyText(TfganTiny):
    """No images."""

    VERSION = tfds.core.Version("1.0.0")
    features = tfds.features.FeaturesDict({"text": tfds.features.Text()})


def register(monkeypatch, url):
    """Sets the URL of the tiny data sets, with its checksum, as TFDS registers it."""
    info = tfds.core.download.checksums.UrlInfo(
        size=len(PAYLOAD), checksum=hashlib.sha256(PAYLOAD).hexdigest(), filename="tiny.npz"
    )
    for builder in (TfganTiny, TfganTinySizes):
        monkeypatch.setattr(builder, "url", url)
        monkeypatch.setattr(builder, "url_infos", {url: info})


@pytest.fixture
def served(monkeypatch):
    """Serves the tiny data set on loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.end_headers()

        def do_GET(self):
            self.do_HEAD()
            self.wfile.write(PAYLOAD)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    register(monkeypatch, f"http://127.0.0.1:{server.server_port}/tiny.npz")
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def offline(monkeypatch):
    """A URL where nobody answers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/tiny.npz"
    register(monkeypatch, url)
    return url


def place_manually(data_dir):
    manual = data_dir / "downloads" / "manual"
    manual.mkdir(parents=True)
    (manual / "tiny.npz").write_bytes(PAYLOAD)


def content(dataset):
    return Counter((image.tobytes(), int(label)) for image, label in zip(*dataset))


def assert_is_tiny(dataset):
    assert dataset.images.shape == (10, 4, 6, 3)
    assert dataset.class_names == ("even", "odd")
    # TFDS stores records in an order of its own.
    assert content((dataset.images, dataset.labels)) == content((IMAGES, LABELS))


def test_download(tmp_path, served):
    dataset = load("tfgan_tiny", batch_size=5, data_dir=tmp_path)
    assert_is_tiny(dataset)
    assert dataset.name == "tfgan_tiny"
    assert next(iter(dataset))["image"].shape == (5, 4, 6, 3)


def test_version_in_the_name(tmp_path, served):
    dataset = load("tfgan_tiny:1.0.0", batch_size=5, data_dir=tmp_path)
    assert_is_tiny(dataset)
    assert dataset.name == "tfgan_tiny_1.0.0"
    with pytest.raises(InputError, match=r"9\.9\.9"):
        load("tfgan_tiny:9.9.9", batch_size=5, data_dir=tmp_path)


def test_prepared_set_is_only_read(tmp_path, offline):
    place_manually(tmp_path)
    load("tfgan_tiny", batch_size=5, data_dir=tmp_path)
    shutil.rmtree(tmp_path / "downloads")
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*"))
    assert_is_tiny(load("tfgan_tiny", batch_size=5, data_dir=tmp_path))
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*")) == before


def test_manual_folder_needs_no_network(tmp_path, offline, monkeypatch):
    place_manually(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert_is_tiny(load("tfgan_tiny", batch_size=5))


def test_offline_is_told_at_once(tmp_path, offline):
    data_dir = tmp_path / "data"
    start = time.monotonic()
    with pytest.raises(InputError, match=r"tiny\.npz.*data set digits") as error:
        load("tfgan_tiny", batch_size=5, data_dir=data_dir)
    assert time.monotonic() - start < 10
    assert str(data_dir / "downloads" / "manual") in str(error.value)
    assert "\n" not in str(error.value)
    assert not data_dir.exists()


def test_wrong_file_in_the_manual_folder(tmp_path, offline):
    place_manually(tmp_path)
    (tmp_path / "downloads" / "manual" / "tiny.npz").write_bytes(b"something else")
    with pytest.raises(InputError, match="checksum") as error:
        load("tfgan_tiny", batch_size=5, data_dir=tmp_path)
    assert "\n" not in str(error.value)


def test_several_sizes_no_labels_no_train_split(tmp_path, served):
    with pytest.raises(InputError, match=r"4x6.*3x6.*--image-size|3x6.*4x6.*--image-size"):
        load("tfgan_tiny_sizes", batch_size=5, data_dir=tmp_path)
    dataset = load("tfgan_tiny_sizes", batch_size=5, data_dir=tmp_path, image_size=8)
    assert dataset.images.shape == (10, 8, 8, 3)
    assert dataset.labels is None and dataset.class_names is None


@pytest.mark.parametrize(
    ("splits", "trained_on"),
    [
        (("train",), "train"),
        (("test",), "test"),
        (("validation",), "validation"),
        (("full",), "full"),
        (("labeled",), "labeled"),
        (("train", "test"), "train"),
        (("train", "validation"), "train"),
        (("test", "validation"), "validation"),
        (("test", "unlabeled"), "unlabeled"),
        (("full", "test", "validation"), "full"),
        (("a", "b", "c"), "a"),
        (("labeled", "unlabeled"), "labeled"),
    ],
)
def test_no_split_is_both_trained_on_and_held_out(tmp_path, monkeypatch, splits, trained_on):
    monkeypatch.setattr(TfganSplits, "splits", splits)

    def level(split):
        images = load("tfgan_splits", 2, data_dir=tmp_path, split=split).images
        assert images.shape == (6, 4, 4, 1) and len(np.unique(images)) == 1
        return images[0, 0, 0, 0]

    assert level("train") == 100 + splits.index(trained_on)
    for split in {*splits} - {"train", trained_on}:
        assert level(split) == 100 + splits.index(split)
    for split in {"test", trained_on, "nothing"} - {*splits, "train"}:
        with pytest.raises(InputError, match=rf"has no split '{split}'"):
            level(split)
    if trained_on != "train":
        with pytest.raises(InputError, match=rf"The split '{trained_on}' .* not held out") as error:
            level(trained_on)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("splits", [("train",), ("test",), ("train", "validation")])
def test_commands_say_what_else_can_be_compared_with(tmp_path, monkeypatch, splits):
    monkeypatch.setattr(TfganSplits, "splits", splits)
    place = ["--dataset", "tfgan_splits", "--data-dir", str(tmp_path)]
    with pytest.raises(InputError, match=r"'test'.* Pass --reference with a folder") as error:
        evaluate.real_images(evaluate.parse(["--images", "a.npz", *place]))
    assert "\n" not in str(error.value)
    advice = r"'test'.* Leave --measure out, and give other .* to tfgan\.evaluate by --reference"
    with pytest.raises(InputError, match=advice) as error:
        held_out_of(*train.parse([*place, "--measure"]))
    assert "\n" not in str(error.value)


def as_tfds_reads(data_dir):
    """Prepares the files in three shards; returns them and their labels, in the order of TFDS."""
    builder = tfds.builder("tfgan_tiny_files", data_dir=data_dir)
    config = tfds.download.DownloadConfig(num_shards=3)
    builder.download_and_prepare(download_config=config)
    decoders = {"image": tfds.decode.SkipDecoding()}
    records = list(builder.as_dataset(split="train", decoders=decoders).as_numpy_iterator())
    return [record["image"] for record in records], [record["label"] for record in records]


def from_pillow(stored):
    with Image.open(io.BytesIO(stored)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("disable_shuffling", [False, True])
def test_the_order_is_that_of_tfds_and_the_pixels_are_those_of_pillow(
    tmp_path, monkeypatch, disable_shuffling
):
    monkeypatch.setattr(TfganTinyFiles, "disable_shuffling", disable_shuffling)
    files, labels = as_tfds_reads(tmp_path)
    assert (labels == sorted(labels)) == disable_shuffling
    dataset = load("tfgan_tiny_files", batch_size=5, data_dir=tmp_path)
    assert dataset.labels.tolist() == labels
    np.testing.assert_array_equal(dataset.images, [from_pillow(stored) for stored in files])


def test_damaged_images_are_named_or_skipped_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(TfganTinyFiles, "damaged", (20, 50))
    files, labels = as_tfds_reads(tmp_path)
    first, second = sorted(labels.index(label) for label in (20, 50))
    with pytest.raises(InputError, match=rf" {first} of tfgan_tiny_files .*--skip-corrupt"):
        load("tfgan_tiny_files", batch_size=5, data_dir=tmp_path)
    dataset = load("tfgan_tiny_files", batch_size=5, data_dir=tmp_path, skip_corrupt=True)
    assert dataset.num_corrupt == 2
    readable = [index for index in range(100) if index not in (first, second)]
    assert dataset.labels.tolist() == [labels[index] for index in readable]
    expected = [from_pillow(files[index]) for index in readable]
    np.testing.assert_array_equal(dataset.images, expected)


def test_fewer_records_than_tfds_counted(tmp_path):
    as_tfds_reads(tmp_path)
    shards = sorted(tmp_path.rglob("*.tfrecord-*"))
    shards[-1].write_bytes(b"")
    with pytest.raises(tf.errors.FailedPreconditionError, match="100 elements"):
        load("tfgan_tiny_files", batch_size=5, data_dir=tmp_path, skip_corrupt=True)


def test_only_web_servers_are_asked(offline):
    url = "ftp://127.0.0.1/tiny.npz"
    assert unreachable([url]) == []
    assert unreachable([url, offline]) == [offline.removesuffix("/tiny.npz")]


def test_no_images(tmp_path):
    with pytest.raises(InputError, match=r"'image'.*text"):
        load("tfgan_tiny_text", batch_size=5, data_dir=tmp_path)


def mnist_raw(data_dir, name, header):
    path = data_dir / "downloads" / "manual" / f"train-{name}-ubyte.gz"
    if not path.exists():
        pytest.skip(f"needs the original MNIST files: no {path}")
    return np.frombuffer(gzip.decompress(path.read_bytes())[header:], np.uint8)


@pytest.mark.mnist
def test_mnist(mnist_data_dir):
    images = mnist_raw(mnist_data_dir, "images-idx3", 16).reshape(60000, 28, 28, 1)
    labels = mnist_raw(mnist_data_dir, "labels-idx1", 8)
    dataset = load("mnist", batch_size=256, data_dir=mnist_data_dir)
    assert dataset.images.shape == (60000, 28, 28, 1)
    assert dataset.class_names == tuple("0123456789")
    assert content((dataset.images, dataset.labels)) == content((images, labels))
    assert dataset.license.startswith("CC BY-SA 3.0")


def test_binarized_mnist_is_drawn_once_with_the_intensity_as_probability(monkeypatch):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    mnist = Source(
        name="mnist",
        fingerprint=[],
        num_images=400,
        class_names=tuple("0123456789"),
        survey=lambda: (16, 16, 1),
        decode=lambda image_shape: ((ramp, Annotation(number % 10)) for number in range(400)),
    )
    monkeypatch.setattr(tfgan.data.tfds, "source", lambda *_: mnist)
    first, again = (load("binarized_mnist", batch_size=5, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(first.images, again.images)
    assert set(np.unique(first.images)) == {0, 255}
    assert first.labels.tolist() == [number % 10 for number in range(400)]
    shares = first.images.mean(axis=0) / 255
    # Four standard deviations of 400 draws, of which the ends have none.
    np.testing.assert_allclose(shares, ramp / 255, atol=0.1)
    assert shares.ravel()[[0, -1]].tolist() == [0, 1]


@pytest.mark.mnist
def test_binarized_mnist(mnist_data_dir):
    dataset = load("binarized_mnist", batch_size=256, data_dir=mnist_data_dir, split="test")
    assert dataset.images.shape == (10000, 28, 28, 1)
    gray = load("mnist", batch_size=256, data_dir=mnist_data_dir, split="test")
    np.testing.assert_array_equal(dataset.labels, gray.labels)
    np.testing.assert_allclose(dataset.images.mean(), gray.images.mean(), rtol=0.01)
    assert dataset.license == gray.license


@pytest.mark.mnist
def test_mnist_is_prepared_from_its_files_without_network(tmp_path, monkeypatch, mnist_data_dir):
    manual = mnist_data_dir / "downloads" / "manual"
    if not manual.is_dir():
        pytest.skip(f"needs the original MNIST files: no {manual}")
    shutil.copytree(manual, tmp_path / "downloads" / "manual")

    def no_network(*_):
        raise AssertionError("The network was used.")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    dataset = load("mnist", batch_size=256, data_dir=tmp_path)
    labels = mnist_raw(mnist_data_dir, "labels-idx1", 8)
    np.testing.assert_array_equal(np.bincount(dataset.labels), np.bincount(labels))


@pytest.mark.mnist
def test_stacked_mnist_is_made_of_mnists_digits(mnist_data_dir):
    digits = load("mnist", batch_size=2, data_dir=mnist_data_dir, split="test")
    stacks = load("stacked_mnist", batch_size=2, data_dir=mnist_data_dir, split="test")
    assert stacks.image_shape == (28, 28, 3) and stacks.num_images == digits.num_images == 10000
    label_of = {image.tobytes(): label for image, label in zip(digits.images, digits.labels)}
    for stack, mode in zip(stacks.images[:200], stacks.labels):
        channels = [label_of[np.ascontiguousarray(stack[..., [c]]).tobytes()] for c in range(3)]
        assert stacks.class_names[mode] == "".join(map(str, channels))
    # 10,000 draws from 1,000 equally likely modes miss one with a probability of 0.05 in all.
    assert len(np.unique(stacks.labels)) >= 999


@pytest.mark.mnist
def test_a_split_that_tfds_does_not_have(mnist_data_dir):
    with pytest.raises(InputError, match=r"validation.*train, test"):
        load("mnist", batch_size=2, data_dir=mnist_data_dir, split="validation")
