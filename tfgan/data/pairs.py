"""Pairs of images: of any data set by a task, or side by side in the files of a folder."""

import functools
from pathlib import Path

import tensorflow as tf

from tfgan.data import arguments, paired_folder, tasks
from tfgan.data.arguments import height_and_width
from tfgan.data.dataset import ImageDataset
from tfgan.data.loading import from_source
from tfgan.data.transformed import TransformedDataset
from tfgan.errors import InputError
from tfgan.names import DIRECTIONS


def pairs_of(
    dataset: ImageDataset, task: str, scale: int | None = None, jitter: bool = False
) -> TransformedDataset:
    """Makes pairs of a data set's images.

    Args:
        dataset: The images.
        task: A name out of `tfgan.data.tasks.TASKS`.
        scale: For `super_resolution`: 2 or 4, by default 4.
        jitter: Whether images are moved and mirrored at random before a pair is made.

    Returns:
        Batches of `image`, `condition` and, for `inpaint`, `mask`.

    Raises:
        InputError: There is no such task or scale, or it cannot work on these images.
    """
    if not isinstance(dataset, ImageDataset):
        raise InputError(f"dataset must be an ImageDataset. Received: {type(dataset).__name__}.")
    transform = tasks.task(task, scale)
    name = f"{dataset.name}_{task}" if scale is None else f"{dataset.name}_{task}_x{scale}"
    return TransformedDataset(name, dataset, transform, jitter)


def load_pairs(
    path: str | Path,
    batch_size: int,
    image_size: int | tuple[int, int] | None = None,
    direction: str = "AtoB",
    seed: int = 0,
    skip_corrupt: bool = False,
    split: str = "train",
    jitter: bool = False,
    channels: int | None = None,
) -> TransformedDataset:
    """Loads pairs A|B, which lie side by side in one image each, from a folder.

    The folder has subfolders `train`, and `val` and `test` if there are such pairs, as
    pytorch-CycleGAN-and-pix2pix lays them out.

    Args:
        path: The folder.
        batch_size: Pairs in a batch.
        image_size: Side, or (height, width), to which A and B are cropped about their center and
            resized, both alike; None keeps their size, which must then be the same for all pairs.
        direction: `AtoB`, where A is the condition and B the target, or `BtoA`.
        seed: Decides the order of the pairs, and the jitter.
        skip_corrupt: Whether to leave out, and count, files that are no such pairs.
        split: The subfolder.
        jitter: Whether pairs are moved and mirrored at random, A and B alike.
        channels: What A and B are brought to, see `tfgan.data.load`.

    Returns:
        Batches of `image` and `condition`.

    Raises:
        InputError: What was passed cannot work; the message says what to do.
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction must be AtoB or BtoA. Received: {direction!r}.")
    arguments.check(batch_size, seed, channels, split)
    arguments.check_path("path", path)
    size = height_and_width(image_size)
    source = paired_folder.source(path, size, skip_corrupt, split, channels)
    dataset = from_source(source, str(path), batch_size, seed, split)
    transform = functools.partial(_take_apart, direction=direction)
    return TransformedDataset(f"{dataset.name}_{direction}", dataset, transform, jitter)


def _take_apart(images, seed, direction):
    """A pair out of images whose channels are those of A and then those of B."""
    a, b = tf.split(images, 2, axis=-1)
    if direction == "AtoB":
        return {"image": b, "condition": a}
    return {"image": a, "condition": b}
