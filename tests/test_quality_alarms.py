"""The alarms, on curves that are made by hand."""

import dataclasses
import math

import pytest

from tfgan.families import FAMILIES
from tfgan.training.monitor import alarms
from tfgan.training.monitor.reading import Reading

INTERVAL = 250
ADVICE = FAMILIES["gan"].advice
HEALTHY = Reading(0, 10.0, 0.1, 1.0, diversity=0.8, nearest_pair=0.9, discriminator_auc=0.8)


def alarms_of(readings, advice=ADVICE):
    return alarms.alarms_of(readings, advice)


def curve(*changes, start=1):
    """Checks that differ from a healthy one as told, a dict each."""
    return [
        dataclasses.replace(HEALTHY, step=INTERVAL * index, **change)
        for index, change in enumerate(changes, start)
    ]


def improving(count, ratio=0.9):
    """As many changes: distances that fall beyond their noise at each reading."""
    return [{"frechet_distance": 100.0 * ratio**index, "error": 0.1} for index in range(count)]


def names(found):
    return [alarm.name for alarm in found]


def test_a_healthy_curve_raises_none():
    assert alarms_of(curve(*improving(40))) == []
    assert alarms_of([]) == []


@pytest.mark.parametrize(
    "collapsed", [{"nearest_pair": 0.0}, {"diversity": 0.01}, {"nearest_pair": 0.05}]
)
def test_a_collapse_is_raised_at_its_second_check(collapsed):
    found = alarms_of(curve({}, {}, collapsed, collapsed, collapsed))
    assert names(found) == ["mode collapse"]
    assert (found[0].since, found[0].raised, found[0].until) == (750, 1000, None)
    # Raised once, with the numbers of that moment and something to do.
    assert "Try" in found[0].advice and "--r1-gamma" in found[0].advice
    assert str(found[0]).startswith("mode collapse since step 750: ")


def test_the_numbers_of_a_collapse_are_told():
    collapsed = {"nearest_pair": 0.031, "diversity": 0.42}
    (alarm,) = alarms_of(curve({}, collapsed, collapsed))
    assert "3%" in alarm.seen and "42%" in alarm.seen


def test_what_an_autoencoder_should_try_is_something_else():
    collapsed = {"nearest_pair": 0.0, "discriminator_auc": math.nan}
    readings = curve({"discriminator_auc": math.nan}, collapsed, collapsed)
    (alarm,) = alarms_of(readings, FAMILIES["vae"].advice)
    assert "--beta" in alarm.advice and "--r1-gamma" not in alarm.advice


def test_one_moment_of_repetition_is_no_collapse():
    collapsed = {"nearest_pair": 0.0}
    assert alarms_of(curve({}, collapsed, {}, collapsed, {}, {})) == []


@pytest.mark.parametrize("value", ["nearest_pair", "diversity"])
def test_the_bound_of_a_collapse(value):
    bound = {"nearest_pair": alarms.LEAST_NEAREST_PAIR, "diversity": alarms.LEAST_DIVERSITY}[value]
    above, below = {value: bound + 1e-6}, {value: bound - 1e-6}
    assert alarms_of(curve({}, *[above] * 5)) == []
    assert names(alarms_of(curve({}, *[below] * 5))) == ["mode collapse"]


def test_a_young_generator_has_its_time():
    alike = {"nearest_pair": 0.05, "diversity": 0.05}
    young = [alike] * (alarms.READINGS_OF_YOUTH - 1)
    assert alarms_of(curve(*young)) == []
    assert alarms_of(curve(*young, {"frechet_distance": 5.0})) == []
    (alarm,) = alarms_of(curve(*young, alike))
    assert (alarm.since, alarm.raised) == (250, 250 * alarms.READINGS_OF_YOUTH)
    # Once it could, a relapse is a collapse; where it hardly could, youth goes on.
    assert names(alarms_of(curve(alike, {}, alike, alike))) == ["mode collapse"]
    hardly = {"nearest_pair": 0.19, "diversity": 0.8}
    assert alarms_of(curve(alike, hardly, alike, alike)) == []


def test_an_alarm_ends_and_may_come_again():
    collapsed = {"nearest_pair": 0.0}
    first, second = alarms_of(curve({}, *[collapsed] * 3, {}, {}, *[collapsed] * 2))
    assert (first.since, first.raised, first.until) == (500, 750, 1250)
    assert (second.since, second.raised, second.until) == (1750, 2000, None)
    assert first.over() == "the alarm of mode collapse since step 500 is over at step 1,250"


def test_what_an_image_set_cannot_tell_raises_nothing():
    unknown = {"nearest_pair": math.nan, "diversity": math.nan, "discriminator_auc": math.nan}
    assert alarms_of(curve(*[unknown] * 5)) == []


def test_a_discriminator_that_knows_overpowers_only_where_nothing_is_gained():
    sure = {"discriminator_auc": 1.0}
    (alarm,) = alarms_of(curve({}, *[sure] * alarms.READINGS_OF_POWER))
    assert alarm.name == "overpowering discriminator"
    assert (alarm.since, alarm.raised) == (500, 250 * (alarms.READINGS_OF_POWER + 1))
    assert "100.0%" in alarm.seen
    gaining = [change | sure for change in improving(12)]
    assert alarms_of(curve(*gaining)) == []
    # Not for long enough, or not sure enough.
    assert alarms_of(curve({}, *[sure] * (alarms.READINGS_OF_POWER - 1))) == []
    assert alarms_of(curve({}, *[{"discriminator_auc": 0.99}] * 8)) == []


def test_an_advance_within_the_noise_is_none():
    noisy = {"discriminator_auc": 1.0, "frechet_distance": 9.8, "error": 0.1}
    clear = noisy | {"frechet_distance": 9.6}
    assert names(alarms_of(curve({}, *[noisy] * 4))) == ["overpowering discriminator"]
    assert alarms_of(curve({}, *[clear] * 4)) == []


def test_stagnation_is_a_second_half_without_a_gain():
    # The last gain is at reading 16; nothing after it, and twice its age is reading 32.
    flat = [{"frechet_distance": 100.0 * 0.9**15}] * 40
    found = alarms_of(curve(*improving(16), *flat))
    assert names(found) == ["stagnation"]
    assert (found[0].since, found[0].raised) == (16 * 250, 32 * 250)
    assert alarms_of(curve(*improving(16), *flat[:15])) == []


def test_stagnation_takes_a_number_of_checks_however_young_the_run():
    # No gain at all since the first.
    assert alarms_of(curve({}, *[{}] * (alarms.READINGS_OF_STAGNATION - 1))) == []
    (alarm,) = alarms_of(curve({}, *[{}] * alarms.READINGS_OF_STAGNATION))
    assert alarm.raised == 250 * (alarms.READINGS_OF_STAGNATION + 1)


def test_what_is_near_the_floor_has_arrived():
    arrived = {"frechet_distance": 1.9, "error": 0.01}
    assert alarms_of(curve(*[arrived] * 40)) == []
    stuck = arrived | {"frechet_distance": 2.1}
    assert names(alarms_of(curve(*[stuck] * 40))) == ["stagnation"]


def test_slow_gains_add_up():
    # Each is within the noise of the one before, ten of them are not.
    slow = [{"frechet_distance": 50.0 - 0.1 * index, "error": 0.2} for index in range(60)]
    assert alarms_of(curve(*slow)) == []


def test_check_by_check_gives_what_the_whole_curve_gives():
    collapsed = {"nearest_pair": 0.0, "discriminator_auc": 1.0}
    readings = curve(*improving(6), *[collapsed] * 30, {}, {}, *[collapsed] * 4)
    found = []
    for count in range(1, len(readings) + 1):
        found = alarms.after(found, readings[:count], ADVICE)
    assert found == alarms_of(readings)
    assert sorted(set(names(found))) == [
        "mode collapse",
        "overpowering discriminator",
        "stagnation",
    ]
