"""Latent vectors as pure functions of integers, so that every picture can be asked for again."""

import tensorflow as tf

# The second half of the generator's key keeps a picture's seed apart from a training step's.
_PICTURE_KEY = -1


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
    """One latent vector a seed, whatever else is in the batch.

    Args:
        seeds: int64 [N].
        latent_dim: length of a vector.

    Returns:
        float32 [N, latent_dim], standard normal.
    """

    def latent(seed):
        key = tf.stack([seed, tf.constant(_PICTURE_KEY, tf.int64)])
        return tf.random.stateless_normal((latent_dim,), key, alg="philox")

    # One draw a seed: what one draw for all gives a seed depends on its place in the batch.
    latents = tf.map_fn(latent, tf.cast(seeds, tf.int64), fn_output_signature=tf.float32)
    # Run eagerly on no seeds, map_fn does not know the length.
    return tf.reshape(latents, (-1, latent_dim))
