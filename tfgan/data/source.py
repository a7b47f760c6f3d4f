"""What every source of pictures tells the rest of the package."""

import dataclasses
import re
from collections.abc import Callable, Iterator

import numpy as np

ImageShape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Source:
    """Pictures that have been found, but not read yet.

    Attributes:
        name: Slug of the data set, usable as a file name.
        fingerprint: Everything that decides the decoded content, as JSON-serialisable data.
        num_images: How many pictures there are, corrupt ones included.
        class_names: Names of the classes, in the order of their labels, or None.
        survey: Returns the shape (height, width, channels) that every decoded picture has.
        decode: Takes that shape and yields, in a fixed order, each readable picture as uint8
            [height, width, channels] with its label, an int, or None where there are no labels.
        licence: What the pictures may be used under.
    """

    name: str
    fingerprint: list
    num_images: int
    class_names: tuple[str, ...] | None
    survey: Callable[[], ImageShape]
    decode: Callable[[ImageShape], Iterator[tuple[np.ndarray, int | None]]]
    licence: str = "unknown"


def slug(name: str) -> str:
    """Returns `name` with everything that does not belong in a file name replaced by `_`."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "images"
