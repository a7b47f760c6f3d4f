"""Differentiable augmentation: random changes to every image that the discriminator sees.

Real and generated images go through the same kinds of change, and the generator's gradient
through them, so that a small data set is not memorized and the changes stay out of what is
generated. Each policy draws its own randomness, then applies it with a function that takes the
draws; both are pure.

Images are float [N, H, W, C] with H, W and C known. What is moved in or cut out is 0, as the
authors have it: gray in [-1, 1] and half transparent, so that it shows against black and white
alike and the discriminator can tell what the augmentation did from what the image is.

Reference:
    Zhao et al. 2020 (arXiv 2006.10738), section 3.2; ranges as in the authors' code.
"""

from collections.abc import Iterable

import tensorflow as tf

from tfgan.errors import InputError

# Brightness, saturation, contrast.
JITTER_LOWS = (-0.5, 0.0, 0.5)
JITTER_HIGHS = (0.5, 2.0, 1.5)


def augment(images, policies, seed):
    """Changes each image at random.

    Args:
        images: float [N, H, W, C] in [-1, 1].
        policies: names out of `POLICIES`, applied in their order.
        seed: int32 or int64 [2]. The same seed gives the same changes on every device; each policy
            and each image has its own.

    Returns:
        As `images` in shape and dtype, differentiable; the images themselves where there is no
        policy. "color" may leave [-1, 1]: a clip would stop the gradient.

    Raises:
        InputError: an unknown policy.
    """
    for position, policy in enumerate(checked_policies(policies)):
        # Philox throughout, as in `tfgan.noise`: "auto_select" depends on the device.
        images = POLICIES[policy](images, tf.random.fold_in(seed, position, alg="philox"))
    return images


def checked_policies(policies):
    """The names as a tuple.

    Raises:
        InputError: one of them is none of `POLICIES`.
    """
    is_sequence = isinstance(policies, Iterable) and not isinstance(policies, str)
    if not is_sequence or not all(policy in [*POLICIES] for policy in policies):
        raise InputError(
            f"augmentation must be a sequence of names out of {', '.join(POLICIES)}. "
            f"Received: {policies!r}"
        )
    return tuple(policies)


def color(images, seed):
    """Another brightness, saturation and contrast for each image; see `jitter`."""
    return jitter(images, *draw_jitters(seed, tf.shape(images)[0], images.dtype))


def draw_jitters(seed, count, dtype=tf.float32):
    """Brightness, saturation, contrast: float [count] each, `JITTER_LOWS` to `JITTER_HIGHS`."""
    draws = tf.random.stateless_uniform(
        (count, 3), seed, JITTER_LOWS, JITTER_HIGHS, dtype, alg="philox"
    )
    return tf.unstack(draws, axis=1)


def jitter(images, brightness, saturation, contrast):
    """Adds `brightness`, then scales by `saturation` and by `contrast`.

    Saturation scales about the mean of a pixel's channels, which does nothing to a single channel;
    contrast about the mean of the image. All act on the first three channels alone: alpha is
    no color.

    Args:
        images: float [N, H, W, C].
        brightness, saturation, contrast: float [N].

    Returns:
        float [N, H, W, C], unbounded.
    """
    colors, alpha = images[..., :3], images[..., 3:]
    colors += brightness[:, None, None, None]
    if colors.shape[-1] > 1:
        colors = scale_about_mean(colors, saturation, axis=3)
    colors = scale_about_mean(colors, contrast, axis=(1, 2, 3))
    return tf.concat([colors, alpha], axis=3)


def scale_about_mean(images, factors, axis):
    """mean + factor (x - mean), the mean over `axis`, one factor per image."""
    mean = tf.reduce_mean(images, axis, keepdims=True)
    return mean + factors[:, None, None, None] * (images - mean)


def translation(images, seed):
    """Each image shifted by up to an eighth of its sides; see `translate`."""
    return translate(images, draw_shifts(seed, tf.shape(images)[0], images.shape[1:3]))


def draw_shifts(seed, count, sides):
    """Pixels down and to the right, int32 [count, 2]: up to an eighth of each side, rounded."""
    most = [(side + 4) // 8 for side in sides]
    return uniform_integers(seed, count, [-shift for shift in most], most)


@tf.custom_gradient
def translate(images, shifts):
    """Shifts each image and fills up with 0.

    Args:
        images: float [N, H, W, C].
        shifts: int32 [N, 2], pixels down and to the right, negative for up and left.

    Returns:
        float [N, H, W, C].
    """
    # A frame of zeros: what comes from outside is taken from there.
    shifted = tf.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for axis, pixels in enumerate(tf.unstack(shifts, axis=1), start=1):
        side = images.shape[axis]
        sources = tf.clip_by_value(tf.range(side) - pixels[:, None], -1, side) + 1
        shifted = tf.gather(shifted, sources, axis=axis, batch_dims=1)

    def gradient(upstream):
        # The shift back. By itself TensorFlow would scatter, up to five times as slow.
        return translate(upstream, -shifts), None

    return shifted, gradient


def cutout(images, seed):
    """A rectangle of half the sides set to 0 in each image; see `cut_out`."""
    return cut_out(images, draw_corners(seed, tf.shape(images)[0], images.shape[1:3]))


def draw_corners(seed, count, sides):
    """Upper left corners of the rectangles to cut out, int32 [count, 2].

    The center is anywhere in the image and the corner may lie outside: of rectangles that are
    all inside, each would hide the middle.
    """
    lows = [-(cut_length(side) // 2) for side in sides]
    highs = [side - (cut_length(side) + 1) // 2 for side in sides]
    return uniform_integers(seed, count, lows, highs)


def cut_length(side):
    """Half of a side, rounded up."""
    return (side + 1) // 2


def is_cut(side, first):
    """Where a cut that begins at `first`, int32 [N], hides a side: bool [N, side]."""
    offsets = tf.range(side) - first[:, None]
    return (offsets >= 0) & (offsets < cut_length(side))


def cut_out(images, corners):
    """Sets a rectangle of half the sides, rounded up, to 0 in each image.

    Args:
        images: float [N, H, W, C].
        corners: int32 [N, 2], row and column of the upper left corner; what lies outside of the
            image is cut off.

    Returns:
        float [N, H, W, C].
    """
    # `corners[:, 0, None]` would be shorter, but TensorFlow 2.21 loses the new axis in a graph
    # where the corners come out of `uniform_integers`.
    rows, columns = (
        is_cut(side, first) for side, first in zip(images.shape[1:3], tf.unstack(corners, axis=1))
    )
    kept = ~(rows[:, :, None, None] & columns[:, None, :, None])
    return images * tf.cast(kept, images.dtype)


def uniform_integers(seed, count, lows, highs):
    """int32 [count, 2], column i uniform in [lows[i], highs[i]]."""
    seeds = tf.unstack(tf.random.split(seed, 2, alg="philox"))
    columns = [
        tf.random.stateless_uniform((count,), seed, low, high + 1, tf.int32, alg="philox")
        for seed, low, high in zip(seeds, lows, highs)
    ]
    return tf.stack(columns, axis=1)


POLICIES = {"color": color, "translation": translation, "cutout": cutout}
