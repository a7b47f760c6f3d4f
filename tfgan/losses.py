"""Losses: pure functions of the discriminator's logits, and one of images.

Each adversarial loss is a pair. The discriminator minimizes one function, the generator the other;
both take `(real_logits, fake_logits)`, float tensors of equal shape [N, ...], unbounded, and return
a scalar of the same dtype, the mean over all logits. Larger logits mean "more real".
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgan.errors import InputError


class AdversarialLoss(NamedTuple):
    """What each network minimizes: functions of `(real_logits, fake_logits)` to a scalar."""

    discriminator: Callable
    generator: Callable


def cross_entropy_discriminator(real_logits, fake_logits):
    """-E[log D(x)] - E[log(1 - D(G(z)))], with D = sigmoid(logit).

    Reference: Goodfellow et al. 2014 (arXiv 1406.2661), equation 1.
    """
    return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(
        tf.nn.softplus(fake_logits)
    )


def non_saturating_generator(real_logits, fake_logits):
    """-E[log D(G(z))]: strong gradients where the discriminator is sure.

    Reference: Goodfellow et al. 2014 (arXiv 1406.2661), section 3.
    """
    del real_logits
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def minimax_generator(real_logits, fake_logits):
    """E[log(1 - D(G(z)))]: the value function itself, which saturates.

    Reference: Goodfellow et al. 2014 (arXiv 1406.2661), equation 1.
    """
    del real_logits
    return -tf.reduce_mean(tf.nn.softplus(fake_logits))


def least_squares_discriminator(real_logits, fake_logits):
    """E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2.

    Reference: Mao et al. 2016 (arXiv 1611.04076), equation 9 (a = 0, b = c = 1).
    """
    return 0.5 * (
        tf.reduce_mean(tf.square(real_logits - 1.0)) + tf.reduce_mean(tf.square(fake_logits))
    )


def least_squares_generator(real_logits, fake_logits):
    """E[(D(G(z)) - 1)^2] / 2.

    Reference: Mao et al. 2016 (arXiv 1611.04076), equation 9 (a = 0, b = c = 1).
    """
    del real_logits
    return 0.5 * tf.reduce_mean(tf.square(fake_logits - 1.0))


def hinge_discriminator(real_logits, fake_logits):
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))].

    Reference: Lim and Ye 2017 (arXiv 1705.02894); Miyato et al. 2018 (arXiv 1802.05957),
    equation 16.
    """
    return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(
        tf.nn.relu(1.0 + fake_logits)
    )


def wasserstein_discriminator(real_logits, fake_logits):
    """E[D(G(z))] - E[D(x)]: an estimate of -W1 where D is 1-Lipschitz, which this does not enforce.

    Reference: Arjovsky et al. 2017 (arXiv 1701.07875), equation 2.
    """
    return tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)


def wasserstein_generator(real_logits, fake_logits):
    """-E[D(G(z))], the hinge loss' generator as well.

    Reference: Arjovsky et al. 2017 (arXiv 1701.07875), equation 2.
    """
    del real_logits
    return -tf.reduce_mean(fake_logits)


def relativistic_discriminator(real_logits, fake_logits):
    """E[softplus(-(D(x) - D(G(z))))]: real ones more real than the fakes they are paired with.

    Reference: Jolicoeur-Martineau 2018 (arXiv 1807.00734), RSGAN.
    """
    return tf.reduce_mean(tf.nn.softplus(fake_logits - real_logits))


def relativistic_generator(real_logits, fake_logits):
    """E[softplus(-(D(G(z)) - D(x)))]: the generator sees the real logits as well.

    Reference: Jolicoeur-Martineau 2018 (arXiv 1807.00734), RSGAN.
    """
    return tf.reduce_mean(tf.nn.softplus(real_logits - fake_logits))


def l1(images, targets):
    """E[|y - x|], the mean over all pixels and channels: how far images are from others.

    Args:
        images, targets: float [N, H, W, C].

    Reference: Isola et al. 2016 (arXiv 1611.07004), equation 3; Zhu et al. 2017
    (arXiv 1703.10593), equation 2.
    """
    return tf.reduce_mean(tf.abs(targets - images))


LOSSES = {
    "non_saturating": AdversarialLoss(cross_entropy_discriminator, non_saturating_generator),
    "minimax": AdversarialLoss(cross_entropy_discriminator, minimax_generator),
    "least_squares": AdversarialLoss(least_squares_discriminator, least_squares_generator),
    "hinge": AdversarialLoss(hinge_discriminator, wasserstein_generator),
    "wasserstein": AdversarialLoss(wasserstein_discriminator, wasserstein_generator),
    "relativistic": AdversarialLoss(relativistic_discriminator, relativistic_generator),
}


def get(loss):
    """The pair that a name stands for; an `AdversarialLoss` is returned as it is.

    Raises:
        InputError: the name is none of `LOSSES`.
    """
    if isinstance(loss, AdversarialLoss):
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        raise InputError(f"loss must be one of {', '.join(LOSSES)}. Received: {loss!r}")
    return LOSSES[loss]


def name_of(loss):
    """The name under which `get` returns this pair.

    Raises:
        InputError: the pair is not one of `LOSSES`, so that no name stands for it.
    """
    for name, pair in LOSSES.items():
        if pair == loss:
            return name
    raise InputError(
        "only a loss from tfgan.losses.LOSSES can be saved with its model: save the weights alone, "
        "by save_weights or save_weights_only=True. Received: another AdversarialLoss"
    )
