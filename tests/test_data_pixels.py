"""Every kind of pixel that a file can have: brought to 8 bits by a rule, or refused."""

import io
import warnings

import numpy as np
import pytest
import tensorflow_datasets as tfds
from data_fixtures import encoded, random_pixels, save
from PIL import Image

from tfgan.data import image_files, load
from tfgan.errors import InputError, InputWarning
from tfgan.evaluation import inputs
from tfgan.inference.image_files import read
from tfgan.metrics.extractors import rounded

RED, GREY = (255, 0, 0), 100
SIDE = (4, 4)


def palette(**info):
    image = Image.new("P", SIDE, 0)
    image.putpalette([*RED] * 256)
    image.info.update(info)
    return image


def laid_on_white(color, alpha):
    return round((alpha * color + (255 - alpha) * 255) / 255)


# What an image of each of Pillow's modes is as RGBA. Conversions between spaces of color round.
MODES = {
    "1": (Image.new("1", SIDE, 1), [255, 255, 255, 255]),
    "L": (Image.new("L", SIDE, GREY), [GREY, GREY, GREY, 255]),
    "LA": (Image.new("LA", SIDE, (GREY, 51)), [GREY, GREY, GREY, 51]),
    # Multiplied by its opacity: 20 of 51 is 100 of 255.
    "La": (Image.new("La", SIDE, (20, 51)), [GREY, GREY, GREY, 51]),
    "P": (palette(), [*RED, 255]),
    "P, transparent": (palette(transparency=0), [*RED, 0]),
    "P, half transparent": (palette(transparency=bytes([128])), [*RED, 128]),
    "PA": (palette().convert("PA"), [*RED, 255]),
    "RGB": (Image.new("RGB", SIDE, RED), [*RED, 255]),
    "RGBA": (Image.new("RGBA", SIDE, (*RED, 51)), [*RED, 51]),
    "RGBa": (Image.new("RGBa", SIDE, (51, 0, 0, 51)), [*RED, 51]),
    "RGBX": (Image.new("RGBX", SIDE, (*RED, 0)), [*RED, 255]),
    "CMYK": (Image.new("CMYK", SIDE, (0, 255, 255, 0)), [*RED, 255]),
    "YCbCr": (Image.new("RGB", SIDE, RED).convert("YCbCr"), [254, 0, 0, 255]),
    "HSV": (Image.new("RGB", SIDE, RED).convert("HSV"), [*RED, 255]),
    "LAB": (Image.new("LAB", SIDE, (255, 128, 128)), [255, 255, 255, 255]),
    "I;16": (Image.fromarray(np.full(SIDE, GREY * 257, np.uint16)), [GREY, GREY, GREY, 255]),
    "I;16B": (
        Image.frombytes("I;16B", SIDE, np.full(SIDE, GREY * 257, ">u2").tobytes()),
        [GREY, GREY, GREY, 255],
    ),
    "F": (Image.fromarray(np.full(SIDE, GREY / 255, np.float32)), [GREY, GREY, GREY, 255]),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_comes_out_right(name):
    image, expected = MODES[name]
    assert image.mode == name.partition(",")[0]
    found = {c: image_files.to_array(image, (*SIDE, c))[0, 0] for c in (1, 3, 4)}
    np.testing.assert_allclose(found[4], expected, atol=1)
    *color, alpha = expected
    shown = [laid_on_white(each, alpha) for each in color]
    np.testing.assert_allclose(found[3], shown, atol=2)
    np.testing.assert_allclose(found[1], np.dot(shown, [0.299, 0.587, 0.114]), atol=2)


@pytest.mark.parametrize("name", MODES)
def test_every_mode_is_turned_as_it_says(name):
    image = MODES[name][0].resize((4, 8)) if name != "I;16B" else MODES[name][0].copy()
    image.getexif()[0x0112] = 6
    image.info["exif"] = image.getexif().tobytes()
    assert image_files.upright(image).size == image.size[::-1]


def test_no_mode_of_pillow_is_left_out():
    # Whole numbers of 32 bits are refused, see below; the others are one of the above by machine.
    others = {"I", "I;16L", "I;16N"}
    assert {*Image.MODES} - {name.partition(",")[0] for name in MODES} <= others


def write_tiff(path, array):
    Image.fromarray(array).save(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full(SIDE, 100, np.int32), "32 bits"),
        (np.full(SIDE, 70_000, np.int32), "32 bits"),
        (np.full(SIDE, 100.0, np.float32), r"floats from 100 to 100"),
        (np.full(SIDE, -0.1, np.float32), r"floats from -0\.1"),
        (np.full(SIDE, np.nan, np.float32), r"floats from nan"),
        (np.full(SIDE, np.inf, np.float32), r"floats from inf"),
    ],
)
@pytest.mark.parametrize("extension", ["tif", "tiff"])
def test_what_has_no_white_is_refused(tmp_path, array, words, extension):
    path = tmp_path / f"a.{extension}"
    write_tiff(path, array)
    for function in (lambda: load(tmp_path, batch_size=1), lambda: read(path)):
        with pytest.raises(InputError, match=rf"a\.{extension}.*{words}.*8 or 16 bits") as error:
            function()
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="None of the 1 images"):
        load(tmp_path, batch_size=1, skip_corrupt=True)
    assert load_with_another(tmp_path).num_corrupt == 1


def load_with_another(folder):
    save(folder / "z.png", random_pixels(*SIDE))
    return load(folder, batch_size=1, skip_corrupt=True)


@pytest.mark.parametrize("extension", ["gif", "tif", "webp", "png"])
def test_frames_behind_the_first_are_told(tmp_path, recwarn, extension):
    first, second = (Image.new("L", (8, 8), level) for level in (40, 200))
    first.save(tmp_path / f"a.{extension}", save_all=True, append_images=[second], lossless=True)
    first.save(tmp_path / "b.png")
    images = load(tmp_path, batch_size=1).images
    assert (images == 40).all()
    (warning,) = [each for each in recwarn if each.category is InputWarning]
    assert "1 of 2 files have several frames, of which the first is taken" in str(warning.message)


def test_floats_in_the_unit_interval_are_scaled(tmp_path):
    values = np.float32([[0.0, 1.0], [0.25, 100 / 255]])
    write_tiff(tmp_path / "a.tif", values)
    Image.fromarray(values).save(tmp_path / "b.pfm")
    assert load(tmp_path, batch_size=1).images[..., 0].tolist() == [[[0, 255], [64, 100]]] * 2
    np.testing.assert_array_equal(np.asarray(read(tmp_path / "a.tif")), [[0, 255], [64, 100]])


def test_16_bits_of_every_format_are_scaled(tmp_path):
    values = np.array([[0, 100 * 257], [200 * 257, 65535]], np.uint16)
    for name in ("a.png", "b.tif", "c.jp2"):
        options = {"irreversible": False} if name == "c.jp2" else {}
        Image.fromarray(values).save(tmp_path / name, **options)
    (tmp_path / "d.pgm").write_bytes(b"P5 2 2 65535\n" + values.astype(">u2").tobytes())
    Image.fromarray(values.astype(">u2")).save(tmp_path / "e.tif")
    expected = [[0, 100], [200, 255]]
    images = load(tmp_path, batch_size=1).images
    assert images[..., 0].tolist() == [expected] * 5
    for path in tmp_path.iterdir():
        assert np.asarray(read(path)).tolist() == expected


def test_a_16_bit_level_may_be_the_transparent_one():
    image = Image.open(
        io.BytesIO(encoded(Image.fromarray(np.full(SIDE, 514, np.uint16)), transparency=514))
    )
    if image.info.get("transparency") is None:
        pytest.skip("this Pillow writes no such chunk")
    assert image_files.to_array(image, (*SIDE, 4))[0, 0].tolist() == [2, 2, 2, 0]


def test_a_cmyk_jpeg_of_adobe_is_not_inverted(tmp_path):
    # Pillow writes these with Adobe's marker, inverted, as Photoshop does.
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert b"Adobe" in (tmp_path / "a.jpg").read_bytes()
    np.testing.assert_allclose(load(tmp_path, batch_size=1).images[0, 8, 8], RED, atol=8)


@pytest.mark.parametrize("divisor", [16, 17, 256])
def test_12_bits_in_files_of_16_are_told(tmp_path, divisor):
    for index in range(3):
        values = random_pixels(*SIDE, seed=index).astype(np.uint16) * 257 // divisor
        Image.fromarray(values).save(tmp_path / f"{index}.png")
    with pytest.warns(InputWarning, match="nearly black.*sixteenth"):
        load(tmp_path, batch_size=1)
    Image.fromarray(np.full(SIDE, 65535, np.uint16)).save(tmp_path / "white.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(tmp_path, batch_size=1)


def test_opacity_makes_no_dark_images_light(tmp_path):
    save(tmp_path / "a.png", np.full((4, 4, 4), (3, 3, 3, 200)))
    with pytest.warns(InputWarning, match="nearly black"):
        load(tmp_path, batch_size=1)


@pytest.mark.parametrize(
    ("image", "channels"),
    [
        (Image.new("RGBA", SIDE, (*RED, 255)), 3),
        (Image.new("LA", SIDE, (GREY, 255)), 1),
        (palette(transparency=bytes([255])), 3),
        (palette(transparency=7), 3),
        (Image.new("RGBA", SIDE, (*RED, 254)), 4),
        (Image.new("LA", SIDE, (GREY, 254)), 4),
    ],
)
def test_one_opaque_file_does_not_make_all_images_transparent(tmp_path, image, channels):
    save(tmp_path / "a.png", np.full(SIDE, 30))
    image.save(tmp_path / "b.png")
    assert load(tmp_path, batch_size=1).image_shape == (*SIDE, channels)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_are_what_they_are_asked_to_be(tmp_path, channels):
    save(tmp_path / "a.png", np.full((4, 4), GREY))
    save(tmp_path / "b.png", np.full((4, 4, 4), (*RED, 51)))
    images = load(tmp_path, batch_size=1, channels=channels).images
    shown = [laid_on_white(each, 51) for each in RED]
    expected = {
        1: [[GREY], [round(np.dot(shown, [0.299, 0.587, 0.114]))]],
        3: [[GREY] * 3, shown],
        4: [[GREY, GREY, GREY, 255], [*RED, 51]],
    }
    np.testing.assert_allclose(images[:, 0, 0], expected[channels], atol=1)
    for name in ("digits", "shapes"):
        assert load(name, batch_size=1, channels=channels, image_size=8).image_shape == (
            *(8, 8),
            channels,
        )


def test_gray_digits_are_the_same_in_color():
    gray, colors = (load("digits", 1, channels=channels).images for channels in (None, 3))
    np.testing.assert_array_equal(colors, np.repeat(gray, 3, axis=-1))


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (np.uint8([0, 100, 255]), [0, 100, 255]),
        (np.array([0, 100 * 257, 65535], np.uint16), [0, 100, 255]),
        (np.array([0, 100 * 257, 65535], ">u2"), [0, 100, 255]),
        (np.array([False, True, True]), [0, 255, 255]),
        (np.array([0, 0.5, 1], np.float16), [0, 128, 255]),
        (np.array([0, 100 / 255, 1], np.float32), [0, 100, 255]),
        (np.array([0, 100 / 255, 1], ">f4"), [0, 100, 255]),
        (np.array([0, 100 / 255, 1], np.float64), [0, 100, 255]),
    ],
)
def test_arrays_are_brought_to_8_bits(tmp_path, images, expected):
    images = images.reshape(1, 1, 3, 1)
    np.savez(tmp_path / "a.npz", images=images)
    found = inputs.read_npz(tmp_path / "a.npz")["images"]
    assert found.dtype == np.uint8 and found.reshape(-1).tolist() == expected


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "int64", "uint32", "uint64", "c8", "U"]
)
def test_arrays_of_other_types_are_refused(dtype):
    with pytest.raises(InputError, match=r"must be uint8, uint16, bool or float .* Convert"):
        rounded(np.ones((1, 2, 2, 1)).astype(dtype))


@pytest.mark.parametrize("value", [-0.1, 1.5, 255.0, np.nan, np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_of_another_range_are_refused(value, dtype):
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        rounded(np.array([0.5, value], dtype).reshape(1, 1, 2, 1))


class TfganPixels(tfds.core.GeneratorBasedBuilder):
    """Three images; the tests set their type."""

    VERSION = tfds.core.Version("1.0.0")
    feature = None
    values = None

    def _info(self):
        features = tfds.features.FeaturesDict({"image": self.feature})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for index, value in enumerate(self.values):
            yield index, {"image": np.full(self.feature.shape, value, self.feature.np_dtype)}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    ("dtype", "values"), [(np.uint8, [0, 100, 255]), (np.uint16, [0, 100 * 257, 65535])]
)
def test_tfds_images_of_8_and_16_bits(tmp_path, monkeypatch, channels, dtype, values):
    feature = tfds.features.Image(shape=(4, 4, channels), dtype=dtype, encoding_format="png")
    monkeypatch.setattr(TfganPixels, "feature", feature)
    monkeypatch.setattr(TfganPixels, "values", values)
    images = load("tfgan_pixels", 1, data_dir=tmp_path).images
    assert images.shape == (3, 4, 4, channels)
    assert sorted(images[:, 0, 0, 0].tolist()) == [0, 100, 255]
    assert sorted(images[:, 3, 3, -1].tolist()) == [0, 100, 255]


def test_tfds_images_of_floats_are_refused(tmp_path, monkeypatch):
    feature = tfds.features.Image(shape=(4, 4, 1), dtype=np.float32)
    monkeypatch.setattr(TfganPixels, "feature", feature)
    with pytest.raises(InputError, match=r"'tfgan_pixels' has images of float32.*8 or 16 bits"):
        load("tfgan_pixels", 1, data_dir=tmp_path)


def test_tfds_images_in_other_channels(tmp_path, monkeypatch):
    feature = tfds.features.Image(shape=(4, 4, 3))
    monkeypatch.setattr(TfganPixels, "feature", feature)
    monkeypatch.setattr(TfganPixels, "values", [0, 100, 255])
    images = load("tfgan_pixels", 1, data_dir=tmp_path, channels=1).images
    assert images.shape == (3, 4, 4, 1) and sorted(images[:, 0, 0, 0].tolist()) == [0, 100, 255]
