"""The images a GAN is trained on, in batches that depend on the seed and the step alone."""

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfgan.data import (
    arguments,
)
from tfgan.data.captions import Captions, captions_of_classes
from tfgan.data.source import ImageShape
from tfgan.errors import InputError

if TYPE_CHECKING:
    # Commands check their arguments before they pay for this import.
    import tensorflow as tf


# No field-wise equality: that of arrays is no truth value.
@dataclasses.dataclass(frozen=True, eq=False)
class ImageDataset:
    """Images, and how they are dealt out in batches.

    Attributes:
        name: Slug of the data set, usable as a file name.
        images: uint8 [N, H, W, C] in [0, 255], an array or a read-only memory map.
        labels: int32 [N], the index of each image's class, or None.
        class_names: Names of the classes, in the order of their labels, or None.
        batch_size: Images in a batch.
        seed: Decides the order of the images in every epoch.
        num_corrupt: Images left out because they cannot be read.
        cache_path: Folder of the memory map, or None where the images are in memory.
        fingerprint: Changes with the content of the files, or the version, that the images come
            from, and not with where the files lie.
        former_fingerprint: What an earlier version took for it, which also changed with the place
            and the times of files.
        contents: A hash of each file's content by its name, of images that lie in files; or None.
        license: What the images may be used under.
        attributes: int32 [N, A], the index of each image's category in each of A attributes, or
            None.
        attribute_names: Of each attribute its categories, in the order of their indices, or None.
        captions: What the images show, in words, or None.
        split: The part of the data set that they are, such as `train`.
        is_resized: Whether they were brought to a requested size.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...] | None
    batch_size: int
    seed: int
    num_corrupt: int = 0
    cache_path: Path | None = None
    fingerprint: str = ""
    former_fingerprint: str = ""
    contents: dict[str, str] | None = dataclasses.field(default=None, repr=False)
    license: str = "unknown"
    attributes: np.ndarray | None = None
    attribute_names: dict[str, tuple[str, ...]] | None = None
    captions: Captions | None = None
    split: str = "train"
    is_resized: bool = False

    @property
    def image_shape(self) -> ImageShape:
        """(height, width, channels) of every image."""
        return self.images.shape[1:]

    @property
    def num_images(self) -> int:
        """How many images there are."""
        return len(self.images)

    @property
    def decoded(self) -> tuple["ImageDataset", ...]:
        """What the images lie in: this."""
        return (self,)

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch; the images that are left over are dropped."""
        return self.num_images // self.batch_size

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.image_shape))
        return f"<ImageDataset {self.name!r}: {self.num_images} images of {shape}>"

    def subset(self, rows: np.ndarray) -> "ImageDataset":
        """Returns some of the images, with their annotations; rows are integers [M]."""
        captions = self.captions
        return dataclasses.replace(
            self,
            images=self.images[rows],
            labels=None if self.labels is None else self.labels[rows],
            attributes=None if self.attributes is None else self.attributes[rows],
            captions=captions and dataclasses.replace(captions, rows=captions.rows[rows]),
        )

    def with_captions(self) -> "ImageDataset":
        """Returns this data set with captions: its own, or such as name each image's class.

        Raises:
            InputError: It has neither captions nor labels.
        """
        if self.captions is not None:
            return self
        if self.labels is None or self.class_names is None:
            raise InputError(
                f"The data set {self.name!r} has neither captions nor labels to make them from. "
                "Put a captions.csv with the columns file and caption into the folder, or use "
                "the data set shapes or one with labels."
            )
        captions = captions_of_classes(self.class_names, self.labels)
        return dataclasses.replace(self, captions=captions)

    def batches(self, start_step: int = 0) -> "tf.data.Dataset":
        """Returns an endless data set that begins with the batch of a given step.

        A batch is a pure function of (seed, step): every epoch deals out a permutation that
        depends on nothing but (seed, epoch). So `batches(k)` equals `batches().skip(k)`, at no
        cost, and a resumed run sees the images that it would have seen.

        Args:
            start_step: Absolute number of the first batch, counted from 0.

        Returns:
            Batches `{"image": float32 [B, H, W, C] in [-1, 1], "label": int32 [B], "attributes":
            int32 [B, A], "text": string [B]}`, each only where the data set has it. The text is
            one of the phrasings of an image's caption, another from step to step.
        """
        import tensorflow as tf

        arguments.check_step(start_step)
        steps, size = self.steps_per_epoch, self.batch_size
        first_epoch, num_done = divmod(start_step, steps)
        seed = tf.constant(self.seed, tf.int64)

        def epoch_indices(epoch):
            order = tf.random.experimental.stateless_shuffle(
                tf.range(self.num_images), seed=tf.stack([seed, epoch])
            )
            indices = tf.reshape(order[: steps * size], [steps, size])
            start = tf.where(epoch == first_epoch, num_done, 0)
            return tf.data.Dataset.from_tensor_slices(indices[start:])

        gather_images = self._image_gatherer()
        gather_text = self._text_gatherer()
        with tf.device("CPU"):
            annotations = {
                key: tf.constant(array)
                for key, array in (("label", self.labels), ("attributes", self.attributes))
                if array is not None
            }

        def batch(step, indices):
            features = {"image": tf.cast(gather_images(indices), tf.float32) / 127.5 - 1.0}
            for key, array in annotations.items():
                features[key] = tf.gather(array, indices)
            if gather_text:
                features["text"] = gather_text(step, indices)
            return features

        # Gathering a batch is cheap, so there is nothing to tune; and the thread that would tune
        # sleeps for up to a minute at a time, which can hold up the end of a run for as long.
        options = tf.data.Options()
        options.autotune.enabled = False
        return (
            tf.data.Dataset.range(first_epoch, tf.int64.max)
            .flat_map(epoch_indices)
            .enumerate(start_step)
            .map(batch, num_parallel_calls=2, deterministic=True)
            .apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
            .prefetch(4)
            .with_options(options)
        )

    def __iter__(self) -> Iterator[dict]:
        return iter(self.batches())

    def _image_gatherer(self):
        """Returns a function from indices [B] to uint8 images [B, H, W, C], for a graph."""
        import tensorflow as tf

        if not isinstance(self.images, np.memmap):
            return functools.partial(tf.gather, self._image_tensor)

        def gather(indices):
            images = tf.numpy_function(
                lambda rows: np.asarray(self.images[rows]), [indices], tf.uint8, stateful=False
            )
            return tf.ensure_shape(images, [self.batch_size, *self.image_shape])

        return gather

    def _text_gatherer(self):
        """Returns a function from a step and indices [B] to texts [B], or None."""
        import tensorflow as tf

        if self.captions is None:
            return None
        # Not as constants of the graph, in which `batches` may be called: they may be many.
        with tf.init_scope(), tf.device("CPU"):
            table, rows = tf.constant(self.captions.table), tf.constant(self.captions.rows)
        seed = tf.constant(self.seed, tf.int64)

        def gather(step, indices):
            # Folded, so as not to draw the random numbers that the order is made of.
            step_seed = tf.random.fold_in(tf.stack([seed, step]), 1)
            phrasings = tf.random.stateless_uniform(
                [self.batch_size], step_seed, 0, table.shape[1], tf.int32
            )
            return tf.gather_nd(table, tf.stack([tf.gather(rows, indices), phrasings], axis=1))

        return gather

    @functools.cached_property
    def _image_tensor(self):
        """The images as one tensor in main memory, made once for all calls of `batches`."""
        import tensorflow as tf

        # Not as a constant of the graph, in which `batches` may be called.
        with tf.init_scope(), tf.device("CPU"):
            return tf.convert_to_tensor(self.images)
