"""What every family keeps, one row per family and kind of conditioning.

In float32; `test_conformance_bfloat16.py` is the same suite in mixed precision.
"""

import io
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from cpp_loader import pack_strings, serve
from PIL import Image

from tfgan import data
from tfgan.conditions import LabelCondition, TextCondition
from tfgan.export.saved_model import export_saved_model, named_inputs
from tfgan.models import GAN, VAE, ConditionalGAN, CycleGAN, Pix2Pix
from tfgan.models.base import GenerativeModel
from tfgan.networks import (
    convolutional_discriminator,
    convolutional_generator,
    dense_discriminator,
    dense_generator,
    encoder_of,
    patch_discriminator,
    recurrent_discriminator,
    recurrent_generator,
    residual_generator,
    unet_generator,
)
from tfgan.networks.precision import computing_in
from tfgan.noise import latents_from_seeds

IMAGE_SHAPE = (8, 8, 1)
NETWORKS = {
    "convolutional": (convolutional_generator, convolutional_discriminator),
    "dense": (dense_generator, dense_discriminator),
    "recurrent": (recurrent_generator, recurrent_discriminator),
}


def gan(networks):
    make_generator, make_discriminator = NETWORKS[networks]
    return GAN(
        make_generator(IMAGE_SHAPE, 6, width=4), make_discriminator(IMAGE_SHAPE, width=4), seed=5
    )


def conditional_gan(networks, conditioning):
    make_generator, make_discriminator = NETWORKS[networks]
    condition = LabelCondition(10)
    kind = {"conditioning": conditioning}
    return ConditionalGAN(
        make_generator(IMAGE_SHAPE, 6, width=4, condition=condition.encoder(), **kind),
        make_discriminator(IMAGE_SHAPE, width=4, condition=condition.encoder(), **kind),
        condition,
        seed=5,
    )


def gan_of_texts(networks):
    make_generator, make_discriminator = NETWORKS[networks]
    condition = TextCondition.of(data.load("digits", 32).with_captions().captions.table)
    return ConditionalGAN(
        make_generator(IMAGE_SHAPE, 6, width=4, condition=condition.encoder()),
        make_discriminator(IMAGE_SHAPE, width=4, condition=condition.encoder()),
        condition,
        seed=5,
    )


def vae(networks):
    make_generator, make_discriminator = NETWORKS[networks]
    return VAE(
        encoder_of(make_discriminator(IMAGE_SHAPE, width=4), 6),
        make_generator(IMAGE_SHAPE, 6, width=4),
        seed=5,
    )


def pix2pix(*flags):
    channels = 1 + len(flags)
    return Pix2Pix(
        unet_generator(IMAGE_SHAPE, input_channels=channels, width=4),
        patch_discriminator(IMAGE_SHAPE, condition_channels=channels, width=4),
        masked="masked" in flags,
        seed=5,
    )


def cyclegan():
    return CycleGAN(
        *(residual_generator(IMAGE_SHAPE, width=4, blocks=1) for _ in range(2)),
        *(patch_discriminator(IMAGE_SHAPE, width=4) for _ in range(2)),
        pool_size=5,
        seed=5,
    )


class Way(NamedTuple):
    """One of the ways in which a model makes images.

    Attributes:
        inputs: function of a number to a tuple of arrays with as many examples.
        draw: the live model's function of these arrays to images in [0, 1].
        requests: function of them to the same as the exported model is asked for it: a dict from
            the signatures to their inputs, dicts of arrays, or lists of bytes, by their names.
    """

    inputs: Callable
    draw: Callable
    requests: Callable


def ways_of(model):
    if isinstance(model, CycleGAN):
        return [
            Way(noise, model.a_to_b, by_images("serving_default", "a_to_b")),
            Way(noise, model.b_to_a, lambda images: {"b_to_a": {"images": images}}),
        ]
    if isinstance(model, Pix2Pix):
        inputs = noise_and_holes if model.masked else noise
        return [Way(inputs, model.translate, by_images("serving_default"))]
    return [Way(lambda num: model.examples(num)[0], model.generate, by_seeds(model))]


def noise(num):
    levels = np.random.default_rng(0).integers(0, 256, (num, *IMAGE_SHAPE))
    return (np.float32(levels / 255),)


def noise_and_holes(num):
    (images,) = noise(num)
    return images, np.roll(np.float32(images > 0.5), 1, axis=1)


def by_images(*signatures):
    """Images, and masks, as numbers to each of the signatures, and as files to `png`."""

    def requests(*inputs):
        named = dict(zip(("images", "masks"), inputs))
        files = dict(zip(("image_bytes", "mask_bytes"), map(as_pngs, inputs)))
        return dict.fromkeys(signatures, named) | {"png": files}

    return requests


def as_pngs(images):
    files = []
    for image in np.rint(255 * images[..., 0]).astype(np.uint8):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "png")
        files.append(file.getvalue())
    return files


def by_seeds(model):
    def requests(*inputs):
        seeds, condition = named_inputs(model, inputs)
        latents = latents_from_seeds(seeds, model.latent_dim).numpy()
        condition = {name: as_array(values) for name, values in condition.items()}
        return {
            "serving_default": {"latents": latents, **condition},
            "from_seeds": {"seeds": seeds.numpy(), **condition},
            "png": {"seeds": seeds.numpy(), **condition},
        }

    return requests


def as_array(values):
    if values.dtype == tf.string:
        return pack_strings([*values.numpy()])
    return values.numpy()


def row(build, *arguments, by_default=False):
    """A row of the suite; the default run has one, for tracing a step takes seconds."""
    name = "-".join([build.__name__, *arguments])
    marks = () if by_default else pytest.mark.slow
    return pytest.param((build, *arguments), id=name, marks=marks)


ADVERSARIAL = [
    row(gan, "convolutional", by_default=True),
    row(gan, "dense"),
    row(gan, "recurrent"),
    row(conditional_gan, "convolutional", "projection"),
    row(conditional_gan, "convolutional", "concatenation"),
    row(conditional_gan, "dense", "projection"),
    row(conditional_gan, "dense", "concatenation"),
    row(gan_of_texts, "convolutional"),
    row(conditional_gan, "recurrent", "projection"),
    row(conditional_gan, "recurrent", "concatenation"),
    row(pix2pix),
    row(pix2pix, "masked"),
    row(cyclegan),
]
FAMILIES = [
    *ADVERSARIAL,
    row(vae, "convolutional"),
    row(vae, "dense"),
    row(vae, "recurrent"),
]


@pytest.fixture(scope="module")
def precision():
    """What the networks compute in."""
    return "float32"


@pytest.fixture(scope="module", params=FAMILIES)
def make(request, precision):
    """A function of `compile`'s arguments to a tiny model, the same at every call."""
    return maker(request.param, precision)


@pytest.fixture(scope="module", params=ADVERSARIAL)
def make_adversarial(request, precision):
    """The same of the families of two networks."""
    return maker(request.param, precision)


def maker(row, precision):
    build, *arguments = row

    def made(**compile_arguments):
        keras.utils.set_random_seed(3)
        with computing_in(precision):
            model = build(*arguments)
        model.compile(**compile_arguments)
        return model

    # Of plain gradients: far enough for float32 to see it, and not so far as to overflow.
    made.rate = 0.1 if build in (pix2pix, cyclegan) else 0.5
    return made


class Digits:
    """Digits with all that any family reads: a caption, and pairs of a digit and its negative."""

    def __init__(self):
        self.digits = data.load("digits", batch_size=32, seed=1).with_captions()

    def batches(self, start_step=0):
        return self.digits.batches(start_step=start_step).map(self.with_pairs)

    def with_pairs(self, batch):
        image = batch["image"]
        pairs = {"condition": -image, "image_a": image, "image_b": -image}
        return batch | pairs | {"mask": tf.cast(tf.roll(image, 1, axis=1) > 0, tf.float32)}


@pytest.fixture(scope="module")
def dataset():
    return Digits()


@pytest.fixture(scope="module")
def trained(make, dataset):
    """A model after as many steps as meet the penalty twice."""
    model = make()
    train(model, dataset, 18)
    return model


def values_of(variables):
    return [np.array(variable) for variable in variables]


def every_value(model):
    """All that training changes but the metrics, which `fit` resets.

    A GRU's random state, which nothing draws from, is no weight, and no `.keras` file has it.
    """
    return values_of(
        [*model.weights, *(variable for one in optimizers_of(model) for variable in one.variables)]
    )


def optimizers_of(model):
    return [getattr(model, name) for name in model.optimizers]


def assert_equal(left, right):
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one, other)


def train(model, dataset, steps):
    batches = iter(dataset.batches(start_step=int(model.step)))
    for _ in range(steps):
        model.train_step(next(batches))


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("moving", ["generator", "discriminator"])
def test_a_step_updates_every_weight_of_its_role_and_no_others(moving, make_adversarial, dataset):
    frozen = {
        f"{role}_optimizer": keras.optimizers.SGD(0.0) for role in ("generator", "discriminator")
    }
    # The first step moves the weights that are 0 at first; the second those behind them.
    model = make_adversarial(
        **frozen | {f"{moving}_optimizer": keras.optimizers.SGD(make_adversarial.rate)}
    )
    resting = {"generator": "discriminator", "discriminator": "generator"}[moving]
    moving_variables = variables_of(model, moving)
    resting_variables = variables_of(model, resting)
    before, resting_before = values_of(moving_variables), values_of(resting_variables)
    train(model, dataset, 2)
    for old, variable in zip(before, moving_variables, strict=True):
        assert not np.array_equal(old, np.array(variable)), variable.path
    assert_equal(resting_before, values_of(resting_variables))


def variables_of(model, role):
    """The weights of a role, of which a CycleGAN has two networks."""
    networks = [getattr(model, name) for name in model.networks if name.startswith(role)]
    return [variable for network in networks for variable in network.trainable_variables]


def test_fit_equals_the_plain_loop_bit_for_bit_at_several_steps_per_execution(
    make, trained, dataset
):
    with_fit = make(steps_per_execution=3)
    with_fit.fit(dataset.batches(), steps_per_epoch=9, epochs=2, verbose=0, shuffle=False)
    assert_equal(every_value(trained), every_value(with_fit))
    assert int(with_fit.step) == 18


def test_one_trace_only(trained):
    assert trained.train_step.experimental_get_tracing_count() == 1
    for way in ways_of(trained):
        for num in (1, 3, 7):
            assert way.draw(*way.inputs(num)).shape == (num, *IMAGE_SHAPE)
    if isinstance(trained, GenerativeModel):
        assert trained.generate.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_a_keras_file_goes_on_alike(make, dataset, tmp_path):
    model = make()
    train(model, dataset, 3)
    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    train(model, dataset, 3)
    train(reloaded, dataset, 3)
    assert_equal(every_value(model), every_value(reloaded))
    for way, reloaded_way in zip(ways_of(model), ways_of(reloaded), strict=True):
        inputs = way.inputs(4)
        assert_equal([way.draw(*inputs)], [reloaded_way.draw(*inputs)])


def test_an_image_does_not_depend_on_its_batch(trained):
    for way in ways_of(trained):
        inputs = way.inputs(7)
        together = way.draw(*inputs).numpy()
        for index in (0, 3, 6):
            chosen = [values[index : index + 1] for values in inputs]
            np.testing.assert_allclose(way.draw(*chosen)[0], together[index], atol=1e-6)


def test_the_ema_is_what_draws(trained):
    def generated():
        inputs = [(way, way.inputs(2)) for way in ways_of(trained)]
        return [way.draw(*values).numpy() for way, values in inputs]

    # A VAE draws without its encoder.
    drawing = [
        (getattr(trained, f"ema_{name}"), getattr(trained, name))
        for name in trained.ema_networks
        if name.startswith("generator")
    ]
    before = generated()
    for _, network in drawing:
        values = network.get_weights()
        network.set_weights([np.zeros_like(value) for value in values])
        assert_equal(before, generated())
        network.set_weights(values)
    for index, (ema, network) in enumerate(drawing):
        values = ema.get_weights()
        ema.set_weights(network.get_weights())
        assert not np.array_equal(before[index], generated()[index])
        ema.set_weights(values)


def test_what_is_called_is_the_ema(trained):
    if isinstance(trained, GenerativeModel):
        ema = trained.ema_generator
        inputs = [tf.zeros((2, *value.shape[1:]), value.dtype) for value in ema.inputs]
        inputs = inputs[0] if len(inputs) == 1 else inputs
        np.testing.assert_array_equal(trained(inputs), ema(inputs, training=False))
    else:
        way = ways_of(trained)[0]
        images, *masks = way.inputs(2)
        called = trained([2 * images - 1, *masks] if masks else 2 * images - 1)
        np.testing.assert_allclose((called + 1) / 2, way.draw(images, *masks), atol=1e-6)


@pytest.mark.slow
def test_the_cpp_loader_draws_what_the_model_draws_at_any_batch_size(trained, tmp_path):
    folder, difference = export_saved_model(trained, tmp_path / "model")
    assert difference < 1e-6
    requests, expected = [], []
    for way in ways_of(trained):
        for size in (1, 3, 7):
            inputs = way.inputs(size)
            for request in way.requests(*inputs).items():
                requests.append(request)
                expected.append(way.draw(*inputs).numpy())
    for answer, images in zip(serve(folder, requests), expected, strict=True):
        if "images" in answer:
            np.testing.assert_allclose(answer["images"], images, atol=1e-5)
        else:
            decoded = [np.asarray(Image.open(io.BytesIO(file))) for file in answer["image_bytes"]]
            assert np.abs(np.stack(decoded)[..., None] - 255 * images).max() < 0.51
