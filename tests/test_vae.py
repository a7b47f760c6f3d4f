import keras
import numpy as np
import pytest
import tensorflow as tf
from cpp_loader import refusals, serve

from tfgan import data
from tfgan.elbo import bernoulli_log_likelihood, kl_divergence
from tfgan.errors import InputError
from tfgan.export.saved_model import export_saved_model
from tfgan.models import VAE
from tfgan.models.vae import pixel_logits
from tfgan.networks import (
    convolutional_discriminator,
    convolutional_generator,
    dense_discriminator,
    dense_generator,
    encoder_of,
    label_encoder,
)
from tfgan.noise import latents_from_seeds

IMAGE_SHAPE = (8, 8, 1)


def make_vae(latent_dim=6, width=4, **compile_arguments):
    keras.utils.set_random_seed(3)
    vae = VAE(
        encoder_of(convolutional_discriminator(IMAGE_SHAPE, width=width), latent_dim),
        convolutional_generator(IMAGE_SHAPE, latent_dim, width=width),
        seed=5,
    )
    vae.compile(**compile_arguments)
    return vae


def black_and_white(num=4):
    images = np.random.default_rng(0).integers(0, 2, (num, *IMAGE_SHAPE)) * 2.0 - 1.0
    return {"image": tf.constant(images, tf.float32)}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    vae = make_vae()
    return vae, export_saved_model(vae, tmp_path_factory.mktemp("models") / "m")[0]


@pytest.mark.usefixtures("eagerly")
def test_one_step_moves_by_plain_gradients():
    """One step of SGD written out by hand, with beta."""
    rate, beta = 0.01, 3.0
    vae, fresh = (make_vae(optimizer=keras.optimizers.SGD(rate), beta=beta) for _ in range(2))
    batch = black_and_white()
    noise = vae.training_latents(4)
    with tf.GradientTape() as tape:
        mean, log_variance = vae.encoder(batch["image"], training=True)
        images = vae.generator(mean + tf.exp(log_variance / 2) * noise, training=True)
        probability = (tf.cast(images, tf.float64) + 1) / 2
        white = tf.cast(batch["image"] > 0, tf.float64)
        log_likelihood = tf.reduce_sum(
            white * tf.math.log(probability) + (1 - white) * tf.math.log(1 - probability)
        )
        divergence = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance)
        loss = (beta * divergence - tf.cast(log_likelihood, tf.float32)) / 4
    weights = vae.trained_variables
    expected = [v - rate * g for v, g in zip(weights, tape.gradient(loss, weights))]
    report = fresh.train_step(batch)
    for value, variable in zip(expected, fresh.trained_variables, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-3, atol=1e-5, err_msg=variable.path)
    # What is reported is the bound itself, whatever beta is.
    bound = (float(divergence) - float(log_likelihood)) / 4
    np.testing.assert_allclose(float(report["negative_elbo"]), bound, rtol=1e-4)


@pytest.mark.usefixtures("eagerly")
def test_every_weight_of_both_networks_moves():
    vae = make_vae(optimizer=keras.optimizers.SGD(0.01))
    before = [np.array(variable) for variable in vae.trained_variables]
    for _ in range(2):
        vae.train_step(black_and_white())
    for old, variable in zip(before, vae.trained_variables, strict=True):
        assert not np.array_equal(old, np.array(variable)), variable.path


def test_the_images_are_the_probabilities_of_the_logits():
    vae = make_vae()
    latents = tf.random.stateless_normal((3, 6), [0, 0])
    images = (vae.generator(latents, training=False) + 1) / 2
    logits = pixel_logits(vae.generator, latents, training=False)
    np.testing.assert_allclose(tf.sigmoid(logits), images, atol=1e-6)


def test_gray_is_drawn_anew_at_each_step_with_its_intensity_as_probability():
    vae = make_vae()
    gray = tf.fill((100, *IMAGE_SHAPE), 0.25)
    first, other = vae.binarize(gray, [0, 1]), vae.binarize(gray, [0, 2])
    assert set(np.unique(first)) == {0.0, 1.0}
    # 6,400 draws: five standard deviations are 0.027.
    assert abs(float(tf.reduce_mean(first)) - 0.25) < 0.027
    assert np.any(first != other)
    ends = tf.constant([0.0, 1.0] * 50)[:, None, None, None] * tf.ones((100, *IMAGE_SHAPE))
    np.testing.assert_array_equal(vae.binarize(ends, [0, 1]), ends)


@pytest.mark.usefixtures("eagerly")
def test_the_gaussian_likelihood_keeps_gray():
    vae = make_vae(likelihood="gaussian")
    gray = tf.fill((2, *IMAGE_SHAPE), 0.25)
    np.testing.assert_array_equal(vae.binarize(gray, [0, 1]), gray)
    assert np.isfinite(float(vae.train_step(black_and_white())["negative_elbo"]))


@pytest.mark.usefixtures("eagerly")
def test_the_elbo_is_that_of_the_ema_networks_at_the_seeds_latents():
    vae = make_vae()
    for _ in range(3):
        vae.train_step(black_and_white())
    white = (black_and_white()["image"] + 1) / 2
    seeds = tf.constant([4, 7, 1, 0], tf.int64)
    mean, log_variance = vae.ema_encoder(2 * white - 1, training=False)
    latents = mean + tf.exp(log_variance / 2) * latents_from_seeds(seeds, 6)
    probability = (vae.ema_generator(latents, training=False) + 1) / 2
    logits = tf.math.log(probability) - tf.math.log(1 - probability)
    expected = kl_divergence(mean, log_variance) - bernoulli_log_likelihood(white, logits)
    np.testing.assert_allclose(vae.negative_elbo(white, seeds), expected, rtol=1e-4)


@pytest.mark.slow
def test_training_raises_the_bound_and_reconstructs():
    digits = data.load("digits", 50, seed=1)
    vae = make_vae(latent_dim=16, width=16)
    test = data.load("digits", 50, split="test").batches().take(5)
    before = vae.evaluate(test, verbose=0)
    vae.fit(digits.batches(), steps_per_epoch=250, verbose=0, shuffle=False)
    after = vae.evaluate(test, verbose=0)
    assert after == vae.evaluate(test, verbose=0)
    assert after < 0.75 * before
    images = next(iter(test))["image"] / 2 + 0.5
    mean_image = tf.reduce_mean(images, axis=0)
    error = tf.reduce_mean((vae.reconstruct(images) - images) ** 2)
    assert error < 0.7 * tf.reduce_mean((mean_image - images) ** 2)


def test_the_cpp_loader_encodes_and_reconstructs_at_any_batch_size(exported):
    vae, folder = exported
    random = np.random.default_rng(0)
    batches = [random.uniform(0, 1, (n, *IMAGE_SHAPE)).astype(np.float32) for n in (1, 3, 7)]
    requests = [
        (signature, {"images": images})
        for images in batches
        for signature in ("encode", "reconstruct")
    ]
    answers = serve(folder, requests)
    for index, images in enumerate(batches):
        np.testing.assert_allclose(answers[2 * index]["latents"], vae.encode(images), atol=1e-5)
        reconstructed = answers[2 * index + 1]["images"]
        np.testing.assert_allclose(reconstructed, vae.reconstruct(images), atol=1e-5)


def test_served_images_out_of_range_are_refused(exported):
    requests = [
        (signature, {"images": np.full((2, *IMAGE_SHAPE), value, np.float32)})
        for signature in ("encode", "reconstruct")
        for value in (-0.5, 1.5, np.nan)
    ]
    said = refusals(exported[1], requests)
    assert len(said) == len(requests)
    for words in said.values():
        assert "images must be numbers from 0 to 1. Received" in words


def test_the_exported_bound_is_the_models(exported):
    vae, folder = exported
    images = (black_and_white()["image"] + 1) / 2
    seeds = tf.range(4, dtype=tf.int64)
    reloaded = tf.saved_model.load(str(folder))
    np.testing.assert_allclose(
        reloaded.negative_elbo(images, seeds), vae.negative_elbo(images, seeds), rtol=1e-5
    )


def test_networks_that_do_not_fit_are_refused():
    encoder = encoder_of(dense_discriminator(IMAGE_SHAPE, width=2), 6)
    with pytest.raises(InputError, match="encoder must take what the generator makes"):
        VAE(encoder, dense_generator(IMAGE_SHAPE, 5, width=2))
    with pytest.raises(InputError, match="encoder must take what the generator makes"):
        VAE(encoder, dense_generator((8, 9, 1), 6, width=2))
    linear = dense_generator(IMAGE_SHAPE, 6, width=2)
    linear = keras.Model(linear.input, linear.layers[-1].input)
    with pytest.raises(InputError, match="must be the activation tanh"):
        VAE(encoder, linear)


def test_an_encoder_is_made_of_a_discriminator_of_images_alone():
    conditional = dense_discriminator(IMAGE_SHAPE, width=2, condition=label_encoder(3))
    with pytest.raises(InputError, match="takes images alone"):
        encoder_of(conditional)
    with pytest.raises(InputError, match="'logits'"):
        encoder_of(dense_generator(IMAGE_SHAPE, 6, width=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"likelihood": "poisson"}, "bernoulli or gaussian"), ({"beta": -1}, "beta must be at least")],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        make_vae(**arguments)
