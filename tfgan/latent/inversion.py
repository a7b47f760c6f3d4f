"""Inversion: which latents a generator would draw given images from."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from scipy import stats
from scipy.spatial.distance import cdist
from tqdm import tqdm

from tfgan.errors import InputError

# Candidates optimized at once.
_BATCH_SIZE = 256


@dataclasses.dataclass(frozen=True)
class Inversion:
    """Attributes: what was found, for N images.

    Attributes:
        latents: float32 [N, D].
        images: what the generator draws from them, float32 [N, H, W, C] in [0, 1].
        errors: float32 [N], the mean square difference of a pixel in [0, 1].
    """

    latents: np.ndarray
    images: np.ndarray
    errors: np.ndarray


def invert(
    generator,
    images,
    condition=None,
    restarts=8,
    steps=200,
    learning_rate=0.1,
    seed=0,
    progress=False,
):
    """Finds latents whose images are nearest to given ones, by gradient descent.

    Every image is approached from several random latents, and the nearest result is kept. Each
    descends the mean square difference of its pixels by Adam, whose rate falls to 0 along a cosine.
    After every step, vectors longer than 99% of random ones are shortened to that length: beyond it
    a generator was never trained.

    Args:
        generator: a `LatentGenerator`.
        images: float [N, H, W, C] in [0, 1], of the generator's `image_shape`.
        condition: what a conditional model takes.
        restarts: random latents to begin from.
        steps: of each.
        learning_rate: at first.
        seed: of the random latents.
        progress: shows a bar.

    Returns:
        An `Inversion`.

    Raises:
        InputError: images of another shape.

    Reference:
        Creswell and Bharath 2016 (arXiv 1611.05644); Lipton and Tripathy 2017 (arXiv 1702.04782).
    """
    images = _checked(generator, images)
    random = np.random.default_rng(seed)
    starts = random.standard_normal((len(images), restarts, generator.latent_dim), np.float32)
    found = np.empty_like(starts)
    descend = _descent(generator, steps, learning_rate)
    per_batch = max(1, _BATCH_SIZE // restarts)
    with tqdm(total=len(images), unit="image", delay=1, disable=not progress) as bar:
        for start in range(0, len(images), per_batch):
            batch = slice(start, start + per_batch)
            flat = starts[batch].reshape(-1, generator.latent_dim)
            targets = np.repeat(images[batch], restarts, axis=0)
            conditions = (
                None if condition is None else np.repeat(condition[batch], restarts, axis=0)
            )
            found[batch] = descend(flat, targets, conditions).reshape(starts[batch].shape)
            bar.update(len(images[batch]))
    return _best(generator, images, found, condition)


def random_search(generator, images, candidates, condition=None, seed=0):
    """The nearest of random latents' images to each given one: what `invert` has to beat.

    Args:
        generator, images: as in `invert`.
        candidates: random latents; every image is compared with all of them.
        condition: what a conditional model takes for every candidate: one for all images.
        seed: of the latents.

    Returns:
        An `Inversion`.
    """
    images = _checked(generator, images)
    random = np.random.default_rng(seed)
    latents = random.standard_normal((candidates, generator.latent_dim), np.float32)
    conditions = None if condition is None else np.repeat(condition[:1], candidates, axis=0)
    drawn = generator.draw(latents, conditions).reshape(candidates, -1)
    nearest = cdist(images.reshape(len(images), -1), drawn, "sqeuclidean").argmin(axis=1)
    return _best(generator, images, latents[nearest][:, None], condition)


def longest_norm(latent_dim):
    """The length that 99% of random latents do not exceed."""
    return float(np.sqrt(stats.chi2.ppf(0.99, latent_dim)))


def _checked(generator, images):
    images = np.asarray(images, np.float32)
    if images.shape[1:] != generator.image_shape:
        raise InputError(
            f"the images must be [N, *{list(generator.image_shape)}]. Received: "
            f"{list(images.shape)}"
        )
    return images


def _descent(generator, steps, learning_rate):
    """A function (latents [M, D], targets [M, H, W, C], condition) -> latents [M, D]."""
    most = longest_norm(generator.latent_dim)

    def descend(latents, targets, condition):
        variable = tf.Variable(latents)
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        optimizer = keras.optimizers.Adam(schedule)
        optimizer.build([variable])
        targets = tf.constant(targets)

        @tf.function
        def run():
            for _ in tf.range(steps):
                with tf.GradientTape() as tape:
                    differences = generator.images(variable, condition) - targets
                    # A sum over the candidates: each one's gradient is its own.
                    loss = tf.reduce_sum(tf.reduce_mean(differences**2, axis=[1, 2, 3]))
                optimizer.apply([tape.gradient(loss, variable)], [variable])
                variable.assign(tf.clip_by_norm(variable, most, axes=[1]))

        run()
        return variable.numpy()

    return descend


def _best(generator, images, candidates, condition):
    """The nearest of candidates float32 [N, R, D] for each image."""
    errors = np.stack(
        [
            _errors(generator.draw(candidates[:, index], condition), images)
            for index in range(candidates.shape[1])
        ],
        axis=1,
    )
    best = errors.argmin(axis=1)
    latents = candidates[np.arange(len(images)), best]
    drawn = generator.draw(latents, condition)
    return Inversion(latents, drawn, _errors(drawn, images))


def _errors(drawn, images):
    return np.mean((drawn - images) ** 2, axis=(1, 2, 3))
