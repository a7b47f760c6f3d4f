"""Encoded images in, uint8 arrays out, with Pillow."""

import contextlib
import io
import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps
from tqdm import tqdm

from tfgan.data.source import Annotation, ImageShape
from tfgan.errors import InputError, InputWarning

# The modes that images are brought to, from the poorest to the richest.
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
MODES = {channels: mode for mode, channels in CHANNELS.items()}

_GRAY_MODES = ("1", "L", "F", "I", "I;16", "I;16L", "I;16B", "I;16N")

# EXIF orientations that swap height and width.
_QUARTER_TURNS = (5, 6, 7, 8)

# Decoded together, so that a slow consumer does not leave a whole data set waiting in memory.
_CHUNK = 64


class Encoded(NamedTuple):
    """One image as it is stored.

    Attributes:
        origin: Where it comes from, for error messages.
        file: What Pillow opens.
        annotation: What is known of it.
    """

    origin: str
    file: Path | io.BytesIO
    annotation: Annotation


def survey(
    images: Iterable[Encoded], total: int, skip_corrupt: bool, by_header: bool = False
) -> tuple[set[str], Counter[tuple[int, int]]]:
    """Finds the modes and the (height, width) sizes of images.

    Headers tell nearly all of it. Only whether images that could be transparent are so takes
    decoding them, up to the first that is.

    Args:
        images: The images.
        total: How many there are, for the progress bar.
        skip_corrupt: Whether to leave out what cannot be read.
        by_header: Whether to take for transparent what could be.

    Returns:
        The modes (keys of `CHANNELS`) that hold the images' colors: an image that is opaque
        everywhere needs no `RGBA`. How many images there are of each size.

    Raises:
        InputError: An image cannot be read and `skip_corrupt` is False.
    """
    modes, animated = set(), []

    def header(image):
        mode = mode_of(image)
        if mode == "RGBA" and not by_header and mode not in modes and _is_opaque(image):
            mode = "L" if image.mode in (*_GRAY_MODES, "LA", "La") else "RGB"
        modes.add(mode)
        size = _height_and_width(image)
        if _is_animated(image):
            animated.append(size)
        return size

    sizes = [size for size, _ in _each(header, images, total, "Survey", skip_corrupt)]
    if animated:
        warnings.warn(
            f"{len(animated)} of {total} files have several frames, of which the first is taken",
            InputWarning,
            stacklevel=2,
        )
    return modes, Counter(sizes)


def decode(
    images: Iterable[Encoded],
    total: int,
    image_shape: ImageShape,
    skip_corrupt: bool,
    convert: Callable[[Image.Image, ImageShape], np.ndarray] | None = None,
) -> Iterator[tuple[np.ndarray, Annotation]]:
    """Decodes images in several threads, keeping their order.

    Args:
        images: The images.
        total: How many there are, for the progress bar.
        image_shape: (height, width, channels) that each is brought to.
        skip_corrupt: Whether to leave out what cannot be read.
        convert: What brings an opened image to that shape; None for `to_array`.

    Yields:
        Each image, uint8 [height, width, channels], and its annotation.

    Raises:
        InputError: An image cannot be read and `skip_corrupt` is False.
    """
    convert = convert or to_array
    return _each(lambda image: convert(image, image_shape), images, total, "Decode", skip_corrupt)


def to_array(image: Image.Image, image_shape: ImageShape) -> np.ndarray:
    """Returns a Pillow image, turned as its EXIF data says, as uint8 [height, width, channels].

    What `upright` says of deeper pixels holds. Transparency that the channels have no room for is
    laid on white. Where the size differs, the image is cropped about its center to the aspect ratio
    of `image_shape` and resized with an antialiasing filter.

    Raises:
        ValueError: The pixels cannot be brought to 8 bits.
    """
    height, width, channels = image_shape
    image = _to_mode(upright(image), MODES[channels])
    if image.size != (width, height):
        image = ImageOps.fit(image, (width, height), method=Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(image_shape)


def one_size(sizes: Counter[tuple[int, int]], name: str) -> tuple[int, int]:
    """Returns the (height, width) that all images share.

    Raises:
        InputError: They have several sizes.
    """
    if len(sizes) == 1:
        return next(iter(sizes))
    examples = ", ".join(f"{height}x{width}" for (height, width), _ in sizes.most_common(4))
    raise InputError(
        f"The images of {name} have {len(sizes)} different sizes (height x width: {examples}"
        f"{', ...' if len(sizes) > 4 else ''}). Pass image_size (--image-size) to bring them "
        "to one."
    )


def _each(
    function: Callable[[Image.Image], object],
    images: Iterable[Encoded],
    total: int,
    title: str,
    skip_corrupt: bool,
) -> Iterator[tuple]:
    """Yields (function(image), annotation) of every image, computed in threads, in order."""

    def attempt(encoded):
        try:
            with Image.open(encoded.file) as image:
                return function(image), encoded.annotation
        # On damaged files Pillow's decoders raise nearly every kind of exception.
        except Exception as error:
            return error

    images = iter(images)
    with ThreadPoolExecutor() as pool, tqdm(total=total, desc=title, delay=1) as progress:
        while chunk := list(itertools.islice(images, _CHUNK)):
            for encoded, result in zip(chunk, pool.map(attempt, chunk)):
                progress.update()
                if not isinstance(result, Exception):
                    yield result
                elif not skip_corrupt:
                    reason = " ".join(str(result).split())
                    raise InputError(
                        f"Cannot read the image {encoded.origin} ({reason}). "
                        "Remove it, or pass skip_corrupt (--skip-corrupt) to leave such files out."
                    ) from result


def _is_animated(image: Image.Image) -> bool:
    """Tells whether an opened file has further frames; those of an MPO are no other images."""
    # Damage behind the first frame does not matter.
    with contextlib.suppress(Exception):
        return image.format != "MPO" and getattr(image, "is_animated", False)
    return False


def _height_and_width(image: Image.Image) -> tuple[int, int]:
    """Returns (height, width) of an opened, not yet decoded image as it is to be turned."""
    width, height = image.size
    # PngImageFile.getexif decodes the image first; that of the base class does not.
    orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    return (width, height) if orientation in _QUARTER_TURNS else (height, width)


def mode_of(image: Image.Image) -> str:
    """Returns the key of `CHANNELS` that holds an opened image's colors."""
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in _GRAY_MODES else "RGB"


def upright(image: Image.Image) -> Image.Image:
    """Returns an opened Pillow image with pixels of 8 bits, turned as its EXIF data says.

    Gray of 16 bits is divided by 257, so that 65,535 becomes 255. Floats must lie in [0, 1], and
    1 becomes 255. (Of colors of 16 bits Pillow itself keeps the upper 8.)

    Raises:
        ValueError: The pixels are other floats, or whole numbers of 32 bits or with a sign, and so
            nothing says how much is white; or the file is damaged.
    """
    # What Pillow opens these files in where they have 16 bits, by its version.
    is_deep = image.mode.startswith("I;16") or (
        image.mode == "I" and image.format in ("PNG", "PPM")
    )
    image = ImageOps.exif_transpose(image)
    if is_deep:
        pixels = np.asarray(image)
        image_8 = _rounded(pixels.clip(0, 65535) / 257)
        # The one gray level that is transparent, if there is one.
        if isinstance(key := image.info.get("transparency"), int):
            image_8.putalpha(_rounded(np.where(pixels == key, 0, 255)))
        return image_8
    if image.mode == "I":
        raise ValueError(
            "its pixels are whole numbers of 32 bits or with a sign, and nothing says how much is "
            "white: save it with 8 or 16 bits"
        )
    if image.mode == "F":
        pixels = np.asarray(image)
        low, high = pixels.min(), pixels.max()
        # Written so that it refuses a NaN as well.
        if not (low >= 0 and high <= 1):
            raise ValueError(
                f"its pixels are floats from {low:.4g} to {high:.4g}, and nothing says how much is "
                "white: scale them to [0, 1], or save it with 8 or 16 bits"
            )
        return _rounded(pixels * 255)
    return image


def _rounded(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.round().astype(np.uint8))


def _is_opaque(image: Image.Image) -> bool:
    """Tells whether an image that could be transparent is so nowhere; this decodes it."""
    lowest, _ = _unpremultiplied(upright(image)).convert("RGBA").getchannel("A").getextrema()
    return lowest == 255


def _to_mode(image: Image.Image, mode: str) -> Image.Image:
    if mode != "RGBA" and mode_of(image) == "RGBA":
        image = _unpremultiplied(image).convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    image = _unpremultiplied(image)
    if image.mode == "LAB":
        # Pillow knows the way to RGB alone.
        image = image.convert("RGB")
    return image.convert(mode)


def _unpremultiplied(image: Image.Image) -> Image.Image:
    """Returns an image whose colors are not multiplied by their opacity."""
    return image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode))


def warn_if_dark(images: np.ndarray, name: str) -> None:
    """Warns of images that use less than a sixteenth of the range: 12 bits in files of 16.

    Args:
        images: uint8 [N, H, W, C]; of each four channels the last is transparency.
        name: What to call them.
    """
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        if chunk.shape[-1] % 4 == 0:
            chunk = chunk.reshape(*chunk.shape[:-1], -1, 4)[..., :3]
        # Of most data sets the first chunk is enough.
        # 4,095 of 65,535 is 16 of 255.
        if chunk.max() > 16:
            return
    warnings.warn(
        f"all images of {name} are nearly black: no pixel reaches a sixteenth of the range. "
        "Scale them if they have 12 bits per pixel in files of 16, or the like",
        InputWarning,
        stacklevel=2,
    )
