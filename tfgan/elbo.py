"""The terms of the ELBO, the evidence lower bound (证据下界): pure functions, in nats per image.

Reference:
    Kingma and Welling 2013 (arXiv 1312.6114), equation 3.
"""

import math

import tensorflow as tf

from tfgan.errors import InputError

# Of a pixel's intensity in [0, 1], under the Gaussian likelihood.
GAUSSIAN_STDDEV = 0.1


def bernoulli_log_likelihood(pixels, logits):
    """log p(x) of black and white pixels: x log sigmoid(l) + (1 - x) log(1 - sigmoid(l)).

    Args:
        pixels: float32 [N, H, W, C], each 0 or 1.
        logits: float32 of the same shape: of each pixel's probability to be 1.

    Returns:
        float32 [N], the sum over the pixels.
    """
    log_likelihood = -tf.nn.sigmoid_cross_entropy_with_logits(labels=pixels, logits=logits)
    return tf.reduce_sum(log_likelihood, axis=[1, 2, 3])


def gaussian_log_likelihood(pixels, logits):
    """log p(x) of intensities, normal about sigmoid(l) with a deviation of `GAUSSIAN_STDDEV`.

    It is the logarithm of a density, so it may be positive.

    Args:
        pixels: float32 [N, H, W, C] in [0, 1].
        logits: float32 of the same shape: of each pixel's mean.

    Returns:
        float32 [N], the sum over the pixels.
    """
    deviation = (pixels - tf.sigmoid(logits)) / GAUSSIAN_STDDEV
    log_density = -0.5 * deviation**2 - math.log(GAUSSIAN_STDDEV * math.sqrt(2.0 * math.pi))
    return tf.reduce_sum(log_density, axis=[1, 2, 3])


def kl_divergence(mean, log_variance):
    """KL(N(mean, variance) || N(0, 1)) = 1/2 sum(mean^2 + variance - 1 - log variance).

    Args:
        mean, log_variance: float32 [N, D].

    Returns:
        float32 [N], the sum over the dimensions.

    Reference:
        Kingma and Welling 2013, appendix B.
    """
    return 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1.0 - log_variance, axis=1)


LIKELIHOODS = {"bernoulli": bernoulli_log_likelihood, "gaussian": gaussian_log_likelihood}


def require_likelihood(name):
    """Refuses a name that is none of `LIKELIHOODS`."""
    if name not in LIKELIHOODS:
        raise InputError(f"likelihood must be {' or '.join(LIKELIHOODS)}. Received: {name!r}")
