"""Models of a user's own networks, as they are exported, converted and explored."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfgan
from tfgan import convert
from tfgan.errors import InputError
from tfgan.export import formats, saved_model
from tfgan.latent.generator import LatentGenerator

SHAPE = (8, 8, 1)
DIM = 6
FACTOR = 2.0
LAYERS = keras.layers


def wide(units):
    """A dense layer whose outputs leave [-1, 1] by far."""
    return LAYERS.Dense(units, kernel_initializer=keras.initializers.Orthogonal(2.0))


def ending(activation):
    """A last layer: of an activation, or one of which nobody knows the range."""
    return LAYERS.Activation(activation) if activation else LAYERS.Rescaling(1.0)


def functional(activation=None, shape=SHAPE, name=None):
    latents = keras.Input((DIM,), name=name)
    x = LAYERS.Reshape(shape)(wide(int(np.prod(shape)))(latents))
    return keras.Model(latents, ending(activation)(x))


def sequential(activation=None):
    layers = [wide(64), LAYERS.Reshape(SHAPE), ending(activation)]
    return keras.Sequential([keras.Input((DIM,)), *layers])


def nested(activation=None):
    latents = keras.Input((DIM,))
    return keras.Model(latents, functional(activation)(latents))


def discriminator(shape=SHAPE):
    images = keras.Input(shape)
    return keras.Model(images, LAYERS.Dense(1)(LAYERS.Flatten()(images)))


def conditional(activation=None):
    """A conditional GAN whose networks name none of their inputs."""
    condition = tfgan.LabelCondition(3)
    latents, code = keras.Input((DIM,)), keras.Input(*condition_of(condition))
    encoded = LAYERS.Flatten()(condition.encoder()(code))
    x = LAYERS.Reshape(SHAPE)(wide(64)(LAYERS.Concatenate()([latents, encoded])))
    generator = keras.Model([latents, code], ending(activation)(x))
    images, code = keras.Input(SHAPE), keras.Input(*condition_of(condition))
    encoded = LAYERS.Flatten()(condition.encoder()(code))
    x = LAYERS.Concatenate()([LAYERS.Flatten()(images), encoded])
    discriminator = keras.Model([images, code], LAYERS.Dense(1)(x))
    return tfgan.ConditionalGAN(generator, discriminator, condition)


def condition_of(condition):
    """The shape and dtype of what networks take, as the package's own take it."""
    network = tfgan.dense_generator(SHAPE, DIM, 2, condition.encoder(), "concatenation")
    return network.inputs[1].shape[1:], None, network.inputs[1].dtype


def translator(activation):
    """A generator of images out of images."""
    images = keras.Input(SHAPE)
    kernel = keras.initializers.RandomNormal(stddev=1.0)
    convolution = LAYERS.Conv2D(1, 3, padding="same", kernel_initializer=kernel)
    return keras.Model(images, ending(activation)(convolution(images)))


def pix2pix(activation=None):
    images, source = keras.Input(SHAPE), keras.Input(SHAPE)
    both = LAYERS.Concatenate()([images, source])
    discriminator = keras.Model([images, source], LAYERS.Conv2D(1, 3)(both))
    return tfgan.Pix2Pix(translator(activation), discriminator)


def cyclegan(activation=None):
    return tfgan.CycleGAN(
        translator(activation),
        translator(activation),
        discriminator(),
        discriminator(),
        pool_size=2,
    )


MAKERS = {
    "functional": lambda *activation: tfgan.GAN(functional(*activation), discriminator()),
    "named otherwise": lambda *activation: tfgan.GAN(
        functional(*activation, name="z"), discriminator()
    ),
    "sequential": lambda *activation: tfgan.GAN(sequential(*activation), discriminator()),
    "nested": lambda *activation: tfgan.GAN(nested(*activation), discriminator()),
    "conditional": conditional,
    "pix2pix": pix2pix,
    "cyclegan": cyclegan,
}


# The others are of the same kinds.
QUICK = ("functional", "conditional", "pix2pix")


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in MAKERS],
)
def made(request, tmp_path_factory):
    """A model whose generator leaves the range, and the folder of its SavedModel."""
    keras.utils.set_random_seed(0)
    model = MAKERS[request.param]()
    folder = tmp_path_factory.mktemp("models") / "mine"
    version, difference = tfgan.export_saved_model(model, folder)
    assert difference < 1e-5
    return model, version


def live_of(model):
    """A signature's request, and what the live model makes of it."""
    images = np.random.default_rng(0).random((5, *SHAPE), np.float32)
    if isinstance(model, tfgan.Pix2Pix):
        return "serving_default", {"images": images}, model.translate(images)
    if isinstance(model, tfgan.CycleGAN):
        return "b_to_a", {"images": images}, model.b_to_a(images)
    seeds = np.arange(5)
    if model.condition is None:
        return "from_seeds", {"seeds": seeds}, model.generate(seeds)
    labels = np.int32(seeds % 3)
    return "from_seeds", {"seeds": seeds, "labels": labels}, model.generate(seeds, labels)


def test_what_leaves_the_range_is_clipped_as_it_is_served(made):
    model, version = made
    signatures = tf.saved_model.load(str(version)).signatures
    name, request, live = live_of(model)
    live = live.numpy()
    assert live.min() < -0.1 and live.max() > 1.1
    answer = signatures[name](**{key: tf.constant(each) for key, each in request.items()})
    np.testing.assert_allclose(answer["images"], np.clip(live, 0, 1), atol=1e-6)
    if name == "from_seeds":
        pngs = signatures["png"](**{key: tf.constant(each) for key, each in request.items()})
        for png, image in zip(pngs["image_bytes"].numpy(), np.clip(live, 0, 1)):
            pixels = np.asarray(Image.open(io.BytesIO(png)))
            assert np.abs(pixels - 255 * image[..., 0]).max() <= 0.51


@pytest.mark.parametrize("activation", ["tanh", "softsign", "hard_tanh", None])
@pytest.mark.parametrize("kind", ["functional", "sequential", "nested", "cyclegan"])
def test_nothing_is_added_to_a_generator_that_keeps_its_range(kind, activation):
    served = saved_model.signatures_of(MAKERS[kind](activation))
    names = [layer.name for layer in served.networks["serving_default"].layers]
    assert ("clipped" in names) == (activation is None)


def test_a_plain_function_has_the_name_of_what_it_takes(made):
    model, version = made
    loaded = tf.saved_model.load(str(version))
    plain = {name for name in dir(loaded) if name.startswith("images_from_")}
    if isinstance(model, tfgan.CycleGAN):
        assert plain == {"images_from_images", "images_from_images_b_to_a"}
    elif isinstance(model, tfgan.Pix2Pix):
        assert plain == {"images_from_images"}
    else:
        assert plain == {"images_from_latents"}


@pytest.mark.slow
@pytest.mark.parametrize("form", formats.EXTENSIONS)
def test_a_model_of_own_networks_is_converted(form, made, tmp_path):
    _, version = made
    out = tmp_path / f"mine{formats.EXTENSIONS[form]}"
    assert convert.main([str(version), "--format", form, "--out", str(out)]) == 0
    assert out.is_file()


def test_a_model_of_own_networks_is_explored(made):
    model, version = made
    if not hasattr(model, "latent_dim"):
        pytest.skip("it has no latents")
    live, loaded = LatentGenerator.of(model), LatentGenerator.load(version)
    latents, condition = live.latents(np.arange(6)), live.example_conditions(6)
    drawn = loaded.draw(latents, condition)
    np.testing.assert_allclose(drawn, np.clip(live.draw(latents, condition), 0, 1), atol=1e-5)
    # The network rebuilt from the layers has the weights.
    inputs = tf.constant(latents)
    if condition is not None:
        inputs = [inputs, loaded.condition.checked(condition)]
    rebuilt = (np.asarray(loaded.network(inputs)) + 1) / 2
    np.testing.assert_allclose(rebuilt, drawn, atol=1e-5)


class Doubled(LAYERS.Layer):
    """A layer that no other program knows."""

    def call(self, inputs):
        return 2.0 * inputs


@pytest.mark.parametrize("own", [Doubled, lambda: LAYERS.Lambda(lambda x: FACTOR * x)])
def test_own_layers_need_no_program_of_their_own_but_for_keras(own, tmp_path, capsys):
    latents = keras.Input((DIM,))
    x = own()(LAYERS.Reshape(SHAPE)(LAYERS.Dense(64)(latents)))
    model = tfgan.GAN(keras.Model(latents, ending("tanh")(x)), discriminator())
    version, _ = tfgan.export_saved_model(model, tmp_path / "m")
    live, loaded = LatentGenerator.of(model), LatentGenerator.load(version)
    drawn = live.latents(np.arange(3))
    np.testing.assert_allclose(loaded.draw(drawn), live.draw(drawn), atol=1e-6)
    assert loaded.network is None

    out = tmp_path / "m.keras"
    assert convert.main([str(version), "--format", "keras", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "layers or functions of your own" in error and error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("channels", [2, 5])
def test_images_that_no_png_can_hold_are_refused(channels, tmp_path):
    shape = (*SHAPE[:2], channels)
    model = tfgan.GAN(functional(shape=shape), discriminator(shape))
    with pytest.raises(InputError, match=f"^images of 1, 3 or 4 channels .*Received: {channels}$"):
        tfgan.export_saved_model(model, tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("broken", ["together", "one by one"])
def test_a_file_that_draws_no_numbers_is_not_written(broken, tmp_path, capsys, monkeypatch):
    tfgan.export_saved_model(tfgan.GAN(functional("tanh"), discriminator()), tmp_path / "m")
    honest = formats.open_file

    def with_a_nan(path):
        draw = honest(path)

        def drawn(**inputs):
            images = np.array(draw(**inputs))
            if (len(images) == 1) == (broken == "one by one"):
                images[0, 0, 0, 0] = np.nan
            return images

        return drawn

    monkeypatch.setattr(formats, "open_file", with_a_nan)
    out = tmp_path / "m.keras"
    assert convert.main([str(tmp_path / "m"), "--format", "keras", "--out", str(out)]) == 1
    assert "would differ from" in capsys.readouterr().err
    assert not out.exists()
