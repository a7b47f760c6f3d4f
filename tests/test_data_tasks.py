"""Tasks and variants: pure functions from images to what a model is shown and should make."""

import colorsys
import io

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tfgan.data import load
from tfgan.data.image_files import to_array
from tfgan.data.tasks import TASKS, draw_mask, edges, style, task
from tfgan.data.variants import VARIANTS, colored, inverted, luma, page, relief, thick
from tfgan.errors import InputError
from tfgan.serving.files import decode_images

SEED = tf.constant([3, 2**40], tf.int64)

any_task = pytest.mark.parametrize("name", TASKS)
any_shape = pytest.mark.parametrize("shape", [(9, 14, 3), (17, 8, 4), (13, 13, 1)], ids=str)


def random_images(*shape):
    return tf.constant(np.random.default_rng(0).uniform(-1, 1, shape), tf.float32)


@any_task
@any_shape
def test_shapes_and_ranges(name, shape):
    if name == "colorize" and shape[-1] == 1:
        return
    images = random_images(3, *shape)
    made = task(name)(images, SEED)
    channels = {"colorize": 1, "edges": 1}.get(name, shape[-1])
    assert made["image"].shape == images.shape
    assert made["condition"].shape == (3, *shape[:2], channels)
    assert ("mask" in made) == (name == "inpaint")
    for value in made.values():
        assert value.dtype == tf.float32
        assert np.abs(value).max() <= 1
    if name != "style":
        np.testing.assert_array_equal(made["image"], images)


@any_task
def test_same_seed_same_pair_and_each_image_by_its_place(name):
    images, function = random_images(5, 9, 9, 3), task(name)
    first, again = function(images, SEED), tf.function(function)(images, SEED)
    other = function(images, SEED + 1)
    fewer = function(images[:2], SEED)
    for key in first:
        np.testing.assert_allclose(again[key], first[key], atol=1e-5)
        np.testing.assert_allclose(fewer[key], first[key][:2], atol=1e-5)
    is_random = name in ("inpaint", "denoise")
    assert np.array_equal(first["condition"], other["condition"]) != is_random


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (64, 40)], ids=str)
def test_masks_hide_something_and_never_all(size):
    masks = draw_mask(SEED, 400, size).numpy()
    assert set(np.unique(masks)) == {0, 1}
    parts = masks.mean(axis=(1, 2, 3))
    assert parts.min() > 0 and parts.max() < 0.8
    assert 0.1 < parts.mean() < 0.35
    extents = [np.ptp(np.nonzero(mask), axis=1)[:2] + 1 for mask in masks]
    is_box = np.prod(extents, axis=1) == masks.sum(axis=(1, 2, 3))
    assert 0.4 < is_box.mean() < 0.65
    # Every place is hidden at times.
    assert masks.mean(axis=0).min() > 0


def test_holes_are_gray_and_the_rest_is_known():
    images = random_images(8, 12, 10, 3)
    made = TASKS["inpaint"](images, SEED)
    is_missing = np.broadcast_to(made["mask"] == 1, images.shape)
    assert np.all(made["condition"].numpy()[is_missing] == 0)
    known = ~is_missing
    np.testing.assert_array_equal(made["condition"].numpy()[known], images.numpy()[known])


def test_brightness_is_that_of_pillow():
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 256, (6, 7, 3), np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("L")) / 127.5 - 1
    gray = luma(tf.constant(pixels[None] / 127.5 - 1, tf.float32))[0, ..., 0]
    np.testing.assert_allclose(gray, expected, atol=0.01)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_brightness_is_that_of_a_file_at_a_server(channels):
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 256, (6, 7, channels), np.uint8)
    image, file = Image.fromarray(pixels.squeeze()), io.BytesIO()
    image.save(file, "PNG")
    served = decode_images([file.getvalue()], (6, 7, 1))
    np.testing.assert_array_equal(served[0] * 255, to_array(image, (6, 7, 1)))
    images = tf.constant(pixels[None] / 127.5 - 1, tf.float32)
    # Files have whole levels.
    shown = {"grey": VARIANTS["grey"](images, SEED)}
    if channels > 1:
        shown["colorize"] = TASKS["colorize"](images, SEED)["condition"]
    for values in shown.values():
        np.testing.assert_allclose((values + 1) / 2, served, atol=1.1 / 255)
    same = TASKS["edges"](2 * served - 1, SEED)["condition"]
    np.testing.assert_allclose(TASKS["edges"](images, SEED)["condition"], same, atol=4 / 255)


@pytest.mark.parametrize("scale", [2, 4])
def test_super_resolution_keeps_what_is_smooth_and_loses_what_is_fine(scale):
    rows, columns = np.indices((30, 27)) / 30
    smooth = tf.constant((rows - columns)[None, ..., None] * 0.8, tf.float32)
    made = task("super_resolution", scale)(smooth, SEED)["condition"]
    np.testing.assert_allclose(made[:, 4:-4, 4:-4], smooth[:, 4:-4, 4:-4], atol=0.02)
    checks = tf.constant(
        np.indices((32, 32)).sum(axis=0)[None, ..., None] % 2 * 2.0 - 1, tf.float32
    )
    made = task("super_resolution", scale)(checks, SEED)["condition"]
    assert np.abs(made[:, 4:-4, 4:-4]).max() < 0.05


def test_scale_4_is_the_default():
    images = random_images(2, 10, 10, 3)
    four = task("super_resolution", 4)(images, SEED)["condition"]
    np.testing.assert_array_equal(task("super_resolution")(images, SEED)["condition"], four)


def test_edges_are_sobels():
    images = random_images(2, 9, 11, 1).numpy()
    # SciPy's "reflect" repeats the border.
    gradient = [
        [ndimage.sobel(image, axis=axis, mode="reflect") / 8 for image in images[..., 0]]
        for axis in (0, 1)
    ]
    expected = 2 * np.minimum(np.hypot(*gradient), 1) - 1
    made = edges(tf.constant(images), SEED)["condition"]
    np.testing.assert_allclose(made[..., 0], expected, atol=1e-5)


def test_an_edge_between_black_and_white_is_white():
    step = np.where(np.arange(10) < 5, -1, 1) * np.ones((1, 8, 1))
    made = edges(tf.constant(step[..., None], tf.float32), SEED)["condition"].numpy()[0, :, :, 0]
    np.testing.assert_allclose(made[:, 4:6], 1, atol=1e-6)
    np.testing.assert_allclose(made[:, [0, 1, 2, 7, 8, 9]], -1, atol=1e-6)


def test_noise_has_the_stated_strength():
    noisy = TASKS["denoise"](tf.zeros((4, 40, 40, 3)), SEED)["condition"]
    np.testing.assert_allclose(np.std(noisy) * 127.5, 50, rtol=0.05)


@pytest.mark.parametrize(("name", "size"), [("digits", 28), ("shapes", 32)])
def test_no_map_of_single_pixels_gives_the_style(name, size):
    dataset = load(name, batch_size=64, image_size=size, split="test")
    pair = style(next(iter(dataset))["image"], SEED)
    keys = np.round(pair["condition"].numpy() * 127.5).astype(int)
    keys = (keys @ (256 ** np.arange(keys.shape[-1]))).ravel()
    target = pair["image"].numpy().mean(axis=-1).ravel()
    # The best map there is: of each color, the mean of what became of it.
    _, groups = np.unique(keys, return_inverse=True)
    best = (np.bincount(groups, target) / np.bincount(groups))[groups]
    assert np.mean((target - best) ** 2) > 0.15 * np.var(target)


def test_unknown_task_and_scales():
    with pytest.raises(InputError, match=r"'inpant'.*mean inpaint\?.*Give one of inpaint, color"):
        task("inpant")
    with pytest.raises(InputError, match=r"scale must be 2 or 4\. Received: 3"):
        task("super_resolution", 3)
    with pytest.raises(InputError, match=r"scale belongs to .*task edges, scale 2"):
        task("edges", 2)


def test_gray_images_have_no_color_to_find():
    with pytest.raises(InputError, match=r"colorize.* 1 channel.*data set shapes"):
        task("colorize")(random_images(1, 8, 8, 1), SEED)


@pytest.mark.parametrize("name", VARIANTS)
@any_shape
def test_variants_stay_in_range_and_keep_the_size(name, shape):
    images = random_images(3, *shape)
    made = VARIANTS[name](images, SEED)
    assert made.shape == (3, *shape[:2], {"grey": 1, "colored": 3}.get(name, shape[-1]))
    assert np.abs(made).max() <= 1
    np.testing.assert_allclose(VARIANTS[name](images[:2], SEED), made[:2], atol=1e-5)
    if shape[-1] == 4 and name in ("inverted", "relief"):
        np.testing.assert_array_equal(made[..., 3], images[..., 3])


def test_inverted_twice_is_the_image():
    images = random_images(2, 5, 5, 4)
    np.testing.assert_array_equal(inverted(inverted(images, SEED), SEED), images)


@pytest.mark.parametrize("ground", [-1.0, 1.0])
def test_thick_grows_what_is_drawn_whatever_the_page(ground):
    dot = np.full((1, 9, 9, 1), ground, np.float32)
    dot[0, 4, 4] = -ground
    grown = thick(tf.constant(dot), SEED).numpy()
    expected = np.full_like(dot, ground)
    expected[0, 3:6, 3:6] = -ground
    np.testing.assert_array_equal(grown, expected)
    assert np.all(page(tf.constant(dot)) == ground)


def test_colored_gives_each_image_one_hue_and_keeps_black():
    made = colored(tf.ones((6, 4, 4, 1)), SEED).numpy()
    assert np.ptp(made, axis=(1, 2)).max() == 0
    hues = {round(colorsys.rgb_to_hsv(*(pixel + 1) / 2)[0], 2) for pixel in made[:, 0, 0]}
    assert len(hues) > 3
    np.testing.assert_array_equal(colored(-tf.ones((6, 4, 4, 1)), SEED), -np.ones((6, 4, 4, 3)))


def test_relief_is_lit_from_the_upper_left():
    square = -np.ones((1, 28, 28, 1), np.float32)
    square[0, 8:20, 8:20] = 0
    made = relief(tf.constant(square), SEED).numpy()[0, ..., 0]
    inside, ground = made[14, 14], made[2, 2]
    assert made[8, 14] > inside > made[19, 14]
    assert made[14, 8] > inside > made[14, 19]
    # The shadow lies behind the lower right corner alone.
    assert made[21, 21] < ground - 0.2
    np.testing.assert_allclose(made[6, 6], ground, atol=0.1)
