"""A name or a folder in, an `ImageDataset` out."""

import dataclasses
import os
import warnings
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from PIL import Image

from tfgan.data import (
    arguments,
    binarized_mnist,
    digits,
    folder,
    image_files,
    shapes,
    stacked_mnist,
    tfds,
)
from tfgan.data.arguments import height_and_width
from tfgan.data.cache import former_key_of, key_of, materialize
from tfgan.data.captions import Captions
from tfgan.data.dataset import ImageDataset
from tfgan.data.source import Annotation, Source
from tfgan.errors import InputError, InputWarning

# Data sets that are no TFDS data set of this name.
_OWN_NAMES = ("digits", "shapes", "stacked_mnist", "binarized_mnist")


def load(
    name_or_folder: str | Path,
    batch_size: int,
    image_size: int | tuple[int, int] | None = None,
    data_dir: str | Path | None = None,
    seed: int = 0,
    skip_corrupt: bool = False,
    split: str = "train",
    channels: int | None = None,
) -> ImageDataset:
    """Loads images by the name of a data set, or from a folder.

    Args:
        name_or_folder: `digits` or `shapes`, which are always there; `stacked_mnist` or
            `binarized_mnist`; a folder of images, flat or with one subfolder per class, and
            with captions and attributes if it has them; or the name of a TFDS image data set. What
            contains a path separator, or starts with `.` or `~`, is a folder; any other folder
            comes last.
        batch_size: Images in a batch.
        image_size: Side, or (height, width), to which every image is cropped about its center
            and resized (`shapes` are drawn at this size); None keeps the size, which must then be
            the same for all.
        data_dir: Where TFDS keeps its data; None for TFDS_DATA_DIR, or `~/tensorflow_datasets`.
        seed: Decides the order of the images.
        skip_corrupt: Whether to leave out, and count, files that cannot be read.
        split: Which part of the data set: `train`, `test` or another that TFDS has. A folder of
            images is one part, and called `train`.
        channels: What every image is brought to: 1 for gray, 3 for RGB, 4 for RGBA; None for what
            the data set has. Transparency that there is no room for is laid on white.

    Returns:
        The decoded images with their labels: in memory, or where they are too many,
        memory-mapped from a cache in the user's cache folder.

    Raises:
        InputError: What was passed cannot work; the message says what to do.
    """
    arguments.check(batch_size, seed, channels, split)
    arguments.check_path("name_or_folder", name_or_folder)
    arguments.check_path("data_dir", data_dir, allow_none=True)
    size = height_and_width(image_size)
    source = _find_source(name_or_folder, size, data_dir, skip_corrupt, split, channels)
    dataset = from_source(source, str(name_or_folder), batch_size, seed, split)
    return dataclasses.replace(dataset, is_resized=size is not None)


def from_source(
    source: Source, received: str, batch_size: int, seed: int, split: str
) -> ImageDataset:
    """Decodes all images of a source.

    Args:
        source: The images.
        received: The name or folder that was passed, for error messages.
        batch_size: Images in a batch.
        seed: Decides the order of the images.
        split: The part of the data set that they are.

    Returns:
        The decoded images, in memory or memory-mapped.

    Raises:
        InputError: An image is corrupt, or there are fewer than a batch.
    """
    images, annotations, cache_path = materialize(source)
    if not len(images):
        raise InputError(
            f"None of the {source.num_images} images of {received!r} can be read. Convert them, "
            "or give others."
        )
    if len(images) < batch_size:
        raise InputError(
            f"{received!r} has {len(images)} readable images, fewer than a batch of "
            f"{batch_size}. Pass a batch_size (--batch-size) of {len(images)} or less, or add "
            "images."
        )
    image_files.warn_if_dark(images, repr(received))
    _warn_of_empty_classes(source, annotations, repr(received))
    captions = None
    if source.caption_table is not None:
        captions = Captions(source.caption_table, annotations.caption)
    return ImageDataset(
        name=source.name,
        images=images,
        labels=annotations.label,
        class_names=source.class_names,
        batch_size=batch_size,
        seed=seed,
        num_corrupt=source.num_images - len(images),
        cache_path=cache_path,
        fingerprint=key_of(source),
        former_fingerprint=former_key_of(source),
        contents=source.contents,
        license=source.license,
        attributes=annotations.attributes,
        attribute_names=source.attribute_names,
        captions=captions,
        split=split,
    )


def _warn_of_empty_classes(source: Source, annotations: Annotation, name: str) -> None:
    """Warns of classes that no image shows: of a folder, ones whose files cannot be read."""
    if source.class_names is None:
        return
    shown = set(np.unique(annotations.label).tolist())
    empty = [each for index, each in enumerate(source.class_names) if index not in shown]
    if empty:
        warnings.warn(
            f"{name}: no image of {len(empty)} of the {len(source.class_names)} classes (such as "
            f"{empty[0]!r})",
            InputWarning,
            stacklevel=2,
        )


def _find_source(
    name: str | Path,
    size: tuple[int, int] | None,
    data_dir: str | Path | None,
    skip_corrupt: bool,
    split: str,
    channels: int | None,
) -> Source:
    if name in _OWN_NAMES:
        return _with_channels(_own_source(name, size, data_dir, split), channels)
    if _is_path(name):
        return folder.source(name, size, skip_corrupt, split, channels)
    if tfds.is_known(name):
        return tfds.source(name, size, data_dir, skip_corrupt, split, channels)
    if Path(name).exists():
        return folder.source(name, size, skip_corrupt, split, channels)
    similar = get_close_matches(name, [*_OWN_NAMES, *tfds.names()])
    suggestion = f" Did you mean {' or '.join(similar)}?" if similar else ""
    raise InputError(
        f"There is no data set {name!r}.{suggestion} Give the name of a TFDS image data set, "
        "a folder of images, digits or shapes."
    )


def _own_source(
    name: str, size: tuple[int, int] | None, data_dir: str | Path | None, split: str
) -> Source:
    if name == "digits":
        return digits.source(size, split)
    if name == "shapes":
        return shapes.source(size, split)
    if name == "stacked_mnist":
        return stacked_mnist.source(size, data_dir, split)
    return binarized_mnist.source(size, data_dir, split)


def _with_channels(source: Source, channels: int | None) -> Source:
    """Returns a source whose images, once they are made, are brought to so many channels."""
    if channels is None:
        return source
    height, width, made = source.survey()

    def decode(image_shape):
        for image, annotation in source.decode((height, width, made)):
            # Pillow's gray has no axis of channels.
            image = Image.fromarray(image[..., 0] if made == 1 else image)
            yield image_files.to_array(image, image_shape), annotation

    return dataclasses.replace(
        source,
        options=[*source.options, channels],
        survey=lambda: (height, width, channels),
        decode=decode,
    )


def _is_path(name: str | Path) -> bool:
    """Tells whether a name can only mean a folder."""
    if isinstance(name, Path) or name.startswith((".", "~")) or os.path.isabs(name):
        return True
    has_separator = os.sep in name or "/" in name
    # TFDS writes the configuration of a data set behind a slash.
    return has_separator and (Path(name).is_dir() or not tfds.is_known(name))
