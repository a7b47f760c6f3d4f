"""`tfgan.latent.paths`: closed forms in the plane, and properties in many dimensions."""

import numpy as np
import pytest

from tfgan.errors import InputError
from tfgan.latent.paths import (
    analogy,
    closed_path,
    linear_path,
    spherical_path,
    truncated,
    with_norm,
)

ANCHORS = np.random.default_rng(0).standard_normal((3, 50))


def test_a_quarter_of_a_circle():
    path = spherical_path([1.0, 0.0], [0.0, 1.0], 4)
    angles = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(path, np.stack([np.cos(angles), np.sin(angles)], 1), atol=1e-7)
    assert path.dtype == np.float32


def test_the_length_changes_evenly_along_an_arc_and_the_angle_too():
    path = spherical_path(3 * ANCHORS[0], ANCHORS[1], 9)
    norms = np.linalg.norm(path, axis=1)
    np.testing.assert_allclose(np.diff(norms, 2), 0, atol=1e-5)
    units = path / norms[:, None]
    steps = np.arccos(np.sum(units[1:] * units[:-1], axis=1))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
    np.testing.assert_allclose(path[[0, -1]], [3 * ANCHORS[0], ANCHORS[1]], rtol=1e-5)


def test_the_straight_line_is_shorter_in_the_middle_than_the_arc():
    middle = {
        path.__name__: np.linalg.norm(path(ANCHORS[0], ANCHORS[1], 3)[1])
        for path in (linear_path, spherical_path)
    }
    ends = np.linalg.norm(ANCHORS[:2], axis=1)
    assert middle["spherical_path"] == pytest.approx(ends.mean(), rel=1e-5)
    assert middle["linear_path"] < 0.8 * ends.mean()


def test_parallel_vectors_are_joined_by_a_line():
    np.testing.assert_allclose(
        spherical_path([1.0, 0.0], [3.0, 0.0], 3), [[1, 0], [2, 0], [3, 0]], atol=1e-6
    )


@pytest.mark.parametrize(
    ("end", "words"), [([-2.0, 0.0], "opposite"), ([0.0, 0.0], "no direction")]
)
def test_vectors_without_one_shortest_arc_are_refused(end, words):
    with pytest.raises(InputError, match=words):
        spherical_path([1.0, 0.0], end, 3)


def test_a_closed_path_passes_the_anchors_and_returns_without_a_jump():
    path = closed_path(ANCHORS, 10)
    assert (path.shape, path.dtype) == ((30, 50), np.float32)
    np.testing.assert_allclose(path[::10], ANCHORS, rtol=1e-5)
    steps = np.linalg.norm(path - np.roll(path, -1, axis=0), axis=1)
    # Each arc is cut into equal steps, that from the last image to the first like the others.
    for arc in np.split(steps, 3):
        assert np.ptp(arc) < 0.2 * arc.mean()


def test_truncation_shrinks_the_spread_about_the_center():
    center = np.full(50, 2.0)
    np.testing.assert_allclose(truncated(ANCHORS, 0.0, center), np.tile(center, (3, 1)))
    np.testing.assert_allclose(truncated(ANCHORS, 1.0, center), ANCHORS, rtol=1e-5, atol=1e-6)
    moved = truncated(ANCHORS, 0.7, center)
    np.testing.assert_allclose(moved - center, 0.7 * (ANCHORS - center), rtol=1e-4, atol=1e-6)


def test_a_norm_is_set_and_the_direction_kept():
    scaled = with_norm(ANCHORS, 4.0)
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 4.0, rtol=1e-6)
    cosines = np.sum(scaled * ANCHORS, axis=1) / 4 / np.linalg.norm(ANCHORS, axis=1)
    np.testing.assert_allclose(cosines, 1.0, rtol=1e-6)
    with pytest.raises(InputError, match="no direction"):
        with_norm(np.zeros((1, 3)), 1.0)


def test_an_analogy_is_exact_where_the_space_is_additive():
    random = np.random.default_rng(1)
    smile, frown, woman, man = random.standard_normal((4, 20))
    np.testing.assert_allclose(
        analogy([smile + woman], [frown + woman], [frown + man]), smile + man, rtol=1e-5, atol=1e-6
    )


def test_an_analogy_of_three_examples_each_is_as_long_as_one_latent():
    examples = np.random.default_rng(2).standard_normal((3, 3, 10_000))
    assert np.linalg.norm(analogy(*examples)) == pytest.approx(100, rel=0.05)
