"""Folders of images: order, labels, color, sizes, and what can be wrong with them."""

import numpy as np
import pytest
from data_fixtures import random_pixels, save, save_random
from PIL import Image

from tfgan.data import load
from tfgan.errors import InputError, InputWarning


def test_flat_folder_keeps_the_order_of_names(tmp_path):
    pixels = save_random(tmp_path / "My set!", 12, 5, 7, 3)
    dataset = load(tmp_path / "My set!", batch_size=3)
    np.testing.assert_array_equal(dataset.images, pixels)
    assert dataset.image_shape == (5, 7, 3)
    assert dataset.name == "My_set"
    assert dataset.labels is None and dataset.class_names is None


def test_non_square_rgba(tmp_path):
    pixels = save_random(tmp_path, 4, 6, 10, 4)
    dataset = load(tmp_path, batch_size=2)
    np.testing.assert_array_equal(dataset.images, pixels)
    batch = next(iter(dataset))
    assert batch["image"].shape == (2, 6, 10, 4)
    assert batch.keys() == {"image"}


def test_gray_jpeg_in_class_subfolders_get_the_right_labels(tmp_path):
    gray = {"10": 200, "2": 100, "1": 0}
    for name, value in gray.items():
        for index in range(3):
            save(tmp_path / name / f"{index}.JPG", np.full((8, 8), value), quality=95)
    dataset = load(tmp_path, batch_size=9)
    assert dataset.image_shape == (8, 8, 1)
    assert dataset.class_names == ("1", "10", "2")
    np.testing.assert_array_equal(dataset.labels, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    batch = next(iter(dataset))
    for image, label in zip(batch["image"].numpy(), batch["label"].numpy()):
        value = gray[dataset.class_names[label]]
        np.testing.assert_allclose(image, value / 127.5 - 1.0, atol=0.02)


def test_hidden_files_are_ignored_and_other_files_left_out(tmp_path):
    save_random(tmp_path, 2, 4, 4)
    save(tmp_path / ".hidden.png", np.zeros((9, 9)))
    save(tmp_path / ".thumbnails" / "a.png", np.zeros((9, 9)))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "empty").mkdir()
    with pytest.warns(InputWarning, match=r"left out 1 file .*notes\.txt.*1 empty folder"):
        assert load(tmp_path, batch_size=2).num_images == 2


@pytest.mark.parametrize("extension", ["png", "jpg", "JPEG", "bmp", "webp", "gif", "tif"])
def test_formats(tmp_path, extension):
    ramp = np.linspace(0, 255, 64).round().reshape(8, 8)
    save(tmp_path / f"a.{extension}", np.stack([ramp] * 3, axis=-1))
    dataset = load(tmp_path, batch_size=1)
    np.testing.assert_allclose(dataset.images[0, ..., 0], ramp, atol=12)


def test_a_mixture_is_brought_to_the_richest_color(tmp_path):
    save(tmp_path / "a.png", np.full((4, 4), 90))
    save(tmp_path / "b.png", np.full((4, 4, 3), (10, 20, 30)))
    assert load(tmp_path, batch_size=1).image_shape == (4, 4, 3)
    save(tmp_path / "c.png", np.full((4, 4, 4), (10, 20, 30, 40)))
    images = load(tmp_path, batch_size=1).images
    assert images[:, 0, 0].tolist() == [[90, 90, 90, 255], [10, 20, 30, 255], [10, 20, 30, 40]]


def test_unusual_modes(tmp_path):
    palette = Image.fromarray(np.full((4, 4, 3), (255, 0, 0), np.uint8)).convert("P")
    for folder, image, expected in [
        ("palette", palette, [255, 0, 0]),
        ("bilevel", Image.fromarray(np.full((4, 4), 255, np.uint8)).convert("1"), [255]),
        ("gray_alpha", Image.new("LA", (4, 4), (80, 40)), [80, 80, 80, 40]),
    ]:
        (tmp_path / folder).mkdir()
        image.save(tmp_path / folder / "a.png")
        assert load(tmp_path / folder, batch_size=1).images[0, 0, 0].tolist() == expected


def test_palette_with_transparency(tmp_path):
    image = Image.fromarray(np.zeros((4, 4), np.uint8), mode="P")
    image.putpalette([1, 2, 3] * 256)
    image.save(tmp_path / "a.png", transparency=0)
    assert load(tmp_path, batch_size=1).images[0, 0, 0].tolist() == [1, 2, 3, 0]


def test_cmyk(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    dataset = load(tmp_path, batch_size=1)
    np.testing.assert_allclose(dataset.images[0, 0, 0], [255, 0, 0], atol=8)


def test_16_bit_gray_is_scaled(tmp_path):
    values = np.array([[0, 100 * 257], [200 * 257, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values).save(tmp_path / "b.tif")
    images = load(tmp_path, batch_size=1).images
    assert images[..., 0].tolist() == [[[0, 100], [200, 255]]] * 2


@pytest.mark.parametrize("extension", ["jpg", "png"])
def test_exif_orientation_is_applied(tmp_path, extension):
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # The camera was held so that the image must be turned clockwise.
    save(tmp_path / f"a.{extension}", pixels, exif=exif)
    image = load(tmp_path, batch_size=1).images[0, ..., 0]
    assert image.shape == (32, 16)
    assert image[:15].min() > 240 and image[17:].max() < 15


def test_resizing_is_antialiased(tmp_path):
    save(tmp_path / "a.png", np.indices((64, 64)).sum(axis=0) % 2 * 255)
    image = load(tmp_path, batch_size=1, image_size=16).images[0]
    assert image.shape == (16, 16, 1)
    np.testing.assert_allclose(image[2:-2, 2:-2], 127.5, atol=10)


def test_resizing_crops_the_center_to_the_aspect_ratio(tmp_path):
    pixels = np.zeros((20, 60, 3), np.uint8)
    for third in range(3):
        pixels[:, 20 * third : 20 * (third + 1), third] = 255
    save(tmp_path / "a.png", pixels)
    square = load(tmp_path, batch_size=1, image_size=10).images[0]
    # The filter looks a little beyond the crop.
    np.testing.assert_allclose(square, np.full((10, 10, 3), (0, 255, 0)), atol=20)
    wide = load(tmp_path, batch_size=1, image_size=(10, 30)).images[0]
    assert wide.shape == (10, 30, 3)
    assert wide[5, 3].tolist() == [255, 0, 0] and wide[5, 26].tolist() == [0, 0, 255]


def test_several_sizes_are_refused_and_resized(tmp_path):
    save(tmp_path / "a.png", random_pixels(8, 12))
    save(tmp_path / "b.png", random_pixels(9, 9))
    with pytest.raises(InputError, match=r"2 different sizes.*8x12.*9x9.*--image-size"):
        load(tmp_path, batch_size=1)
    assert load(tmp_path, batch_size=2, image_size=8).images.shape == (2, 8, 8, 1)


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match=r"no folder .*nowhere"):
        load(tmp_path / "nowhere", batch_size=1)
    for name in (".nowhere", "~/nowhere/at/all", "nowhere/at/all"):
        with pytest.raises(InputError, match=r"no folder .*nowhere"):
            load(name, batch_size=1)


def test_empty_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(InputError, match="no images"):
        load(tmp_path, batch_size=1)


def test_images_at_both_levels(tmp_path):
    save(tmp_path / "top.png", random_pixels(4, 4))
    save(tmp_path / "class" / "a.png", random_pixels(4, 4))
    with pytest.raises(InputError, match=r"top level .*top\.png.* subfolders .*class"):
        load(tmp_path, batch_size=1)


def damage(folder, kind):
    """Makes the second image of a folder unreadable."""
    image = folder / "001.png"
    image.write_bytes({"truncated": image.read_bytes()[:-60], "corrupt": b"no image"}[kind])


@pytest.mark.parametrize("kind", ["truncated", "corrupt"])
def test_damaged_image_is_named(tmp_path, kind):
    save_random(tmp_path, 3, 8, 8)
    damage(tmp_path, kind)
    with pytest.raises(InputError, match=r"001\.png.*--skip-corrupt") as error:
        load(tmp_path, batch_size=1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["truncated", "corrupt"])
def test_damaged_image_is_skipped_and_counted(tmp_path, kind):
    pixels = {name: save_random(tmp_path / name, 3, 8, 8) for name in ("cat", "dog")}
    damage(tmp_path / "cat", kind)
    dataset = load(tmp_path, batch_size=1, skip_corrupt=True)
    assert dataset.num_corrupt == 1
    assert dataset.labels.tolist() == [0, 0, 1, 1, 1]
    expected = np.concatenate([pixels["cat"][[0, 2]], pixels["dog"]])
    np.testing.assert_array_equal(dataset.images[..., 0], expected)


def test_a_class_of_damaged_images_is_told(tmp_path, recwarn):
    save_random(tmp_path / "cat", 3, 8, 8)
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "a.png").write_bytes(b"no image")
    dataset = load(tmp_path, batch_size=1, skip_corrupt=True)
    assert dataset.class_names == ("cat", "dog") and dataset.num_corrupt == 1
    (warning,) = [each for each in recwarn if each.category is InputWarning]
    assert "no image of 1 of the 2 classes (such as 'dog')" in str(warning.message)


def test_nothing_readable(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="None of the 1 images"):
        load(tmp_path, batch_size=1, skip_corrupt=True)
