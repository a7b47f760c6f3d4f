"""Images that lie in a folder or an NPZ file, brought to what they are compared with."""

import re
from pathlib import Path

import numpy as np

from tfgan import data
from tfgan.data.image_files import warn_if_dark
from tfgan.errors import InputError
from tfgan.metrics.extractors import rounded


def halves_of(path, seed, image_size=None, channels=None):
    """The images of a folder or an NPZ file in two halves, dealt at random, as `ImageDataset`s.

    Args:
        path: of it.
        seed: of the halves.
        image_size, channels: to which the images of a folder are brought, or None.
    """
    dataset = dataset_of(path, seed, image_size, channels)
    order = np.random.default_rng(seed).permutation(dataset.num_images)
    return tuple(dataset.subset(half) for half in map(np.sort, np.array_split(order, 2)))


def dataset_of(path, seed=0, image_size=None, channels=None):
    """The images of a folder or an NPZ file as an `ImageDataset`; see `halves_of`."""
    if Path(path).suffix != ".npz":
        # In full, as a folder may have the name of a data set.
        folder = Path(path).expanduser().resolve()
        return data.load(folder, 1, image_size, seed=seed, channels=channels)
    arrays = read_npz(path)
    classes, labels = None, arrays.get("labels")
    if labels is not None:
        classes, labels = np.unique(labels, return_inverse=True)
        classes, labels = tuple(map(str, classes)), labels.astype(np.int32)
    return data.ImageDataset(
        name=name_of_file(path),
        images=arrays["images"],
        labels=labels,
        class_names=classes,
        batch_size=1,
        seed=seed,
    )


def read_npz(path):
    """The images of an NPZ file, and a label of each or none, a dict.

    Returns:
        `images`, uint8 [N, H, W, C]; and where the file has them `labels`, integers or texts [N].

    Raises:
        InputError: it cannot be read, or has no such arrays. Images of other types than
            `tfgan.metrics.extractors.rounded` takes are refused: their range is not known.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    # On damaged files zipfile and zlib raise exceptions of their own.
    except Exception as error:
        raise InputError(f"{path} cannot be read as an NPZ file: {error}") from error
    if "images" not in arrays:
        raise InputError(f"{path} must have an array `images`. It has: {', '.join(arrays)}")
    try:
        images = rounded(arrays["images"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if images.shape[-1] > 4:
        raise InputError(
            f"{path}: `images` must be [N, H, W, C] with at most 4 channels, which come last. "
            f"Received: {arrays['images'].shape}"
        )
    warn_if_dark(images, path)
    labels = arrays.get("labels")
    if labels is None:
        return {"images": images}
    if labels.shape != images.shape[:1]:
        raise InputError(
            f"{path}: `labels` must be one of each image. Received: {labels.shape} for images "
            f"{arrays['images'].shape}"
        )
    return {"images": images, "labels": named(labels, path)}


def named(labels, path):
    """Labels [N] of any type as integers or texts, whichever they mean."""
    if labels.dtype.kind == "S":
        return np.char.decode(labels, "utf-8")
    if labels.dtype.kind in "iuU":
        return labels
    if labels.dtype.kind in "bf" and np.isfinite(labels).all() and (labels == labels // 1).all():
        return labels.astype(np.int64)
    raise InputError(f"{path}: `labels` must be whole numbers or texts. Received: {labels.dtype}")


def classes_of(labels, class_names, path):
    """The classes that labels name: their places among the names, int32 [N].

    Args:
        labels: numbers or texts [N], which name the classes as a `--reference` does.
        class_names: texts.
        path: of the labels' file, for the message.

    Raises:
        InputError: a label is none of the names.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    names = [str(label) for label in labels]
    unknown = next((name for name in names if name not in numbers), None)
    if unknown is not None:
        raise InputError(
            f"{path}: `labels` must be those of the real images, such as {class_names[0]}. "
            f"Received: {unknown}"
        )
    return np.array([numbers[name] for name in names], np.int32)


def with_channels(images, channels, name, advice="bring both to the same kind"):
    """Images uint8 [N, H, W, C] with another number of channels, where that changes nothing.

    Gray is a color, and a color image whose channels are equal is gray; opaque images need no
    opacity, and may be given one.

    Args:
        images: uint8 [N, H, W, C'].
        channels: C.
        name: of the images, for the message.
        advice: what to do where that would change something, for the message.

    Raises:
        InputError: they have colors or are transparent, and others are not.
    """
    colors, opacity = images, None
    if images.shape[-1] == channels:
        return images
    if images.shape[-1] in (2, 4):
        colors, opacity = images[..., :-1], images[..., -1:]
    is_opaque = opacity is None or (opacity == 255).all()
    is_gray = (colors == colors[..., :1]).all()
    wants_color = channels in (3, 4)
    lost = []
    if not is_opaque and channels in (1, 3):
        lost.append("transparent")
    if not is_gray and not wants_color:
        lost.append("in color")
    if lost:
        raise InputError(
            f"{name} has images {images.shape[1:]}, some of them {' and '.join(lost)}, and the "
            f"real ones have {channels} channels: {advice}"
        )
    if opacity is None:
        opacity = np.full_like(images[..., :1], 255)
    colors = colors[..., :1] if not wants_color else colors
    if wants_color and colors.shape[-1] == 1:
        colors = np.repeat(colors, 3, axis=-1)
    return np.concatenate([colors, opacity], axis=-1) if channels in (2, 4) else colors


def name_of_file(path):
    """A name for what lies at a path, usable as a file name."""
    return re.sub(r"[^\w.-]+", "_", Path(path).stem).strip("._") or "images"
