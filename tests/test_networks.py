"""`tfgan.networks`: any size of image, and the published layers at the published widths."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgan.errors import InputError
from tfgan.networks import (
    convolutional_discriminator,
    convolutional_generator,
    dense_discriminator,
    dense_generator,
    recurrent_discriminator,
    recurrent_generator,
)
from tfgan.networks.convolutional import default_depth
from tfgan.networks.layers import activation_layer

SHAPES = [
    (28, 28, 1),
    (8, 8, 1),
    (32, 32, 3),
    (33, 20, 3),
    (32, 48, 4),
    (5, 7, 1),
    (1, 1, 1),
]
PAIRS = {
    "convolutional": (convolutional_generator, convolutional_discriminator),
    "dense": (dense_generator, dense_discriminator),
    "recurrent": (recurrent_generator, recurrent_discriminator),
}
LATENT_DIM = 5
WIDTH = 2
any_shape = pytest.mark.parametrize("image_shape", SHAPES, ids=str)
# Even sides and odd ones, and less than a stride: what arithmetic on sides can get wrong.
kinds_of_sides = pytest.mark.parametrize(
    "image_shape", [(28, 28, 1), (33, 20, 3), (1, 1, 1)], ids=str
)
any_pair = pytest.mark.parametrize("pair", PAIRS)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def weights_of(model):
    """Number of weights, those of the moving statistics included."""
    return sum(int(np.prod(variable.shape)) for variable in model.variables)


def batch_normalization_weights(channels):
    return 4 * channels


def ceil_halvings(side, count):
    return -(-side // 2**count)


@any_pair
@any_shape
def test_any_size(pair, image_shape):
    generator = PAIRS[pair][0](image_shape, LATENT_DIM, width=WIDTH)
    discriminator = PAIRS[pair][1](image_shape, width=WIDTH)
    assert generator.input_shape == (None, LATENT_DIM)
    assert generator.output_shape == discriminator.input_shape == (None, *image_shape)
    # Weights far above their initial ones: without the tanh, images would be too.
    generator.set_weights([1000 * weight for weight in generator.get_weights()])
    images = generator(normal(32, LATENT_DIM)).numpy()
    assert images.dtype == np.float32
    assert images.shape == (32, *image_shape)
    assert 0.99 < np.abs(images).max() <= 1
    assert discriminator(images).shape == (32, 1)


@pytest.mark.parametrize("pair", ["convolutional", "dense"])
def test_logits_are_not_squashed(pair):
    # Without biases, which start at 0, every layer but a sigmoid passes a factor on.
    discriminator = PAIRS[pair][1]((8, 8, 1), width=4)
    images = normal(6, 8, 8, 1)
    logits = discriminator(images).numpy()
    assert logits.any()
    np.testing.assert_allclose(discriminator(1e4 * images), 1e4 * logits, rtol=1e-3)


@pytest.mark.parametrize(
    ("image_shape", "depth"),
    [
        ((1, 1, 1), 2),
        ((4, 4, 1), 2),
        ((5, 7, 1), 2),
        ((8, 8, 1), 2),
        ((16, 16, 1), 2),
        ((17, 17, 1), 3),
        ((28, 28, 1), 3),
        ((32, 48, 4), 3),
        ((33, 20, 3), 3),
        ((33, 64, 3), 4),
        ((64, 64, 3), 4),
        ((256, 256, 3), 4),
    ],
)
def test_default_depth(image_shape, depth):
    assert default_depth(image_shape) == depth


@pytest.mark.parametrize(
    ("image_shape", "depth"), [((8, 8, 1), 2), ((17, 17, 1), 3), ((33, 64, 3), 4)]
)
def test_the_convolutional_pair_takes_the_default_depth(image_shape, depth):
    by_default = convolutional_discriminator(image_shape, width=1)
    explicit = convolutional_discriminator(image_shape, width=1, depth=depth)
    assert weights_of(by_default) == weights_of(explicit)
    by_default = convolutional_generator(image_shape, LATENT_DIM, width=1)
    explicit = convolutional_generator(image_shape, LATENT_DIM, width=1, depth=depth)
    assert weights_of(by_default) == weights_of(explicit)


@pytest.mark.parametrize(("width", "depth"), [(2, 1), (3, 2), (2, 3)])
@kinds_of_sides
def test_weights_of_the_convolutional_pair(image_shape, width, depth):
    height, image_width, channels = image_shape
    bottom = ceil_halvings(height, depth) * ceil_halvings(image_width, depth)
    widths = [width * 2**stage for stage in range(depth)]

    generator = convolutional_generator(image_shape, LATENT_DIM, width, depth)
    expected = LATENT_DIM * bottom * widths[-1] + batch_normalization_weights(widths[-1])
    for inputs, filters in zip([widths[-1], *widths[::-1]], widths[::-1]):
        expected += 4 * 4 * inputs * filters + batch_normalization_weights(filters)
    expected += 3 * 3 * widths[0] * channels + channels
    assert weights_of(generator) == generator.count_params() == expected

    for normalization in (None, "batch"):
        discriminator = convolutional_discriminator(image_shape, width, depth, normalization)
        expected = bottom * widths[-1] + 1
        for level, (inputs, filters) in enumerate(zip([channels, *widths], widths)):
            # A bias, or the normalization's offset in its place.
            after = batch_normalization_weights(filters) if normalization else filters
            sides = [ceil_halvings(side, level) for side in (height, image_width)]
            kernel = np.prod([3 if side % 2 else 4 for side in sides])
            expected += kernel * inputs * filters + after
        assert weights_of(discriminator) == discriminator.count_params() == expected


@pytest.mark.parametrize("width", [1, 3])
@kinds_of_sides
def test_weights_of_the_dense_pair(image_shape, width):
    height, image_width, channels = image_shape
    bottom = ceil_halvings(height, 3) * ceil_halvings(image_width, 3)

    generator = dense_generator(image_shape, LATENT_DIM, width)
    expected = LATENT_DIM * bottom * 4 * width + batch_normalization_weights(4 * width)
    for inputs, filters in ((4, 2), (2, 2), (2, 1)):
        expected += 5 * 5 * inputs * filters * width**2
        expected += batch_normalization_weights(filters * width)
    expected += 5 * 5 * width * channels + channels
    assert weights_of(generator) == generator.count_params() == expected

    discriminator = dense_discriminator(image_shape, width)
    pixels = height * image_width * channels
    expected = (pixels + 1) * 16 * width + (16 * width + 1) * 8 * width + 8 * width + 1
    assert weights_of(discriminator) == discriminator.count_params() == expected


@pytest.mark.parametrize("width", [1, 9])
@kinds_of_sides
def test_weights_of_the_recurrent_pair(image_shape, width):
    height, image_width, channels = image_shape
    view, row = max(1, width // 4), image_width * channels

    def gru_weights(inputs):
        # Two gates and a candidate, without biases.
        return 3 * width * (inputs + width)

    generator = recurrent_generator(image_shape, LATENT_DIM, width)
    expected = LATENT_DIM * height * view + batch_normalization_weights(view)
    expected += gru_weights(view) + batch_normalization_weights(width) + (width + 1) * row
    assert generator.count_params() == expected

    discriminator = recurrent_discriminator(image_shape, width)
    expected = (row + 1) * width + gru_weights(width) + height * width + 1
    assert discriminator.count_params() == expected


def description(model):
    """One tuple a layer: its class, and what decides its function."""
    lines = []
    for layer in model.layers:
        line = [type(layer).__name__]
        if isinstance(layer, layers.Conv2D | layers.Conv2DTranspose):
            line += [layer.filters, layer.kernel_size, layer.strides, layer.padding]
            line += [layer.activation.__name__]
        elif isinstance(layer, layers.Dense):
            line += [layer.units, layer.activation.__name__]
        elif isinstance(layer, layers.Activation):
            line += [layer.activation.__name__]
        elif isinstance(layer, layers.LeakyReLU):
            line += [layer.negative_slope]
        elif isinstance(layer, layers.BatchNormalization):
            line += [layer.momentum, layer.epsilon]
        elif isinstance(layer, layers.Reshape):
            line += [layer.target_shape]
        lines.append(tuple(line))
    return lines


# The constants of the DCGAN code, not those of Keras.
NORMALIZATION = ("BatchNormalization", 0.9, 1e-5)
LEAKY = ("LeakyReLU", 0.2)


def convolution(name, filters, kernel, stride, activation="linear"):
    return (name, filters, (kernel, kernel), (stride, stride), "same", activation)


def test_the_convolutional_pair_as_published():
    stages = []
    for filters in (512, 256, 128, 64):
        stages += [convolution("Conv2DTranspose", filters, 4, 2), NORMALIZATION, LEAKY]
    generator = convolutional_generator(
        (64, 64, 3), latent_dim=100, width=64, depth=4, output_kernel_size=7
    )
    assert description(generator) == [
        ("InputLayer",),
        ("Dense", 4 * 4 * 512, "linear"),
        ("Reshape", (4, 4, 512)),
        NORMALIZATION,
        LEAKY,
        *stages,
        # Of stride 1: a convolution with its kernel turned.
        convolution("Conv2DTranspose", 3, 7, 1),
        ("Activation", "tanh"),
    ]
    assert generator.input_shape == (None, 100)
    sides = [
        layer.output.shape[1]
        for layer in generator.layers
        if "transpose" in type(layer).__name__.lower()
    ]
    assert sides == [8, 16, 32, 64, 64]

    stages = []
    for filters in (64, 128, 256):
        stages += [convolution("Conv2D", filters, 4, 2), LEAKY]
    assert description(convolutional_discriminator((64, 64, 3), width=64, depth=4)) == [
        ("InputLayer",),
        *stages,
        convolution("Conv2D", 512, 4, 2),
        ("Flatten",),
        LEAKY,
        ("Dense", 1, "linear"),
    ]


def test_the_generators_last_layer_is_a_convolution_with_its_kernel_turned():
    generator = convolutional_generator((8, 8, 3), LATENT_DIM, width=4, output_kernel_size=5)
    features = keras.Model(generator.input, generator.layers[-3].output)
    kernel, bias = (value.numpy() for value in generator.layers[-2].weights)
    latents = normal(3, LATENT_DIM)
    # Height and width reversed, channels exchanged.
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    expected = np.tanh(tf.nn.conv2d(features(latents), turned, 1, "SAME") + bias)
    np.testing.assert_allclose(generator(latents), expected, atol=1e-5)


def test_a_discriminator_pads_evenly_whatever_the_side():
    discriminator = convolutional_discriminator((28, 9, 1), WIDTH, depth=3)
    kernels = [
        layer.kernel_size for layer in discriminator.layers if isinstance(layer, layers.Conv2D)
    ]
    # Sides 28x9, 14x5, 7x3.
    assert kernels == [(4, 3), (4, 3), (3, 3)]


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@kinds_of_sides
def test_any_size_at_any_stride(image_shape, stride):
    generator = convolutional_generator(image_shape, LATENT_DIM, WIDTH, depth=2, stride=stride)
    discriminator = convolutional_discriminator(image_shape, WIDTH, depth=2, stride=stride)
    assert generator.output_shape == (None, *image_shape)
    height, width, _ = image_shape
    bottom = -(-height // stride**2) * -(-width // stride**2)
    # Both narrow ends have as many numbers: those behind the latents, those before the logit.
    assert generator.get_layer(index=1).units == bottom * 2 * WIDTH
    assert discriminator.get_layer("logits").input.shape[-1] == bottom * 2 * WIDTH


@pytest.mark.parametrize(
    ("kernel_size", "kernels"),
    [(3, [(3, 3)] * 3), (5, [(5, 5)] * 3), (6, [(6, 5), (6, 5), (5, 5)])],
)
def test_another_kernel_is_in_every_stage_of_both(kernel_size, kernels):
    generator = convolutional_generator((28, 9, 1), LATENT_DIM, WIDTH, 3, kernel_size=kernel_size)
    discriminator = convolutional_discriminator((28, 9, 1), WIDTH, 3, kernel_size=kernel_size)
    found = [
        layer.kernel_size for layer in discriminator.layers if isinstance(layer, layers.Conv2D)
    ]
    # One less where an even one cannot pad evenly.
    assert found == kernels
    *widths, _ = (
        layer.kernel_size for layer in generator.layers if isinstance(layer, layers.Conv2DTranspose)
    )
    assert widths == [(kernel_size, kernel_size)] * 3


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("leaky_relu", lambda x: np.where(x > 0, x, 0.2 * x)),
        ("relu", lambda x: np.maximum(x, 0)),
        ("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
        ("tanh", np.tanh),
    ],
)
def test_an_activation_stands_behind_every_stage_of_both(name, function):
    x = normal(50)
    np.testing.assert_allclose(activation_layer(name)(x), function(x), atol=1e-6)
    kind, count = type(activation_layer(name)), 0
    generator = convolutional_generator((8, 8, 1), LATENT_DIM, WIDTH, activation=name)
    discriminator = convolutional_discriminator((8, 8, 1), WIDTH, activation=name)
    for network in (generator, discriminator):
        found = [layer for layer in network.layers if type(layer) is kind]
        count += sum(layer.name != "images" for layer in found)
    # 2 stages each, and what the generator's latents are brought to.
    assert count == 5


def test_an_unknown_activation():
    for builder in PAIRS["convolutional"]:
        with pytest.raises(InputError, match=r"leaky_relu, relu, elu, tanh.*'swish'"):
            builder((8, 8, 1), activation="swish")


def test_spectral_normalization_is_on_every_layer_of_the_discriminator():
    discriminator = convolutional_discriminator((8, 8, 1), 2, 2, normalization="spectral")
    names = [type(layer).__name__ for layer in discriminator.layers]
    stage = ["SpectralConv2D", "LeakyReLU"]
    assert names == [
        "InputLayer",
        *stage,
        "SpectralConv2D",
        "Flatten",
        "LeakyReLU",
        "SpectralDense",
    ]


def test_an_unknown_normalization():
    with pytest.raises(InputError, match=r"'batch' or 'spectral'.*'layer'"):
        convolutional_discriminator((8, 8, 1), normalization="layer")


def test_batch_normalization_of_the_discriminator_is_on_every_stage():
    names = [
        type(layer).__name__
        for layer in convolutional_discriminator((8, 8, 1), 2, 2, normalization="batch").layers
    ]
    stage = ["Conv2D", "BatchNormalization"]
    assert names == ["InputLayer", *stage, "LeakyReLU", *stage, "Flatten", "LeakyReLU", "Dense"]


def test_the_dense_pair_as_published():
    stages = []
    for filters, stride in ((128, 1), (128, 2), (64, 2)):
        stages += [convolution("Conv2DTranspose", filters, 5, stride), NORMALIZATION, ("ReLU",)]
    generator = dense_generator((64, 64, 3), latent_dim=100, width=64)
    assert description(generator) == [
        ("InputLayer",),
        ("Dense", 8 * 8 * 256, "linear"),
        ("Reshape", (8, 8, 256)),
        NORMALIZATION,
        ("ReLU",),
        *stages,
        convolution("Conv2DTranspose", 3, 5, 2),
        ("Activation", "tanh"),
    ]
    assert generator.input_shape == (None, 100)
    assert description(dense_discriminator((64, 64, 3), width=64)) == [
        ("InputLayer",),
        ("Flatten",),
        ("Dense", 1024, "linear"),
        LEAKY,
        ("Dense", 512, "linear"),
        LEAKY,
        ("Dense", 1, "linear"),
    ]


@pytest.mark.parametrize(
    ("build", "stddev"),
    [
        (convolutional_generator, 0.02),
        (dense_generator, 0.02),
        (convolutional_discriminator, 0.05),
    ],
)
def test_weights_are_drawn_from_normal_distributions(build, stddev):
    """0.02 is DCGAN's; a discriminator without batch normalization begins with larger ones."""
    for kernel in build((16, 16, 3), width=16).variables:
        if kernel.name == "kernel" and np.prod(kernel.shape) > 500:
            count = np.prod(kernel.shape)
            assert np.std(kernel) == pytest.approx(stddev, rel=5 / np.sqrt(2 * count)), kernel.path


@any_pair
@pytest.mark.parametrize("image_shape", [(9, 7, 3)], ids=str)
def test_a_keras_file_gives_the_same_outputs(pair, image_shape, tmp_path):
    generator, discriminator = PAIRS[pair]
    for model, inputs in (
        (generator(image_shape, LATENT_DIM, width=WIDTH), normal(3, LATENT_DIM)),
        (discriminator(image_shape, width=WIDTH), normal(3, *image_shape)),
    ):
        # Moving statistics that are not the initial ones.
        model.set_weights([np.abs(normal(*w.shape)) + w for w in model.get_weights()])
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(reloaded(inputs), model(inputs))
        assert [w.path for w in reloaded.weights] == [w.path for w in model.weights]


@pytest.mark.parametrize(
    ("build", "settings", "alone"),
    [
        (convolutional_discriminator, {}, True),
        (dense_discriminator, {}, True),
        (recurrent_discriminator, {}, True),
        (convolutional_discriminator, {"normalization": "batch"}, False),
    ],
    ids=["convolutional", "dense", "recurrent", "batch-normalized"],
)
def test_an_image_has_a_logit_of_its_own_unless_the_batch_is_normalized(build, settings, alone):
    discriminator = build((8, 8, 1), 4, **settings)
    images = normal(6, 8, 8, 1)
    others = images.copy()
    others[1:] *= -3.0
    logit = discriminator(images, training=True).numpy()[0, 0]
    among_others = discriminator(others, training=True).numpy()[0, 0]
    assert abs(logit) > 1e-6
    assert (abs(among_others - logit) < 1e-3 * abs(logit)) == alone
