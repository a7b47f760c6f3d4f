"""Slant, thickness and width of handwriting, from the moments of its pixels.

By measuring, not by a trained network, so that what a direction in the latent space changes can be
told without believing one.
"""

import numpy as np

from tfgan.errors import InputError

# The least mean of an image's ink, in [0, 1], at which there is something to measure.
_LEAST_INK = 0.005


def measure_strokes(images) -> np.ndarray:
    """Measures light strokes on a dark page, as those of MNIST are.

    With ink in [0, 1] as the mass of a pixel, x to the right and y downwards:

    - slant is -cov(x, y) / var(y), the shear that would set the writing upright (positive where it
      leans to the right);
    - thickness is twice the ink over the total variation, which for a long stroke is its area over
      its length, in pixels;
    - width is sqrt(12 (var(x) - cov(x, y)^2 / var(y))), in pixels: how wide a bar of even ink
      would be that spreads as far as the writing when set upright.

    Args:
        images: uint8 [N, H, W, 1].

    Returns:
        float32 [N, 3]: slant, thickness and width; NaN where there is no ink.

    Raises:
        InputError: The images have another type or shape.

    Reference:
        The shear is that of the usual deskewing of digits by moments; Castro et al. 2019
        (arXiv 1809.06480) measure the same three of MNIST by its outlines.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 1 or images.dtype != np.uint8:
        raise InputError(
            "Images of strokes must be uint8 [N, height, width, 1]. Received: "
            f"{images.dtype} {list(images.shape)}."
        )
    ink = images[..., 0].astype(np.float64) / 255
    measured = np.full((len(images), 3), np.nan, np.float32)
    is_there = ink.mean(axis=(1, 2)) > _LEAST_INK
    ink = ink[is_there]

    area = ink.sum(axis=(1, 2))
    y, x = np.indices(ink.shape[1:])
    x, y = (
        axis - (ink * axis).sum(axis=(1, 2), keepdims=True) / area[:, None, None] for axis in (x, y)
    )
    variance_x, variance_y, covariance = (
        (ink * product).sum(axis=(1, 2)) / area for product in (x * x, y * y, x * y)
    )
    # A line of one row has no height to lean in.
    variance_y = np.maximum(variance_y, 1 / 12)
    upright = np.maximum(variance_x - covariance**2 / variance_y, 0)

    paper = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    down, across = (np.diff(paper, axis=axis) for axis in (1, 2))
    variation = np.hypot(down[:, :, 1:], across[:, 1:, :]).sum(axis=(1, 2))

    measured[is_there] = np.stack(
        [-covariance / variance_y, 2 * area / variation, np.sqrt(12 * upright)], axis=1
    )
    return measured
