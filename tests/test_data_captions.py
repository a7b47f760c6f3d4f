"""Attributes and captions of a data set, and the texts in its batches."""

from itertools import islice

import numpy as np
import pytest

from tfgan.data import Captions, ImageDataset, load
from tfgan.data.captions import caption_table, with_article
from tfgan.errors import InputError

NAMES = ("red_apple", "orange")
TABLE = caption_table([["no", "none"], ["one"], ["two", "a pair", "both"]])


def described(count=20, batch_size=5, seed=0, **fields):
    """A data set whose only pixel is the index of the image."""
    return ImageDataset(
        name="described",
        images=np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1),
        batch_size=batch_size,
        seed=seed,
        **({"labels": None, "class_names": None} | fields),
    )


def captioned(**fields):
    return described(captions=Captions(TABLE, np.arange(20, dtype=np.int32) % 3), **fields)


def indices_of(batch):
    return np.rint((batch["image"].numpy().ravel() + 1) * 127.5).astype(int)


def texts(dataset, num_steps, start_step=0):
    return [
        batch["text"].numpy().tolist() for batch in islice(dataset.batches(start_step), num_steps)
    ]


def test_fewer_phrasings_are_repeated_in_turn():
    assert TABLE.tolist() == [["no", "none", "no"], ["one"] * 3, ["two", "a pair", "both"]]


def test_a_batch_has_the_attributes_of_its_images():
    attributes = np.stack([np.arange(20) % 2, np.arange(20) % 7], axis=1).astype(np.int32)
    dataset = described(attributes=attributes)
    spec = dataset.batches().element_spec["attributes"]
    assert (spec.shape, spec.dtype.name) == ((5, 2), "int32")
    batch = next(iter(dataset))
    assert batch.keys() == {"image", "attributes"}
    np.testing.assert_array_equal(batch["attributes"], attributes[indices_of(batch)])


def test_a_batch_has_a_phrasing_of_each_image_and_in_time_every_one():
    dataset = captioned()
    spec = dataset.batches().element_spec["text"]
    assert (spec.shape, spec.dtype.name) == ((5,), "string")
    seen = [set(), set(), set()]
    for batch in islice(dataset.batches(), 40):
        for index, text in zip(indices_of(batch), batch["text"].numpy()):
            seen[index % 3].add(text.decode())
    assert seen == [set(row) for row in TABLE.tolist()]


@pytest.mark.parametrize("start_step", [1, 4, 11])
def test_texts_are_a_function_of_seed_and_step(start_step):
    dataset = captioned(seed=3)
    expected = texts(dataset, 30)
    assert texts(dataset, 30 - start_step, start_step) == expected[start_step:]
    assert texts(captioned(seed=3), 30) == expected
    assert texts(captioned(seed=4), 30) != expected


def test_captions_do_not_change_the_order_of_the_images():
    for plain, with_text in islice(zip(described().batches(), captioned().batches()), 9):
        np.testing.assert_array_equal(plain["image"], with_text["image"])


def test_captions_beyond_ascii():
    dataset = described(captions=Captions(np.array([["一只猫"]]), np.zeros(20, np.int32)))
    assert next(iter(dataset))["text"].numpy()[0].decode() == "一只猫"


def test_with_captions_keeps_those_there_are():
    dataset = captioned(labels=np.zeros(20, np.int32), class_names=NAMES)
    assert dataset.with_captions() is dataset


def test_with_captions_names_the_class():
    labels = np.arange(20, dtype=np.int32) % 2
    dataset = described(labels=labels, class_names=NAMES).with_captions()
    for batch in islice(dataset.batches(), 4):
        for label, text in zip(batch["label"].numpy(), batch["text"].numpy()):
            assert ("red apple", "orange")[label] in text.decode()
    assert {"a picture of a red apple", "a red apple", "red apple"} < set(dataset.captions.table[0])
    assert "a picture of an orange" in dataset.captions.table[1]


def test_with_captions_needs_something_to_go_by():
    with pytest.raises(InputError, match=r"'described'.*neither.*captions\.csv") as error:
        described().with_captions()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("words", ["owl", "Ankle boot", "8", "80", "11", "18"])
def test_an(words):
    assert with_article(words) == f"an {words}"


@pytest.mark.parametrize("words", ["cat", "Boat house", "1", "10", "110", "38"])
def test_a(words):
    assert with_article(words) == f"a {words}"


def test_digits_can_be_captioned():
    batch = next(iter(load("digits", 16).with_captions()))
    assert batch.keys() == {"image", "label", "text"}
