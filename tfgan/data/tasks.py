"""Tasks of paired translation: from any images, a model's input and its target.

A task is a pure function of images, float32 [N, H, W, C] in [-1, 1] with H, W and C known, and a
seed, int64 [2]. Each image's random numbers follow from the seed and its place in the batch, on
every device. It returns

- `image`: the target, float32 [N, H, W, C] in [-1, 1];
- `condition`: the image that it is to be made from, float32 [N, H, W, C'] in [-1, 1];
- `mask`, where pixels are missing: float32 [N, H, W, 1], 1 where they are to be filled and 0 where
  they are known. A model takes it together with the condition.
"""

import functools
import math
from difflib import get_close_matches

import tensorflow as tf

from tfgan.data.variants import luma, relief, sobel
from tfgan.errors import InputError
from tfgan.names import SCALES

# The strongest noise that denoisers are usually compared at, as a standard deviation in gray
# levels out of 255: Zhang et al. 2017 (arXiv 1608.03981).
NOISE_LEVEL = 50

# Parts of a side.
_BOX_SIDES = (0.25, 0.5)
_SEGMENT_LENGTHS = (0.1, 0.3)
_BRUSH_RADII = (0.03, 0.07)

_STROKES = 3
_SEGMENTS = 4


def inpaint(images, seed):
    """Fill in what is missing: half of the images lack a box, the others free-form strokes.

    The condition is the image with 0, which is mid-gray, in the holes.

    Reference:
        Pathak et al. 2016 (arXiv 1604.07379) for boxes; Yu et al. 2019 (arXiv 1806.03589),
        section 3.2, for strokes, here with round joints and lengths relative to the image.
    """
    mask = draw_mask(seed, tf.shape(images)[0], images.shape[1:3])
    return {"image": images, "condition": images * (1.0 - mask), "mask": mask}


def colorize(images, seed):
    """Color from brightness; the condition has one channel.

    Raises:
        InputError: the images are gray.
    """
    if images.shape[-1] < 3:
        raise InputError(
            "The task colorize needs images in color. Received: images of 1 channel. Use "
            "the data set shapes or another in color, or another task."
        )
    return {"image": images, "condition": luma(images)}


def super_resolution(images, seed, scale=4):
    """Detail from an image of a `scale`-th of the sides, rounded up.

    The condition is made smaller by bicubic resampling with antialiasing, and brought back to full
    size by bicubic interpolation, so that it has the target's size and is the usual baseline.

    Reference:
        Dong et al. 2014 (arXiv 1501.00092), section 3.1; Keys 1981, "Cubic convolution
        interpolation for digital image processing".
    """
    height, width = images.shape[1:3]
    small = tf.image.resize(
        images, (math.ceil(height / scale), math.ceil(width / scale)), "bicubic", antialias=True
    )
    # The cubic overshoots at edges.
    small = tf.clip_by_value(small, -1.0, 1.0)
    large = tf.image.resize(small, (height, width), "bicubic")
    return {"image": images, "condition": tf.clip_by_value(large, -1.0, 1.0)}


def edges(images, seed):
    """An image from its edges: white lines on black, of one channel.

    An edge is the magnitude of Sobel's gradient of the brightness, sqrt(Gx² + Gy²), where 1 is
    that of a straight edge between black and white; stronger ones, at corners, are clipped. See
    `tfgan.data.variants.sobel`.
    """
    down, right = sobel(luma(images))
    magnitude = tf.sqrt(down**2 + right**2)
    return {"image": images, "condition": 2.0 * tf.minimum(magnitude, 1.0) - 1.0}


def denoise(images, seed):
    """An image from itself with Gaussian noise of standard deviation 50 in 255, clipped."""
    noise = tf.random.stateless_normal(tf.shape(images), seed, alg="philox")
    noisy = images + noise * (2.0 * NOISE_LEVEL / 255.0)
    return {"image": images, "condition": tf.clip_by_value(noisy, -1.0, 1.0)}


def style(images, seed):
    """A rendering in relief, see `tfgan.data.variants.relief`, from the image as it is."""
    return {"image": relief(images, seed), "condition": images}


TASKS = {
    "inpaint": inpaint,
    "colorize": colorize,
    "super_resolution": super_resolution,
    "edges": edges,
    "denoise": denoise,
    "style": style,
}


def task(name, scale=None):
    """Returns a task by its name.

    Args:
        name: one of `TASKS`.
        scale: for `super_resolution` alone: 2 or 4, by default 4.

    Raises:
        InputError: an unknown name, a scale that is not 2 or 4, or one for another task.
    """
    if name not in TASKS:
        similar = get_close_matches(str(name), TASKS)
        suggestion = f" Did you mean {similar[0]}?" if similar else ""
        raise InputError(f"There is no task {name!r}.{suggestion} Give one of {', '.join(TASKS)}.")
    if scale is None:
        return TASKS[name]
    if name != "super_resolution":
        raise InputError(
            f"scale belongs to the task super_resolution. Received: task {name}, scale {scale}."
        )
    if scale not in SCALES:
        raise InputError(f"scale must be 2 or 4. Received: {scale}.")
    return functools.partial(super_resolution, scale=scale)


def draw_mask(seed, count, size):
    """Draws where pixels are missing: in a box, or under strokes, with equal odds.

    Args:
        seed: int64 [2].
        count: how many masks.
        size: (height, width).

    Returns:
        float32 [count, height, width, 1], 1 where a pixel is missing; no mask is empty.
    """
    kind_seed, box_seed, stroke_seed = tf.unstack(tf.random.split(seed, 3, alg="philox"))
    is_box = tf.random.stateless_uniform((count, 1, 1), kind_seed, alg="philox") < 0.5
    missing = tf.where(is_box, _boxes(box_seed, count, size), _strokes(stroke_seed, count, size))
    return tf.cast(missing, tf.float32)[..., None]


def _boxes(seed, count, size):
    """Boxes that lie inside the image, bool [count, height, width]."""
    draws = tf.random.stateless_uniform((count, 2, 2), seed, alg="philox")
    inside = []
    for axis, length in enumerate(size):
        side = length * _between(_BOX_SIDES, draws[:, axis, :1])
        start = (length - side) * draws[:, axis, 1:]
        centers = tf.range(length, dtype=tf.float32) + 0.5
        inside.append((centers >= start) & (centers < start + side))
    rows, columns = inside
    return tf.expand_dims(rows, 2) & tf.expand_dims(columns, 1)


def _strokes(seed, count, size):
    """Strokes of a round brush along random polygons, bool [count, height, width]."""
    height, width = size
    side = min(size)
    draws = tf.random.stateless_uniform((count, _STROKES, 3 + 2 * _SEGMENTS), seed, alg="philox")
    brush, start, walk = tf.split(draws, (1, 2, 2 * _SEGMENTS), axis=2)
    # A brush that is no wider than a pixel could pass between the centers of pixels.
    radius = tf.maximum(side * _between(_BRUSH_RADII, brush), 0.75)
    angles, lengths = tf.split(walk, 2, axis=2)
    angles = 2.0 * math.pi * angles
    lengths = side * _between(_SEGMENT_LENGTHS, lengths)
    y = _path(start[..., :1], lengths * tf.sin(angles), height)
    x = _path(start[..., 1:], lengths * tf.cos(angles), width)

    def per_image(values):
        return tf.reshape(values, (-1, 1, 1))

    rows = tf.range(height, dtype=tf.float32)[None, :, None] + 0.5
    columns = tf.range(width, dtype=tf.float32)[None, None, :] + 0.5
    missing = tf.zeros((count, height, width), tf.bool)
    # One by one: all distances at once would not fit into the processor's cache.
    for stroke in range(_STROKES):
        for segment in range(_SEGMENTS):
            y0, y1 = (per_image(y[:, stroke, end]) for end in (segment, segment + 1))
            x0, x1 = (per_image(x[:, stroke, end]) for end in (segment, segment + 1))
            dy, dx = y1 - y0, x1 - x0
            # Where the segment is nearest to the pixel, from 0 to 1 along it. What was cut off at
            # the border may be left with no length.
            along = ((rows - y0) * dy + (columns - x0) * dx) / tf.maximum(dy**2 + dx**2, 1e-6)
            along = tf.clip_by_value(along, 0.0, 1.0)
            square = (rows - y0 - along * dy) ** 2 + (columns - x0 - along * dx) ** 2
            missing |= square < per_image(radius[:, stroke, 0]) ** 2
    return missing


def _path(start, steps, length):
    """Where walks are on one axis, cut off at the image's border.

    Args:
        start: float32 [count, strokes, 1], parts of the length.
        steps: float32 [count, strokes, segments], in pixels.
        length: the axis' number of pixels.

    Returns:
        float32 [count, strokes, 1 + segments], the start and where each segment ends, in pixels.
    """
    places = tf.cumsum(tf.concat([length * start, steps], axis=2), axis=2)
    return tf.clip_by_value(places, 0.0, float(length))


def _between(limits, draws):
    """Draws in [0, 1) scaled to between two limits."""
    low, high = limits
    return low + (high - low) * draws
