"""Distances of images from their targets, against loops over pixels and closed forms."""

import math

import numpy as np
import pytest

from tfgan.errors import InputError
from tfgan.metrics import l1, paired_scores, psnr, ssim
from tfgan.metrics.paired import ssim_window

BEST_PSNR = 10 * math.log10(12 * 255**2)


def random_images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, shape)


def holes(*shape, seed=2):
    masks = np.random.default_rng(seed).integers(0, 2, shape).astype(np.float32)
    masks[:, 0, 0] = 1
    return masks


def slow_mean(image, target, mask, power):
    """The mean of |difference|^power over the pixels of the hole, one by one."""
    total, count = 0.0, 0
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            if mask is None or mask[row, column, 0] == 1:
                for channel in range(image.shape[2]):
                    difference = image[row, column, channel] - target[row, column, channel]
                    total += abs(difference) ** power
                    count += 1
    return total / count


def slow_ssim(image, target, side):
    """Wang et al. 2004, equations 13 to 17, a window at a time."""
    taps = np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / 1.5) ** 2)
    weights = np.outer(taps, taps) / np.sum(np.outer(taps, taps))
    c1, c2 = 0.01**2, 0.03**2
    found = []
    for channel in range(image.shape[2]):
        for row in range(image.shape[0] - side + 1):
            for column in range(image.shape[1] - side + 1):
                window = (slice(row, row + side), slice(column, column + side), channel)
                x, y = image[window], target[window]
                mean_x, mean_y = np.sum(weights * x), np.sum(weights * y)
                var_x = np.sum(weights * (x - mean_x) ** 2)
                var_y = np.sum(weights * (y - mean_y) ** 2)
                covariance = np.sum(weights * (x - mean_x) * (y - mean_y))
                found.append(
                    (2 * mean_x * mean_y + c1)
                    * (2 * covariance + c2)
                    / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
                )
    return np.mean(found)


@pytest.mark.parametrize("masked", [False, True])
def test_l1_and_psnr_are_those_of_a_loop_over_the_pixels(masked):
    images, targets = random_images(3, 5, 7, 2), random_images(3, 5, 7, 2, seed=1)
    masks = holes(3, 5, 7, 1) if masked else None
    each = list(zip(images, targets, masks if masked else [None] * 3))
    distances = [slow_mean(*one, 1) for one in each]
    np.testing.assert_allclose(l1(images, targets, masks), distances, rtol=1e-12)
    decibels = [10 * math.log10(1 / slow_mean(*one, 2)) for one in each]
    np.testing.assert_allclose(psnr(images, targets, masks), decibels, rtol=1e-12)


@pytest.mark.parametrize(("shape", "side"), [((14, 12, 3), 11), ((8, 9, 1), 7), ((3, 5, 1), 3)])
def test_ssim_is_that_of_a_loop_over_the_windows(shape, side):
    targets = random_images(2, *shape)
    images = np.clip(targets + 0.2 * random_images(2, *shape, seed=1) - 0.1, 0, 1)
    assert ssim_window(shape[:2]) == side
    expected = [slow_ssim(image, target, side) for image, target in zip(images, targets)]
    np.testing.assert_allclose(ssim(images, targets), expected, atol=2e-5)
    assert 0.2 < np.mean(expected) < 0.99


def test_a_constant_difference_has_closed_forms():
    targets = np.full((2, 12, 12, 1), 0.3)
    np.testing.assert_allclose(l1(targets + 0.2, targets), 0.2)
    np.testing.assert_allclose(psnr(targets + 0.2, targets), -20 * math.log10(0.2))
    brightness = (2 * 0.5 * 0.3 + 1e-4) / (0.5**2 + 0.3**2 + 1e-4)
    np.testing.assert_allclose(ssim(targets + 0.2, targets), brightness, atol=1e-4)


def test_equal_images_are_as_near_as_can_be_and_a_mean_stays_finite():
    targets = random_images(2, 12, 12, 3)
    scores = paired_scores(targets, targets, holes(2, 12, 12, 1))
    assert scores.keys() == {"l1", "psnr", "ssim", "hole_l1", "hole_psnr"}
    for metric, best in (("l1", 0), ("psnr", BEST_PSNR), ("ssim", 1)):
        np.testing.assert_allclose(scores[metric], best, atol=1e-6)
    np.testing.assert_allclose(scores["hole_psnr"], BEST_PSNR)
    # What rounding to 256 levels adds comes to just that.
    rounded = np.round(255 * targets) / 255
    np.testing.assert_allclose(psnr(rounded, targets), BEST_PSNR, atol=1)


def test_a_hole_counts_what_is_in_it_alone():
    targets, masks = np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 1))
    masks[0, :2] = 1
    images = np.where(masks == 1, 0.25, 0.75)
    scores = paired_scores(images, targets, masks)
    assert scores["hole_l1"] == pytest.approx(0.25) and scores["l1"] == pytest.approx(0.5)
    assert scores["hole_psnr"] == pytest.approx(-20 * math.log10(0.25))
    assert "hole_l1" not in paired_scores(images, targets)


@pytest.mark.parametrize(
    ("images", "targets", "masks", "message"),
    [
        (np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 4, 3)), None, r"\(2, 4, 4, 1\) and \(2, 4, 4, 3"),
        (np.zeros((4, 4, 1)), np.zeros((4, 4, 1)), None, r"\[N, H, W, C\]"),
        (np.full((1, 4, 4, 1), 2.0), np.zeros((1, 4, 4, 1)), None, r"\[2, 2\]"),
        (np.zeros((1, 4, 4, 1)), np.full((1, 4, 4, 1), np.nan), None, "nan"),
        (np.zeros((1, 4, 4, 1)),) * 2 + (np.full((1, 4, 4, 1), 0.5), "masks must be 0 or 1"),
        (np.zeros((1, 4, 4, 1)),) * 2 + (np.ones((1, 4, 4)), r"\(1, 4, 4, 1\)\. Received"),
        (np.zeros((2, 4, 4, 1)),) * 2 + (np.zeros((2, 4, 4, 1)), "2 of 2 without"),
    ],
)
def test_what_cannot_be_compared(images, targets, masks, message):
    with pytest.raises(InputError, match=message):
        l1(images, targets, masks)


def test_images_too_small_for_a_window():
    with pytest.raises(InputError, match=r"3x3\. Received: 2x5"):
        ssim(np.zeros((1, 2, 5, 1)), np.zeros((1, 2, 5, 1)))
