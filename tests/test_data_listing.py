"""What a folder has and a data set leaves out: told, refused, or nobody's business."""

import os
import shutil
import warnings

import numpy as np
import pytest
from data_fixtures import random_pixels, save, save_random
from PIL import Image, features

from tfgan.data import load
from tfgan.data.listing import extensions
from tfgan.data.pairs import load_pairs
from tfgan.data.unpaired import load_unpaired_folder
from tfgan.errors import InputError, InputWarning


@pytest.fixture
def pets(tmp_path):
    """Two classes, cat and dog, of two images each."""
    for name in ("cat", "dog"):
        save_random(tmp_path / "pets" / name, 2, 4, 4)
    return tmp_path / "pets"


def told(folder, **options):
    """The one warning that loading a folder gives, and the data set."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = load(folder, batch_size=1, **options)
    assert all(warning.category is InputWarning for warning in caught)
    (message,) = (str(warning.message) for warning in caught)
    assert "\n" not in message and str(folder) in message
    return message, dataset


def quietly(folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load(folder, batch_size=1, **options)


def test_a_folder_of_images_alone_is_not_spoken_of(pets):
    assert quietly(pets).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "name",
    [
        *("Thumbs.db", ".DS_Store", "desktop.ini", "cat/Thumbs.db", "cat/.DS_Store"),
        *(".hidden.png", ".cache/a.png", "__MACOSX/cat/._000.png", "cat/.ipynb_checkpoints/a.png"),
    ],
)
def test_what_systems_leave_is_ignored(pets, name):
    (pets / name).parent.mkdir(parents=True, exist_ok=True)
    (pets / name).write_bytes(b"")
    assert quietly(pets).num_images == 4


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["cat/old/a.png"], ["1 image deeper", "'cat/old/a.png'"]),
        (["cat/old/a.png", "dog/x/y/b.PNG"], ["2 images deeper", "'cat/old/a.png'"]),
        (["cat/a.heic", "b.txt"], ["2 files of other kinds (.heic, .txt", "'b.txt'"]),
        (["cat/README"], ["1 file of other kinds (none", "'cat/README'"]),
        (["cat/captions.csv"], ["1 file of other kinds (.csv", "'cat/captions.csv'"]),
        ([f"{n}.k{n}" for n in range(6)], ["6 files of other kinds (.k0, .k1, .k2, .k3, ...;"]),
    ],
)
def test_what_is_left_out_of_classes_is_told(pets, names, words):
    for name in names:
        (pets / name).parent.mkdir(parents=True, exist_ok=True)
        (pets / name).write_bytes(b"?")
    message, dataset = told(pets)
    assert all(word in message for word in words), message
    assert dataset.class_names == ("cat", "dog") and dataset.num_images == 4


def test_an_empty_class_is_told(pets):
    (pets / "bird").mkdir()
    message, dataset = told(pets)
    assert "1 empty folder (such as 'bird')" in message
    assert dataset.class_names == ("cat", "dog") and dataset.labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "name", ["bird/big/a.png", "bird/a.heic", "bird/notes.txt", "train/bird/a.png"]
)
def test_a_class_without_an_image_of_its_own_is_refused(pets, name):
    (pets / name).parent.mkdir(parents=True)
    (pets / name).write_bytes(b"?")
    with pytest.raises(InputError, match=rf"no image of its own.*{name}") as error:
        load(pets, batch_size=1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "names",
    [
        ("train", "test"),
        ("Train", "Val", "TEST"),
        ("training", "validation"),
        ("trainA", "trainB", "testA", "testB"),
        ("train", "test", "cat"),
    ],
)
@pytest.mark.parametrize("below", ["", "cat"])
def test_splits_are_no_classes(tmp_path, names, below):
    for name in names:
        save(tmp_path / "set" / name / below / "a.png", random_pixels(4, 4))
    with pytest.raises(InputError, match="parts of a data set and no classes") as error:
        load(tmp_path / "set", batch_size=1)
    assert str(tmp_path / "set") in str(error.value)


@pytest.mark.parametrize("names", [("car", "train"), ("cat", "dog", "Test"), ("train",)])
def test_one_that_may_be_a_split_is_a_class_and_told(tmp_path, names):
    for name in names:
        save(tmp_path / name / "a.png", random_pixels(4, 4))
    message, dataset = told(tmp_path)
    assert dataset.class_names == tuple(sorted(names))
    (split,) = {*names} & {"train", "Test"}
    assert f"{split!r} is taken for a class" in message


def test_what_is_left_out_of_a_flat_folder_is_told(tmp_path):
    save_random(tmp_path / "flat", 2, 4, 4)
    save(tmp_path / "flat" / "a" / "b" / "c.png", random_pixels(4, 4))
    (tmp_path / "flat" / "list.txt").write_text("?")
    (tmp_path / "flat" / "empty").mkdir()
    message, dataset = told(tmp_path / "flat")
    for words in ("1 image deeper", "'a/b/c.png'", "1 file of other kinds", "1 empty folder"):
        assert words in message
    assert dataset.num_images == 2


def test_the_tables_are_no_other_files(pets):
    rows = [f"{name}/{index:03d}.png,x" for name in ("cat", "dog") for index in range(2)]
    (pets / "captions.csv").write_text("\n".join(["file,caption", *rows]))
    (pets / "attributes.csv").write_text("\n".join(["file,fur", *rows]))
    assert quietly(pets).captions is not None
    (pets / "Captions.csv").write_text("?")
    assert "'Captions.csv'" in told(pets)[0]


@pytest.mark.parametrize(
    "extension",
    [
        *("jfif", "jpe", "JpG", "PNG", "apng", "dib", "jp2", "j2k", "ppm", "pgm", "tga", "ico"),
        *("pcx", "sgi", "qoi", "webp", "avif"),
    ],
)
def test_every_kind_that_pillow_reads_is_taken(tmp_path, extension):
    kind = Image.registered_extensions()[f".{extension.lower()}"]
    if kind in ("AVIF", "WEBP", "JPEG2000") and not features.check(
        {"AVIF": "avif", "WEBP": "webp", "JPEG2000": "jpg_2000"}[kind]
    ):
        pytest.skip(f"this Pillow reads no {kind}")
    mode = "L" if extension == "pgm" else "RGB"
    image = Image.new(mode, (32, 32), "white")
    try:
        image.save(tmp_path / f"a.{extension}", format=kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {kind}")
    dataset = quietly(tmp_path)
    assert dataset.num_images == 1 and dataset.images.min() > 250


def test_what_is_no_image_of_pixels_is_none():
    for extension in (".h5", ".hdf", ".mpg", ".eps", ".pdf", ".grib", ".txt", ".npy", ".mp4"):
        assert extension not in extensions()


def test_a_folder_with_other_kinds_alone_says_which(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"?")
    with pytest.raises(InputError, match=r"no images in .*such as 'a\.heic'"):
        load(tmp_path, batch_size=1)


def test_links_are_followed_and_may_lead_back(pets, tmp_path):
    save_random(tmp_path / "elsewhere", 3, 4, 4)
    (pets / "bird").symlink_to(tmp_path / "elsewhere")
    (pets / "dog" / "link.png").symlink_to(tmp_path / "elsewhere" / "000.png")
    assert quietly(pets).labels.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    (pets / "cat" / "back").symlink_to(pets)
    assert quietly(pets).num_images == 8


def test_a_link_that_leads_nowhere_is_an_image_that_cannot_be_read(pets):
    (pets / "cat" / "gone.png").symlink_to(pets / "nowhere.png")
    with pytest.raises(InputError, match=r"gone\.png.*--skip-corrupt"):
        load(pets, batch_size=1)
    assert load(pets, batch_size=1, skip_corrupt=True).num_corrupt == 1


@pytest.mark.parametrize("name", ["pics.zip", "./pics.zip", "a.png"])
def test_a_file_is_no_folder(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    save_random(tmp_path / "pics", 1, 4, 4)
    shutil.make_archive("pics", "zip", "pics")
    save(tmp_path / "a.png", random_pixels(4, 4))
    for function in (load, load_pairs, load_unpaired_folder):
        with pytest.raises(InputError, match=r"is a file, not a folder .* unpack it"):
            function(name, 1)


def test_what_is_left_out_of_pairs_and_domains_is_told(tmp_path):
    for name in ("train", "trainA", "trainB"):
        save_random(tmp_path / name, 2, 4, 8)
        (tmp_path / name / "a.heic").write_bytes(b"?")
        save(tmp_path / name / "more" / "b" / "c.png", np.zeros((4, 8)))
    for function, num in ((load_pairs, 1), (load_unpaired_folder, 2)):
        with pytest.warns(InputWarning, match=r"1 image deeper.*\.heic") as caught:
            function(tmp_path, 1)
        assert len({str(each.message) for each in caught}) == num


def test_a_command_tells_it_in_one_line(pets, capsys):
    from tfgan.cli.parser import run

    (pets / "notes.txt").write_text("?")

    def command(arguments):
        load(arguments, 1)
        load(arguments, 1)
        return 0

    assert run(command, pets) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("note: ") and "notes.txt" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_image_that_may_not_be_read_is_named(pets):
    (pets / "cat" / "000.png").chmod(0)
    with pytest.raises(InputError, match=r"000\.png"):
        load(pets, batch_size=1)
