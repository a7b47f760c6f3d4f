"""`tfgan.noise`: latents as pure functions of integers, and their distribution."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan.noise import latents_for_step, latents_from_seeds

DIM = 64
NUM = 2000


def from_seeds(seeds, latent_dim=DIM):
    return latents_from_seeds(np.array(seeds, np.int64), latent_dim).numpy()


@pytest.fixture(scope="module")
def many():
    """Latents of the seeds 0, 1, ..., NUM - 1, drawn in one batch inside a graph."""
    draw = tf.function(lambda: latents_from_seeds(tf.range(NUM, dtype=tf.int64), DIM))
    return draw().numpy()


def test_a_seed_gives_the_same_bits_at_every_place_of_every_batch(many):
    assert (many.shape, many.dtype) == ((NUM, DIM), np.float32)
    for seeds in ([7], [7, 7, 7], [1999, 7, 0], list(range(9, -1, -1)), [2**40, 7, 3]):
        latents = from_seeds(seeds)
        for seed, latent in zip(seeds, latents):
            if seed < NUM:
                np.testing.assert_array_equal(latent, many[seed])


def test_different_seeds_differ(many):
    seeds = [2**31, 2**32, 2**32 + 1, 2**40, 2**63 - 1]
    latents = np.concatenate([many, from_seeds(seeds)])
    assert len(np.unique(latents[:, 0])) > 0.99 * len(latents)
    assert len(np.unique(latents, axis=0)) == len(latents)


@pytest.mark.parametrize(
    "draw", [tf.function(latents_from_seeds), latents_from_seeds], ids=["graph", "eager"]
)
def test_no_seeds_give_no_latents(draw):
    assert draw(tf.constant([], tf.int64), DIM).shape == (0, DIM)


def standard_error(power, count):
    """Of the mean of z^power over independent standard normals: sqrt(E z^2p - (E z^p)^2)."""
    moment = {1: 0, 2: 1, 3: 0, 4: 3, 6: 15, 8: 105}
    return np.sqrt((moment[2 * power] - moment[power] ** 2) / count)


def assert_standard_normal(latents):
    # Bounds of 5 standard errors; the draws are fixed, so they either hold or they do not.
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        error = np.mean(latents.astype(float) ** power) - moment
        assert abs(error) < 5 * standard_error(power, latents.size), power
    # Each dimension over the vectors, and the same for each vector over its dimensions.
    for axis in (0, 1):
        count = latents.shape[axis]
        assert np.abs(latents.mean(axis=axis)).max() < 5 * standard_error(1, count)
    # No two dimensions go together, and none goes with itself in the next vector.
    correlations = latents.T @ latents / len(latents) - np.diag(np.mean(latents**2, axis=0))
    assert np.abs(correlations).max() < 5.5 / np.sqrt(len(latents))
    following = latents[1:].T @ latents[:-1] / (len(latents) - 1)
    assert np.abs(following).max() < 5.5 / np.sqrt(len(latents))


def test_latents_of_seeds_are_standard_normal(many):
    assert_standard_normal(many)


def test_latents_of_a_step_are_standard_normal():
    assert_standard_normal(latents_for_step(0, 0, NUM, DIM).numpy())


def test_latents_of_steps_are_standard_normal():
    draw = tf.function(lambda step: latents_for_step(0, step, 20, DIM))
    assert_standard_normal(
        np.concatenate([draw(tf.constant(step, tf.int64)).numpy() for step in range(100)])
    )


def test_latents_of_a_step_follow_from_seed_and_step_alone():
    first = latents_for_step(3, 5, 4, DIM).numpy()
    assert (first.shape, first.dtype) == ((4, DIM), np.float32)
    tf.random.set_seed(1)
    tf.random.normal((3,))
    np.testing.assert_array_equal(latents_for_step(3, 5, 4, DIM), first)
    # As it is called in a training step: a graph, a variable for the step, a dynamic batch.
    step = tf.Variable(5, dtype=tf.int64)
    draw = tf.function(lambda images: latents_for_step(3, step, tf.shape(images)[0], DIM))
    images = tf.TensorSpec([None, 1])
    in_graph = draw.get_concrete_function(images)
    np.testing.assert_array_equal(in_graph(tf.zeros((4, 1))), first)
    step.assign(6)
    assert (in_graph(tf.zeros((4, 1))).numpy() != first).all()


@pytest.mark.parametrize(("seed", "step"), [(5, 3), (3, 4), (3, 6), (4, 5), (2**32 + 3, 5)])
def test_another_seed_or_step_gives_other_latents(seed, step):
    first = latents_for_step(3, 5, 4, DIM).numpy()
    other = latents_for_step(seed, step, 4, DIM).numpy()
    assert np.mean(other == first) < 0.01


def test_an_image_s_latents_are_not_those_of_training(many):
    # A run with the same seed never trains on them.
    for seed in range(5):
        for step in range(20):
            trained = latents_for_step(seed, step, 1, DIM).numpy()
            assert np.mean(trained == many[seed]) < 0.1
            assert np.mean(trained == many[step]) < 0.1


def splitmix64(state, count):
    """The published generator, one number after another, in Python's integers."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        numbers.append(z ^ (z >> 31))
    return numbers


def test_splitmix64_is_the_published_one():
    # The first numbers of the stream 1234567, as the generator's reference implementation gives.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert splitmix64(1234567, 3) == expected


@pytest.mark.parametrize("latent_dim", [1, 5, 6])
def test_latents_of_seeds_are_box_muller_of_splitmix64(latent_dim):
    seeds = [0, 1, 12345, 2**63 - 1]
    pairs = (latent_dim + 1) // 2
    for seed, latents in zip(seeds, from_seeds(seeds, latent_dim)):
        bits = splitmix64(splitmix64(seed, 1)[0], pairs)
        uniforms = [((number >> 40) / 2**24, number % 2**24 / 2**24) for number in bits]
        radii = [np.sqrt(-2 * np.log(1 - first)) for first, _ in uniforms]
        angles = [2 * np.pi * second for _, second in uniforms]
        expected = [*(radii * np.cos(angles)), *(radii * np.sin(angles))][:latent_dim]
        np.testing.assert_allclose(latents, expected, atol=2e-6)
