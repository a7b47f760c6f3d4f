import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfgan.elbo import (
    GAUSSIAN_STDDEV,
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
    kl_divergence,
)


def image(*pixels):
    return tf.reshape(tf.constant(pixels, tf.float32), (1, len(pixels), 1, 1))


def test_bernoulli_by_hand():
    # Three pixels whose probability of white is 3/4: log(3/4) + log(3/4) + log(1/4).
    logit = np.log(3.0)
    value = bernoulli_log_likelihood(image(1, 1, 0), image(logit, logit, logit))
    np.testing.assert_allclose(value, [2 * np.log(0.75) + np.log(0.25)], rtol=1e-6)


def test_bernoulli_stays_finite_where_the_probability_rounds_to_0():
    value = bernoulli_log_likelihood(image(1), image(-200.0))
    np.testing.assert_allclose(value, [-200.0], rtol=1e-6)


def test_gaussian_against_scipy():
    pixels, logits = [0.2, 0.9, 0.5], [-1.0, 2.0, 0.3]
    means = 1 / (1 + np.exp(-np.array(logits)))
    expected = scipy.stats.norm(means, GAUSSIAN_STDDEV).logpdf(pixels).sum()
    value = gaussian_log_likelihood(image(*pixels), image(*logits))
    np.testing.assert_allclose(value, [expected], rtol=1e-5)


def test_divergence_is_that_of_integration():
    mean, variance = 0.7, 0.3
    x = np.linspace(-8, 8, 200_001)
    q = scipy.stats.norm(mean, np.sqrt(variance))
    log_ratio = q.logpdf(x) - scipy.stats.norm.logpdf(x)
    expected = np.trapezoid(q.pdf(x) * log_ratio, x)
    value = kl_divergence(
        tf.constant([[mean, 0.0]]), tf.constant([[np.log(variance).astype(np.float32), 0.0]])
    )
    np.testing.assert_allclose(value, [expected], rtol=1e-5)


def test_the_prior_itself_has_no_divergence():
    assert float(kl_divergence(tf.zeros((1, 3)), tf.zeros((1, 3)))[0]) == 0.0


@pytest.mark.parametrize("function", [bernoulli_log_likelihood, gaussian_log_likelihood])
def test_pixels_add_up_and_images_stay_apart(function):
    pixels = tf.constant([[0.0, 1.0], [1.0, 1.0]])[..., None, None]
    logits = tf.constant([[0.5, -0.5], [2.0, 0.0]])[..., None, None]
    together = function(pixels, logits)
    singles = [
        sum(
            float(function(pixels[n : n + 1, i : i + 1], logits[n : n + 1, i : i + 1])[0])
            for i in (0, 1)
        )
        for n in (0, 1)
    ]
    np.testing.assert_allclose(together, singles, rtol=1e-6)
