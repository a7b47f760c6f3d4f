"""`tfgan.augment` against slow NumPy loops over the same draws."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan import augment as module
from tfgan.augment import POLICIES, augment
from tfgan.errors import InputError

SEED = tf.constant([3, 2**40], tf.int64)
SHAPES = [(5, 8, 8, 1), (4, 9, 21, 4), (3, 16, 5, 3)]

any_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
any_policy = pytest.mark.parametrize("policy", POLICIES)


def random_images(*shape, dtype=np.float32):
    # No pixel is 0 by itself, so that every 0 is the augmentation's.
    return np.random.default_rng(0).uniform(0.1, 1, shape).astype(dtype) * np.array(-1, dtype)


def slow_jitter(images, factors):
    out = images.astype(np.float64)
    for image, (brightness, saturation, contrast) in zip(out, factors):
        colors = image[:, :, :3] + brightness
        for row in colors:
            for pixel in row:
                pixel[:] = pixel.mean() + saturation * (pixel - pixel.mean())
        mean = colors.mean()
        image[:, :, :3] = mean + contrast * (colors - mean)
    return out


def slow_translate(images, shifts):
    out = np.zeros_like(images)
    count, height, width, _ = images.shape
    for n, y, x in np.ndindex(count, height, width):
        to_y, to_x = y + shifts[n][0], x + shifts[n][1]
        if 0 <= to_y < height and 0 <= to_x < width:
            out[n, to_y, to_x] = images[n, y, x]
    return out


def slow_cut_out(images, corners):
    out = images.copy()
    _, height, width, _ = images.shape
    for image, (top, left) in zip(out, corners):
        bottom, right = top + (height + 1) // 2, left + (width + 1) // 2
        image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 0
    return out


def slowly(policy, images, seed):
    """What the policy should make of images, with the draws that it makes."""
    count, *sides, _ = images.shape
    if policy == "color":
        return slow_jitter(images, np.transpose(module.draw_jitters(seed, count)))
    if policy == "translation":
        return slow_translate(images, module.draw_shifts(seed, count, sides).numpy())
    return slow_cut_out(images, module.draw_corners(seed, count, sides).numpy())


@any_shape
@any_policy
def test_a_policy_against_loops(policy, shape):
    images = random_images(*shape)
    result = POLICIES[policy](tf.constant(images), SEED)
    assert (result.shape, result.dtype) == (shape, tf.float32)
    np.testing.assert_allclose(result, slowly(policy, images, SEED), atol=1e-6)
    assert not np.array_equal(result, images)


@any_shape
def test_translation_by_every_shift(shape):
    images = random_images(*shape)
    _, height, width, _ = shape
    for shift in [(0, 0), (1, -2), (-3, 0), (height, 0), (-height - 9, 1), (1 - height, width - 1)]:
        shifts = np.array([shift] * len(images), np.int32)
        np.testing.assert_array_equal(
            module.translate(tf.constant(images), shifts), slow_translate(images, shifts)
        )


def test_translation_goes_down_and_to_the_right():
    image = np.arange(1.0, 7.0, dtype=np.float32).reshape(1, 2, 3, 1)
    shifted = module.translate(tf.constant(image), tf.constant([[1, 1]]))
    np.testing.assert_array_equal(shifted[0, :, :, 0], [[0, 0, 0], [0, 1, 2]])


def test_cutout_at_given_corners():
    ones = tf.ones((3, 4, 6, 2))
    cut = module.cut_out(ones, tf.constant([[1, 2], [-1, 5], [3, -2]]))
    expected = np.ones((3, 4, 6, 2))
    expected[0, 1:3, 2:5] = expected[1, :1, 5:] = expected[2, 3:, :1] = 0
    np.testing.assert_array_equal(cut, expected)


def test_colors_of_a_constant_image():
    # Equal channels: saturation and contrast have nothing to scale.
    images = tf.fill((4, 6, 5, 3), 0.25)
    brightness, _, _ = module.draw_jitters(SEED, 4)
    expected = np.broadcast_to(0.25 + brightness[:, None, None, None], images.shape)
    np.testing.assert_allclose(module.color(images, SEED), expected, atol=1e-6)


def test_jitter_by_hand():
    image = tf.constant([[[[0.0, 0.3, 0.6, 0.7]], [[0.3, 0.3, 0.3, -0.7]]]])
    for (brightness, saturation, contrast), expected in (
        ((0.5, 1.0, 1.0), [[0.5, 0.8, 1.1, 0.7], [0.8, 0.8, 0.8, -0.7]]),
        ((0.0, 2.0, 1.0), [[-0.3, 0.3, 0.9, 0.7], [0.3, 0.3, 0.3, -0.7]]),
        ((0.0, 0.0, 1.0), [[0.3, 0.3, 0.3, 0.7], [0.3, 0.3, 0.3, -0.7]]),
        ((0.1, 1.0, 0.5), [[0.25, 0.4, 0.55, 0.7], [0.4, 0.4, 0.4, -0.7]]),
    ):
        factors = [tf.constant([factor]) for factor in (brightness, saturation, contrast)]
        np.testing.assert_allclose(module.jitter(image, *factors)[0, :, 0], expected, atol=1e-6)


@any_policy
def test_gradients_against_differences(policy):
    images = random_images(2, 4, 5, 4, dtype=np.float64)
    upstream = np.random.default_rng(1).normal(size=images.shape)

    def changed(images):
        return POLICIES[policy](images, SEED)

    def gradient(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            result = changed(images)
        return tape.gradient(result, images, upstream)

    # Every policy is affine in the images: differences are exact at any step.
    changed_in_graph = tf.function(changed, autograph=False)
    before = changed_in_graph(tf.constant(images)).numpy()
    nudges = np.eye(images.size).reshape(-1, *images.shape)
    differences = [changed_in_graph(tf.constant(images + nudge)) - before for nudge in nudges]
    expected = np.sum(differences * upstream, axis=(1, 2, 3, 4)).reshape(images.shape)
    for differentiated in (gradient, tf.function(gradient, autograph=False)):
        result = differentiated(tf.constant(images))
        assert result.dtype == tf.float64
        np.testing.assert_allclose(result, expected, atol=1e-12)


def test_the_gradient_of_a_shift_is_the_shift_back_and_has_a_gradient_itself():
    images = tf.constant(random_images(3, 6, 7, 2))
    shifts = np.array([[1, -2], [0, 3], [-9, 0]], np.int32)
    with tf.GradientTape() as outer:
        outer.watch(images)
        with tf.GradientTape() as inner:
            inner.watch(images)
            cubes = module.translate(images, shifts) ** 3
        gradient = inner.gradient(cubes, images)
    stays = slow_translate(slow_translate(np.ones_like(images), shifts), -shifts)
    np.testing.assert_allclose(gradient, 3 * images**2 * stays, rtol=1e-6)
    np.testing.assert_allclose(outer.gradient(gradient, images), 6 * images * stays, rtol=1e-6)


def test_the_gradient_of_cutout_is_the_mask():
    images = tf.constant(random_images(3, 6, 7, 2))
    with tf.GradientTape() as tape:
        tape.watch(images)
        cut = module.cutout(images, SEED)
    np.testing.assert_array_equal(tape.gradient(cut, images), cut != 0)


def assert_uniform(values, low, high):
    """Integers in [low, high], all equally often within 5 standard errors."""
    found, counts = np.unique(values, return_counts=True)
    np.testing.assert_array_equal(found, np.arange(low, high + 1))
    mean = len(values) / len(found)
    assert np.abs(counts - mean).max() < 5 * np.sqrt(mean)


@pytest.mark.parametrize(
    ("sides", "most"), [((28, 20), (4, 3)), ((64, 8), (8, 1)), ((3, 4), (0, 1))]
)
def test_shifts_are_uniform_up_to_an_eighth(sides, most):
    shifts = module.draw_shifts(SEED, 5000, sides).numpy()
    assert (shifts.shape, shifts.dtype) == ((5000, 2), np.int32)
    for axis in (0, 1):
        assert_uniform(shifts[:, axis], -most[axis], most[axis])
    if all(most):
        assert abs(np.corrcoef(shifts.T)[0, 1]) < 5 / np.sqrt(5000)


@pytest.mark.parametrize("sides", [(28, 6), (7, 5), (1, 2)])
def test_centers_of_cutouts_are_uniform_over_the_image(sides):
    corners = module.draw_corners(SEED, 5000, sides).numpy()
    for axis, side in enumerate(sides):
        cut = (side + 1) // 2
        # The center lies on the grid lines 0 ... side or, of an odd cut, on the pixels between.
        centers = corners[:, axis] + cut / 2
        offset = 0.5 * (cut % 2)
        assert_uniform(centers - offset, 0, side - cut % 2)
        assert centers.min() + centers.max() == side


def test_jitters_are_uniform_and_independent():
    count = 5000
    draws = np.array(module.draw_jitters(SEED, count))
    assert (draws.shape, draws.dtype) == ((3, count), np.float32)
    for values, low, high in zip(draws, (-0.5, 0, 0.5), (0.5, 2, 1.5)):
        tenths, _ = np.histogram(values, 10, (low, high))
        assert tenths.sum() == count
        assert np.abs(tenths - count / 10).max() < 5 * np.sqrt(count / 10)
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 5 / np.sqrt(count)


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
@any_policy
def test_a_seed_decides_and_every_image_has_its_own_draw(policy, dtype):
    images = np.repeat(random_images(1, 16, 16, 3), 8, axis=0)
    first, again, other = (
        augment(tf.constant(images), [policy], tf.constant(seed, dtype)).numpy()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(np.unique(first.reshape(8, -1), axis=0)) >= 6


def test_policies_are_applied_in_order_each_with_its_own_seed():
    images = random_images(6, 24, 24, 3)
    seeds = [tf.random.fold_in(SEED, position, alg="philox") for position in range(3)]
    for policies in (("color", "translation", "cutout"), ["cutout", "translation", "color"]):
        expected = images
        for policy, seed in zip(policies, seeds):
            expected = slowly(policy, expected, seed)
        np.testing.assert_allclose(
            augment(tf.constant(images), policies, SEED), expected, atol=1e-6
        )
    shifts = [module.draw_shifts(seed, 6, (24, 24)).numpy() for seed in seeds]
    assert not np.array_equal(shifts[0], shifts[1]) and not np.array_equal(shifts[1], shifts[2])


@pytest.mark.parametrize("policies", [(), []])
def test_without_policies_nothing_is_done(policies):
    images = tf.zeros((2, 3, 3, 1))
    assert augment(images, policies, SEED) is images


@pytest.mark.parametrize(("shape", "count"), [(SHAPES[0], None), (SHAPES[1], None), (SHAPES[1], 5)])
def test_one_trace_serves_every_batch_and_seed(shape, count):
    traces = []

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec((count, *shape[1:])), tf.TensorSpec((2,), tf.int64)],
    )
    def changed(images, seed):
        traces.append(1)
        result = augment(images, POLICIES, seed)
        assert result.shape.as_list() == [count, *shape[1:]]
        return result

    for size in [count] if count else [1, 4]:
        images = tf.constant(random_images(size, *shape[1:]))
        for seed in (SEED, SEED + 1):
            np.testing.assert_allclose(
                changed(images, seed), augment(images, POLICIES, seed), atol=1e-6
            )
    assert len(traces) == 1


@pytest.mark.parametrize("policies", [["colour"], ("cutout", "flip"), "color", [""]], ids=str)
def test_an_unknown_policy(policies):
    with pytest.raises(InputError) as error:
        augment(tf.zeros((1, 2, 2, 1)), policies, SEED)
    assert "color, translation, cutout" in str(error.value)
    assert f"Received: {policies!r}" in str(error.value)


def test_checked_policies_is_a_tuple_whatever_it_was():
    assert module.checked_policies(["cutout", "color"]) == ("cutout", "color")
    assert module.checked_policies(()) == ()
