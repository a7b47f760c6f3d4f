"""What every source of images tells the rest of the package."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

ImageShape = tuple[int, int, int]


class Annotation(NamedTuple):
    """What is known of an image besides its pixels; None for what is not.

    Attributes:
        label: Index of its class.
        attributes: Index of its category in each attribute.
        caption: Its row in the table of captions.
    """

    label: int | None = None
    attributes: tuple[int, ...] | None = None
    caption: int | None = None


@dataclasses.dataclass(frozen=True)
class Source:
    """Images that have been found, but not read yet.

    Attributes:
        name: Slug of the data set, usable as a file name.
        fingerprint: Which images these are, as JSON-serializable data. With `options` it decides
            the decoded content.
        num_images: How many images there are, corrupt ones included.
        class_names: Names of the classes, in the order of their labels, or None.
        survey: Returns the shape (height, width, channels) that every decoded image has.
        decode: Takes that shape and yields, in a fixed order, each readable image as uint8
            [height, width, channels] with its annotation, of which all have the same fields.
        license: What the images may be used under.
        attribute_names: Of each attribute its categories, in the order of their indices, or None.
        caption_table: Captions, str [M, K]: K phrasings in each row, or None.
        options: How they are decoded, as JSON-serializable data, as far as the fingerprint does not
            tell.
        contents: A hash of each file's content by its name, of images that lie in files; or None.
        former_fingerprint: What an earlier version took for the fingerprint, or None if the same.
    """

    name: str
    fingerprint: list
    num_images: int
    class_names: tuple[str, ...] | None
    survey: Callable[[], ImageShape]
    decode: Callable[[ImageShape], Iterator[tuple[np.ndarray, Annotation]]]
    license: str = "unknown"
    attribute_names: dict[str, tuple[str, ...]] | None = None
    caption_table: np.ndarray | None = None
    options: list = dataclasses.field(default_factory=list)
    contents: dict[str, str] | None = None
    former_fingerprint: list | None = None


def slug(name: str) -> str:
    """Returns `name` with everything that does not belong in a file name replaced by `_`."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "images"
