"""Pairs by a task and pairs in a folder, as batches that depend on seed and step alone."""

from itertools import islice

import numpy as np
import pytest
import tensorflow as tf
from data_fixtures import random_pixels, save
from PIL import Image

from tfgan.data import load
from tfgan.data.pairs import load_pairs, pairs_of
from tfgan.data.transformed import jittered
from tfgan.errors import InputError


def save_pairs(folder, count, height, width, *channels):
    """Writes pairs A|B; returns A and B as arrays, in file order."""
    arrays = [random_pixels(height, 2 * width, *channels, seed=index) for index in range(count)]
    for index, array in enumerate(arrays):
        save(folder / f"{index:03d}.png", array)
    stack = np.stack(arrays).reshape(count, height, 2 * width, -1)
    return stack[:, :, :width], stack[:, :, width:]


def as_floats(pixels):
    return pixels / 127.5 - 1


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(second[key], value)


@pytest.mark.parametrize(
    "start", [2, *(pytest.param(start, marks=pytest.mark.slow) for start in (1, 7))]
)
def test_a_batch_of_pairs_is_a_function_of_seed_and_step(start):
    # Three steps are an epoch.
    digits = load("digits", batch_size=100, seed=7).subset(np.arange(300))
    pairs = pairs_of(digits, "denoise", jitter=True)
    for first, second in zip(islice(pairs.batches().skip(start), 2), pairs.batches(start)):
        assert_same(first, second)


def test_shapes_are_known_without_a_batch_and_are_those_of_the_batches():
    shapes = load("shapes", batch_size=4, image_size=(20, 24), split="test")
    for task, channels in [("inpaint", 3), ("colorize", 1), ("edges", 1)]:
        pairs = pairs_of(shapes, task, jitter=True)
        assert pairs.name == f"shapes_{task}"
        assert pairs.image_shape == (20, 24, 3)
        assert pairs.condition_shape == (20, 24, channels)
        assert pairs.has_mask == (task == "inpaint")
        spec = pairs.batches().element_spec
        assert spec["condition"].shape == (4, 20, 24, channels)
        assert spec["image"].shape == (4, 20, 24, 3)
        assert spec.keys() >= {"label", "text", "attributes"}
    assert pairs_of(shapes, "super_resolution", 2).name == "shapes_super_resolution_x2"


def test_pairs_keep_their_labels_and_without_jitter_their_images():
    digits = load("digits", batch_size=10)
    for expected, actual in zip(islice(digits, 3), pairs_of(digits, "denoise")):
        np.testing.assert_array_equal(actual["image"], expected["image"])
        np.testing.assert_array_equal(actual["label"], expected["label"])


def test_every_epoch_draws_anew():
    # One image: what differs is not its order.
    one = load("digits", batch_size=1)
    one = type(one)("one", one.images[:1], None, None, batch_size=1, seed=0)
    for task, jitter in [("denoise", False), ("edges", True)]:
        batches = list(islice(pairs_of(one, task, jitter=jitter), 3))
        assert not np.array_equal(batches[0]["condition"], batches[1]["condition"])
        assert not np.array_equal(batches[1]["condition"], batches[2]["condition"])


def test_examples_are_fixed():
    digits = [load("digits", batch_size, split="test", seed=batch_size) for batch_size in (1, 50)]
    first, second = (pairs_of(dataset, "inpaint", jitter=True) for dataset in digits)
    many, few = first.examples(1000), second.examples(70)
    assert len(many["image"]) == 299
    assert_same({key: value[:70] for key, value in many.items()}, few)
    np.testing.assert_allclose(few["image"], as_floats(digits[0].images[:70]), atol=1e-6)
    np.testing.assert_array_equal(few["label"], digits[0].labels[:70])


def test_a_sample_is_a_random_part_in_its_own_order():
    pairs = pairs_of(load("digits", batch_size=1, split="test"), "denoise")
    assert pairs.sample(299) is pairs
    rows = [
        [int(np.flatnonzero(np.all(pairs.dataset.images == image, axis=(1, 2, 3)))[0])
         for image in pairs.sample(20, seed).dataset.images]
        for seed in (0, 1)
    ]  # fmt: skip
    for some in rows:
        assert len(set(some)) == 20 and some == sorted(some)
    assert rows[0] != rows[1]
    np.testing.assert_array_equal(
        pairs.sample(20).examples(20)["label"], pairs.dataset.labels[rows[0]]
    )


def test_what_cannot_work_is_refused_at_once():
    with pytest.raises(InputError, match="colorize") as error:
        pairs_of(load("digits", batch_size=2), "colorize")
    assert "\n" not in str(error.value)


def test_jitter_moves_every_channel_alike():
    ramp = np.stack(np.meshgrid(np.arange(40), np.arange(30)), axis=-1) / 40
    images = tf.constant(np.tile(np.concatenate([ramp, ramp], -1), (64, 1, 1, 1)), tf.float32)
    seed = tf.constant([1, 2], tf.int64)
    made = jittered(images, seed).numpy()
    np.testing.assert_array_equal(made[..., :2], made[..., 2:])
    np.testing.assert_allclose(jittered(images[:3], seed), made[:3])
    right = made[:, 0, 1, 0] - made[:, 0, 0, 0]
    # Enlarged by 286/256, and about half of them mirrored.
    np.testing.assert_allclose(np.abs(right), 256 / 286 / 40, atol=1e-5)
    assert 20 < np.sum(right < 0) < 44
    tops = made[:, 0, 0, 1] * 40
    assert tops.min() >= 0 and tops.max() <= 29 * (1 - 256 / 286) + 1e-4
    assert np.ptp(tops) > 2


@pytest.mark.parametrize("channels", [(), (3,), (4,)], ids=["grey", "rgb", "rgba"])
def test_both_directions_of_a_folder(tmp_path, channels):
    a, b = (as_floats(half) for half in save_pairs(tmp_path / "train", 5, 6, 8, *channels))
    pairs = load_pairs(tmp_path, batch_size=2)
    assert pairs.image_shape == pairs.condition_shape == (6, 8, (*channels, 1)[0])
    assert pairs.name == f"{tmp_path.name}_AtoB"
    found = pairs.examples(5)
    np.testing.assert_allclose(found["condition"], a, atol=1e-6)
    np.testing.assert_allclose(found["image"], b, atol=1e-6)
    back = load_pairs(tmp_path, batch_size=2, direction="BtoA").examples(5)
    assert_same({"image": found["condition"], "condition": found["image"]}, back)
    batch = next(iter(pairs))
    row = np.argmin(np.abs(a - batch["condition"][0]).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(batch["image"][0], b[row], atol=1e-6)


def test_pairs_of_several_sizes_are_cropped_and_resized_alike(tmp_path):
    for index, size in enumerate([(20, 30), (40, 24), (17, 17)]):
        half = random_pixels(*size, 3, seed=index)
        save(tmp_path / "val" / f"{index}.png", np.concatenate([half, half], axis=1))
    with pytest.raises(InputError, match=r"3 different sizes.*20x30.*--image-size"):
        load_pairs(tmp_path, batch_size=1, split="val")
    pairs = load_pairs(tmp_path, 1, image_size=(12, 10), split="val", jitter=True)
    assert pairs.image_shape == (12, 10, 3)
    for batch in islice(pairs, 6):
        np.testing.assert_array_equal(batch["image"], batch["condition"])


def test_a_mixture_of_modes_is_brought_to_the_richest(tmp_path):
    save(tmp_path / "train" / "a.png", random_pixels(4, 8))
    save(tmp_path / "train" / "b.png", random_pixels(4, 8, 3))
    assert load_pairs(tmp_path, batch_size=1).image_shape == (4, 4, 3)


def test_exif_orientation_comes_before_halving(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    # Turned clockwise, the lower half of the file is on the left.
    pixels = np.zeros((16, 8), np.uint8)
    pixels[8:] = 255
    save(tmp_path / "train" / "a.png", pixels, exif=exif)
    found = load_pairs(tmp_path, batch_size=1).examples(1)
    assert found["image"].shape == (1, 8, 8, 1)
    assert np.all(found["condition"] == 1) and np.all(found["image"] == -1)


def test_an_odd_width_is_named(tmp_path):
    save_pairs(tmp_path / "train", 2, 6, 8)
    save(tmp_path / "train" / "odd.png", random_pixels(6, 17))
    with pytest.raises(
        InputError, match=r"odd\.png.*even width.* 17 wide.*--skip-corrupt"
    ) as error:
        load_pairs(tmp_path, batch_size=1)
    assert "\n" not in str(error.value)
    assert load_pairs(tmp_path, batch_size=1, skip_corrupt=True).num_images == 2


def test_folders_that_have_no_pairs(tmp_path):
    save_pairs(tmp_path / "train", 2, 6, 8)
    (tmp_path / "val").mkdir()
    with pytest.raises(InputError, match=r"no subfolder 'test', but train, val\. Pairs A\|B lie"):
        load_pairs(tmp_path, batch_size=1, split="test")
    with pytest.raises(InputError, match=r"no images .*val'"):
        load_pairs(tmp_path, batch_size=1, split="val")
    with pytest.raises(InputError, match=r"no folder .*nowhere"):
        load_pairs(tmp_path / "nowhere", batch_size=1)
    with pytest.raises(InputError, match=r"direction must be AtoB or BtoA.*'atob'"):
        load_pairs(tmp_path, batch_size=1, direction="atob")
    with pytest.raises(InputError, match=r"2 readable.*batch of 3"):
        load_pairs(tmp_path, batch_size=3)
