"""Folders with captions.csv and attributes.csv."""

import numpy as np
import pytest
from data_fixtures import save_random

from tfgan.data import cache, load
from tfgan.errors import InputError

CAPTIONS = """\
file,caption
dog/001.png,a dog
cat/000.png,a cat
cat/001.png,"a cat, asleep"
cat/000.png,one cat
dog/000.png,eine Dogge für alle
"""
ATTRIBUTES = """\
file,fur,age
cat/000.png,short,old
cat/001.png,long,young
dog/000.png,none,old
dog/001.png,short,old
"""


@pytest.fixture
def pets(tmp_path):
    folder = tmp_path / "pets"
    for name in ("cat", "dog"):
        save_random(folder / name, 2, 6, 4, 3)
    write(folder, CAPTIONS)
    write(folder, ATTRIBUTES, "attributes.csv")
    return folder


def write(folder, text, name="captions.csv", encoding="utf-8"):
    (folder / name).write_text(text, encoding=encoding)


def phrasings(dataset):
    return dataset.captions.table[dataset.captions.rows].tolist()


EXPECTED = [["a cat", "one cat"], ["a cat, asleep"] * 2, ["eine Dogge für alle"] * 2, ["a dog"] * 2]


def test_captions_attributes_and_classes(pets):
    dataset = load(pets, batch_size=4)
    assert phrasings(dataset) == EXPECTED
    assert dataset.attribute_names == {"fur": ("long", "none", "short"), "age": ("old", "young")}
    assert dataset.attributes.tolist() == [[2, 0], [0, 1], [1, 0], [2, 0]]
    assert dataset.labels.tolist() == [0, 0, 1, 1]
    batch = next(iter(dataset))
    assert batch.keys() == {"image", "label", "attributes", "text"}


def test_a_flat_folder(tmp_path):
    save_random(tmp_path, 2, 4, 4)
    write(tmp_path, "caption,source,file\none,web,000.png\ntwo,book,001.png\n")
    dataset = load(tmp_path, batch_size=2)
    assert phrasings(dataset) == [["one"], ["two"]]
    assert dataset.attributes is None and dataset.labels is None
    assert dataset.with_captions() is dataset


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_skipped_image_takes_its_caption_and_attributes_along(
    pets, monkeypatch, tmp_path, in_memory
):
    if not in_memory:
        monkeypatch.setattr(cache, "MEMORY_LIMIT_BYTES", 0)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    whole = load(pets, batch_size=1).images
    (pets / "cat" / "001.png").write_bytes(b"no image")
    for _ in range(2):
        dataset = load(pets, batch_size=1, skip_corrupt=True)
        np.testing.assert_array_equal(dataset.images, np.delete(whole, 1, axis=0))
        assert phrasings(dataset) == [EXPECTED[0], *EXPECTED[2:]]
        assert dataset.attributes.tolist() == [[2, 0], [1, 0], [2, 0]]


def test_changed_captions_are_another_content(pets):
    before = load(pets, batch_size=4)
    write(pets, CAPTIONS.replace("one cat", "some cat or other"))
    after = load(pets, batch_size=4)
    assert after.fingerprint != before.fingerprint
    assert "some cat or other" in after.captions.table


def test_the_mark_that_spreadsheets_put_first(pets):
    write(pets, CAPTIONS, encoding="utf-8-sig")
    assert phrasings(load(pets, batch_size=4)) == EXPECTED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CAPTIONS + "cat/7.png,a ghost\n", r"'cat/7\.png' in line 7.*no image"),
        (CAPTIONS.replace("dog/001.png,a dog\n", ""), r"no row for 1 of 4.*'dog/001\.png'"),
        (CAPTIONS.replace("one cat", "  "), r"empty caption in line 5.*'cat/000\.png'"),
        (CAPTIONS.replace("caption", "title"), r"columns file, caption.*Received: file, title"),
        (CAPTIONS.replace("file", "path"), r"columns file, caption.*Received: path, caption"),
        ("", "Received: an empty file"),
        ("file,caption\n", "no row for 4 of 4"),
        (CAPTIONS + '"', "not a CSV file"),
        (CAPTIONS.replace("a dog", "a dog, awake"), "more values than columns in line 2"),
    ],
)
def test_what_is_wrong_with_captions(pets, text, message):
    write(pets, text)
    with pytest.raises(InputError, match=rf"captions\.csv.*{message}") as error:
        load(pets, batch_size=4)
    assert "\n" not in str(error.value)


def test_captions_in_another_encoding(pets):
    write(pets, CAPTIONS, encoding="latin-1")
    with pytest.raises(InputError, match=r"captions\.csv.*not UTF-8.*Save it as UTF-8"):
        load(pets, batch_size=4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ATTRIBUTES + "cat/000.png,long,old\n", r"2 rows.*'cat/000\.png'"),
        (ATTRIBUTES.replace("long,young", "long"), r"empty age in line 3"),
        ("file\ncat/000.png\n", "Received: file"),
        (ATTRIBUTES.replace("fur", ""), "columns file, an attribute's name"),
    ],
)
def test_what_is_wrong_with_attributes(pets, text, message):
    write(pets, text, "attributes.csv")
    with pytest.raises(InputError, match=rf"attributes\.csv.*{message}") as error:
        load(pets, batch_size=4)
    assert "\n" not in str(error.value)
