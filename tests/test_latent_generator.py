"""`tfgan.latent.generator` and `inversion`: live and exported generators behave alike."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import strong

import tfgan
from tfgan.errors import InputError
from tfgan.latent import generator as latent_generator
from tfgan.latent.generator import LatentGenerator
from tfgan.latent.inversion import invert, longest_norm, random_search
from tfgan.serving import limits

SHAPE = (8, 8, 1)
DIM = 6


@pytest.fixture(scope="module")
def pair(exported_gan):
    """A live generator and the same out of its SavedModel."""
    gan, folder = exported_gan
    return LatentGenerator.of(gan), LatentGenerator.load(folder)


@pytest.fixture(scope="module")
def conditional_pair(tmp_path_factory):
    condition = tfgan.LabelCondition(3)
    gan = tfgan.ConditionalGAN(
        tfgan.dense_generator(SHAPE, DIM, 2, condition.encoder(), "concatenation"),
        tfgan.dense_discriminator(SHAPE, 2, condition.encoder()),
        condition,
    )
    folder = tmp_path_factory.mktemp("models") / "conditional"
    tfgan.export_saved_model(strong(gan), folder)
    return LatentGenerator.of(gan), LatentGenerator.load(folder)


def test_a_saved_model_is_what_the_live_model_is(pair):
    live, loaded = pair
    assert (live.latent_dim, loaded.latent_dim) == (DIM, DIM)
    assert live.image_shape == loaded.image_shape == SHAPE
    assert live.condition_spec is None and loaded.condition_spec is None
    assert loaded.name == "tiny" and loaded.card["family"] == "GAN"
    latents = live.latents(np.arange(5))
    np.testing.assert_allclose(live.draw(latents), loaded.draw(latents), atol=1e-5)
    # The network rebuilt from the layers has the weights.
    rebuilt = (loaded.network.predict_on_batch(latents) + 1) / 2
    np.testing.assert_allclose(rebuilt, live.draw(latents), atol=1e-5)


def test_batches_are_joined(pair, monkeypatch):
    live, _ = pair
    latents = live.latents(np.arange(7))
    whole = live.draw(latents)
    monkeypatch.setattr(latent_generator, "BATCH_SIZE", 3)
    np.testing.assert_allclose(live.draw(latents), whole, atol=1e-6)
    assert live.draw(latents[:0]).shape == (0, *SHAPE)


def test_large_images_are_drawn_in_several_requests(exported_gan, monkeypatch):
    # As if those of 8x8 were so large that three are all that one request may ask for.
    monkeypatch.setattr(limits, "_MAX_PIXELS", 3 * 8 * 8)
    live, loaded = LatentGenerator.of(exported_gan[0]), LatentGenerator.load(exported_gan[1])
    latents = tf.constant(live.latents(np.arange(7)))
    gradients = []
    for generator in (live, loaded):
        with tf.GradientTape() as tape:
            tape.watch(latents)
            drawn = generator.images(latents)
        assert drawn.shape == (7, *SHAPE)
        gradients.append(tape.gradient(drawn, latents))
    np.testing.assert_allclose(*gradients, rtol=1e-3, atol=1e-5)


def test_gradients_flow_through_a_saved_model_as_through_the_live_one(pair):
    latents = tf.constant(pair[0].latents([1, 2]))

    def gradient(generator):
        with tf.GradientTape() as tape:
            tape.watch(latents)
            brightness = tf.reduce_sum(generator.images(latents))
        return tape.gradient(brightness, latents)

    live, loaded = map(gradient, pair)
    assert np.abs(live).max() > 1e-2
    np.testing.assert_allclose(live, loaded, rtol=1e-3, atol=1e-4)


def test_a_conditional_model_takes_a_condition(conditional_pair):
    live, loaded = conditional_pair
    latents = live.latents([4, 4, 5])
    condition = np.array([0, 2, 1], np.int32)
    assert live.condition_spec.name == loaded.condition_spec.name == "labels"
    drawn = loaded.draw(latents, condition)
    np.testing.assert_allclose(live.draw(latents, condition), drawn, atol=1e-5)
    assert np.abs(drawn[0] - drawn[1]).max() > 1e-3
    for generator in conditional_pair:
        with pytest.raises(InputError, match="takes labels"):
            generator.draw(latents)
        with pytest.raises(InputError, match=r"labels must be from 0 to 2\. Received: 3"):
            generator.draw(latents, condition + 1)


def test_a_saved_model_knows_its_condition_and_layers(conditional_pair):
    live, loaded = conditional_pair
    condition = loaded.example_conditions(5)
    np.testing.assert_array_equal(condition, live.example_conditions(5))
    assert set(condition) == {0, 1, 2}
    latents = live.latents(np.arange(5))
    expected = live.activations(latents, condition)
    assert expected.shape == (5, 1, 1, 8)
    np.testing.assert_allclose(loaded.activations(latents, condition), expected, atol=1e-5)
    assert np.abs(expected - live.activations(latents, condition[::-1])).max() > 1e-3


def test_a_model_without_a_condition_takes_none(pair):
    assert pair[0].example_conditions(3) is None
    with pytest.raises(InputError, match="takes no condition"):
        pair[0].images(pair[0].latents([1]), [0])


def test_a_model_without_latents_is_refused(tmp_path):
    module = tf.Module()
    module.same = tf.function(
        lambda images: {"images": images}, input_signature=[tf.TensorSpec([None, 8, 8, 1])]
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.same})
    with pytest.raises(InputError, match="no latent space: its images come from images"):
        LatentGenerator.load(tmp_path)


def test_a_model_of_another_tool_has_no_network(tmp_path):
    module = tf.Module()
    spec = tf.TensorSpec([None, 2], name="latents")
    module.draw = tf.function(
        lambda latents: {"images": tf.sigmoid(latents)[:, None, :, None]}, input_signature=[spec]
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.draw})
    loaded = LatentGenerator.load(tmp_path)
    assert (loaded.network, loaded.card, loaded.image_shape) == (None, {}, (1, 2, 1))
    with pytest.raises(InputError, match="does not tell its layers"):
        loaded.activations(np.zeros((1, 2)))
    inversion = invert(loaded, np.full((1, 1, 2, 1), 0.7), steps=300, restarts=2)
    # The closed form: the logit of 0.7.
    np.testing.assert_allclose(inversion.latents, np.log([[7 / 3, 7 / 3]]), atol=2e-2)


@pytest.mark.parametrize("which", [0, 1], ids=["live", "saved"])
def test_a_generator_s_own_images_are_found_again(pair, which):
    generator = pair[which]
    images = generator.draw(generator.latents(np.arange(3)))
    inversion = invert(generator, images, steps=60, restarts=4)
    searched = random_search(generator, images, 500)
    assert inversion.latents.shape == (3, DIM) and inversion.latents.dtype == np.float32
    assert np.median(inversion.errors) < 0.2 * np.median(searched.errors)
    # The same latents give the same images, bit for bit.
    np.testing.assert_array_equal(generator.draw(inversion.latents), inversion.images)
    np.testing.assert_allclose(
        inversion.errors, np.mean((inversion.images - images) ** 2, axis=(1, 2, 3))
    )
    norms = np.linalg.norm(inversion.latents, axis=1)
    assert norms.max() <= longest_norm(DIM) * (1 + 1e-5)


def test_random_search_finds_a_candidate_of_its_own(pair):
    generator, _ = pair
    candidates = np.random.default_rng(0).standard_normal((50, DIM), np.float32)
    images = generator.draw(candidates[[31, 7]])
    found = random_search(generator, images, 50)
    np.testing.assert_array_equal(found.latents, candidates[[31, 7]])
    assert found.errors.max() < 1e-10


def test_a_conditional_model_is_inverted_for_its_condition(conditional_pair):
    generator = conditional_pair[1]
    condition = np.array([2, 0], np.int32)
    images = generator.draw(generator.latents([3, 4]), condition)
    found = invert(generator, images, condition, steps=60, restarts=8)
    np.testing.assert_array_equal(generator.draw(found.latents, condition), found.images)
    assert np.abs(generator.draw(found.latents, condition[::-1]) - found.images).max() > 1e-3
    assert found.errors.max() < 1e-3


def test_images_of_another_shape_are_refused(pair):
    with pytest.raises(InputError, match=r"Received: \[1, 4, 4, 1\]"):
        invert(pair[0], np.zeros((1, 4, 4, 1)))


def test_the_longest_norm_is_the_99th_percentile():
    drawn = np.random.default_rng(0).standard_normal((20_000, DIM))
    share = np.mean(np.linalg.norm(drawn, axis=1) <= longest_norm(DIM))
    assert share == pytest.approx(0.99, abs=0.003)
