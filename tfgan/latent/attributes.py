"""What is read off images to tell what a direction changes: numbers and classes by name."""

import numpy as np

from tfgan.data.shapes import FACTORS
from tfgan.metrics.shapes import read_factors_and_extent
from tfgan.metrics.strokes import measure_strokes


def reader_for(data_name, image_shape):
    """How images are read.

    Args:
        data_name: of the data set that a model was trained on, or None.
        image_shape: `(height, width, channels)`.

    Returns:
        A function from images uint8 [N, H, W, C] to a dict from an attribute's name to float32
        [N], measurements, NaN where there is none, or int32 [N], classes, -1 where there is none.
        Of `shapes` it reads the factors, of gray images the strokes, of others the colors.
    """
    if data_name == "shapes" and image_shape[-1] == 3:
        return read_shapes
    return read_strokes if image_shape[-1] == 1 else read_colors


def read_shapes(images):
    """Size and position of drawn shapes as measurements; shape, color and texture as classes."""
    factors, extent = read_factors_and_extent(images)
    classes = dict(zip(FACTORS, factors.T))
    measured = dict(zip(("size", "vertical", "horizontal"), extent.T))
    return measured | {name: classes[name] for name in ("shape", "colour", "texture")}


def read_strokes(images):
    """Slant, thickness and width of light strokes on a dark page."""
    return dict(zip(("slant", "thickness", "width"), measure_strokes(images).T))


def read_colors(images):
    """Brightness, contrast (the deviation of brightness) and warmth (red less blue), in [-1, 1]."""
    pixels = images[..., :3].astype(np.float32) / 255
    brightness = pixels.mean(axis=-1)
    return {
        "brightness": brightness.mean(axis=(1, 2)),
        "contrast": brightness.std(axis=(1, 2)),
        "warmth": (pixels[..., 0] - pixels[..., -1]).mean(axis=(1, 2)),
    }
