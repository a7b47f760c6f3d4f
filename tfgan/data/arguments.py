"""What the public functions of `tfgan.data` are passed, checked before anything is read."""

import numbers
import os

from tfgan.errors import InputError

CHANNELS = (1, 3, 4)


def check(
    batch_size: int, seed: int = 0, channels: int | None = None, split: str = "train"
) -> None:
    """Checks what every data set takes.

    Raises:
        InputError: An argument is of the wrong kind or out of range; the message names it.
    """
    if not _is_whole(batch_size) or batch_size < 1:
        raise InputError(
            f"batch_size must be at least 1, a whole number. Received: {_shown(batch_size)}."
        )
    if not _is_whole(seed) or not -(2**63) <= seed < 2**63:
        raise InputError(f"seed must be a whole number of 64 bits. Received: {_shown(seed)}.")
    if channels is not None and (not _is_whole(channels) or channels not in CHANNELS):
        raise InputError(
            f"channels must be 1 (gray), 3 (RGB), 4 (RGBA) or None. Received: {_shown(channels)}."
        )
    if not isinstance(split, str):
        raise InputError(f"split must be a name, such as 'test'. Received: {_shown(split)}.")


def check_path(name: str, path: str | os.PathLike, allow_none: bool = False) -> None:
    """Raises InputError for no text or path, or an empty text; `name` is the argument's."""
    if not isinstance(path, str | os.PathLike) and not (allow_none and path is None):
        raise InputError(f"{name} must be a text or a path. Received: {_shown(path)}.")
    # To pathlib it is the current folder; here it is a variable that was not set.
    if path == "" and not allow_none:
        raise InputError(f"{name} is empty. Give a name or a folder; the current one is '.'.")


def check_step(start_step: int) -> None:
    """Raises InputError for what is no number of a step."""
    if not _is_whole(start_step) or start_step < 0:
        raise InputError(
            f"start_step must be a whole number from 0 on. Received: {_shown(start_step)}."
        )


def height_and_width(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Returns a size as (height, width), or None for None.

    Raises:
        InputError: It is no whole number and no pair of such, or below 1.
    """
    if image_size is None:
        return None
    size = (image_size, image_size) if _is_whole(image_size) else image_size
    is_pair = isinstance(size, tuple | list) and len(size) == 2
    if not is_pair or not all(map(_is_whole, size)):
        raise InputError(
            "image_size must be a whole number of pixels or (height, width). "
            f"Received: {_shown(image_size)}."
        )
    if min(size) < 1:
        raise InputError(f"image_size must be at least 1. Received: {image_size}.")
    height, width = map(int, size)
    return height, width


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _shown(value: object) -> str:
    """Returns a value in one line."""
    return " ".join(repr(value).split())
