"""Images that occur on both sides of a comparison, or several times on one."""

import hashlib
from dataclasses import dataclass

import numpy as np

# What occurs more often is a point mass, of which classifiers may see a part and judge the rest.
_MOST_IN_A_GROUP = 10


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Which images are equal, byte by byte.

    Attributes:
        groups: int64 [N + M], real images first: images that occur on both sides, ten times at
            most, share a number; every other image has its own.
        shared: How many of the generated images also occur among the real ones.
        repeated: How many generated images are a further copy of another generated one.
    """

    groups: np.ndarray
    shared: int
    repeated: int


def find_duplicates(real, fake) -> Duplicates:
    """Finds equal images.

    A classifier that learns a real image takes its copy on the other side for real as well, and
    errs: such pairs must not be split between training and test. An image that one side has over
    and over again is no such pair, but what that side is made of.

    Args:
        real, fake: uint8 [N, H, W, C] and [M, H, W, C].

    Returns:
        `Duplicates`.
    """
    digests = [hashlib.sha256(image.tobytes()).digest() for side in (real, fake) for image in side]
    numbers = {}
    same = np.array([numbers.setdefault(digest, len(numbers)) for digest in digests])
    is_fake = np.arange(len(same)) >= len(real)
    fakes, copies = np.bincount(same, is_fake), np.bincount(same)
    on_both_sides = (fakes > 0) & (fakes < copies)
    grouped = (on_both_sides & (copies <= _MOST_IN_A_GROUP))[same]
    return Duplicates(
        groups=np.where(grouped, same, len(numbers) + np.arange(len(same))),
        shared=int(fakes[on_both_sides].sum()),
        repeated=int(len(fake) - np.count_nonzero(fakes)),
    )
