"""`python -m tfgan.generate --interpolate`: a GIF that passes the seeds' images and repeats."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageSequence

import tfgan
from tfgan import generate
from tfgan.latent import animation
from tfgan.latent.generator import LatentGenerator

SIDE = 8


@pytest.fixture
def model_folder(exported_gan):
    return exported_gan[1]


def test_the_gif_passes_the_images_of_the_seeds(model_folder, tmp_path, capsys):
    out = tmp_path / "new" / "walk.gif"
    flags = [str(model_folder), "--interpolate", "3", "--seed", "5", "--out", str(out)]
    assert generate.main(flags) == 0
    assert capsys.readouterr().out == f"48 images of {model_folder / '1'} -> {out}\n"
    with Image.open(out) as gif:
        assert gif.info["loop"] == 0 and gif.info["duration"] == animation.MILLISECONDS
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(gif)]
    assert len(frames) == 3 * animation.FRAMES and frames[0].shape == (20 * SIDE, 20 * SIDE)
    model = tf.saved_model.load(str(model_folder / "1"))
    images = model.signatures["from_seeds"](seeds=tf.range(5, 8, dtype=tf.int64))["images"]
    for index, image in enumerate(np.rint(images[..., 0] * 255)):
        shown = frames[index * animation.FRAMES][10::20, 10::20]
        assert np.abs(shown - image).max() <= 1
    # No step is a jump, that from the last image to the first as little as the others.
    steps = [
        np.abs(frame.astype(int) - frames[index - 1]).mean() for index, frame in enumerate(frames)
    ]
    apart = np.abs(frames[0].astype(int) - frames[animation.FRAMES]).mean()
    assert 0 < max(steps) < 0.5 * apart


@pytest.mark.parametrize("suffix", [".json", ".npy", ".npz"])
def test_latents_of_a_file_are_drawn(suffix, model_folder, tmp_path, capsys):
    latents = np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32)
    path = tmp_path / f"latent{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps(latents.tolist()))
    else:
        np.save(path, latents) if suffix == ".npy" else np.savez(path, latents=latents, other=1)
    flags = ["--latents", str(path), "--format", "png-folder", "--out", str(tmp_path / "drawn")]
    assert generate.main([str(model_folder), *flags]) == 0
    assert capsys.readouterr().out.startswith("3 images of ")
    model = tf.saved_model.load(str(model_folder / "1"))
    images = model.signatures["serving_default"](latents=tf.constant(latents))["images"]
    for index, image in enumerate(np.rint(images[..., 0] * 255)):
        with Image.open(tmp_path / "drawn" / f"{index:06d}.png") as opened:
            assert np.abs(np.asarray(opened).astype(int) - image).max() <= 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[[1, 2, 3, 4, 5]]", "takes latents (None, 6). Received: (1, 5)"),
        ("[1, 2, 3, 4, 5, 6]", "list of vectors"),
        ("[[1, 2, 3, 4, 5, NaN]]", "finite numbers"),
        ("[]", "list of vectors"),
        ("[[1], [1, 2]]", "no latents"),
        ("{", "no latents"),
        (None, "no latents"),
    ],
)
def test_files_without_such_latents_are_refused(content, words, model_folder, tmp_path, capsys):
    path = tmp_path / "latent.json"
    if content is not None:
        path.write_text(content)
    out = tmp_path / "x.png"
    assert generate.main([str(model_folder), "--latents", str(path), "--out", str(out)]) == 2
    errors = capsys.readouterr().err
    assert words in errors and errors.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(("suffix", "content"), [(".npz", b"PK\x03\x04 cut off"), (".npy", b"")])
def test_damaged_files_of_latents_are_refused(suffix, content, model_folder, tmp_path, capsys):
    path = tmp_path / f"latent{suffix}"
    path.write_bytes(content)
    assert generate.main([str(model_folder), "--latents", str(path)]) == 2
    errors = capsys.readouterr().err
    assert "no latents" in errors and errors.count("\n") == 1


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_of_any_channels_are_written(channels, tmp_path):
    pixels = np.full((2, 4, 6, channels), 200, np.uint8)
    pixels[1] //= 2
    pixels[..., 3:] = [[[[0]]], [[[255]]]]
    animation.write_gif(pixels, tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as gif:
        assert gif.size == (6 * 27, 4 * 27)
        shown = [np.asarray(frame.convert("RGB"))[0, 0] for frame in ImageSequence.Iterator(gif)]
    # What is transparent lies on the gray of the grids.
    expected = [200 if channels < 4 else 128, 100]
    assert [pixel.tolist() for pixel in shown] == [[value] * 3 for value in expected]


@pytest.mark.slow
def test_each_way_shows_its_condition(tmp_path):
    condition = tfgan.LabelCondition(3, ["dark", "grey", "light"])
    gan = tfgan.ConditionalGAN(
        tfgan.dense_generator((SIDE, SIDE, 1), 4, 2, condition.encoder(), "concatenation"),
        tfgan.dense_discriminator((SIDE, SIDE, 1), 2, condition.encoder()),
        condition,
    )
    for variable in gan.ema_generator.trainable_variables:
        variable.assign(20 * variable)
    version, _ = tfgan.export_saved_model(gan, tmp_path / "conditional")
    pixels = animation.walk(LatentGenerator.load(version), [3, 4], {"labels": [0, 2]}, frames=2)
    asked = gan.generate([3, 4], [0, 2])
    assert pixels.shape == (4, SIDE, SIDE, 1)
    np.testing.assert_allclose(pixels[::2], np.rint(asked * 255), atol=1)
    command = [
        str(tmp_path / "conditional"),
        "--interpolate",
        "2",
        "--out",
        str(tmp_path / "x.gif"),
    ]
    assert generate.main(command) == 2
    assert generate.main([*command, "--text", "a light one"]) == 2
    assert generate.main([*command, "--label", "0:1"]) == 2
    assert generate.main([*command, "--label", "dark,light"]) == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--num", "4"], "no --num"),
        (["--format", "npz"], "of --format grid"),
        (["--latents", "x.json"], "leave --interpolate and --seed out"),
        (["--out", "walk.png"], "must end in .gif for --interpolate"),
    ],
)
def test_flags_that_a_walk_does_not_use_are_refused(flags, words, capsys):
    with pytest.raises(SystemExit) as exited:
        generate.parse(["model", "--interpolate", "3", *flags])
    assert exited.value.code == 2
    assert words in capsys.readouterr().err


def test_a_walk_is_between_two_seeds_at_least_and_of_a_folder(capsys):
    for model, num in (("model", "1"), ("http://localhost:8501/v1/models/m", "3")):
        with pytest.raises(SystemExit) as exited:
            generate.parse([model, "--interpolate", num])
        assert exited.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
