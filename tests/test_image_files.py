"""Images of folders and NPZ files: what is read, and what is brought to the same kind."""

import warnings

import numpy as np
import pytest
from data_fixtures import random_pixels, save

from tfgan.errors import InputError, InputWarning
from tfgan.evaluation.inputs import dataset_of, halves_of, read_npz, with_channels

GRAY = random_pixels(6, 4, 5, 1)
COLOR = random_pixels(6, 4, 5, 3)
OPAQUE = np.full((6, 4, 5, 1), 255, np.uint8)
GRAY_RGB = np.repeat(GRAY, 3, axis=-1)


def joined(*parts):
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (GRAY, GRAY_RGB),
        (GRAY, joined(GRAY_RGB, OPAQUE)),
        (GRAY_RGB, GRAY),
        (COLOR, COLOR),
        (COLOR, joined(COLOR, OPAQUE)),
        (joined(COLOR, OPAQUE), COLOR),
        (joined(GRAY_RGB, OPAQUE), GRAY),
        (joined(GRAY, OPAQUE), GRAY_RGB),
        (joined(GRAY_RGB, GRAY), joined(GRAY, GRAY)),
    ],
)
def test_images_change_their_channels_where_nothing_is_lost(images, expected):
    found = with_channels(images, expected.shape[-1], "these")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("images", "channels", "message"),
    [
        (COLOR, 1, "some of them in color, and the real ones have 1 channels"),
        (joined(COLOR, GRAY), 3, "some of them transparent"),
        (joined(COLOR, GRAY), 1, "some of them transparent and in color"),
        (joined(GRAY_RGB, GRAY), 1, "some of them transparent,"),
    ],
)
def test_what_would_be_lost_is_refused(images, channels, message):
    with pytest.raises(InputError, match=message):
        with_channels(images, channels, "these")


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (GRAY, GRAY),
        (GRAY[..., 0], GRAY),
        *((GRAY.astype(kind) / 255, GRAY) for kind in ("float32", "float64", "float16")),
    ],
)
def test_images_of_a_file_are_brought_to_8_bits(images, expected, tmp_path):
    np.savez(tmp_path / "a.npz", images=images)
    found = read_npz(tmp_path / "a.npz")["images"]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        *((GRAY.astype(kind), kind) for kind in ("int8", "int32", "int64", "uint32")),
        (GRAY.astype("complex64"), "complex64"),
        (GRAY.astype("float32"), r"must lie in \[0, 1\]"),
        (GRAY / 127.5 - 1, r"must lie in \[0, 1\]"),
        (np.full((2, 3, 3), np.nan), "nan"),
        (random_pixels(6, 3, 8, 9), r"channels, which come last\. Received: \(6, 3, 8, 9\)"),
        (random_pixels(6), r"\(6,\)"),
    ],
)
def test_images_whose_range_is_not_known_are_refused(images, message, tmp_path):
    np.savez(tmp_path / "a.npz", images=images)
    with pytest.raises(InputError, match=rf"a\.npz: .*{message}") as caught:
        read_npz(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("brightest", "is_told"), [(1, True), (16, True), (17, False)])
def test_images_in_a_fraction_of_the_range_are_told(brightest, is_told, tmp_path):
    np.savez(tmp_path / "a.npz", images=np.full((6, 4, 5), brightest, np.uint8))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_npz(tmp_path / "a.npz")
    assert [each.category for each in caught] == [InputWarning] * is_told


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array([10, 9, 9, 2, 10, 2]), ("2", "9", "10")),
        (np.array([1, 0, 0, 1, 1, 0], np.uint8), ("0", "1")),
        (np.array([3.0, 1.0, 1.0, 3.0, 3.0, 1.0]), ("1", "3")),
        (np.array([True, False, True, True, False, True]), ("0", "1")),
        (np.array(["b", "a", "a", "b", "é", "é"]), ("a", "b", "é")),
        (np.array([b"b", b"a", b"a", b"b", b"b", b"a"]), ("a", "b")),
    ],
)
def test_labels_of_a_file_are_numbers_or_texts(labels, names, tmp_path):
    np.savez(tmp_path / "a.npz", images=GRAY, labels=labels)
    dataset = dataset_of(tmp_path / "a.npz")
    assert dataset.class_names == names and dataset.labels.dtype == np.int32
    np.savez(tmp_path / "a.npz", images=GRAY, labels=np.arange(6) / 2)
    with pytest.raises(InputError, match=r"whole numbers or texts\. Received: float64"):
        dataset_of(tmp_path / "a.npz")


def test_a_folder_is_halved_like_a_file(tmp_path):
    images = random_pixels(9, 4, 5)
    for index, image in enumerate(images):
        folder = tmp_path / "real" / ("cats" if index % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        save(folder / f"{index}.png", image)
    train, test = halves_of(tmp_path / "real", seed=0)
    assert (train.num_images, test.num_images) == (5, 4)
    assert train.class_names == test.class_names == ("cats", "dogs")
    both = np.concatenate([train.images, test.images])[..., 0]
    assert sorted(map(bytes, both)) == sorted(map(bytes, images))
    labels = {bytes(image): index % 2 for index, image in enumerate(images)}
    for half in (train, test):
        assert [half.class_names[label] for label in half.labels] == [
            "cats" if labels[bytes(image)] else "dogs" for image in half.images
        ]
    resized, _ = halves_of(tmp_path / "real", seed=0, image_size=(3, 3))
    assert resized.image_shape == (3, 3, 1)
