"""Encoded pictures in, uint8 arrays out, with Pillow."""

import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps
from tqdm import tqdm

from tfgan.data.source import Annotation, ImageShape
from tfgan.errors import InputError

# The modes that pictures are brought to, from the poorest to the richest.
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
MODES = {channels: mode for mode, channels in CHANNELS.items()}

# EXIF orientations that swap height and width.
_QUARTER_TURNS = (5, 6, 7, 8)

# Decoded together, so that a slow consumer does not leave a whole data set waiting in memory.
_CHUNK = 64


class Encoded(NamedTuple):
    """One picture as it is stored.

    Attributes:
        origin: Where it comes from, for error messages.
        file: What Pillow opens.
        annotation: What is known of it.
    """

    origin: str
    file: Path | io.BytesIO
    annotation: Annotation


def survey(
    pictures: Iterable[Encoded], total: int, skip_corrupt: bool
) -> tuple[Counter[str], Counter[tuple[int, int]]]:
    """Counts the modes and the (height, width) sizes of pictures, reading their headers only.

    Args:
        pictures: The pictures.
        total: How many there are, for the progress bar.
        skip_corrupt: Whether to leave out what cannot be read.

    Returns:
        How many pictures there are of each mode (a key of `CHANNELS`) and of each size.

    Raises:
        InputError: A picture cannot be read and `skip_corrupt` is False.
    """
    headers = [header for header, _ in _each(_header, pictures, total, "Survey", skip_corrupt)]
    return Counter(mode for mode, _ in headers), Counter(size for _, size in headers)


def decode(
    pictures: Iterable[Encoded],
    total: int,
    image_shape: ImageShape,
    skip_corrupt: bool,
    convert: Callable[[Image.Image, ImageShape], np.ndarray] | None = None,
) -> Iterator[tuple[np.ndarray, Annotation]]:
    """Decodes pictures in several threads, keeping their order.

    Args:
        pictures: The pictures.
        total: How many there are, for the progress bar.
        image_shape: (height, width, channels) that each is brought to.
        skip_corrupt: Whether to leave out what cannot be read.
        convert: What brings an opened picture to that shape; None for `to_array`.

    Yields:
        Each picture, uint8 [height, width, channels], and its annotation.

    Raises:
        InputError: A picture cannot be read and `skip_corrupt` is False.
    """
    convert = convert or to_array
    return _each(lambda image: convert(image, image_shape), pictures, total, "Decode", skip_corrupt)


def to_array(image: Image.Image, image_shape: ImageShape) -> np.ndarray:
    """Returns a Pillow image, turned as its EXIF data says, as uint8 [height, width, channels].

    Where the size differs, the image is cropped about its centre to the aspect ratio of
    `image_shape` and resized with an antialiasing filter.
    """
    height, width, channels = image_shape
    image = _to_mode(ImageOps.exif_transpose(image), MODES[channels])
    if image.size != (width, height):
        image = ImageOps.fit(image, (width, height), method=Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(image_shape)


def one_size(sizes: Counter[tuple[int, int]], name: str) -> tuple[int, int]:
    """Returns the (height, width) that all pictures share.

    Raises:
        InputError: They have several sizes.
    """
    if len(sizes) == 1:
        return next(iter(sizes))
    examples = ", ".join(f"{height}x{width}" for (height, width), _ in sizes.most_common(4))
    raise InputError(
        f"The pictures of {name} have {len(sizes)} different sizes (height x width: {examples}"
        f"{', ...' if len(sizes) > 4 else ''}). Pass --image-size to bring them to one."
    )


def _each(
    function: Callable[[Image.Image], object],
    pictures: Iterable[Encoded],
    total: int,
    title: str,
    skip_corrupt: bool,
) -> Iterator[tuple]:
    """Yields (function(image), annotation) of every picture, computed in threads, in order."""

    def attempt(picture):
        try:
            with Image.open(picture.file) as image:
                return function(image), picture.annotation
        # On damaged files Pillow's decoders raise nearly every kind of exception.
        except Exception as error:
            return error

    pictures = iter(pictures)
    with ThreadPoolExecutor() as pool, tqdm(total=total, desc=title, delay=1) as progress:
        while chunk := list(itertools.islice(pictures, _CHUNK)):
            for picture, result in zip(chunk, pool.map(attempt, chunk)):
                progress.update()
                if not isinstance(result, Exception):
                    yield result
                elif not skip_corrupt:
                    reason = " ".join(str(result).split())
                    raise InputError(
                        f"Cannot read the picture {picture.origin} ({reason}). "
                        "Remove it, or pass --skip-corrupt to leave such files out."
                    ) from result


def _header(image: Image.Image) -> tuple[str, tuple[int, int]]:
    """Returns the mode an opened, not yet decoded image is brought to, and (height, width)."""
    width, height = image.size
    # PngImageFile.getexif decodes the picture first; that of the base class does not.
    orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    return mode_of(image), (width, height) if orientation in _QUARTER_TURNS else (height, width)


def mode_of(image: Image.Image) -> str:
    """Returns the key of `CHANNELS` that holds an opened image's colours."""
    if image.has_transparency_data:
        return "RGBA"
    if image.mode in ("1", "L", "F") or image.mode.startswith("I"):
        return "L"
    return "RGB"


def _to_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow clips 16-bit grey to 8 bits instead of scaling it.
        grey = np.asarray(image).clip(0, 65535) / 257
        image = Image.fromarray(grey.round().astype(np.uint8))
    return image.convert(mode)
