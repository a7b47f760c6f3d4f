"""Drawn shapes whose factors are known: always there, captioned, as many as are requested.

An image shows one shape on a white page. Five factors distinguish it: what shape it is, its
color, texture, size and position. A third of their combinations is never seen in training, and is
what the test split shows: every word of a test caption is known, and the whole is new.
"""

import functools
import itertools

import numpy as np

from tfgan.data.captions import caption_table, with_article
from tfgan.data.source import Annotation, Source
from tfgan.errors import InputError

FACTORS = {
    "shape": ("circle", "square", "triangle", "cross"),
    "colour": ("red", "orange", "yellow", "green", "cyan", "blue", "purple"),
    "texture": ("plain", "striped", "dotted"),
    "size": ("small", "large"),
    "position": (
        *("top left", "top", "top right"),
        *("left", "center", "right"),
        *("bottom left", "bottom", "bottom right"),
    ),
}

NUM_IMAGES = {"train": 20_000, "test": 4_000}

# Raise it when the same numbers give other images than before.
_VERSION = 1

_DEFAULT_SIDE = 32

# Of the project, which draws the images.
_LICENSE = "Apache-2.0"

_COLORS = np.float32(
    [
        (222, 32, 38),
        (250, 130, 10),
        (248, 218, 10),
        (46, 164, 62),
        (16, 190, 205),
        (38, 84, 222),
        (140, 48, 186),
    ]
)

# Lengths are fractions of the page's shorter side; centers, of its height and width.
_RADII = np.float32([0.16, 0.25])
_RADIUS_JITTER = 0.05
_CENTERS = np.float32([0.28, 0.5, 0.72])
_CENTER_JITTER = 0.02
_STRIPE_PERIOD = 0.13
_DOT_PERIOD = 0.125
_DOT_RADIUS = 0.038

_PLACES = dict(
    zip(
        FACTORS["position"],
        (
            *("at the top left", "at the top", "at the top right"),
            *("on the left", "in the center", "on the right"),
            *("at the bottom left", "at the bottom", "at the bottom right"),
        ),
    )
)

# Drawn together: images of 32x32 then stay in the processor's cache.
_CHUNK = 128


def source(size: tuple[int, int] | None, split: str) -> Source:
    """Describes 20,000 images to train on and 4,000 to test with, of combinations apart.

    An image's label is its pair of color and shape, one of 28; its attributes are its factors;
    its captions are those of `captions`.

    Args:
        size: (height, width) to draw at, or None for 32x32.
        split: `train` or `test`.

    Returns:
        The source of the images, RGB.

    Raises:
        InputError: There is no such split.
    """
    chosen = combinations(split)
    total = NUM_IMAGES[split]
    num_shapes = len(FACTORS["shape"])

    def decode(image_shape):
        row_of = {tuple(factors): row for row, factors in enumerate(chosen.tolist())}
        for start in range(0, total, _CHUNK):
            numbers = np.arange(start, min(start + _CHUNK, total))
            images, factors = draw(numbers, split, image_shape[:2])
            for image, attributes in zip(images, map(tuple, factors.tolist())):
                shape, color, *_ = attributes
                label = num_shapes * color + shape
                yield image, Annotation(label, attributes, row_of[attributes])

    pairs = itertools.product(FACTORS["colour"], FACTORS["shape"])
    return Source(
        name="shapes",
        fingerprint=["shapes", _VERSION, split, size],
        num_images=total,
        class_names=tuple(f"{color} {shape}" for color, shape in pairs),
        survey=lambda: (*(size or (_DEFAULT_SIDE, _DEFAULT_SIDE)), 3),
        decode=decode,
        license=_LICENSE,
        attribute_names=FACTORS,
        caption_table=captions(chosen),
    )


def combinations(split: str) -> np.ndarray:
    """Returns the combinations of factors that a split shows.

    The test split has those whose indices sum to a multiple of 3. As textures and positions come
    in threes, every category, and every pair of two factors' categories, is in both splits, in
    like shares.

    Args:
        split: `train` or `test`.

    Returns:
        int32 [1008, 5] or [504, 5], ordered: indices into the categories of `FACTORS`.

    Raises:
        InputError: There is no such split.
    """
    if split not in NUM_IMAGES:
        raise InputError(f"The data set 'shapes' has no split {split!r}, but train, test.")
    ranges = (range(len(categories)) for categories in FACTORS.values())
    every = np.array(list(itertools.product(*ranges)), np.int32)
    is_held_out = every.sum(axis=1) % 3 == 0
    return every[is_held_out if split == "test" else ~is_held_out]


def captions(factors: np.ndarray) -> np.ndarray:
    """Returns what images show, in words: four phrasings that name every factor, two shorter.

    Args:
        factors: Integers [N, 5], indices into the categories of `FACTORS`.

    Returns:
        str [N, 6].
    """
    rows = []
    for indices in factors:
        shape, color, texture, size, position = (
            categories[index] for categories, index in zip(FACTORS.values(), indices)
        )
        place = _PLACES[position]
        # What has no pattern is called plain only where a word is expected.
        pattern = "" if texture == "plain" else f"{texture} "
        rows.append(
            [
                f"a {size} {color} {pattern}{shape} {place}",
                f"{place}, a {size} {shape} in {texture} {color}",
                f"{with_article(color)} {shape} {place}, {size} and {texture}",
                f"a {texture} {shape}, {size} and {color}, {place}",
                f"a {size} {color} {shape}",
                f"{with_article(color)} {shape}",
            ]
        )
    return caption_table(rows)


def draw(
    numbers: np.ndarray, split: str = "train", image_size: int | tuple[int, int] = _DEFAULT_SIDE
) -> tuple[np.ndarray, np.ndarray]:
    """Draws images by their numbers: an image is a pure function of number, split and size.

    Every run of as many numbers as the split has combinations shows each of these once.

    Args:
        numbers: Integers [N], at least 0, without an upper end.
        split: `train` or `test`.
        image_size: Side, or (height, width).

    Returns:
        The images, uint8 [N, height, width, 3], and their factors, int32 [N, 5]: indices into
        the categories of `FACTORS`.

    Raises:
        InputError: There is no such split.
    """
    numbers = np.asarray(numbers, np.uint64)
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    chosen = _shuffled_combinations(split)
    factors = chosen[numbers % np.uint64(len(chosen))]
    images = np.empty((len(numbers), *size, 3), np.uint8)
    for start in range(0, len(numbers), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        images[chunk] = _draw(factors[chunk], _jitter(numbers[chunk]), size)
    return images, factors


@functools.cache
def _shuffled_combinations(split: str) -> np.ndarray:
    """A split's combinations, in an order in which any few are a fair sample."""
    chosen = combinations(split)
    return chosen[np.argsort(_random_bits(np.arange(len(chosen), dtype=np.uint64)))]


def _jitter(numbers: np.ndarray) -> np.ndarray:
    """Returns float32 [N, 3] in [-1, 1): of the center, down and across, and of the radius."""
    bits = _random_bits(3 * numbers[:, None] + np.arange(3, dtype=np.uint64))
    return ((bits >> np.uint64(40)) / 2.0**23 - 1.0).astype(np.float32)


def _random_bits(counters: np.ndarray) -> np.ndarray:
    """Returns 64 random bits for each counter, uint64: the output function of SplitMix64.

    Reference:
        Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators, figure 13.
    """
    bits = (counters + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _draw(factors: np.ndarray, jitter: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    side = min(size)
    shape, color, texture, radius, position = factors.T
    row, column = np.divmod(position, 3)
    # In pixels from here on; pixel centers lie at halves.
    center_y = height * (_CENTERS[row] + _CENTER_JITTER * jitter[:, 0])
    center_x = width * (_CENTERS[column] + _CENTER_JITTER * jitter[:, 1])
    radius = side * _RADII[radius] * (1 + _RADIUS_JITTER * jitter[:, 2])
    y = np.arange(height, dtype=np.float32)[:, None] + 0.5 - center_y[:, None, None]
    x = np.arange(width, dtype=np.float32) + 0.5 - center_x[:, None, None]

    distance = np.empty((len(factors), height, width), np.float32)
    for index, signed_distance in enumerate((_circle, _square, _triangle, _cross)):
        chosen = shape == index
        distance[chosen] = signed_distance(x[chosen], y[chosen], radius[chosen, None, None])
    cover = _cover(distance)

    shade = np.zeros_like(distance)
    for index, pattern in ((1, _stripes), (2, _dots)):
        chosen = texture == index
        shade[chosen] = _cover(pattern(x[chosen], y[chosen], side))
    ink = _COLORS[color][:, None, None] * (1 - 0.5 * shade[..., None])
    return np.rint(255 + cover[..., None] * (ink - 255)).astype(np.uint8)


def _cover(distance: np.ndarray) -> np.ndarray:
    """The part of a pixel that lies inside an edge at this signed distance, in [0, 1]."""
    return np.clip(0.5 - distance, 0, 1)


# Signed distances in pixels, below 0 inside: x [N, 1, W], y [N, H, 1], radius [N, 1, 1] in,
# [N, H, W] out. The shapes are as high as wide, or nearly, about the center.


def _circle(x, y, radius):
    return np.hypot(x, y) - radius


def _square(x, y, radius):
    return _box(x, y, 0.9 * radius, 0.9 * radius)


def _triangle(x, y, radius):
    # Equilateral, with the apex at the top, and the center at half of its height.
    half_base = 1.08 * radius
    half_height = half_base * np.float32(np.sqrt(3) / 2)
    slanted = np.float32(np.sqrt(3) / 2) * np.abs(x) - (y + half_height) / 2
    return np.maximum(slanted, y - half_height)


def _cross(x, y, radius):
    arm = 0.36 * radius
    return np.minimum(_box(x, y, radius, arm), _box(x, y, arm, radius))


def _box(x, y, half_width, half_height):
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def _stripes(x, y, side):
    # Diagonal, so that they cross the arms of a cross.
    along = (x + y) * np.float32(np.sqrt(0.5))
    period = _STRIPE_PERIOD * side
    return np.abs(_offset(along, period)) - period / 4


def _dots(x, y, side):
    period = _DOT_PERIOD * side
    return np.hypot(_offset(x, period), _offset(y, period)) - _DOT_RADIUS * side


def _offset(position, period):
    """The distance, with its sign, from the nearest multiple of the period."""
    return position - period * np.rint(position / period)
