"""Images for the tests of `tfgan.data`."""

import io

import numpy as np
from PIL import Image


def save(path, array, **options):
    """Writes a uint8 array [H, W] or [H, W, C] as an image, of the format its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path, **options)


def encoded(image, extension="png", **options):
    """Returns the bytes of a Pillow image, in the format that goes by an extension."""
    buffer = io.BytesIO()
    image.save(buffer, extension, **options)
    return buffer.getvalue()


def random_pixels(*shape, seed=0):
    """Returns random uint8 values of the given shape."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def save_random(folder, count, *shape):
    """Writes `count` different random PNG images; returns them as one array, in file order."""
    arrays = np.stack([random_pixels(*shape, seed=index) for index in range(count)])
    for index, array in enumerate(arrays):
        save(folder / f"{index:03d}.png", array)
    return arrays
