import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import step_by_operation
from cpp_loader import refusals

from tfgan.conditions import LabelCondition
from tfgan.errors import InputError
from tfgan.export.saved_model import export_saved_model
from tfgan.models import ConditionalGAN
from tfgan.networks import convolutional_discriminator, convolutional_generator, label_encoder

IMAGE_SHAPE = (8, 8, 1)


def make_conditional_gan(num_classes=3, conditioning="projection", **compile_arguments):
    keras.utils.set_random_seed(3)
    condition = LabelCondition(num_classes)
    gan = ConditionalGAN(
        convolutional_generator(
            IMAGE_SHAPE, 6, width=4, condition=condition.encoder(), conditioning=conditioning
        ),
        convolutional_discriminator(
            IMAGE_SHAPE, width=4, condition=condition.encoder(), conditioning=conditioning
        ),
        condition,
        seed=5,
    )
    gan.compile(**compile_arguments)
    return gan


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export_saved_model(make_conditional_gan(), tmp_path_factory.mktemp("models") / "m")[0]


def batch_of(labels):
    images = np.random.default_rng(0).uniform(-1, 1, (len(labels), *IMAGE_SHAPE))
    labels = tf.constant(labels, tf.int32)
    return {"image": tf.constant(images, tf.float32), "label": labels, "attributes": labels}


@pytest.mark.parametrize("num_classes", [4, np.int64(4)])
def test_a_label_becomes_one_hot(num_classes):
    encoded = label_encoder(num_classes)(tf.constant([0, 3, 1]))
    np.testing.assert_array_equal(encoded, np.eye(4)[[0, 3, 1]])


def test_attributes_stand_side_by_side():
    encoded = label_encoder((2, 3))(tf.constant([[1, 0], [0, 2]]))
    np.testing.assert_array_equal(encoded, [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]])


@pytest.mark.parametrize("num_classes", [0, (), (3, 0)])
def test_less_than_one_class_is_refused(num_classes):
    with pytest.raises(InputError, match="num_classes must be at least 1"):
        label_encoder(num_classes)


def test_an_unknown_conditioning_is_refused():
    with pytest.raises(InputError, match=r"projection or concatenation\. Received: 'sideways'"):
        make_conditional_gan(conditioning="sideways")


def test_the_projection_adds_the_embedding_times_the_features():
    """Miyato and Koyama 2018, equation 3, written out: the label's row of V times phi."""
    gan = make_conditional_gan()
    batch = batch_of([0, 1, 2, 1])
    discriminator = gan.discriminator
    logits = discriminator([batch["image"], batch["label"]])
    layers = {layer.name: layer for layer in discriminator.layers}
    features_of = keras.Model(discriminator.inputs, layers["logits"].input)
    features = features_of([batch["image"], batch["label"]]).numpy()
    rows = layers["embedding"].kernel.numpy()[[0, 1, 2, 1]]
    plain = features @ layers["logits"].kernel.numpy() + layers["logits"].bias.numpy()
    expected = plain + (rows * features).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert np.abs(expected - plain).max() > 1e-4


def test_the_normalization_takes_scale_and_shift_from_the_label():
    from tfgan.networks.condition import conditional_normalization

    x = keras.Input((2, 2, 3))
    encoder = label_encoder(2)
    model = keras.Model([x, encoder.input], conditional_normalization(x, encoder.output))
    values = np.random.default_rng(0).normal(size=(6, 2, 2, 3)).astype(np.float32)
    labels = np.array([0, 1, 0, 1, 1, 0])
    mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
    normal = (values - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(model([values, labels], training=True), normal, atol=1e-5)
    scale, shift = model.trainable_variables
    scale.assign([[0.5, 0, 0], [0, 1, 0]])
    shift.assign([[0, 0, 2], [-1, 0, 0]])
    expected = (
        normal * (1 + scale.numpy()[labels])[:, None, None] + shift.numpy()[labels][:, None, None]
    )
    np.testing.assert_allclose(model([values, labels], training=True), expected, atol=1e-5)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("conditioning", ["projection", "concatenation"])
def test_each_network_takes_the_label(conditioning):
    gan = make_conditional_gan(conditioning=conditioning, r1_gamma=0)
    batches = batch_of([0, 1, 2, 0])
    for _ in range(3):
        gan.train_step(batches)
    for network, first in (
        (gan.generator, gan.training_latents(4)),
        (gan.discriminator, batches["image"]),
    ):
        one, other = (network([first, tf.fill([4], label)], training=False) for label in (0, 1))
        assert np.abs(one - other).max() > 1e-6


@pytest.mark.usefixtures("eagerly")
def test_both_networks_are_updated_by_plain_gradients_at_the_same_labels():
    """One step of SGD written out by hand."""
    rate = 0.5
    gan = make_conditional_gan(
        generator_optimizer=keras.optimizers.SGD(rate),
        discriminator_optimizer=keras.optimizers.SGD(rate),
        r1_gamma=0.3,
        penalty_interval=4,
    )
    batch = batch_of([0, 1, 2, 1])
    real, labels = batch["image"], batch["label"]
    latents = gan.training_latents(4)
    g, d = gan.generator, gan.discriminator
    with tf.GradientTape(persistent=True) as tape:
        fake_logits = d([g([latents, labels], training=True), labels])
        real_logits = d([real, labels])
        g_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
        d_loss = tf.reduce_mean(tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits))
        with tf.GradientTape() as inner:
            inner.watch(real)
            score = d([real, labels])
        squared_norms = tf.reduce_sum(inner.gradient(score, real) ** 2, [1, 2, 3])
        d_objective = d_loss + 4 * 0.5 * 0.3 * tf.reduce_mean(squared_norms)
    expected = [
        variable - rate * tape.gradient(objective, variable)
        for objective, network in ((g_loss, g), (d_objective, d))
        for variable in network.trainable_variables
    ]
    # The second forward pass must not count in the moving statistics.
    fresh = make_conditional_gan(
        generator_optimizer=keras.optimizers.SGD(rate),
        discriminator_optimizer=keras.optimizers.SGD(rate),
        r1_gamma=0.3,
        penalty_interval=4,
    )
    fresh.train_step(batch)
    moved = [*fresh.generator.trainable_variables, *fresh.discriminator.trainable_variables]
    for value, variable in zip(expected, moved, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-4, atol=1e-6, err_msg=variable.path)


def test_a_label_out_of_range_is_named_with_the_range():
    gan = make_conditional_gan(r1_gamma=0)
    for label in (-1, 3):
        message = rf"(?s)labels must be from 0 to 2\. Received:.*{label}"
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            gan.generate([0, 1], [0, label])
        with step_by_operation(), pytest.raises(InputError, match=message):
            gan.train_step(batch_of([0, label, 1, 2]))


def test_several_attributes_have_a_range_each():
    gan = make_conditional_gan(num_classes=(2, 3))
    with step_by_operation():
        gan.train_step(batch_of([[0, 2], [1, 0], [1, 1], [0, 0]]))
    assert gan.generate([0, 1], [[1, 2], [0, 0]]).shape == (2, *IMAGE_SHAPE)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"from 0 to \[1, 2\]. Received:"):
        gan.generate([0], [[2, 0]])


def test_the_label_out_of_range_is_shown_whole_and_no_other():
    condition = LabelCondition((4, 7, 3, 2, 9))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Received:.*\[+0 6 2 1 9\]+\n"):
        tf.function(condition.checked)([[0, 0, 0, 0, 0], [0, 6, 2, 1, 9], [3, 6, 2, 1, 8]])


def test_a_grid_has_one_class_per_column_and_one_seed_per_row():
    (seeds, labels), columns = make_conditional_gan().examples(8)
    assert columns == 3
    np.testing.assert_array_equal(labels, [0, 1, 2, 0, 1, 2, 0, 1])
    np.testing.assert_array_equal(seeds, [0, 0, 0, 1, 1, 1, 2, 2])


def test_a_request_has_as_many_labels_as_images(exported):
    few, latents = np.zeros(1, np.int32), np.zeros((3, 6), np.float32)
    requests = [
        ("serving_default", {"labels": few, "latents": latents}),
        ("from_seeds", {"labels": few, "seeds": np.arange(3)}),
        ("png", {"labels": few, "seeds": np.arange(3)}),
        ("from_seeds", {"labels": np.zeros(2, np.int32), "seeds": np.arange(3)}),
    ]
    said = refusals(exported, requests)
    assert len(said) == len(requests)
    for words in said.values():
        assert re.search(r"must be as many \w+ as labels\. Received:.*3.*[12]", words)


def test_a_served_label_out_of_range_is_named_with_the_range(exported):
    labels, seeds = np.array([2, 3], np.int32), np.arange(2)
    requests = [
        ("serving_default", {"labels": labels, "latents": np.zeros((2, 6), np.float32)}),
        ("from_seeds", {"labels": labels, "seeds": seeds}),
        ("png", {"labels": labels, "seeds": seeds}),
    ]
    said = refusals(exported, requests)
    assert len(said) == len(requests)
    for words in said.values():
        assert re.search(r"(?s)labels must be from 0 to 2\. Received:.*3", words)
