"""What every family keeps, one row a family and way of being told its condition."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from cpp_loader import pack_strings, serve
from PIL import Image

from tfgan import data
from tfgan.conditions import LabelCondition, TextCondition
from tfgan.export import export_saved_model, named_inputs
from tfgan.latent.sampling import latents_from_seeds
from tfgan.models import GAN, VAE, ConditionalGAN
from tfgan.networks import (
    convolutional_discriminator,
    convolutional_generator,
    dense_discriminator,
    dense_generator,
    encoder_of,
    recurrent_discriminator,
    recurrent_generator,
)

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
    told = {"conditioning": conditioning}
    return ConditionalGAN(
        make_generator(IMAGE_SHAPE, 6, width=4, condition=condition.encoder(), **told),
        make_discriminator(IMAGE_SHAPE, width=4, condition=condition.encoder(), **told),
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


def row(build, *arguments, marks=()):
    name = "-".join([build.__name__, *arguments])
    return pytest.param((build, *arguments), id=name, marks=marks)


ADVERSARIAL = [
    row(gan, "convolutional"),
    row(gan, "dense", marks=pytest.mark.slow),
    row(gan, "recurrent", marks=pytest.mark.slow),
    row(conditional_gan, "convolutional", "projection"),
    row(conditional_gan, "convolutional", "concatenation", marks=pytest.mark.slow),
    row(conditional_gan, "dense", "projection", marks=pytest.mark.slow),
    row(conditional_gan, "dense", "concatenation", marks=pytest.mark.slow),
    row(gan_of_texts, "convolutional", marks=pytest.mark.slow),
    row(conditional_gan, "recurrent", "projection", marks=pytest.mark.slow),
    row(conditional_gan, "recurrent", "concatenation", marks=pytest.mark.slow),
]
FAMILIES = [
    *ADVERSARIAL,
    row(vae, "convolutional"),
    row(vae, "dense", marks=pytest.mark.slow),
    row(vae, "recurrent", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=FAMILIES)
def make(request):
    """A function of `compile`'s arguments to a tiny model, the same at every call."""
    return maker(request.param)


@pytest.fixture(scope="module", params=ADVERSARIAL)
def make_adversarial(request):
    """The same of the families of two players."""
    return maker(request.param)


def maker(row):
    build, *arguments = row

    def made(**compile_arguments):
        keras.utils.set_random_seed(3)
        model = build(*arguments)
        model.compile(**compile_arguments)
        return model

    return made


@pytest.fixture(scope="module")
def dataset():
    return data.load("digits", batch_size=32, seed=1).with_captions()


@pytest.fixture(scope="module")
def trained(make, dataset):
    """A model after as many steps as meet the penalty twice."""
    model = make()
    train(model, dataset, 17)
    return model


def values_of(variables):
    return [np.array(variable) for variable in variables]


def every_value(model):
    """All that training changes but the metrics, which `fit` resets.

    A GRU's random state, which nothing draws from, is no weight, and no `.keras` file has it.
    """
    return values_of(
        [
            model.step,
            *(weight for pair in model.averages() for one in pair for weight in one.weights),
            *(weight for name in model.networks for weight in getattr(model, name).weights),
            *(variable for one in optimizers_of(model) for variable in one.variables),
        ]
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


@pytest.mark.parametrize("moving", ["generator", "discriminator"])
def test_a_step_moves_every_weight_of_its_player_and_nobody_elses(
    moving, make_adversarial, dataset
):
    frozen = {
        f"{player}_optimizer": keras.optimizers.SGD(0.0)
        for player in ("generator", "discriminator")
    }
    # The first step moves the weights that are 0 at first; the second those behind them.
    model = make_adversarial(**frozen | {f"{moving}_optimizer": keras.optimizers.SGD(0.5)})
    resting = {"generator": "discriminator", "discriminator": "generator"}[moving]
    moving_variables = getattr(model, moving).trainable_variables
    resting_variables = getattr(model, resting).trainable_variables
    before, resting_before = values_of(moving_variables), values_of(resting_variables)
    train(model, dataset, 2)
    for old, variable in zip(before, moving_variables, strict=True):
        assert not np.array_equal(old, np.array(variable)), variable.path
    assert_equal(resting_before, values_of(resting_variables))


def test_fit_equals_the_plain_loop_bit_for_bit_at_several_steps_per_execution(make, dataset):
    with_loop, with_fit = make(), make(steps_per_execution=3)
    train(with_loop, dataset, 6)
    with_fit.fit(dataset.batches(), steps_per_epoch=3, epochs=2, verbose=0, shuffle=False)
    assert_equal(every_value(with_loop), every_value(with_fit))
    assert int(with_fit.step) == 6


def test_one_trace_only(trained):
    assert trained.train_step.experimental_get_tracing_count() == 1
    for num in (1, 3, 7):
        inputs, _ = trained.examples(num)
        assert trained.generate(*inputs).shape == (num, *IMAGE_SHAPE)
    assert trained.generate.experimental_get_tracing_count() == 1


def test_a_keras_file_goes_on_alike(make, dataset, tmp_path):
    model = make()
    train(model, dataset, 3)
    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    train(model, dataset, 3)
    train(reloaded, dataset, 3)
    assert_equal(every_value(model), every_value(reloaded))
    inputs, _ = model.examples(4)
    assert_equal([model.generate(*inputs)], [reloaded.generate(*inputs)])


def test_a_seed_gives_its_picture_in_any_batch(trained):
    (seeds, *condition), _ = trained.examples(7)
    together = trained.generate(seeds, *condition).numpy()
    for index in (0, 3, 6):
        chosen = [values[index : index + 1] for values in (seeds, *condition)]
        np.testing.assert_allclose(trained.generate(*chosen)[0], together[index], atol=1e-6)


def test_the_average_is_what_is_called(trained):
    inputs = [
        tf.zeros((2, *value.shape[1:]), value.dtype) for value in trained.average_generator.inputs
    ]
    inputs = inputs[0] if len(inputs) == 1 else inputs
    average = trained.average_generator(inputs, training=False)
    np.testing.assert_array_equal(trained(inputs), average)
    assert not np.array_equal(average, trained.generator(inputs, training=False))


def as_array(values):
    if values.dtype == tf.string:
        return pack_strings([*values.numpy()])
    return values.numpy()


def test_the_cpp_loader_draws_what_the_model_draws_at_any_batch_size(trained, tmp_path):
    folder, difference = export_saved_model(trained, tmp_path / "model")
    assert difference < 1e-6
    requests, expected = [], []
    for size in (1, 3, 7):
        inputs, _ = trained.examples(size)
        seeds, told = named_inputs(trained, inputs)
        told = {name: as_array(values) for name, values in told.items()}
        latents = latents_from_seeds(seeds, trained.latent_dim).numpy()
        requests.append(("serving_default", {"latents": latents, **told}))
        requests.append(("from_seeds", {"seeds": seeds.numpy(), **told}))
        requests.append(("png", {"seeds": seeds.numpy(), **told}))
        expected.append(trained.generate(*inputs).numpy())
    answers = serve(folder, requests)
    for index, images in enumerate(expected):
        default, from_seeds, png = answers[3 * index : 3 * index + 3]
        np.testing.assert_allclose(default["images"], images, atol=1e-5)
        np.testing.assert_allclose(from_seeds["images"], images, atol=1e-5)
        decoded = [np.asarray(Image.open(io.BytesIO(file))) for file in png["image_bytes"]]
        assert np.abs(np.stack(decoded)[..., None] - 255 * images).max() < 0.51
