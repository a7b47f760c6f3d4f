"""Latent vectors as pure functions of integers, so that every image can be drawn again."""

import math

import tensorflow as tf

# SplitMix64's increment and the multipliers of its finalizer.
_INCREMENT = 0x9E3779B97F4A7C15
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def latents_for_step(seed, step, batch_size, latent_dim):
    """The noise of one training step.

    Args:
        seed: the run's seed, an integer.
        step: scalar int64, the absolute step, at least 0.
        batch_size: number of vectors, an integer or a scalar integer tensor.
        latent_dim: length of a vector.

    Returns:
        float32 [batch_size, latent_dim], standard normal.
    """
    key = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
    # Philox is the same on a CPU, a GPU and under XLA; "auto_select" is not.
    return tf.random.stateless_normal((batch_size, latent_dim), key, alg="philox")


def latents_from_seeds(seeds, latent_dim):
    """One latent vector per seed, whatever else is in the batch.

    TensorFlow's stateless generators take one seed per call, and what a call gives depends on the
    place in the batch; a call for every seed takes a tenth of a small generator's own time. So the
    bits are made here, by SplitMix64 with a stream for each seed, and become normal numbers by the
    Box-Muller transform.

    Args:
        seeds: int64 [N].
        latent_dim: length of a vector.

    Returns:
        float32 [N, latent_dim], standard normal, at most 5.8 from 0.

    Reference:
        Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", figure 17;
        Box and Muller 1958, "A note on the generation of random normal deviates".
    """
    pairs = (latent_dim + 1) // 2
    offsets = [_signed((index + 1) * _INCREMENT) for index in range(pairs)]
    streams = _mixed(tf.cast(seeds, tf.int64) + _signed(_INCREMENT))
    bits = _mixed(streams[:, None] + tf.constant(offsets, tf.int64))
    # 24 bits each, as many as a float32 between 0 and 1 holds.
    first = tf.cast(_shifted_right(bits, 40), tf.float32) / 2**24
    second = tf.cast(tf.bitwise.bitwise_and(bits, 2**24 - 1), tf.float32) / 2**24
    radius = tf.sqrt(-2.0 * tf.math.log(1.0 - first))
    angle = 2.0 * math.pi * second
    normal = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)
    return normal[:, :latent_dim]


def _mixed(numbers):
    """SplitMix64's finalizer: 64 bits of any shape to 64 bits that each depend on all.

    In int64, whose sums and products wrap around to the same bits as those of uint64: TensorFlow
    2.21 rounds arrays of uint64 constants where they become part of a graph.
    """
    for shift, multiplier in zip((30, 27), _MULTIPLIERS):
        numbers = _xor_shifted(numbers, shift) * _signed(multiplier)
    return _xor_shifted(numbers, 31)


def _xor_shifted(numbers, shift):
    return tf.bitwise.bitwise_xor(numbers, _shifted_right(numbers, shift))


def _shifted_right(numbers, shift):
    """int64 shifted with zeros moving in, where the plain shift moves the sign in."""
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(numbers, shift), 2 ** (64 - shift) - 1)


def _signed(number):
    """The int64 of the same 64 bits."""
    return (number + 2**63) % 2**64 - 2**63
