import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.errors import InputError
from tfgan.models import Pix2Pix
from tfgan.networks import patch_discriminator, unet_generator

SIZE = (9, 8)


def make(channels=1, condition_channels=3, masked=False, **compile_arguments):
    keras.utils.set_random_seed(3)
    shape, input_channels = (*SIZE, channels), condition_channels + masked
    model = Pix2Pix(
        unet_generator(shape, input_channels=input_channels, width=4),
        patch_discriminator(shape, condition_channels=input_channels, width=4),
        masked=masked,
        seed=5,
    )
    model.compile(**compile_arguments)
    return model


@functools.cache
def made(channels=1, condition_channels=3, masked=False):
    """A model that no test trains."""
    return make(channels, condition_channels, masked)


def random_images(channels, num=3, seed=0):
    images = np.random.default_rng(seed).uniform(-1, 1, (num, *SIZE, channels))
    return tf.constant(images, tf.float32)


def holes(num=3):
    masks = np.zeros((num, *SIZE, 1), np.float32)
    masks[:, 2:6, 3:] = 1
    return tf.constant(masks)


def apart(model):
    """The model with an EMA far from its generator."""
    model.generator.set_weights([2 * weight for weight in model.generator.get_weights()])
    return model


def sgd(rate):
    return {
        "generator_optimizer": keras.optimizers.SGD(rate),
        "discriminator_optimizer": keras.optimizers.SGD(rate),
    }


@pytest.mark.usefixtures("eagerly")
def test_both_networks_are_updated_by_plain_gradients():
    require_plain_gradients(masked=False, loss="non_saturating")


@pytest.mark.usefixtures("eagerly")
def test_both_networks_are_updated_by_plain_gradients_with_holes():
    require_plain_gradients(masked=True, loss="hinge")


@pytest.mark.slow
def test_both_networks_are_updated_by_plain_gradients_in_a_graph_with_holes():
    require_plain_gradients(masked=True, loss="hinge")


def require_plain_gradients(masked, loss):
    """One step of SGD written out by hand."""
    rate, weight = 0.1, 7.0
    channels = 3
    model = make(channels, channels, masked, loss=loss, l1_weight=weight, **sgd(rate))
    batch = {
        "image": random_images(channels),
        "condition": random_images(channels, seed=1),
        "mask": holes(),
    }
    target, known = batch["image"], batch["condition"]
    g, d = model.generator, model.discriminator
    with tf.GradientTape(persistent=True) as tape:
        if masked:
            hole = tf.repeat(holes() > 0, channels, axis=-1)
            condition = tf.concat([tf.where(hole, 0.0, known), holes()], axis=-1)
            output = tf.where(hole, g(condition), known)
        else:
            condition, output = known, g(known)
        real, fake = d([target, condition]), d([output, condition])
        if loss == "hinge":
            g_loss = -tf.reduce_mean(fake)
            d_loss = tf.reduce_mean(tf.maximum(0.0, 1 - real) + tf.maximum(0.0, 1 + fake))
        else:
            g_loss = -tf.reduce_mean(tf.math.log(tf.sigmoid(fake)))
            d_loss = -tf.reduce_mean(tf.math.log(tf.sigmoid(real)))
            d_loss -= tf.reduce_mean(tf.math.log(1 - tf.sigmoid(fake)))
        l1 = tf.reduce_sum(tf.abs(output - target)) / np.prod(target.shape)
        objectives = {g: g_loss + weight * l1, d: d_loss / 2}
    expected = []
    for network, objective in objectives.items():
        variables = network.trainable_variables
        gradients = tape.gradient(objective, variables)
        expected += [value - rate * gradient for value, gradient in zip(variables, gradients)]
    logs = model.train_step(batch)
    moved = model.generator_variables + model.discriminator_variables
    for value, variable in zip(expected, moved, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-3, atol=1e-6, err_msg=variable.path)
    for name, value in {
        "generator_loss": g_loss,
        "discriminator_loss": d_loss,
        "l1": l1,
        "real_logit": tf.reduce_mean(real),
        "fake_logit": tf.reduce_mean(fake),
    }.items():
        assert float(logs[name]) == pytest.approx(float(value), rel=1e-4, abs=1e-6), name


@pytest.mark.usefixtures("eagerly")
def test_losses_of_networks_whose_output_is_known():
    """A generator of gray alone and a discriminator that says 1 to every patch."""
    model = make()
    for network, logit in ((model.generator, 0.0), (model.discriminator, 1.0)):
        network.set_weights([np.zeros_like(weight) for weight in network.get_weights()])
        network.trainable_variables[-1].assign([logit])
    target = random_images(1)
    logs = model.train_step({"image": target, "condition": random_images(3)})
    assert float(logs["generator_loss"]) == pytest.approx(0.313262, abs=1e-5)
    assert float(logs["discriminator_loss"]) == pytest.approx(0.313262 + 1.313262, abs=1e-5)
    assert float(logs["l1"]) == pytest.approx(np.abs(target).mean(), abs=1e-6)
    assert float(logs["real_logit"]) == float(logs["fake_logit"]) == 1.0


def test_the_published_defaults():
    model = make()
    assert model.l1_weight == 100.0
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.999)


def test_known_pixels_stay_and_what_lies_in_the_holes_is_not_seen():
    model = make(2, 2, masked=True)
    images = (random_images(2) + 1) / 2
    masks = holes()
    output = model.translate(images, masks).numpy()
    known = np.repeat(masks.numpy() == 0, 2, axis=-1)
    np.testing.assert_allclose(output[known], images.numpy()[known], atol=1e-6)
    assert np.all(output[~known] != images.numpy()[~known])
    other = tf.where(known, images, 1 - images)
    np.testing.assert_allclose(model.translate(other, masks), output, atol=1e-6)
    nowhere = model.translate(images, tf.zeros_like(masks))
    np.testing.assert_allclose(nowhere, images, atol=1e-6)


def test_the_ema_translates_each_image_on_its_own():
    model = apart(make())
    images = (random_images(3, num=7) + 1) / 2
    together = model.translate(images).numpy()
    assert together.shape == (7, *SIZE, 1) and together.min() >= 0 and together.max() <= 1
    expected = (model.ema_generator(2 * images - 1) + 1) / 2
    np.testing.assert_allclose(together, expected, atol=1e-6)
    np.testing.assert_allclose(model.translate(images[3:4])[0], together[3], atol=1e-6)
    assert not np.allclose(together, (model.generator(2 * images - 1) + 1) / 2, atol=1e-6)


def test_evaluate_reports_the_emas_distance():
    model = apart(make())
    batch = {"image": random_images(1), "condition": random_images(3)}
    expected = np.abs(model(batch["condition"]) - batch["image"]).mean()
    reported = model.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0)
    assert reported == pytest.approx(expected, rel=1e-5)


def test_training_learns_to_invert():
    """The mean error starts near that of gray, and ends far below it."""
    model = make(1, 1, generator_optimizer=keras.optimizers.Adam(2e-3, beta_1=0.5))
    for step in range(150):
        blobs = tf.image.resize(tf.random.stateless_normal((16, 3, 3, 1), [0, step]), SIZE)
        condition = tf.tanh(blobs)
        model.train_step({"image": -condition, "condition": condition})
    blobs = tf.tanh(tf.image.resize(tf.random.stateless_normal((16, 3, 3, 1), [1, 0]), SIZE))
    error = np.abs(model(blobs) + blobs).mean()
    assert error < 0.35 * np.abs(blobs).mean()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: made().compile(l1_weight=-1), r"l1_weight must be at least 0\. Received: -1"),
        (lambda: made().compile(loss="no_such_loss"), "non_saturating.*no_such_loss"),
        (
            lambda: made().translate(np.zeros((2, *SIZE, 1))),
            r"images must be of shape \[N, 9, 8, 3\]\. Received: \(2, 9, 8, 1\)",
        ),
        (lambda: made().translate(np.zeros((*SIZE, 3))), r"\[N, 9, 8, 3\]\. Received: \(9, 8, 3\)"),
        (lambda: made().translate(np.zeros((2, *SIZE, 3)), holes(2)), "takes no masks"),
        (
            lambda: made(3, 3, masked=True).translate(np.zeros((2, *SIZE, 3))),
            r"needs masks beside the images\. Received: none",
        ),
        (
            lambda: made(3, 3, masked=True).translate(random_images(3), np.zeros((3, *SIZE, 3))),
            r"masks must be of shape \[N, 9, 8, 1\]\. Received: \(3, 9, 8, 3\)",
        ),
        (
            lambda: make(3, 1, masked=True),
            r"images of 3 channels must take 4.*Received: 9x8x2 -> 9x8x3",
        ),
        (
            lambda: Pix2Pix(
                unet_generator((8, 8, 1), width=1),
                patch_discriminator((8, 8, 1), condition_channels=3, width=1),
            ),
            r"generator of 8x8x1 -> 8x8x1, a discriminator of 8x8x1 and 8x8x3",
        ),
        (
            lambda: Pix2Pix(
                unet_generator((8, 8, 1), width=1), patch_discriminator((8, 8, 1), width=1)
            ),
            r"generator of 8x8x1 -> 8x8x1, a discriminator of 8x8x1",
        ),
    ],
)
def test_bad_input_in_one_line(act, message):
    with pytest.raises(InputError, match=message) as raised:
        act()
    assert "\n" not in str(raised.value)
