"""`tfgan.latent.effects` on a generator whose attributes are known functions of the latents."""

import numpy as np
import pytest

from tfgan.errors import InputError
from tfgan.latent.effects import effect_of, read_latents, spans, strength_for

LATENTS = np.random.default_rng(0).standard_normal((2000, 5)).astype(np.float32)
AXES = np.eye(5)


class Grey:
    """Images of one row, whose pixels are three of the latents, and a class by a fourth."""

    def draw(self, latents, condition=None):
        pixels = 0.5 + 0.05 * latents[:, :4]
        return pixels[:, None, :, None]


def read(images):
    first, second, third, fourth = (images[:, 0, :, 0].T.astype(np.float32) - 127.5) / 12.75
    return {
        "first": first,
        "second": second,
        # It can be read of half of the images, until the first latent moves far.
        "third": np.where(first > 2.5, np.nan, third),
        "class": np.where(fourth > 0, 1, 0),
    }


SPANS = spans(read_latents(Grey(), read, LATENTS))


def test_a_span_reaches_from_the_5th_to_the_95th_percentile():
    assert list(SPANS) == ["first", "second", "third"]
    # Of a standard normal: 2 * 1.645.
    assert SPANS["second"] == pytest.approx(3.29, rel=0.05)


def test_what_does_not_vary_has_no_span():
    with pytest.raises(InputError, match="size does not vary"):
        spans({"size": np.ones(9)})
    with pytest.raises(InputError, match="size does not vary"):
        spans({"size": np.full(9, np.nan)})


def test_a_direction_moves_its_attribute_alone():
    effect = effect_of(Grey(), read, LATENTS, AXES[1], 1.0, SPANS)
    assert effect.change["second"] == pytest.approx(2 / SPANS["second"], rel=0.01)
    assert effect.change["first"] == effect.total["first"] == 0
    assert effect.change["class"] == 0
    assert effect.leakage("second") == ("first", 0.0)


def test_a_mixed_direction_leaks():
    mixed = (AXES[0] - 0.5 * AXES[1]) / np.sqrt(1.25)
    effect = effect_of(Grey(), read, LATENTS, mixed, 1.0, SPANS)
    assert effect.change["second"] == pytest.approx(-0.5 * effect.change["first"], rel=0.05)
    assert effect.leakage("first")[0] == "second"
    assert effect.leakage("first")[1] == pytest.approx(-effect.change["second"], rel=1e-6)


def test_changes_to_and_fro_cancel_in_one_and_add_up_in_the_other():
    def squared(images):
        values = read(images)
        return {"square": (values["first"] - values["second"]) ** 2, "first": values["first"]}

    known = spans(read_latents(Grey(), squared, LATENTS))
    effect = effect_of(Grey(), squared, LATENTS, AXES[0], 1.0, known)
    assert abs(effect.change["square"]) < 0.1 * effect.total["square"]


def test_a_class_changes_where_the_move_crosses_its_boundary():
    effect = effect_of(Grey(), read, LATENTS, AXES[3], 1.0, SPANS)
    # P(|z| < 1) of a standard normal.
    assert effect.change["class"] == pytest.approx(0.683, abs=0.03)


def test_what_can_no_longer_be_read_is_told():
    effect = effect_of(Grey(), read, LATENTS, AXES[0], 2.0, SPANS)
    # P(z + 2 > 2.5).
    assert effect.lost == pytest.approx(0.309, abs=0.03)
    assert effect_of(Grey(), read, LATENTS, AXES[1], 2.0, SPANS).lost < 0.02


def test_the_strength_is_the_least_that_moves_far_enough():
    def found(direction, **options):
        return strength_for(Grey(), read, LATENTS[:200], direction, "second", SPANS, **options)

    # A move from -s to s is 2 s / 3.29 of the span.
    assert found(AXES[1]) == 1.0
    assert found(-AXES[1], share=0.8) == 1.5
    assert found(AXES[1], strengths=(0.1, 0.2)) == 0.2
