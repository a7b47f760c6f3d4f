"""Which directions the explorer's sliders move along, named by what they change."""

import contextlib
import dataclasses

import numpy as np

from tfgan.errors import InputError
from tfgan.latent.attributes import reader_for
from tfgan.latent.directions import (
    closed_form_directions,
    component_directions,
    first_kernel,
    orthogonalized,
    supervised_directions,
)
from tfgan.latent.effects import effect_of, only, read_latents, spans, varying

# Images that the probes are fitted on, and those that each direction is measured on.
FITTED, MEASURED = 2000, 100
UNSUPERVISED = 6
STRENGTH = 2.0
# Of an attribute's span, from which on a direction counts as one for it.
LEAST_CHANGE = 0.15


@dataclasses.dataclass(frozen=True)
class Slider:
    """Attributes: what the page shows.

    Attributes:
        title: what it changes.
        kind: how the direction was found.
        detail: how much it changes of what, over the middle of the slider.
        vector: float [D], of length 1.
    """

    title: str
    kind: str
    detail: str
    vector: np.ndarray


def sliders_of(generator):
    """Finds directions, supervised ones first, and says what they change.

    Args:
        generator: a `LatentGenerator`.

    Returns:
        A list of `Slider`s; attributes that do not vary, or that no direction moves, have none.
    """
    seeds = np.arange(FITTED)
    latents, condition = generator.latents(seeds), generator.example_conditions(FITTED)
    read = reader_for(generator.data_name, generator.image_shape)
    values = varying(read_latents(generator, read, latents, condition))
    ranges = spans(values)

    def measured(direction):
        subset = None if condition is None else condition[:MEASURED]
        return effect_of(
            generator, only(read, values), latents[:MEASURED], direction, STRENGTH, ranges, subset
        )

    found = []
    for name, candidates in _supervised(latents, values, ranges).items():
        for direction in candidates:
            effect = measured(direction)
            if abs(effect.change[name]) >= LEAST_CHANGE:
                # To the right is more.
                sign = np.sign(effect.change[name])
                found.append(Slider(name, "supervised", _detail(effect, name), sign * direction))
                break
    kind, directions = _unsupervised(generator, latents, condition)
    for index, direction in enumerate(directions):
        effect = measured(direction)
        found.append(Slider(_title(effect), f"{kind} {index + 1}", _detail(effect), direction))
    return found


def _supervised(latents, values, ranges):
    """For each measurement directions to try: its probe's apart from all others', and as it is.

    Little may be left of a probe's: the width of a stroke is hard to tell from its thickness.
    """
    probes = {}
    for name, array in values.items():
        # Of two thousand images a single one may be of another class.
        with contextlib.suppress(InputError):
            probes[name], _ = supervised_directions(latents, array)
    found = {}
    for name in (name for name in ranges if name in probes):
        others = [row for other, rows in probes.items() if other != name for row in rows]
        found[name] = [probes[name][0]]
        # In a space of two dimensions, say, nothing is left.
        with contextlib.suppress(InputError):
            found[name].insert(0, orthogonalized(probes[name][0], others))
    return found


def _unsupervised(generator, latents, condition):
    """The closed form's directions, or without layers those of the images' components."""
    num = min(UNSUPERVISED, generator.latent_dim)
    try:
        if generator.network is None:
            raise InputError("no layers")
        return "closed form", closed_form_directions(first_kernel(generator.network), num)
    except InputError:
        images = generator.draw(latents, condition)
        return "component", component_directions(images, latents, num)


def _title(effect):
    """The one or two attributes that a direction moves most."""
    largest = sorted(effect.total, key=effect.total.get, reverse=True)[:2]
    return ", ".join(name for name in largest if effect.total[name] >= LEAST_CHANGE) or "little"


def _detail(effect, name=None):
    """How much a direction moves its attribute, and the one that it moves most besides."""
    shares = dict(sorted(effect.total.items(), key=lambda item: -item[1]))
    if name is not None:
        shares = {name: abs(effect.change[name])} | {k: v for k, v in shares.items() if k != name}
    return ", ".join(f"{key} {share:.0%}" for key, share in list(shares.items())[:2])
