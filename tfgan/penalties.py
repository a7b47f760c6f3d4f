"""Penalties on the discriminator's gradient: pure functions that need its gradient at pictures."""

import tensorflow as tf


def r1(discriminator, real_images):
    """E[||grad_x D(x)||^2] over real pictures; its loss takes gamma / 2 times this.

    Pulls the discriminator towards flatness on the data, without which the game need not converge.
    Defined for a discriminator that acts on each picture alone: batch normalisation mixes the
    gradients of a batch.

    Args:
        discriminator: float [N, H, W, C] -> logits float [N, ...].
        real_images: float [N, H, W, C].

    Returns:
        Scalar, at least 0: the squared norm is summed over pixels, averaged over pictures.

    Reference:
        Mescheder et al. 2018 (arXiv 1801.04406), equation 9.
    """
    with tf.GradientTape() as tape:
        tape.watch(real_images)
        logits = tf.reduce_sum(discriminator(real_images, training=True))
    gradients = tape.gradient(logits, real_images)
    return tf.reduce_mean(tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3]))
