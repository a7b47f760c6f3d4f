"""Alarms: what the quality curve of a run tells of training that goes wrong.

Pure functions of the curve: an alarm that was raised stays what it was when a run is resumed.
"""

import dataclasses

from tfgan.training.monitor.reading import is_better

# Below these, images repeat each other or are all alike; at twice as much they surely differ.
LEAST_NEAREST_PAIR = 0.1
LEAST_DIVERSITY = 0.05
# Checks in a row before an alarm is raised: one may be a moment's.
READINGS_OF_COLLAPSE = 2
# A generator whose images have never surely differed yet has so many readings to learn it.
READINGS_OF_YOUTH = 10
# How surely an overpowering discriminator knows, and for how many readings without a gain.
MOST_AUC = 0.995
READINGS_OF_POWER = 4
# Nothing was gained in the second half of a run of at least twice so many readings ...
READINGS_OF_STAGNATION = 10
# ... though the distance is still this many times that of real images.
TIMES_THE_FLOOR = 2.0


@dataclasses.dataclass(frozen=True)
class Alarm:
    """Something that goes wrong.

    Attributes:
        name: "mode collapse", "overpowering discriminator" or "stagnation".
        since: the step since which it is seen.
        raised: the step at which that was sure.
        until: the step at which it was seen no more, or None.
        seen: what was seen, with its numbers.
        advice: what to try.
    """

    name: str
    since: int
    raised: int
    until: int | None
    seen: str
    advice: str

    def __str__(self):
        return f"{self.name} since step {self.since:,}: {self.seen}.\n{self.advice}"

    def over(self):
        """What to say where it has ended."""
        return f"the alarm of {self.name} since step {self.since:,} is over at step {self.until:,}"


def alarms_of(readings, advice):
    """All alarms of a run, in the order in which they were raised.

    Args:
        readings: sequence of `tfgan.training.monitor.reading.Reading`, ascending by step.
        advice: what to try against each alarm, a dict by their names; see `Family`.

    Returns:
        A list of `Alarm`.
    """
    alarms = []
    for count in range(1, len(readings) + 1):
        alarms = after(alarms, readings[:count], advice)
    return alarms


def after(alarms, readings, advice):
    """The alarms after one more reading.

    Args:
        alarms: those before it, as `alarms_of` returns them.
        readings: all readings, it included.
        advice: as in `alarms_of`.

    Returns:
        A new list.
    """
    alarms = list(alarms)
    for name, find in _SIGNS.items():
        found = find(readings)
        on = [alarm for alarm in alarms if alarm.name == name and alarm.until is None]
        if found and not on:
            since, seen, first = found
            tried = " ".join(filter(None, [first, advice.get(name)]))
            alarms.append(Alarm(name, since, readings[-1].step, None, seen, tried))
        elif on and not found:
            ended = dataclasses.replace(on[0], until=readings[-1].step)
            alarms[alarms.index(on[0])] = ended
    return alarms


def has_collapsed(reading):
    """Whether a generator's images repeat each other or are all alike."""
    return reading.nearest_pair < LEAST_NEAREST_PAIR or reading.diversity < LEAST_DIVERSITY


def is_diverse(reading):
    """Whether a generator's images surely differ."""
    has_pairs_apart = reading.nearest_pair >= 2.0 * LEAST_NEAREST_PAIR
    return has_pairs_apart and reading.diversity >= 2.0 * LEAST_DIVERSITY


def last_gain(readings):
    """The last reading that was better than all before it, beyond the noise."""
    best = readings[0]
    for reading in readings:
        if is_better(reading, best):
            best = reading
    return best


def _since(readings, sign):
    """The readings at the end that all show a sign."""
    shown = 0
    while shown < len(readings) and sign(readings[-1 - shown]):
        shown += 1
    return readings[len(readings) - shown :]


def _collapse(readings):
    shown = _since(readings, has_collapsed)
    has_grown = any(map(is_diverse, readings))
    if len(shown) < (READINGS_OF_COLLAPSE if has_grown else READINGS_OF_YOUTH):
        return None
    last = readings[-1]
    seen = (
        f"from one image to the nearest other it is {last.nearest_pair:.0%} as far as among real "
        f"ones, and their variance is {last.diversity:.0%} of real ones'"
    )
    first = "" if has_grown else "Where the grids in samples/ still change, train on."
    return shown[0].step, seen, first


def _overpowering(readings):
    shown = _since(readings, lambda reading: reading.discriminator_auc >= MOST_AUC)
    before, late = readings[:-READINGS_OF_POWER], readings[-READINGS_OF_POWER:]
    if len(shown) < READINGS_OF_POWER or not before:
        return None
    best = min(before, key=lambda reading: reading.frechet_distance)
    if any(is_better(reading, best) for reading in late):
        return None
    seen = (
        f"of {late[-1].discriminator_auc:.1%} of the pairs of a training and a generated image it "
        "knows which is which, and the Frechet distance does not fall "
        f"({late[-1].frechet_distance:.3g})"
    )
    return shown[0].step, seen, ""


def _stagnation(readings):
    gained, last = last_gain(readings), readings[-1]
    idle = sum(reading.step > gained.step for reading in readings)
    if idle < READINGS_OF_STAGNATION or last.step < 2 * gained.step:
        return None
    if gained.frechet_distance <= TIMES_THE_FLOOR * gained.floor:
        return None
    seen = (
        "the Frechet distance has not fallen by more than its noise "
        f"({gained.frechet_distance:.3g} then, {last.frechet_distance:.3g} now, and "
        f"{gained.floor:.3g} of real images)"
    )
    return gained.step, seen, "More steps may bring nothing."


# What an alarm is raised by: functions of all readings so far, that return the step since which it
# is seen, what is seen and what comes before the family's advice, or None.
_SIGNS = {
    "mode collapse": _collapse,
    "overpowering discriminator": _overpowering,
    "stagnation": _stagnation,
}
