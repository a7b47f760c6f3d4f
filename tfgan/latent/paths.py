"""Ways through the latent space, and arithmetic in it: pure functions of arrays.

Standard normal vectors of D numbers lie close to a sphere of radius sqrt(D), so that the straight
line between two of them leads through shorter vectors than any that a generator was trained on.
The length of a vector and its direction (大小与方向, as feature_vectors.txt calls them) therefore
move apart from each other here.
"""

import numpy as np

from tfgan.errors import InputError


def linear_path(start, end, num):
    """Vectors on the straight line between two.

    Args:
        start, end: float [D].
        num: of vectors, both ends counted, at least 2.

    Returns:
        float32 [num, D].
    """
    position = np.linspace(0, 1, num)[:, None]
    return ((1 - position) * start + position * end).astype(np.float32)


def spherical_path(start, end, num):
    """Vectors on the arc between two: the direction turns evenly, the length changes evenly.

    With the unit vectors u, v and the angle w between them, the direction at t in [0, 1] is
    (sin((1 - t) w) u + sin(t w) v) / sin w.

    Args:
        start, end: float [D], neither of them 0.
        num: of vectors, both ends counted, at least 2.

    Returns:
        float32 [num, D].

    Raises:
        InputError: one end has no direction, or they are opposite, so that no arc is the shortest.

    Reference:
        Shoemake 1985, "Animating rotation with quaternion curves"; White 2016 (arXiv 1609.04468),
        section 2.1.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    norms = np.linalg.norm([start, end], axis=1)
    if not norms.all():
        raise InputError("a vector of zeros has no direction: pass another")
    cosine = np.clip(start @ end / norms.prod(), -1, 1)
    angle = np.arccos(cosine)
    position = np.linspace(0, 1, num)[:, None]
    if np.sin(angle) < 1e-6:
        if cosine < 0:
            raise InputError("the vectors are opposite, so that no arc between them is shortest")
        return linear_path(start, end, num)
    first, second = np.sin((1 - position) * angle), np.sin(position * angle)
    direction = (first * start / norms[0] + second * end / norms[1]) / np.sin(angle)
    return (direction * ((1 - position) * norms[0] + position * norms[1])).astype(np.float32)


def closed_path(anchors, frames):
    """Vectors along the arcs from each anchor to the next, and from the last back to the first.

    Args:
        anchors: float [K, D].
        frames: vectors from one anchor to the next, the first of the two counted.

    Returns:
        float32 [K * frames, D], which repeats without a jump; vector k * frames is anchor k.
    """
    ends = np.roll(anchors, -1, axis=0)
    return np.concatenate(
        [spherical_path(start, end, frames + 1)[:-1] for start, end in zip(anchors, ends)]
    )


def truncated(latents, psi, center=0.0):
    """Vectors moved towards a center: less variety, for what the model draws best there.

    Args:
        latents: float [N, D].
        psi: 1 leaves them, 0 moves them all to the center.
        center: float [D]; 0 is the mean of a standard normal distribution.

    Returns:
        float32 [N, D].

    Reference:
        Karras et al. 2018 (arXiv 1812.04948), appendix B; Marchesi 2017 (arXiv 1706.00082).
    """
    return (center + psi * (np.asarray(latents) - center)).astype(np.float32)


def with_norm(latents, norm):
    """Vectors of the same directions, all of one length.

    Args:
        latents: float [N, D], none of them 0.
        norm: their length.

    Returns:
        float32 [N, D].
    """
    lengths = np.linalg.norm(latents, axis=-1, keepdims=True)
    if not lengths.all():
        raise InputError("a vector of zeros has no direction: pass another")
    return (norm * np.asarray(latents) / lengths).astype(np.float32)


def analogy(having, lacking, target):
    """What `having` shows and `lacking` does not, given to `target`: sums of averaged vectors.

    Of three examples each, the sum of the three averages is as long as a single latent again: an
    average of n standard normal vectors has the variance 1 / n.

    Args:
        having, lacking, target: float [N, D], latents of some examples each.

    Returns:
        float32 [D], mean(having) - mean(lacking) + mean(target).

    Reference:
        Radford et al. 2015 (arXiv 1511.06434), section 6.3.2.
    """
    means = [np.mean(examples, axis=0) for examples in (having, lacking, target)]
    return (means[0] - means[1] + means[2]).astype(np.float32)
