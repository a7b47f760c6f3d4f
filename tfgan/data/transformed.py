"""A data set whose batches go through a function: pairs of images, or another look of them."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tfgan.data.dataset import ImageDataset
from tfgan.data.source import ImageShape

# Isola et al. 2017 (arXiv 1611.07004), section 6.2: resized to 286x286, cropped to 256x256.
_WINDOW = 256 / 286

# Part of the seeds, so that no two random numbers are drawn with the same; the data set itself
# uses 1.
_TRANSFORM, _JITTER = 2, 3

# Examples are made so many at a time, whatever the batch size, so that they stay the same.
_CHUNK = 64


# No field-wise equality: that of data sets is none.
@dataclasses.dataclass(frozen=True, eq=False)
class TransformedDataset:
    """Images of a data set, and what a pure seeded function makes of them.

    Attributes:
        name: Slug, usable as a file name.
        dataset: The data set.
        transform: Takes images, float32 [N, H, W, C] in [-1, 1], and a seed, int64 [2]; returns
            a dictionary of float32 [N, H', W', C'], `image` among them, as those of
            `tfgan.data.tasks` do.
        jitter: Whether every image is moved and mirrored at random first, see `jittered`. Not
            for digits and letters, whose mirror image is none.
        shapes: Of each key that `transform` returns, (height, width, channels).

    Raises:
        InputError: The transform cannot work on images of this shape.
    """

    name: str
    dataset: ImageDataset
    transform: Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]
    jitter: bool = False
    shapes: dict[str, ImageShape] = dataclasses.field(init=False)

    def __post_init__(self):
        with tf.device("CPU"):
            made = self.transform(tf.zeros((1, *self.dataset.image_shape)), tf.zeros(2, tf.int64))
        shapes = {key: tuple(value.shape[1:]) for key, value in made.items()}
        object.__setattr__(self, "shapes", shapes)

    @property
    def image_shape(self) -> ImageShape:
        """(height, width, channels) of every `image`."""
        return self.shapes["image"]

    @property
    def condition_shape(self) -> ImageShape:
        """(height, width, channels) of every `condition`."""
        return self.shapes["condition"]

    @property
    def has_mask(self) -> bool:
        """Whether a batch has a `mask`."""
        return "mask" in self.shapes

    @property
    def split(self) -> str:
        """The part of the data set that the images are."""
        return self.dataset.split

    @property
    def batch_size(self) -> int:
        """Images in a batch."""
        return self.dataset.batch_size

    @property
    def seed(self) -> int:
        """Decides the order of the images, and what is random about them."""
        return self.dataset.seed

    @property
    def num_images(self) -> int:
        """How many images, or pairs, there are."""
        return self.dataset.num_images

    @property
    def decoded(self) -> tuple[ImageDataset, ...]:
        """What the images lie in."""
        return self.dataset.decoded

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch."""
        return self.dataset.steps_per_epoch

    @property
    def fingerprint(self) -> str:
        """Changes with the files, or the version, that the images come from."""
        return self.dataset.fingerprint

    @property
    def former_fingerprint(self) -> str:
        """What an earlier version took for it."""
        return self.dataset.former_fingerprint

    @property
    def license(self) -> str:
        """What the images may be used under."""
        return self.dataset.license

    def batches(self, start_step: int = 0) -> tf.data.Dataset:
        """Returns an endless data set that begins with the batch of a given step.

        A batch is a pure function of (seed, step), as `ImageDataset.batches` says, with what is
        random about the transform and the jitter: every epoch draws anew.

        Args:
            start_step: Absolute number of the first batch, counted from 0.

        Returns:
            Batches of what the transform returns, float32 [B, H, W, C] each, and of what else the
            data set tells of its images: `label` and so on.
        """
        seed = tf.constant(self.seed, tf.int64)

        def transformed(step, batch):
            key = tf.stack([seed, step])
            images = batch["image"]
            if self.jitter:
                images = jittered(images, tf.random.fold_in(key, _JITTER, alg="philox"))
            made = self.transform(images, tf.random.fold_in(key, _TRANSFORM, alg="philox"))
            # Not every function that a transform may use tells the number of images.
            return batch | {
                name: tf.ensure_shape(value, (self.batch_size, *self.shapes[name]))
                for name, value in made.items()
            }

        return (
            self.dataset.batches(start_step)
            .enumerate(start_step)
            .map(transformed, num_parallel_calls=2, deterministic=True)
            .prefetch(4)
        )

    def __iter__(self) -> Iterator[dict]:
        return iter(self.batches())

    def sample(self, count: int, seed: int = 0) -> "TransformedDataset":
        """Returns at most so many of the images, drawn at random, in their own order."""
        if self.num_images <= count:
            return self
        rows = np.random.default_rng(seed).permutation(self.num_images)[:count]
        return dataclasses.replace(self, dataset=self.dataset.subset(np.sort(rows)))

    def examples(self, count: int) -> dict[str, np.ndarray]:
        """Returns the first images in the data set's order, transformed, to measure with.

        They are always the same, whatever the seed, the batch size and the count: no jitter, and
        random numbers that follow from an image's place in the data set.

        Args:
            count: How many; all, where there are fewer.

        Returns:
            What the transform returns, float32 [count, H, W, C] each, and `label`, int32 [count],
            where the data set has labels.
        """
        pieces = list(self.example_batches(count))
        return {key: np.concatenate([piece[key] for piece in pieces]) for key in pieces[0]}

    def example_batches(self, count: int | None = None) -> Iterator[dict[str, np.ndarray]]:
        """Yields what `examples` returns, by default of all images, but never holds them all."""
        labels = self.dataset.labels
        end = self.num_images if count is None else min(count, self.num_images)
        for start in range(0, end, _CHUNK):
            rows = slice(start, min(start + _CHUNK, end))
            with tf.device("CPU"):
                made = self.transform(
                    tf.constant(self.dataset.images[rows], tf.float32) / 127.5 - 1.0,
                    tf.constant([0, start], tf.int64),
                )
            batch = {key: value.numpy() for key, value in made.items()}
            yield batch if labels is None else batch | {"label": labels[rows]}


def jittered(images, seed):
    """Moves each image at random, and mirrors half of them left to right.

    A window of 256/286 of the sides at a random place, brought to full size by bilinear
    interpolation: what resizing to 286x286 and cropping to 256x256 does, at any size.

    Args:
        images: float32 [N, H, W, C] in [-1, 1]; all channels of an image go together.
        seed: int64 [2]; each image's draw follows from it and the place in the batch.

    Returns:
        float32 [N, H, W, C] in [-1, 1].

    Reference:
        Isola et al. 2017 (arXiv 1611.07004), section 6.2.
    """
    count = tf.shape(images)[0]
    down, right, mirror = tf.unstack(
        tf.random.stateless_uniform((count, 3), seed, alg="philox"), axis=1
    )
    top, left = (1.0 - _WINDOW) * down, (1.0 - _WINDOW) * right
    # A box whose left side is to the right of its right side is mirrored.
    ends = tf.where(mirror < 0.5, [[_WINDOW], [0.0]], [[0.0], [_WINDOW]])
    boxes = tf.stack([top, left + ends[0], top + _WINDOW, left + ends[1]], axis=1)
    return tf.image.crop_and_resize(images, boxes, tf.range(count), images.shape[1:3])
