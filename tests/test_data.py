"""`tfgan.data.load` by name, and the batches of an `ImageDataset`."""

import subprocess
import sys
import time
from itertools import islice

import numpy as np
import pytest
from data_fixtures import random_pixels, save_random

from tfgan.data import ImageDataset, load
from tfgan.errors import InputError


def numbered(count, batch_size, seed=0, labeled=True):
    """Returns a data set whose only pixel, and label, is the index of the image."""
    return ImageDataset(
        name="numbered",
        images=np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1),
        labels=np.arange(count, dtype=np.int32) if labeled else None,
        class_names=None,
        batch_size=batch_size,
        seed=seed,
    )


def labels_of(dataset, num_steps, start_step=0):
    batches = islice(dataset.batches(start_step), num_steps)
    return np.stack([batch["label"].numpy() for batch in batches])


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    digits = load_digits()
    held_out = np.arange(1797) % 6 == 5
    test = load("digits", batch_size=32, split="test")
    np.testing.assert_array_equal(test.labels, digits.target[held_out])
    dataset = load("digits", batch_size=32)
    assert dataset.name == "digits"
    assert dataset.image_shape == (8, 8, 1)
    assert (dataset.num_images, dataset.steps_per_epoch) == (1498, 46)
    assert dataset.images.dtype == np.uint8 and dataset.labels.dtype == np.int32
    assert dataset.class_names == tuple("0123456789")
    np.testing.assert_array_equal(dataset.labels, digits.target[~held_out])
    expected = digits.images[~held_out] * 255 / 16
    np.testing.assert_allclose(dataset.images[..., 0], expected, atol=0.5)
    assert (dataset.num_corrupt, dataset.cache_path) == (0, None)


def test_digits_are_resized():
    dataset = load("digits", batch_size=32, image_size=(12, 16))
    assert dataset.image_shape == (12, 16, 1)


def test_batches_have_static_shapes_and_values_in_minus_one_to_one():
    dataset = load("digits", batch_size=64)
    image, label = dataset.batches().element_spec["image"], dataset.batches().element_spec["label"]
    assert (image.shape, image.dtype.name) == ((64, 8, 8, 1), "float32")
    assert (label.shape, label.dtype.name) == ((64,), "int32")
    batch = next(iter(dataset))
    assert batch["image"].numpy().min() == -1.0
    assert batch["image"].numpy().max() == 1.0


def test_pixels_are_scaled_linearly_and_keep_their_labels():
    dataset = numbered(256, batch_size=256)
    batch = next(iter(dataset))
    expected = batch["label"].numpy() / 127.5 - 1.0
    np.testing.assert_allclose(batch["image"].numpy().ravel(), expected, atol=1e-6)


def test_no_labels_no_label_key():
    assert next(iter(numbered(4, 2, labeled=False))).keys() == {"image"}


@pytest.mark.parametrize("start_step", [1, 5, 14, 15, 33, 40])
def test_start_step_equals_skipping_those_batches(start_step):
    dataset = load("digits", batch_size=100, seed=7)
    assert dataset.steps_per_epoch == 14
    skipped = islice(dataset.batches().skip(start_step), 20)
    for expected, actual in zip(skipped, dataset.batches(start_step), strict=False):
        np.testing.assert_array_equal(actual["image"], expected["image"])
        np.testing.assert_array_equal(actual["label"], expected["label"])


def test_a_far_step_begins_at_once():
    dataset = load("digits", batch_size=100)
    next(iter(dataset))
    start = time.monotonic()
    next(iter(dataset.batches(start_step=10**9)))
    assert time.monotonic() - start < 2


def test_every_epoch_is_another_permutation():
    epochs = labels_of(numbered(20, batch_size=5), num_steps=12).reshape(3, 20)
    for epoch in epochs:
        assert sorted(epoch) == list(range(20))
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_remainder_is_dropped_but_not_always_the_same():
    epochs = labels_of(numbered(10, batch_size=3), num_steps=30).reshape(10, 9)
    assert all(len(set(epoch)) == 9 for epoch in epochs)
    assert len({45 - sum(epoch) for epoch in epochs}) > 1


def test_two_runs_agree_and_two_seeds_differ():
    first, again = (labels_of(numbered(20, 5, seed=1), 8) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, labels_of(numbered(20, 5, seed=2), 8))


def test_seeds_beyond_32_bits_differ():
    big, small = labels_of(numbered(20, 5, seed=2**40), 4), labels_of(numbered(20, 5, seed=0), 4)
    assert not np.array_equal(big, small)


def test_images_are_not_copied_into_the_graph():
    import tensorflow as tf

    dataset = ImageDataset("big", random_pixels(100, 100, 100, 1), None, None, 10, 0)

    @tf.function
    def first_mean():
        return tf.reduce_mean(next(iter(dataset.batches()))["image"])

    assert first_mean.get_concrete_function().graph.as_graph_def().ByteSize() < 100_000
    assert abs(first_mean()) < 0.1


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batch_size_below_one(batch_size):
    with pytest.raises(InputError, match=rf"batch_size.*{batch_size}"):
        load("digits", batch_size=batch_size)


@pytest.mark.parametrize("image_size", [0, -8, (8, 0)])
def test_image_size_below_one(image_size):
    with pytest.raises(InputError, match="image_size"):
        load("digits", batch_size=8, image_size=image_size)


@pytest.mark.parametrize("name", ["digits", "./pictures"])
def test_a_split_that_is_not_there(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_random(tmp_path / "pictures", 2, 4, 4)
    with pytest.raises(InputError, match=f"{name}.*validation"):
        load(name, batch_size=2, split="validation")


def test_fewer_images_than_a_batch():
    with pytest.raises(InputError, match=r"1498.*2000.*--batch-size"):
        load("digits", batch_size=2000)


def test_unknown_name_suggests_near_ones():
    with pytest.raises(InputError, match=r"'mnits'.*\bmnist\b") as error:
        load("mnits", batch_size=8)
    assert "\n" not in str(error.value)
    for name in ("digits", "shapes", "stacked_mnist", "binarized_mnist"):
        with pytest.raises(InputError, match=rf"'{name[:-1]}'.*\b{name}\b"):
            load(name[:-1], batch_size=8)


def test_unknown_name_is_told_fast_and_without_tensorflow():
    program = """
import sys
import tfgan.data
assert "tensorflow" not in sys.modules, "by importing tfgan.data"
try:
    tfgan.data.load("no_such_set", batch_size=8)
except ValueError:
    assert "tensorflow" not in sys.modules, "by an unknown name"
else:
    sys.exit("no error")
"""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", program], check=True)
    # About half a second; the limit leaves room for a busy machine.
    assert time.monotonic() - start < 5


def test_a_name_without_separator_may_be_a_folder(tmp_path, monkeypatch):
    save_random(tmp_path / "my_images", 2, 4, 4)
    monkeypatch.chdir(tmp_path)
    for name in ("my_images", "./my_images", "my_images/", str(tmp_path / "my_images")):
        assert load(name, batch_size=2).num_images == 2


def test_digits_means_the_embedded_set_even_beside_a_folder_of_that_name(tmp_path, monkeypatch):
    save_random(tmp_path / "digits", 2, 4, 4)
    monkeypatch.chdir(tmp_path)
    assert load("digits", batch_size=2).num_images == 1498
    assert load("./digits", batch_size=2).num_images == 2
