"""Penalties on the discriminator's gradient: pure functions that need its gradient at images.

All are defined for a discriminator that acts on each image alone: batch normalization mixes the
gradients of a batch.
"""

import tensorflow as tf


def r1(discriminator, real_images):
    """E[||grad_x D(x)||^2] over real images; its loss takes gamma / 2 times this.

    Pulls the discriminator towards flatness on the data, without which the game need not converge.

    Args:
        discriminator: float [N, H, W, C] -> logits float [N, ...].
        real_images: float [N, H, W, C].

    Returns:
        Scalar, at least 0: the squared norm is summed over pixels, averaged over images.

    Reference:
        Mescheder et al. 2018 (arXiv 1801.04406), equation 9.
    """
    return tf.reduce_mean(squared_gradient_norms(discriminator, real_images))


def r2(discriminator, fake_images):
    """E[||grad_x D(x)||^2] over generated images; its loss takes gamma / 2 times this.

    The generated images are constants for it: the penalty is the discriminator's alone.

    Args:
        discriminator: as for `r1`.
        fake_images: float [N, H, W, C].

    Returns:
        As `r1`.

    Reference:
        Mescheder et al. 2018 (arXiv 1801.04406), equation 10.
    """
    return tf.reduce_mean(squared_gradient_norms(discriminator, tf.stop_gradient(fake_images)))


def gradient_penalty(discriminator, real_images, fake_images, seed):
    """E[(||grad_x D(x)|| - 1)^2] at random points between real and generated images.

    The points are x = alpha real + (1 - alpha) fake, alpha ~ U(0, 1) per pair. Its loss takes
    lambda times this.

    Args:
        discriminator: as for `r1`.
        real_images, fake_images: float [N, H, W, C].
        seed: integer [2], of the alphas.

    Returns:
        Scalar, at least 0: the mean over pairs.

    Reference:
        Gulrajani et al. 2017 (arXiv 1704.00028), equation 3.
    """
    shape = (tf.shape(real_images)[0], 1, 1, 1)
    alpha = tf.random.stateless_uniform(shape, seed, dtype=real_images.dtype, alg="philox")
    between = alpha * real_images + (1 - alpha) * tf.stop_gradient(fake_images)
    # The root has no derivative at 0.
    norms = tf.sqrt(squared_gradient_norms(discriminator, between) + 1e-12)
    return tf.reduce_mean(tf.square(norms - 1))


def squared_gradient_norms(discriminator, images):
    """||grad_x D(x)||^2 of each image, float [N], summed over its pixels."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = tf.reduce_sum(discriminator(images, training=True))
    gradients = tape.gradient(logits, images)
    return tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3])
