"""Images are told apart by what they hold, not by where they lie or when they were written."""

import os
import shutil

import numpy as np
import pytest
from data_fixtures import random_pixels, save, save_random

from tfgan.data import contents, load
from tfgan.data.contents import hashes_of
from tfgan.data.pairs import load_pairs
from tfgan.data.unpaired import load_unpaired, load_unpaired_folder


@pytest.fixture(autouse=True)
def cache_root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # As if all files had been there for long.
    monkeypatch.setattr(contents, "_SETTLED_NS", 0)
    return tmp_path / "cache" / "tfgan"


@pytest.fixture
def root(tmp_path):
    """A folder that every loader can load."""
    for name in ("train", "trainA", "trainB"):
        save_random(tmp_path / "set" / name, 3, 4, 8)
    return tmp_path / "set"


@pytest.fixture
def hashed(monkeypatch):
    """Records which files are read to be hashed."""
    read, names = contents._hash, []

    def recorded(file):
        names.append(file.name)
        return read(file)

    monkeypatch.setattr(contents, "_hash", recorded)
    return names


LOADERS = {
    "flat": lambda root: load(root / "trainA", 1),
    "pairs": lambda root: load_pairs(root, 1),
    "domains": lambda root: load_unpaired_folder(root, 1),
    "variants": lambda root: load_unpaired(root / "trainA", f"{root}/trainB:inverted", 1),
}


def zipped_elsewhere(root):
    archive = shutil.make_archive(str(root.with_name("archive")), "zip", root)
    shutil.unpack_archive(archive, root.with_name("elsewhere"))
    return root.with_name("elsewhere")


def touched(root):
    for file in root.rglob("*.png"):
        os.utime(file, ns=(1, 1))
    return root


MOVES = {
    "moved": lambda root: root.rename(root.with_name("elsewhere")),
    "copied": lambda root: shutil.copytree(root, root.with_name("elsewhere")),
    "linked": lambda root: linked(root, root.with_name("elsewhere")),
    "zipped": zipped_elsewhere,
    "touched": touched,
}


def linked(root, link):
    link.symlink_to(root)
    return link


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("loader", LOADERS)
def test_the_fingerprint_is_that_of_contents(root, loader, move):
    before = LOADERS[loader](root)
    after = LOADERS[loader](MOVES[move](root))
    assert after.fingerprint == before.fingerprint
    assert [each.contents for each in after.decoded] == [each.contents for each in before.decoded]
    # What earlier versions compared does change, but for a link, which they saw through.
    assert (after.former_fingerprint == before.former_fingerprint) == (move == "linked")


CHANGES = {
    "a pixel": lambda part: save(part / "001.png", random_pixels(4, 8, seed=77)),
    "one more": lambda part: save(part / "new.png", random_pixels(4, 8)),
    "one less": lambda part: (part / "001.png").unlink(),
    "a name": lambda part: (part / "001.png").rename(part / "zzz.png"),
    "an order": lambda part: exchange(part / "000.png", part / "001.png"),
}


def exchange(first, second):
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("loader", LOADERS)
def test_what_changes_the_images_changes_the_fingerprint(root, loader, change):
    before = LOADERS[loader](root).fingerprint
    CHANGES[change](root / ("train" if loader == "pairs" else "trainA"))
    assert LOADERS[loader](root).fingerprint != before


def test_the_same_size_and_time_are_not_the_same_image(root):
    image = root / "trainA" / "000.png"
    before, status = load(root / "trainA", 1), image.stat()
    damaged = bytearray(image.read_bytes())
    save(image, np.zeros((4, 8)))
    image.write_bytes(image.read_bytes().ljust(len(damaged), b"\0"))
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert image.stat().st_size == status.st_size
    after = load(root / "trainA", 1)
    assert after.fingerprint != before.fingerprint and after.images[0].max() == 0


def test_captions_are_part_of_it(root):
    rows = "\n".join(f"{index:03d}.png,x" for index in range(3))
    (root / "trainA" / "captions.csv").write_text(f"file,caption\n{rows}")
    before = load(root / "trainA", 1)
    assert "captions.csv" in before.contents
    (root / "trainA" / "captions.csv").write_text(f"file,caption\n{rows}y")
    assert load(root / "trainA", 1).fingerprint != before.fingerprint


def test_options_of_decoding_are_no_part_of_it(root):
    plain = load(root / "trainA", 1)
    for options in ({"channels": 1}, {"image_size": (4, 8)}, {"skip_corrupt": True}, {"seed": 3}):
        assert load(root / "trainA", 1, **options).fingerprint == plain.fingerprint


def test_a_second_start_reads_nothing_to_hash(root, hashed):
    load(root / "trainA", 1)
    assert sorted(hashed) == ["000.png", "001.png", "002.png"]
    load(root / "trainA", 1)
    assert len(hashed) == 3
    os.utime(root / "trainA" / "001.png", ns=(1, 1))
    load(root / "trainA", 1)
    assert hashed[3:] == ["001.png"]


def test_what_was_written_just_now_is_read_again(root, hashed, monkeypatch):
    monkeypatch.setattr(contents, "_SETTLED_NS", 10**12)
    for _ in range(2):
        load(root / "trainA", 1)
    assert len(hashed) == 6


@pytest.mark.parametrize(
    "rubbish", ["", "{", "[]", "null", '{"000.png": 3}', '{"000.png": [[1], 2]}']
)
def test_a_damaged_memory_is_none(root, cache_root, hashed, rubbish):
    before = load(root / "trainA", 1)
    (memory,) = (cache_root / "hashes").iterdir()
    memory.write_text(rubbish)
    assert load(root / "trainA", 1).fingerprint == before.fingerprint
    assert len(hashed) == 6
    load(root / "trainA", 1)
    assert len(hashed) == 6


def test_a_cache_that_cannot_be_written_costs_time_alone(root, cache_root, hashed):
    cache_root.parent.mkdir(parents=True)
    cache_root.write_text("a file where the folder should be")
    assert load(root / "trainA", 1).num_images == 3
    assert hashes_of(root, [root / "trainA" / "gone.png"]) == {"trainA/gone.png": ""}
