"""Other looks of the same images, whose content stays: domains to translate between.

A variant is a pure function of images, float32 [N, H, W, C] in [-1, 1], and a seed, int64 [2],
which only those use that draw random numbers; each image's draw follows from the seed and its
place in the batch. All return float32 [N, H, W, C'] in [-1, 1].
"""

import functools
import math

import tensorflow as tf

# Rec. ITU-R BT.601: what red, green and blue add to brightness.
_LUMA = (0.299, 0.587, 0.114)

# Brown paper, on which saturated colors, black and white all stand out.
_PAPER = (0.74, 0.63, 0.48)


def luma(images):
    """Brightness, float32 [N, H, W, 1]. What is transparent lies on white.

    As where files are brought to gray, for a data set and by a served model.
    """
    if images.shape[-1] == 1:
        return images
    gray = tf.reduce_sum(images[..., :3] * _LUMA, axis=-1, keepdims=True)
    if images.shape[-1] == 3:
        return gray
    opacity = (images[..., 3:] + 1.0) / 2.0
    # White is 1.
    return gray * opacity + (1.0 - opacity)


def with_channels(images, channels):
    """Images of so many channels, or of their own if those are more.

    Gray is repeated, and what has no transparency is opaque.
    """
    if images.shape[-1] == 1 < channels:
        images = tf.repeat(images, 3, axis=-1)
    if channels == 4 and images.shape[-1] == 3:
        images = tf.concat([images, tf.ones_like(images[..., :1])], axis=-1)
    return images


def inverted(images, seed):
    """The negative; transparency is kept."""
    return tf.concat([-images[..., :3], images[..., 3:]], axis=-1)


def thick(images, seed):
    """What is drawn on the page, grown by a 28th of the shorter side, a pixel at least, each way.

    A dilation with a square where the page is dark, an erosion where it is light.
    """
    radius = max(1, round(min(images.shape[1:3]) / 28))
    sign = tf.where(page(images) > 0.0, -1.0, 1.0)
    images = sign * images
    for axis in (1, 2):
        images = functools.reduce(tf.maximum, _neighbors(images, radius, axis))
    return sign * images


def gray(images, seed):
    """Brightness alone, of one channel."""
    return luma(images)


def colored(images, seed):
    """Brightness in a saturated color, of three channels; each image's hue is random."""
    hue = tf.random.stateless_uniform((tf.shape(images)[0], 1), seed, alg="philox")
    hsv = tf.concat([hue, tf.fill(tf.shape(hue), 0.85), tf.ones_like(hue)], axis=1)
    tint = tf.image.hsv_to_rgb(hsv)[:, None, None, :]
    return (luma(images) + 1.0) * tint - 1.0


def relief(images, seed):
    """What is drawn, raised from brown paper: lit from the upper left, with a shadow behind it.

    A pixel's height is how far its color is from the page's, smoothed. Light is the slope of the
    height along the diagonal; the shadow is the height, moved down and right
    by a 14th of the shorter side and blurred. So a pixel of the result depends on many of the
    image. Transparency is kept.
    """
    colors, alpha = images[..., :3], images[..., 3:]
    rows, columns, channels = colors.shape[1:]
    side = min(rows, columns)
    distance = tf.reduce_max(tf.abs(colors - page(colors)), axis=-1, keepdims=True)
    height = _blurred(tf.minimum(distance, 1.0), side / 56)

    down, right = sobel(height)
    light = 0.9 * (down + right)
    offset = max(1, round(side / 14))
    moved = tf.pad(height, ((0, 0), (offset, 0), (offset, 0), (0, 0)))[:, :rows, :columns]
    shadow = _blurred(moved, side / 28) * (1.0 - height)

    paper = tf.constant(_PAPER)
    if channels == 1:
        paper = tf.reduce_sum(paper * _LUMA, keepdims=True)
    # A little darker, so that light shows on white too.
    ink = 0.85 * (colors + 1.0) / 2.0
    surface = (paper + height * (ink - paper)) * (1.0 - 0.65 * shadow) + light
    return tf.concat([2.0 * tf.clip_by_value(surface, 0.0, 1.0) - 1.0, alpha], axis=-1)


def page(images):
    """The color that images are drawn on: the mean of their border, float32 [N, 1, 1, C]."""
    border = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return tf.reduce_mean(tf.concat(border, axis=1), axis=1)[:, None, None, :]


def sobel(images):
    """How much images change from pixel to pixel, by Sobel's operator.

    Out of slices, because `tf.image.sobel_edges` takes several times as long on a CPU.

    Args:
        images: float32 [N, H, W, C]; the border is continued outwards.

    Returns:
        The change down and the change to the right, float32 [N, H, W, C] each.

    Reference:
        Sobel and Feldman 1968, "A 3x3 isotropic gradient operator for image processing".
    """
    x = tf.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), "SYMMETRIC")
    columns = x[:, :, :-2] + 2.0 * x[:, :, 1:-1] + x[:, :, 2:]
    rows = x[:, :-2] + 2.0 * x[:, 1:-1] + x[:, 2:]
    # The weights on either side sum to 4, and the sides are two pixels apart.
    return (columns[:, 2:] - columns[:, :-2]) / 8.0, (rows[:, :, 2:] - rows[:, :, :-2]) / 8.0


def _blurred(images, sigma):
    """A Gaussian blur; the border is continued outwards."""
    radius = math.ceil(2 * sigma)
    weights = [math.exp(-0.5 * (tap / sigma) ** 2) for tap in range(-radius, radius + 1)]
    for axis in (1, 2):
        neighbors = _neighbors(images, radius, axis)
        images = sum(weight / sum(weights) * x for weight, x in zip(weights, neighbors))
    return images


def _neighbors(images, radius, axis):
    """Images moved along an axis by -radius, ..., radius pixels; the border is continued."""
    length = images.shape[axis]
    places = tf.clip_by_value(tf.range(-radius, length + radius), 0, length - 1)
    continued = tf.gather(images, places, axis=axis)
    starts = range(2 * radius + 1)
    if axis == 1:
        return [continued[:, start : start + length] for start in starts]
    return [continued[:, :, start : start + length] for start in starts]


VARIANTS = {
    "inverted": inverted,
    "thick": thick,
    "grey": gray,
    "colored": colored,
    "relief": relief,
}
