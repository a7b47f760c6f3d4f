"""`python -m tfgan.generate --input` on SavedModels whose answer is known."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from server_process import STAND_IN, running

from tfgan import generate
from tfgan.data.image_files import to_array
from tfgan.inference import image_files

SIDE = 8


def export(folder, **signatures):
    """Writes a SavedModel of functions, each with the shapes of its inputs by their names."""
    module = tf.Module()
    module.functions = {name: giving_images(*one) for name, one in signatures.items()}
    tf.saved_model.save(module, str(folder / "1"), signatures=dict(module.functions))
    return folder


def giving_images(function, shapes):
    specs = [tf.TensorSpec([None, *shape], tf.float32, key) for key, shape in shapes.items()]
    return tf.function(lambda *values: {"images": function(*values)}, specs, autograph=False)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folders of a color negative, a filler with gray, a CycleGAN, and of what takes no files.

    The last are a negative of images of any size, and one of latents.
    """
    folder = tmp_path_factory.mktemp("models")
    color, gray = ({"images": (SIDE, SIDE, channels)} for channels in (3, 1))
    forth, back = (lambda images: 1 - images), (lambda images: images / 2)
    return {
        "negative": export(folder / "negative", serving_default=(forth, color)),
        "filler": export(
            folder / "filler",
            serving_default=(
                lambda images, masks: images * (1 - masks) + 0.2 * masks,
                {**gray, "masks": (SIDE, SIDE, 1)},
            ),
        ),
        "cyclegan": export(
            folder / "cyclegan",
            serving_default=(forth, color),
            a_to_b=(forth, color),
            b_to_a=(back, color),
        ),
        "any size": export(
            folder / "any_size", serving_default=(forth, {"images": (None, None, 3)})
        ),
        "latents": export(
            folder / "latents",
            serving_default=(lambda x: tf.reshape(x, (-1, 2, 2, 1)), {"latents": (4,)}),
        ),
    }


def photo(path, size=(20, 30), mode="RGB", **options):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4), np.uint8)
    image = Image.fromarray(pixels).convert(mode).resize(size, Image.Resampling.BICUBIC)
    path.parent.mkdir(exist_ok=True)
    image.save(path, **options)
    return path


def fitted(path, channels=3):
    with Image.open(path) as image:
        return to_array(image, (SIDE, SIDE, channels))


def pixels_of(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def run(*arguments):
    assert generate.main([str(argument) for argument in arguments]) == 0


def refusal(capfd, *arguments):
    """The line with which the command refuses its arguments."""
    try:
        status = generate.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = stop.code
    output, errors = capfd.readouterr()
    assert (status, output) == (2, "")
    assert errors.startswith("error: ") and errors.count("\n") == 1
    return errors


@pytest.mark.parametrize(
    ("name", "mode", "size", "note"),
    [
        ("same.png", "RGB", (SIDE, SIDE), None),
        ("photo.jpg", "RGB", (20, 30), "20x30 -> 8x8"),
        ("wide.bmp", "RGB", (31, 9), "31x9 -> 8x8"),
        ("grey.webp", "L", (SIDE, SIDE), None),
        ("grey.tif", "L", (20, 30), "20x30 -> 8x8, gray -> color"),
        ("clear.png", "RGBA", (SIDE, SIDE), "color with transparency -> color"),
    ],
)
def test_one_image_of_any_size_and_color(name, mode, size, note, models, tmp_path, capsys):
    source = photo(tmp_path / name, size, mode)
    out = tmp_path / "new" / "out.png"
    run(models["negative"], "--input", source, "--out", out)
    expected = fitted(source)
    if mode == "RGBA":
        with Image.open(source) as image:
            color, opacity = np.split(np.asarray(image) / 255, [3], axis=-1)
            expected = np.rint(255 * (color * opacity + 1 - opacity))
    assert np.abs(pixels_of(out) - (255.0 - expected)).max() <= 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"{source} by {models['negative'] / '1'} -> {out}"
    assert lines[:-1] == ([f"{name}: {note}"] if note else [])


def test_an_image_is_turned_as_its_camera_says(models, tmp_path, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6
    source = photo(tmp_path / "turned.jpg", (20, 30), exif=exif)
    run(models["negative"], "--input", source, "--out", tmp_path / "out.png")
    np.testing.assert_array_equal(pixels_of(tmp_path / "out.png"), 255 - fitted(source))
    assert "turned.jpg: 30x20 -> 8x8\n" in capsys.readouterr().out


def test_a_folder_becomes_a_folder(models, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(image_files, "BATCH_SIZE", 2)
    folder = tmp_path / "photos"
    sources = [photo(folder / f"{index}.jpg") for index in range(4)]
    sources.append(photo(folder / "small.png", (SIDE, SIDE)))
    (folder / "notes.txt").write_text("no picture")
    out = tmp_path / "out"
    out.mkdir()
    run(models["negative"], "--input", folder, "--out", out)
    assert sorted(path.name for path in out.iterdir()) == [
        *(f"{index}.png" for index in range(4)),
        "small.png",
    ]
    for source in sources:
        np.testing.assert_array_equal(pixels_of(out / f"{source.stem}.png"), 255 - fitted(source))
    assert capsys.readouterr().out.splitlines() == [
        "4 images: 20x30 -> 8x8",
        f"5 images of {folder} by {models['negative'] / '1'} -> {out}",
    ]
    assert "not an empty folder" in refusal(
        capsys, models["negative"], "--input", folder, "--out", out
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photos"]


def test_the_direction_of_a_cyclegan(models, tmp_path):
    source = photo(tmp_path / "a.png")
    for flags, expected in (
        ([], 255 - fitted(source)),
        (["--direction", "AtoB"], 255 - fitted(source)),
        (["--direction", "BtoA"], fitted(source) / 2),
    ):
        run(models["cyclegan"], "--input", source, *flags, "--out", tmp_path / "out.png")
        assert np.abs(pixels_of(tmp_path / "out.png") - expected).max() <= 0.5


def test_holes_are_filled_where_masks_are_white(models, tmp_path):
    folder, masks = tmp_path / "photos", tmp_path / "masks"
    sources = [photo(folder / f"{index}.png", (16, 16), "L") for index in range(2)]
    masks.mkdir()
    for index in range(2):
        mask = Image.new("L", (16, 16))
        mask.paste(255, (0, 0, 16, 8) if index else (0, 0, 8, 16))
        mask.save(masks / f"{index}.webp", lossless=True)
    run(models["filler"], "--input", folder, "--mask", masks, "--out", tmp_path / "out")
    for index, source in enumerate(sources):
        expected = fitted(source, 1)[..., 0].copy()
        expected[np.index_exp[:4] if index else np.index_exp[:, :4]] = 51
        np.testing.assert_array_equal(pixels_of(tmp_path / "out" / f"{index}.png"), expected)
    one = ["--input", sources[1], "--out", tmp_path / "one.png"]
    for mask in (masks, masks / "1.webp"):
        run(models["filler"], *one, "--mask", mask)
        np.testing.assert_array_equal(pixels_of(tmp_path / "one.png"), expected)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--input", "a.png", "--seed", "0"], "--seed cannot go with --input"),
        (["--input", "a.png", "--num", "4", "--label", "1"], "--num, --label cannot go with"),
        (["--input", "a.png", "--text", "dog", "--format", "npz"], "--text, --format cannot go"),
        (["--mask", "a.png"], "--mask can only go with --input"),
        (["--direction", "BtoA"], "--direction can only go with --input"),
        (["--input", "a.png", "--direction", "AtoC"], "AtoC"),
    ],
)
def test_flags_that_do_not_go_together(flags, words, capfd):
    assert words in refusal(capfd, "model", *flags)


@pytest.mark.parametrize(
    ("model", "flags", "words"),
    [
        ("negative", [], "by tfgan.generate --input"),
        ("latents", ["--input", "{photo}"], "translates no images"),
        ("any size", ["--input", "{photo}"], "of one size, but (None, None, 3)"),
        ("negative", ["--input", "{photo}", "--mask", "{photo}"], "leave --mask out"),
        ("negative", ["--input", "{photo}", "--direction", "AtoB"], "leave --direction out"),
        ("filler", ["--input", "{photo}"], "pass --mask"),
        ("filler", ["--input", "{photo}", "--mask", "absent.png"], "there is no mask absent.png"),
        (
            "filler",
            ["--input", "{photo}", "--mask", "{small}"],
            "Received: 4x4 for {small}, 20x30 for {photo}",
        ),
        ("filler", ["--input", "{photo}", "--mask", "{masks}"], "no mask for photo.png in"),
        ("negative", ["--input", "absent.png"], "there is no image absent.png"),
        ("negative", ["--input", "{corrupt}"], "the image {corrupt} cannot be read"),
        ("negative", ["--input", "{mixed}"], "{mixed}/corrupt.jpg cannot be read"),
        ("negative", ["--input", "{twice}"], "2 images of one name: a.jpg, a.png"),
        ("negative", ["--input", "{empty}"], "no images in the folder {empty}"),
        ("negative", ["--input", "{photo}", "--out", "out.jpg"], "must end in .png"),
        ("negative", ["--input", "{photo}", "--out", "{photo}"], "is the image itself"),
    ],
)
def test_what_cannot_be_translated_is_told_in_one_line(
    model, flags, words, models, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    places = {
        "photo": photo(tmp_path / "photo.png"),
        "small": photo(tmp_path / "small.png", (4, 4)),
        "corrupt": tmp_path / "corrupt.jpg",
        **{name: tmp_path / name for name in ("mixed", "twice", "empty", "masks")},
    }
    whole = photo(tmp_path / "whole.jpg").read_bytes()
    places["corrupt"].write_bytes(whole[: len(whole) // 2])
    photo(tmp_path / "mixed" / "a.png")
    (tmp_path / "mixed" / "corrupt.jpg").write_bytes(whole[: len(whole) // 2])
    for name in ("a.png", "a.jpg"):
        photo(tmp_path / "twice" / name)
    places["empty"].mkdir()
    photo(places["masks"] / "other.png")
    before = sorted(tmp_path.rglob("*"))
    answer = refusal(capfd, models[model], *(flag.format(**places) for flag in flags))
    assert words.format(**places) in answer
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_an_address_like_a_folder(models, tmp_path, capfd):
    source, mask = photo(tmp_path / "a.png", mode="L"), tmp_path / "mask.png"
    Image.new("L", (20, 30), 255).save(mask)
    for name, flags in {
        "negative": [],
        "cyclegan": ["--direction", "BtoA"],
        "filler": ["--mask", mask],
    }.items():
        serving = [f"--model_name={name}", f"--model_base_path={models[name]}"]
        with running(STAND_IN, name, *serving) as (_, _, port):
            url = f"http://localhost:{port}/v1/models/{name}"
            for model, out in ((url, "far.png"), (models[name], "near.png")):
                run(model, "--input", source, *flags, "--out", tmp_path / out)
            capfd.readouterr()
            if name == "negative":
                assert "leave --mask out" in refusal(capfd, url, "--input", source, "--mask", mask)
        np.testing.assert_array_equal(
            pixels_of(tmp_path / "far.png"), pixels_of(tmp_path / "near.png")
        )
