"""Data sets beyond the memory limit: decoded once, memory-mapped, safe against interruption."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
from data_fixtures import random_pixels, save, save_random

from tfgan.data import cache, image_files, load
from tfgan.errors import InputError


@pytest.fixture(autouse=True)
def cache_root(tmp_path, monkeypatch):
    """Makes every data set too large for memory, and caches it where the test can look."""
    monkeypatch.setattr(cache, "MEMORY_LIMIT_BYTES", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tfgan"


@pytest.fixture
def folder(tmp_path):
    for name in ("cat", "dog"):
        save_random(tmp_path / "pets" / name, 5, 6, 4, 3)
    return tmp_path / "pets"


@pytest.fixture
def passes(monkeypatch):
    """Records every pass over the images, and over how many of them."""
    calls = []

    def recorded(name, function):
        def call(found, total, *rest):
            calls.append((name, total))
            return function(found, total, *rest)

        return call

    for name in ("survey", "decode"):
        monkeypatch.setattr(image_files, name, recorded(name, getattr(image_files, name)))
    return calls


def caches(cache_root):
    return [path for path in cache_root.glob("*") if path.is_dir() and path.name != "hashes"]


def test_memory_map_equals_memory(folder, monkeypatch):
    mapped = load(folder, batch_size=3, seed=4)
    monkeypatch.setattr(cache, "MEMORY_LIMIT_BYTES", 2**30)
    shutil.rmtree(mapped.cache_path)
    held = load(folder, batch_size=3, seed=4)
    assert isinstance(mapped.images, np.memmap) and not mapped.images.flags.writeable
    assert not isinstance(held.images, np.memmap) and held.cache_path is None
    assert mapped.batches().element_spec == held.batches().element_spec
    for a, b in islice(zip(mapped.batches(2), held.batches(2)), 8):
        np.testing.assert_array_equal(a["image"], b["image"])
        np.testing.assert_array_equal(a["label"], b["label"])


def test_cache_is_reused(folder, cache_root, passes):
    first, again = (load(folder, batch_size=3) for _ in range(2))
    assert passes == [("survey", 10), ("decode", 10)]
    assert first.cache_path == again.cache_path and caches(cache_root) == [first.cache_path]
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert again.class_names == ("cat", "dog")


def test_digits_are_cached_too():
    assert load("digits", batch_size=3).cache_path.name.startswith("digits-")


def test_changed_file_invalidates_the_cache(folder, passes):
    load(folder, batch_size=3)
    changed = folder / "cat" / "000.png"
    os.utime(changed, ns=(0, 0))
    load(folder, batch_size=3)
    assert passes.count(("decode", 10)) == 1, "its content is the same"
    save(changed, np.zeros((6, 4, 3)))
    os.utime(changed, ns=(0, 0))
    assert load(folder, batch_size=3).images[0].max() == 0
    save(folder / "dog" / "new.png", random_pixels(6, 4, 3))
    assert load(folder, batch_size=3).num_images == 11


def test_two_processes_at_once_decode_once(folder, passes, monkeypatch):
    both_found_no_cache, survey = threading.Barrier(2, timeout=30), image_files.survey

    def survey_together(*arguments):
        both_found_no_cache.wait()
        return survey(*arguments)

    monkeypatch.setattr(image_files, "survey", survey_together)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: load(folder, batch_size=3), range(2))
    assert passes.count(("decode", 10)) == 1
    np.testing.assert_array_equal(first.images, second.images)


def test_other_size_is_another_cache(folder):
    assert load(folder, batch_size=3, image_size=8).image_shape == (8, 8, 3)
    assert load(folder, batch_size=3, image_size=4).image_shape == (4, 4, 3)


def test_skipped_images_are_counted_from_the_cache_too(folder, passes):
    whole = load(folder, batch_size=3).images
    (folder / "cat" / "001.png").write_bytes((folder / "cat" / "001.png").read_bytes()[:-40])
    for _ in range(2):
        dataset = load(folder, batch_size=3, skip_corrupt=True)
        assert dataset.num_corrupt == 1
        assert dataset.labels.tolist() == [0] * 4 + [1] * 5
        np.testing.assert_array_equal(dataset.images, np.delete(whole, 1, axis=0))
    assert passes[2:] == [("survey", 10), ("decode", 10)]


def test_corrupt_image_leaves_no_cache(folder, cache_root):
    (folder / "dog" / "004.png").write_bytes((folder / "dog" / "004.png").read_bytes()[:-40])
    with pytest.raises(InputError, match=r"004\.png"):
        load(folder, batch_size=3)
    assert caches(cache_root) == []


def test_full_disk_is_told_before_writing(folder, cache_root, passes, monkeypatch):
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10 * 6 * 4 * 3 - 1))
    with pytest.raises(InputError, match=r"need .* GiB .*tfgan.* free.*XDG_CACHE_HOME") as error:
        load(folder, batch_size=3)
    assert "\n" not in str(error.value)
    assert passes == [("survey", 10)] and caches(cache_root) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10 * 6 * 4 * 3))
    load(folder, batch_size=3)


def test_disk_that_fills_up_while_writing_leaves_no_cache(folder, cache_root, monkeypatch):
    def disk_full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", disk_full)
        with pytest.raises(InputError, match=r"No space left on device.*XDG_CACHE_HOME"):
            load(folder, batch_size=3)
    assert caches(cache_root) == []
    assert load(folder, batch_size=3).num_images == 10


def test_killed_process_leaves_no_valid_cache(folder, cache_root):
    program = f"""
import os, signal
from tfgan.data import cache, load
cache.MEMORY_LIMIT_BYTES = 0
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
load({str(folder)!r}, batch_size=3)
"""
    result = subprocess.run([sys.executable, "-c", program])
    assert result.returncode == -signal.SIGKILL
    leftover = caches(cache_root)
    assert [path.name.startswith(".writing-") for path in leftover] == [True]
    dataset = load(folder, batch_size=3)
    assert dataset.num_images == 10
    assert caches(cache_root) == [dataset.cache_path]


DAMAGE = {
    "empty labels": lambda folder: (folder / "labels.npy").write_bytes(b""),
    "no labels": lambda folder: (folder / "labels.npy").unlink(),
    "labels of zeros": lambda folder: zero(folder / "labels.npy"),
    "too few labels": lambda folder: np.save(folder / "labels.npy", np.zeros(3, np.int32)),
    "labels of another type": lambda folder: np.save(folder / "labels.npy", np.zeros(10)),
    "no attributes": lambda folder: (folder / "attributes.npy").unlink(),
    "empty attributes": lambda folder: (folder / "attributes.npy").write_bytes(b""),
    "no captions": lambda folder: (folder / "captions.npy").unlink(),
    "half of the images": lambda folder: halve(folder / "images.npy"),
    "empty images": lambda folder: (folder / "images.npy").write_bytes(b""),
    "images of zeros": lambda folder: zero(folder / "images.npy"),
    "rubbish for images": lambda folder: (folder / "images.npy").write_bytes(b"rubbish" * 99),
    "no images": lambda folder: (folder / "images.npy").unlink(),
    "nothing": lambda folder: [file.unlink() for file in folder.iterdir()],
}


def zero(file):
    file.write_bytes(bytes(file.stat().st_size))


def halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.fixture
def annotated(folder):
    """A folder whose images have labels, attributes and captions."""
    names = [file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*.png"))]
    rows = [f"{name},{index % 3}" for index, name in enumerate(names)]
    (folder / "captions.csv").write_text("\n".join(["file,caption", *rows]))
    (folder / "attributes.csv").write_text("\n".join(["file,fur", *rows]))
    return folder


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_made_anew(annotated, cache_root, passes, damage):
    whole = load(annotated, batch_size=3)
    expected = np.array(whole.images)
    DAMAGE[damage](whole.cache_path)
    for _ in range(2):
        mended = load(annotated, batch_size=3)
        np.testing.assert_array_equal(mended.images, expected)
        np.testing.assert_array_equal(mended.labels, whole.labels)
        np.testing.assert_array_equal(mended.attributes, whole.attributes)
        np.testing.assert_array_equal(mended.captions.rows, whole.captions.rows)
    assert passes.count(("decode", 10)) == 2
    assert caches(cache_root) == [mended.cache_path]


def test_a_damaged_cache_of_what_fits_into_memory_does_not_matter(folder, monkeypatch):
    whole = load(folder, batch_size=3)
    expected = np.array(whole.images)
    (whole.cache_path / "labels.npy").write_bytes(b"")
    monkeypatch.setattr(cache, "MEMORY_LIMIT_BYTES", 2**30)
    np.testing.assert_array_equal(load(folder, batch_size=3).images, expected)


def test_what_another_process_is_writing_is_not_taken_for_the_cache(folder, tmp_path, passes):
    cache_path = load(folder, batch_size=3).cache_path
    # Of the same images, under the name that their folder has there.
    unfinished = cache_path.rename(cache_path.with_name(f".writing-0123abcd-{cache_path.name}"))
    folder.rename(tmp_path / "animals")
    moved = load(tmp_path / "animals", batch_size=3)
    assert moved.cache_path.name.startswith("animals-") and passes.count(("decode", 10)) == 2
    assert unfinished.is_dir()


def test_a_folder_that_was_moved_keeps_its_cache(folder, tmp_path, passes):
    first = load(folder, batch_size=3)
    folder.rename(tmp_path / "animals")
    moved = load(tmp_path / "animals", batch_size=3)
    assert moved.cache_path == first.cache_path and passes.count(("decode", 10)) == 1
    assert moved.name == "animals" and moved.fingerprint == first.fingerprint


def test_channels_are_another_cache(folder):
    assert load(folder, batch_size=3).image_shape == (6, 4, 3)
    assert load(folder, batch_size=3, channels=1).image_shape == (6, 4, 1)
    assert load("digits", batch_size=3).image_shape == (8, 8, 1)
    assert load("digits", batch_size=3, channels=3).image_shape == (8, 8, 3)
