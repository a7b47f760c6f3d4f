"""`tfgan.metrics.strokes`: drawn bars, whose slant, thickness and width are known."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tfgan.errors import InputError
from tfgan.metrics.strokes import measure_strokes

SIDE, FINER = 28, 16


def bars(*corners):
    """An image of parallelograms, each by its corners in pixels, smooth at the edges."""
    page = Image.new("L", (SIDE * FINER, SIDE * FINER))
    for each in corners:
        ImageDraw.Draw(page).polygon([(x * FINER, y * FINER) for x, y in each], fill=255)
    return np.asarray(page.resize((SIDE, SIDE), Image.Resampling.BOX))[..., None]


def bar(left, width, shear=0.0, top=4.0, bottom=24.0):
    """Corners of a bar whose upper end is moved to the right by `shear` times its height."""
    middle = (top + bottom) / 2
    return [
        (left + side * width + shear * (middle - y), y)
        for side, y in ((0, top), (1, top), (1, bottom), (0, bottom))
    ]


@pytest.mark.parametrize("shear", [-0.5, 0.0, 0.3])
def test_the_slant_is_the_shear(shear):
    ((slant, _, _),) = measure_strokes(bars(bar(13, 2, shear))[None])
    assert slant == pytest.approx(shear, abs=0.01)


@pytest.mark.parametrize("thickness", [2, 3.5, 5])
def test_the_thickness_of_a_long_stroke_is_that_across_it(thickness):
    for left in (10.0, 10.4):
        ((_, measured, _),) = measure_strokes(bars(bar(left, thickness))[None])
        # Area over half of the outline: t L / (t + L).
        assert measured == pytest.approx(20 * thickness / (20 + thickness), rel=0.1)


def test_two_strokes_are_as_thick_as_one():
    one, two = measure_strokes(np.stack([bars(bar(5, 3)), bars(bar(5, 3), bar(18, 3))]))
    assert two[1] == pytest.approx(one[1], rel=1e-3)


@pytest.mark.parametrize("width", [6, 10])
@pytest.mark.parametrize("shear", [0.0, 0.4])
def test_the_width_is_that_of_the_upright_bar(width, shear):
    ((_, _, measured),) = measure_strokes(bars(bar(14 - width / 2, width, shear))[None])
    # A pixel has a width itself, whose square is added.
    assert measured == pytest.approx(width, rel=0.03)


def test_position_changes_nothing_and_order_is_kept():
    images = np.stack([bars(bar(8, 3, 0.2)), bars(bar(15, 3, 0.2)), bars(bar(8, 6))])
    here, there, other = measure_strokes(images)
    np.testing.assert_allclose(here, there, rtol=1e-3, atol=1e-3)
    assert other[2] > 1.5 * here[2]
    assert measure_strokes(images).dtype == np.float32


def test_nothing_is_measured_on_an_empty_page():
    images = np.stack([np.zeros((SIDE, SIDE, 1), np.uint8), bars(bar(12, 3))])
    empty, full = measure_strokes(images)
    assert np.isnan(empty).all() and np.isfinite(full).all()


def test_a_line_of_one_row_is_measured():
    line = np.zeros((1, SIDE, SIDE, 1), np.uint8)
    line[0, 14, 4:24] = 255
    ((slant, thickness, width),) = measure_strokes(line)
    assert (slant, width) == (0, pytest.approx(20, rel=0.02))
    assert thickness == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("images", [np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 8, 8, 1))])
def test_other_arrays_are_refused(images):
    with pytest.raises(InputError, match="uint8"):
        measure_strokes(images)
