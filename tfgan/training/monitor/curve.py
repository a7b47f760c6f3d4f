"""The quality curve: how far a run's images are from held-out ones, every so many steps."""

import dataclasses
import math

import numpy as np
import tensorflow as tf
from scipy.stats import mannwhitneyu
from threadpoolctl import threadpool_limits

from tfgan.errors import InputError
from tfgan.metrics import frechet_distance, frechet_error, nearest_pair_distances
from tfgan.metrics.extractors import principal_components
from tfgan.metrics.frechet import GaussianStatistics
from tfgan.models.base import GenerativeModel
from tfgan.noise import latents_from_seeds
from tfgan.training.loop import NotFiniteError
from tfgan.training.monitor.reading import Reading

# Trained on from one reading to the next, so that a reading's share of the time is that of any run.
_IMAGES_BETWEEN_READINGS = 4000
_MIN_STEPS_BETWEEN_READINGS = 50
_NUM_HELD_OUT = 1000
_NUM_DRAWN = 250
# Of the live generator: repetition shows in few.
_NUM_LIVE = 100
_NUM_FITTED = 2000
# To train on, so that there is a distance to speak of.
FEWEST_IMAGES = 20
# Larger images are made smaller: the components tell what is seen, not the finest detail.
_MOST_PIXELS_PER_SIDE = 32
# Drawn at a time, for the sake of memory.
_CHUNK = 50


def is_watched(model, dataset):
    """Whether a run has a quality curve: it draws from latents, and there are images enough."""
    return isinstance(model, GenerativeModel) and dataset.num_images >= FEWEST_IMAGES


def interval_of(batch_size):
    """Steps from one reading to the next, of the number of images in a step."""
    return max(_MIN_STEPS_BETWEEN_READINGS, round(_IMAGES_BETWEEN_READINGS / batch_size))


def evaluator_for(model, dataset, held_out):
    """A function that makes the `QualityEvaluator` of a run, which takes a moment.

    It compares with what no training sees; where there is none, or too little of it, with some of
    the training images, and measures the distance of real ones by the others.

    Args:
        model: a `GenerativeModel`.
        dataset: the `ImageDataset` that the run is trained on, one that `is_watched`.
        held_out: the one that no training sees, or None.
    """

    def make():
        if held_out is not None:
            try:
                return QualityEvaluator(model, dataset, held_out, "held-out")
            except InputError:
                pass
        some = some_of(dataset, _NUM_HELD_OUT + _NUM_FITTED)
        half = min(_NUM_HELD_OUT, some.num_images // 2)
        rows = np.arange(some.num_images)
        train, compared = some.subset(rows[half:]), some.subset(rows[:half])
        return QualityEvaluator(model, train, compared, "training")

    return make


class QualityEvaluator:
    """Evaluates a model that draws from latents, and changes nothing of it.

    The features are principal components of the pixels, fitted on training images. What is drawn
    has the same seeds, and the conditions of the same training images, at every reading, which
    follows from the weights alone.

    Args:
        model: a `GenerativeModel`.
        train: the `ImageDataset` that it learns from, of at least 2 images.
        held_out: the one that it is compared with, likewise.
        kind: what to call the images of the latter.

    Attributes:
        compared_with: how many images of which kind it compares with, in words.

    Raises:
        InputError: there are fewer images.
    """

    def __init__(self, model, train, held_out, kind):
        self.model = model
        height, width, _ = train.image_shape
        factor = min(1.0, _MOST_PIXELS_PER_SIDE / max(height, width))
        self.size = (math.ceil(height * factor), math.ceil(width * factor))

        fitted = self.small_images_of(some_of(train, _NUM_FITTED))
        self.extractor = principal_components(fitted)
        # As many reals as fakes, and the conditions of the fakes.
        shown = some_of(train, _NUM_DRAWN)
        batch = next(iter(dataclasses.replace(shown, batch_size=shown.num_images).batches()))
        condition = model.condition
        self.conditions = () if condition is None else (batch[condition.batch_key],)

        with threadpool_limits(1):
            real = self.extractor(self.small_images_of(some_of(held_out, _NUM_HELD_OUT)))[0]
            self.compared_with = f"{len(real):,} {kind} images"
            self.real = GaussianStatistics.from_features(real)
            floor = self.extractor(self.small_images_of(unfitted_of(train, shown)))[0]
            self.floor = frechet_distance(self.real, floor)
            # Such distances compare at equal numbers only.
            self.num_live = min(_NUM_LIVE, len(real), shown.num_images)
            self.real_nearest = np.median(nearest_pair_distances(real[: self.num_live]))
        self.training_images = batch["image"][: self.num_live]

        specs = [tf.TensorSpec([None, *model.image_shape]), tf.TensorSpec([None], tf.int64)]
        specs += [condition.spec] if self.conditions else []
        self.live = tf.function(self.live, input_signature=specs)

    def evaluate(self):
        """Evaluates the model as it is.

        Returns:
            A `Reading`.

        Raises:
            NotFiniteError: the images are not finite.
        """
        of_ema = [
            self.small(self.model.generate(seeds, *condition))
            for seeds, *condition in self.requests(_NUM_DRAWN)
        ]
        live = [
            self.live(tf.gather(self.training_images, seeds), seeds, *condition)
            for seeds, *condition in self.requests(self.num_live)
        ]
        images, *logits = (np.concatenate(parts) for parts in zip(*live))
        with threadpool_limits(1), np.errstate(invalid="ignore", divide="ignore"):
            drawn, features = (self.features(each) for each in (np.concatenate(of_ema), images))
            distances = nearest_pair_distances(features)
            variance = features.var(axis=0, ddof=1).sum()
            return Reading(
                step=int(self.model.step),
                frechet_distance=frechet_distance(self.real, drawn),
                error=frechet_error(self.real, drawn),
                floor=self.floor,
                diversity=float(variance / np.trace(self.real.covariance)),
                nearest_pair=float(np.median(distances) / self.real_nearest),
                discriminator_auc=probability_above(*logits) if logits else math.nan,
            )

    def requests(self, num):
        """What to draw, in parts: seeds, and for a conditional model their conditions."""
        for start in range(0, num, _CHUNK):
            seeds = tf.range(start, min(start + _CHUNK, num), dtype=tf.int64)
            # Where there are fewer training images, they come again.
            yield seeds, *(tf.gather(each, seeds % len(each)) for each in self.conditions)

    def live(self, training_images, seeds, *condition):
        """What the networks make as they are in training, less its randomness.

        Args:
            training_images: float32 [N, H, W, C] in [-1, 1].
            seeds: int64 [N].
            *condition: of a conditional model, that of the training images.

        Returns:
            Generated images, made small; and where there is a discriminator, the logits of the
            training images and those of the generated ones, float32 [N] each.
        """
        condition = [self.model.condition.checked(each) for each in condition]
        latents = latents_from_seeds(seeds, self.model.latent_dim)
        inputs = [latents, *condition] if condition else latents
        images = self.model.generator(inputs, training=False)
        images = tf.cast(images, tf.float32)
        small = self.small((images + 1.0) / 2.0)
        if self.model.discriminate is None:
            return (small,)
        condition = condition[0] if condition else None
        logits = (
            self.model.discriminate(training_images, None, condition),
            self.model.discriminate(images, latents, condition),
        )
        return small, *(one_per_image(each) for each in logits)

    def small(self, images):
        """Images float32 [N, H, W, C] in [0, 1] at the size that features are made of."""
        if images.shape[1:3] == self.size:
            return images
        return tf.image.resize(images, self.size, method="area")

    def small_images_of(self, dataset):
        """The same of an `ImageDataset`, uint8."""
        parts = [
            self.small(dataset.images[start : start + _CHUNK] / np.float32(255.0))
            for start in range(0, dataset.num_images, _CHUNK)
        ]
        return np.round(255.0 * np.concatenate(parts)).astype(np.uint8)

    def features(self, images):
        """Features float64 [N, D] of small images float32 [N, H, W, C] in [0, 1]."""
        if not np.isfinite(images).all():
            step = int(self.model.step)
            raise NotFiniteError(f"the images became infinite or NaN at step {step}")
        # What rounding leaves outside.
        return self.extractor(np.clip(images, 0.0, 1.0))[0].astype(np.float64)


def one_per_image(logits):
    """The mean logit of each image, float32 [N], of logits [N, ...]."""
    logits = tf.cast(tf.reshape(logits, [tf.shape(logits)[0], -1]), tf.float32)
    return tf.reduce_mean(logits, axis=1)


def unfitted_of(dataset, shown):
    """As many images as are shown, which the components were not fitted to; else those shown."""
    some = some_of(dataset, _NUM_FITTED + shown.num_images)
    unfitted = some.subset(np.arange(_NUM_FITTED, some.num_images))
    return unfitted if unfitted.num_images == shown.num_images else shown


def some_of(dataset, num):
    """At most `num` images of an `ImageDataset`, always the same, in random order."""
    return dataset.subset(np.random.default_rng(0).permutation(dataset.num_images)[:num])


def probability_above(first, second):
    """The probability that a number of the first [N] exceeds one of the second [M], ties half."""
    return float(mannwhitneyu(first, second).statistic / (len(first) * len(second)))
