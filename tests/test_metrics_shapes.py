"""The factors of drawn shapes, read back from pixels."""

import numpy as np
import pytest
from scipy import ndimage

from tfgan.data import shapes
from tfgan.errors import InputError
from tfgan.metrics.shapes import read_factors, read_factors_and_extent

NAMES = list(shapes.FACTORS)


def degraded(images, noise=8, blur=0.5):
    pixels = ndimage.gaussian_filter(images.astype(np.float32), (0, blur, blur, 0))
    pixels += np.random.default_rng(0).normal(0, noise, pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def drawn():
    halves = [shapes.draw(np.arange(2500), split) for split in ("train", "test")]
    return tuple(np.concatenate(both) for both in zip(*halves))


def test_real_images_are_read_right(drawn):
    images, factors = drawn
    read = read_factors(images)
    assert (read.shape, read.dtype) == ((5000, 5), np.int32)
    assert dict(zip(NAMES, (read == factors).mean(axis=0) >= 0.995)) == dict.fromkeys(NAMES, True)


@pytest.mark.parametrize("image_size", [32, (40, 64)])
def test_size_and_position_are_those_that_were_drawn(image_size):
    """By each image's own ink, and by what is known of the places."""
    images, factors = shapes.draw(np.arange(600), "train", image_size)
    read, extent = read_factors_and_extent(images)
    np.testing.assert_array_equal(read, read_factors(images))
    size, vertical, horizontal = extent.T
    assert extent.dtype == np.float32
    centers = np.array([0.28, 0.5, 0.72])
    row, column = np.divmod(factors[:, 4], 3)
    # The jitter is 0.02 of the page; half a pixel is for the edges.
    tolerance = 0.02 + 0.5 / min(images.shape[1:3])
    assert np.abs(vertical - centers[row]).max() < tolerance
    assert np.abs(horizontal - centers[column]).max() < tolerance
    # A circle is two radii wide.
    radii = np.array([0.16, 0.25])[factors[:, 3]]
    is_circle = factors[:, 0] == 0
    np.testing.assert_allclose(size[is_circle], 2 * radii[is_circle], rtol=0.1)


def test_nothing_is_measured_where_nothing_is():
    factors, extent = read_factors_and_extent(np.full((2, 32, 32, 3), 255, np.uint8))
    assert np.isnan(extent).all() and (factors == -1).all()


def test_noisy_and_blurred_images_are_read_right(drawn):
    images, factors = drawn
    right = (read_factors(degraded(images)) == factors).mean(axis=0)
    assert dict(zip(NAMES, right >= 0.98)) == dict.fromkeys(NAMES, True)


@pytest.mark.parametrize("image_size", [48, 64, (40, 64)])
def test_other_sizes(image_size):
    images, factors = shapes.draw(np.arange(500), "test", image_size)
    assert (read_factors(images) == factors).mean(axis=0).min() >= 0.99


def nothing_to_read():
    random = np.random.default_rng(0)
    page = (100, 32, 32, 3)
    specks = np.where(random.random((*page[:3], 1)) < 0.05, 0, 255)
    return {
        "uniform noise": random.integers(0, 256, page),
        "gray noise": random.normal(127, 40, page).clip(0, 255),
        "noisy paper": random.normal(255, 16, page).clip(0, 255),
        "specks": np.broadcast_to(specks, page),
        "paper": np.full(page, 255),
        "night": np.zeros(page),
        "a red page": np.broadcast_to(np.array([220, 30, 30]), page),
    }


@pytest.mark.parametrize("name", list(nothing_to_read()))
def test_nothing_is_claimed_where_nothing_is(name):
    assert (read_factors(nothing_to_read()[name].astype(np.uint8)) == -1).all()


def test_two_shapes_are_not_one():
    images, factors = shapes.draw(np.arange(1000))
    left = images[(factors[:, 4] == 3) & (factors[:, 3] == 0)]
    right = images[(factors[:, 4] == 5) & (factors[:, 3] == 0)]
    both = np.minimum(left[:10], right[:10])
    assert (read_factors(both) == -1).all()


def test_a_gray_shape_has_no_color_nor_texture():
    images, factors = shapes.draw(np.arange(200))
    gray = np.repeat(np.where(images.min(axis=-1, keepdims=True) < 128, 60, 255), 3, axis=-1)
    shape, color, texture, *_ = read_factors(gray.astype(np.uint8)).T
    assert (color == -1).all() and (texture == -1).all()
    assert (shape == factors[:, 0]).mean() > 0.95


def test_a_shape_that_is_none_of_the_four():
    line = np.full((1, 32, 32, 3), 255, np.uint8)
    line[:, 15:18, 4:28] = (222, 32, 38)
    shape, color, *_ = read_factors(line)[0]
    assert shape == -1 and shapes.FACTORS["colour"][color] == "red"


@pytest.mark.parametrize("images", [np.zeros((2, 32, 32, 1), np.uint8), np.zeros((2, 32, 32, 3))])
def test_other_arrays_are_refused(images):
    with pytest.raises(InputError, match="uint8"):
        read_factors(images)
