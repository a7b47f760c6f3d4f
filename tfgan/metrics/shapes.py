"""Reads the factors of images like those of the data set `shapes` back from their pixels.

By measuring, not by a trained network: where a generator was conditioned on a large red circle,
this tells whether it drew one, and nothing has to be believed about a classifier.
"""

import numpy as np
from scipy import ndimage

from tfgan.data.shapes import FACTORS
from tfgan.errors import InputError

# A page's ink, in [0, 1], at which a pixel counts as paper, and from where on as covered.
_PAPER_INK = 0.15
_FULL_INK = 0.75

# Shares of the page that a shape may cover, and stray ink as a share of the shape's.
_LEAST_AREA = 0.015
_LARGEST_AREA = 0.3
_LARGEST_STRAY = 0.35

# The moments of `_moments` of the ideal figures, by integration over each.
_SHAPE_MOMENTS = {
    "circle": (0.0, 0.0),
    "square": (0.0, -0.43),
    "triangle": (0.66, 0.0),
    "cross": (0.0, 0.51),
}
_SHAPE_TOLERANCE = 0.3

# Angles of hue in degrees, as `_hue` counts them, with red at 0.
_HUES = {
    "red": 0,
    "orange": 30,
    "yellow": 53,
    "green": 128,
    "cyan": 185,
    "blue": 227,
    "purple": 283,
}
_HUE_TOLERANCE = 25
_LEAST_CHROMA = 0.15

# The relative variation of the color inside a shape, from which on it has a pattern; and how much
# more it varies along one diagonal than along the other where the pattern is stripes.
_LEAST_VARIATION = 0.12
_LEAST_ANISOTROPY = 0.5

# Between small and large, as a share of the page's shorter side; between the first, second and
# third of the places down or across, as shares of the page.
_SIZE_BOUNDARY = 0.385
_PLACE_BOUNDARIES = (0.39, 0.61)


def read_factors(images) -> np.ndarray:
    """Reads the five factors of each image of one shape on a white page.

    The shape is the largest connected patch of ink. What it is follows from complex moments (of
    three- and fourfold symmetry), its color from the hue of its mean, its texture from how the
    color varies inside it, size and position from its extent. All of them are sums over the
    patch, which a little noise or blur hardly moves.

    Args:
        images: uint8 [N, H, W, 3].

    Returns:
        int32 [N, 5], indices into the categories of `tfgan.data.shapes.FACTORS`, in their order;
        -1 where there is nothing to read: everywhere if there is not one patch of ink on white
        paper, the shape if it is like none, color and texture if there is no such hue.

    Raises:
        InputError: The images have another type or shape.
    """
    return read_factors_and_extent(images)[0]


def read_factors_and_extent(images) -> tuple[np.ndarray, np.ndarray]:
    """Reads the factors of images, and size and position as numbers besides.

    Args:
        images: uint8 [N, H, W, 3].

    Returns:
        `(factors, extent)`: what `read_factors` returns; and float32 [N, 3], the mean of width and
        height as a share of the page's shorter side, the center's distance from the top as a share
        of the page's height, and from the left as one of its width, NaN where there is not one
        patch of ink on white paper.

    Raises:
        InputError: The images have another type or shape.
    """
    pixels, ink, patch, is_there = _patches(images)
    size, vertical, horizontal = _extent(patch)
    row, column = (np.digitize(place, _PLACE_BOUNDARIES) for place in (vertical, horizontal))
    color = _color(pixels, patch)
    texture = np.where(color < 0, -1, _texture(pixels, ink, patch))
    factors = np.full((len(is_there), len(FACTORS)), -1, np.int32)
    factors[is_there] = np.stack(
        [_shape(patch), color, texture, size > _SIZE_BOUNDARY, 3 * row + column], axis=1
    )
    extent = np.full((len(is_there), 3), np.nan, np.float32)
    extent[is_there] = np.stack([size, vertical, horizontal], axis=1)
    return factors, extent


def _patches(images) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The images of one shape among others.

    Args:
        images: uint8 [N, H, W, 3].

    Returns:
        `(pixels, ink, patch, is_there)`: float32 [M, H, W, 3] in [0, 1], [M, H, W], and how far
        each pixel is covered by the shape, [M, H, W] in [0, 1], of the M images that show one;
        and which these are, bool [N].
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise InputError(
            "Images of shapes must be uint8 [N, height, width, 3]. Received: "
            f"{images.dtype} {list(images.shape)}."
        )
    pixels = images.astype(np.float32) / 255
    ink = 1 - pixels.min(axis=-1)
    cover = np.clip((ink - _PAPER_INK) / (_FULL_INK - _PAPER_INK), 0, 1)
    patch = cover * _around_the_largest_component(cover > 0.5)

    area = patch.sum(axis=(1, 2))
    share = patch.mean(axis=(1, 2))
    stray = cover.sum(axis=(1, 2)) - area
    is_there = (share > _LEAST_AREA) & (share < _LARGEST_AREA) & (stray < _LARGEST_STRAY * area)
    return pixels[is_there], ink[is_there], patch[is_there], is_there


def _around_the_largest_component(mask: np.ndarray) -> np.ndarray:
    """bool [N, H, W]: the largest connected component of each mask, and one pixel around it."""
    # Connected within an image, and not from one image to the next.
    within = np.zeros((3, 3, 3), bool)
    within[1] = True
    components, count = ndimage.label(mask, within)
    sizes = np.bincount(components.ravel(), minlength=count + 1)
    sizes[0] = 0
    size = sizes[components]
    largest = mask & (size == size.max(axis=(1, 2), keepdims=True))
    return ndimage.binary_dilation(largest, within)


def _shape(patch: np.ndarray) -> np.ndarray:
    moments = np.stack(_moments(patch), axis=1)
    ideals = np.array([_SHAPE_MOMENTS[name] for name in FACTORS["shape"]])
    distances = np.linalg.norm(moments[:, None] - ideals, axis=-1)
    return _nearest(distances, _SHAPE_TOLERANCE)


def _moments(patch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Threefold and fourfold complex moments about the centroid, each in [-1, 1].

    sum(w z^k) / sum(w |z|^k) for k = 3 and 4, where z is x + iy: 0 for a disc of any size, and
    large where the patch reaches out in k directions. Of the first the imaginary part, which is
    positive where one of them points up; of the second the real part, positive where they are
    up, down and sideways.
    """
    y, x = np.indices(patch.shape[1:])
    position = x + 1j * y
    area = patch.sum(axis=(1, 2))
    centroid = (patch * position).sum(axis=(1, 2)) / area
    z = position - centroid[:, None, None]
    threefold, fourfold = (
        (patch * z**k).sum(axis=(1, 2)) / (patch * np.abs(z) ** k).sum(axis=(1, 2)) for k in (3, 4)
    )
    return threefold.imag, fourfold.real


def _color(pixels: np.ndarray, patch: np.ndarray) -> np.ndarray:
    # Paper that shines through at the edge, and shade, leave the hue as it is.
    mean = (pixels * patch[..., None]).sum(axis=(1, 2)) / patch.sum(axis=(1, 2))[:, None]
    hues = np.array([_HUES[name] for name in FACTORS["colour"]])
    differences = np.abs((_hue(mean)[:, None] - hues + 180) % 360 - 180)
    color = _nearest(differences, _HUE_TOLERANCE)
    return np.where(np.ptp(mean, axis=-1) < _LEAST_CHROMA, -1, color)


def _hue(rgb: np.ndarray) -> np.ndarray:
    """Degrees in the plane at right angles to the axis of grays."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    return np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue))


def _texture(pixels: np.ndarray, ink: np.ndarray, patch: np.ndarray) -> np.ndarray:
    # In a mixture of paper and color, chroma and ink both grow with the part of the color: their
    # ratio does not know the edge of the shape, and tells a color from the same in shade.
    tone = np.ptp(pixels, axis=-1) / np.maximum(ink, _PAPER_INK)
    area = patch.sum(axis=(1, 2))
    mean = (patch * tone).sum(axis=(1, 2)) / area
    variance = (patch * (tone - mean[:, None, None]) ** 2).sum(axis=(1, 2)) / area

    def roughness(start, end):
        """The mean square of differences between neighbours along a diagonal."""
        weight = patch[start] * patch[end]
        return (weight * (tone[start] - tone[end]) ** 2).sum(axis=(1, 2))

    here, there = slice(None, -1), slice(1, None)
    across = roughness(np.s_[:, here, here], np.s_[:, there, there])
    along = roughness(np.s_[:, there, here], np.s_[:, here, there])
    plain, striped, dotted = (FACTORS["texture"].index(n) for n in ("plain", "striped", "dotted"))
    is_striped = across - along > _LEAST_ANISOTROPY * (across + along)
    pattern = np.where(is_striped, striped, dotted)
    return np.where(np.sqrt(variance) < _LEAST_VARIATION * mean, plain, pattern)


def _extent(patch: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Size as a share of the shorter side, and the center down and across as shares of the page."""
    extents, places = [], []
    for axis in (1, 2):
        # How far the patch reaches on this axis, to a fraction of a pixel.
        profile = patch.max(axis=3 - axis)
        length = profile.sum(axis=1)
        center = profile @ (np.arange(profile.shape[1]) + 0.5) / length
        extents.append(length / min(patch.shape[1:]))
        places.append(center / profile.shape[1])
    return np.mean(extents, axis=0), *places


def _nearest(distances: np.ndarray, tolerance: float) -> np.ndarray:
    """The column of the smallest distance in each row, -1 where that is beyond the tolerance."""
    return np.where(distances.min(axis=1) > tolerance, -1, distances.argmin(axis=1))
