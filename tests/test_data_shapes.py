"""The drawn shapes: images by number, factors, captions, splits."""

import itertools

import numpy as np
import pytest

from tfgan.data import cache, load, shapes
from tfgan.errors import InputError

ONE_EACH = 1008


@pytest.fixture(scope="module")
def test_split():
    return load("shapes", batch_size=64, split="test")


def test_the_data_set(test_split):
    dataset = test_split
    assert dataset.images.shape == (4000, 32, 32, 3) and dataset.images.dtype == np.uint8
    assert dataset.attribute_names == shapes.FACTORS
    assert len(dataset.class_names) == 28
    assert dataset.license == "Apache-2.0"
    batch = next(iter(dataset))
    assert batch.keys() == {"image", "label", "attributes", "text"}
    for label, (shape, color, *_), text in zip(
        batch["label"].numpy(), batch["attributes"].numpy(), batch["text"].numpy()
    ):
        name = f"{shapes.FACTORS['colour'][color]} {shapes.FACTORS['shape'][shape]}"
        assert dataset.class_names[label] == name
        assert all(word in text.decode() for word in name.split())


def test_the_data_set_is_what_is_drawn_by_numbers(test_split):
    images, factors = shapes.draw(np.arange(4000), "test")
    np.testing.assert_array_equal(test_split.images, images)
    np.testing.assert_array_equal(test_split.attributes, factors)
    caption_rows = test_split.captions.table[test_split.captions.rows]
    np.testing.assert_array_equal(caption_rows, shapes.captions(factors))


def test_an_image_is_a_function_of_its_number():
    images, factors = shapes.draw(np.arange(300))
    chosen = np.array([299, 3, 128])
    again, again_factors = shapes.draw(chosen)
    np.testing.assert_array_equal(again, images[chosen])
    np.testing.assert_array_equal(again_factors, factors[chosen])


def test_the_same_images_on_every_machine():
    images, factors = shapes.draw([0, 1, 2**40])
    assert factors.tolist() == [[1, 4, 1, 0, 4], [3, 1, 2, 0, 8], [3, 6, 0, 1, 3]]
    # A sum leaves room for the last bit of another machine's arithmetic.
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), [243.388, 246.184, 237.339], atol=0.05)


def test_images_of_the_same_factors_differ_and_there_is_no_last_one():
    far = ONE_EACH * 10**15
    (first, second, third), factors = shapes.draw([5, 5 + ONE_EACH, 5 + far])
    assert len(np.unique(factors, axis=0)) == 1
    for one, other in itertools.combinations((first, second, third), 2):
        assert (one != other).any()


@pytest.mark.parametrize("image_size", [(20, 48), 64, 8])
def test_any_size_is_drawn(image_size):
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    images, factors = shapes.draw(np.arange(200), "train", image_size)
    assert images.shape == (200, height, width, 3)
    ink = 255.0 - images.min(axis=-1)
    area = ink.sum(axis=(1, 2))
    row, column = np.divmod(factors[:, 4], 3)
    for share, length, place in (
        (ink.sum(axis=2) @ (np.arange(height) + 0.5) / area, height, row),
        (ink.sum(axis=1) @ (np.arange(width) + 0.5) / area, width, column),
    ):
        np.testing.assert_allclose(share / length, np.array([0.28, 0.5, 0.72])[place], atol=0.13)


def test_nothing_touches_the_edge_of_the_page():
    images, _ = shapes.draw(np.arange(3000))
    edge = np.concatenate([images[:, [0, -1]].ravel(), images[:, :, [0, -1]].ravel()])
    assert edge.mean() > 254


def test_other_sizes_are_drawn_not_resized(monkeypatch):
    monkeypatch.setattr(shapes, "NUM_IMAGES", {"train": 40, "test": 20})
    dataset = load("shapes", batch_size=10, image_size=(24, 40))
    np.testing.assert_array_equal(dataset.images, shapes.draw(np.arange(40), "train", (24, 40))[0])


def test_attributes_and_captions_survive_the_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(shapes, "NUM_IMAGES", {"train": 40, "test": 20})
    held = load("shapes", batch_size=10)
    monkeypatch.setattr(cache, "MEMORY_LIMIT_BYTES", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):
        mapped = load("shapes", batch_size=10)
        assert mapped.cache_path is not None
        np.testing.assert_array_equal(mapped.images, held.images)
        np.testing.assert_array_equal(mapped.labels, held.labels)
        np.testing.assert_array_equal(mapped.attributes, held.attributes)
        np.testing.assert_array_equal(mapped.captions.rows, held.captions.rows)


def test_no_such_split():
    with pytest.raises(InputError, match=r"'shapes'.*'validation'.*train, test"):
        load("shapes", batch_size=8, split="validation")


def test_the_splits_share_out_every_combination():
    train, test = (set(map(tuple, shapes.combinations(split))) for split in ("train", "test"))
    assert (len(train), len(test), len(train | test)) == (1008, 504, 1512)


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_pair_of_categories_is_in_both_splits_in_like_shares(split):
    factors = shapes.combinations(split)
    sizes = [len(categories) for categories in shapes.FACTORS.values()]
    for first, second in itertools.combinations(range(5), 2):
        counts = np.zeros((sizes[first], sizes[second]))
        np.add.at(counts, (factors[:, first], factors[:, second]), 1)
        assert counts.min() >= 0.9 * counts.mean() and counts.max() <= 1.1 * counts.mean()


def test_a_few_images_are_a_fair_sample():
    for split in ("train", "test"):
        _, factors = shapes.draw(np.arange(200), split)
        for column, categories in zip(factors.T, shapes.FACTORS.values()):
            counts = np.bincount(column, minlength=len(categories))
            assert counts.min() > 0.4 * 200 / len(categories)


def test_captions_name_what_is_there():
    factors = shapes.combinations("train")[::37]
    for indices, phrasings in zip(factors, shapes.captions(factors)):
        shape, color, texture, size, position = (
            names[index] for names, index in zip(shapes.FACTORS.values(), indices)
        )
        for number, text in enumerate(phrasings):
            assert shape in text and color in text
            assert number == 5 or size in text
            assert number >= 4 or position in text
            assert number >= 4 or texture in text or (number == 0 and texture == "plain")
            assert "a orange" not in text and "  " not in text


def test_test_captions_are_new_wholes_of_known_words():
    train, test = (set(shapes.captions(shapes.combinations(s)).ravel()) for s in ("train", "test"))
    assert len(test - train) >= 2000
    words = [{word for text in texts for word in text.split()} for texts in (train, test)]
    assert words[1] <= words[0]
