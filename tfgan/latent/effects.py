"""What moving along a direction changes: the attribute that it is for, against everything else."""

import dataclasses

import numpy as np

from tfgan.errors import InputError
from tfgan.plotting import to_uint8


@dataclasses.dataclass(frozen=True)
class Effect:
    """How the attributes of some images differ from those of others.

    Attributes:
        change: dict from each attribute to a mean over the images: of a measurement, the change
            as a share of its span, with its sign, so that changes to and fro cancel; of a class,
            the share of images whose class changes.
        total: the same, with the changes of measurements counted without their sign: what else a
            direction moves (leakage), in whichever sense.
        lost: the share of images that cannot be read before or after.
    """

    change: dict[str, float]
    total: dict[str, float]
    lost: float

    def leakage(self, name):
        """The largest `total` of the other attributes: `(attribute, share)`."""
        others = {other: share for other, share in self.total.items() if other != name}
        return max(others.items(), key=lambda item: item[1])


def read_latents(generator, read, latents, condition=None):
    """The attributes of the images of latents; see `tfgan.latent.attributes.reader_for`."""
    return read(to_uint8(generator.draw(latents, condition)))


def varying(values):
    """Those attributes that differ from image to image: the others have no direction.

    Args:
        values: dict from an attribute to float [N], measurements, or integers [N], classes.

    Returns:
        dict of the same arrays, without the measurements that `spans` would refuse, and without
        the classes that are the same wherever they can be read.
    """

    def varies(array):
        known = array[np.isfinite(array)] if array.dtype.kind == "f" else array[array >= 0]
        if array.dtype.kind != "f":
            return len(np.unique(known)) > 1
        return len(known) > 1 and np.ptp(np.percentile(known, [5, 95])) > 0

    return {name: array for name, array in values.items() if varies(array)}


def only(read, names):
    """A reader of those attributes alone of which `names` holds the name."""
    return lambda images: {name: array for name, array in read(images).items() if name in names}


def spans(values):
    """The range of each measurement: from its 5th percentile to its 95th.

    Args:
        values: dict from an attribute to float [N], measurements, or integers [N], classes.

    Returns:
        dict from the measurements' names to floats.

    Raises:
        InputError: a measurement could be taken nowhere, or is the same everywhere.
    """
    found = {}
    for name, array in values.items():
        if not np.issubdtype(array.dtype, np.floating):
            continue
        known = array[np.isfinite(array)]
        found[name] = float(np.subtract(*np.percentile(known, [95, 5]))) if len(known) else 0.0
        if not found[name] > 0:
            raise InputError(f"{name} does not vary over these images: there is nothing to move")
    return found


def effect_of(generator, read, latents, direction, strength, spans, condition=None):
    """What moving from `latents - strength d` to `latents + strength d` changes.

    Args:
        generator: a `LatentGenerator`.
        read: as `reader_for` gives it.
        latents: float [N, D], from where to move.
        direction: float [D], of length 1.
        strength: how far to either side, in standard deviations of the latents.
        spans: of the measurements, as `spans` gives them.
        condition: what a conditional model takes.

    Returns:
        An `Effect`.
    """
    step = strength * np.asarray(direction)
    before, after = (
        read_latents(generator, read, (latents + side * step).astype(np.float32), condition)
        for side in (-1, 1)
    )
    return effect_between(before, after, spans)


def effect_between(before, after, spans):
    """What differs from some images to others.

    Args:
        before, after: the attributes of N images each, as a reader gives them.
        spans: of the measurements, as `spans` gives them.

    Returns:
        An `Effect`.
    """
    change, total, is_read = {}, {}, True
    for name in before:
        if name in spans:
            differences = (after[name] - before[name]) / spans[name]
            known = np.isfinite(differences)
            differences = differences[known]
            change[name] = float(differences.mean()) if len(differences) else 0.0
            total[name] = float(np.abs(differences).mean()) if len(differences) else 0.0
        else:
            known = (before[name] >= 0) & (after[name] >= 0)
            change[name] = total[name] = float((before[name] != after[name]).mean())
        is_read = is_read & known
    return Effect(change, total, float(1 - np.mean(is_read)))


def strength_for(
    generator,
    read,
    latents,
    direction,
    name,
    spans,
    share=0.5,
    strengths=(0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0),
    condition=None,
):
    """The least of some strengths at which a direction moves its attribute far enough.

    Directions are compared at an equal effect: at an equal strength, one that changes nothing
    would leak least.

    Args:
        generator, read, latents, direction, spans, condition: as in `effect_of`.
        name: the attribute.
        share: of its span, or of the images whose class is to change.
        strengths: to try, ascending.

    Returns:
        The strength; where none suffices, the one that moves the attribute most.
    """
    reached = {}
    for strength in strengths:
        effect = effect_of(generator, read, latents, direction, strength, spans, condition)
        reached[strength] = abs(effect.change[name])
        if reached[strength] >= share:
            return strength
    return max(reached, key=reached.get)
