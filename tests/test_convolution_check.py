"""`tfgan.training.convolution_check`: which convolutions are kept out of bfloat16."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.networks import (
    convolutional_discriminator,
    convolutional_generator,
    patch_discriminator,
    residual_generator,
    unet_generator,
)
from tfgan.networks.precision import computing_in
from tfgan.networks.spectral import SpectralConv2D
from tfgan.training.convolution_check import (
    convolutions_of,
    error_of,
    map_size_of,
    miscomputed_layer,
    overhangs,
)


@pytest.fixture(autouse=True)
def mixed():
    with computing_in("bfloat16"):
        yield


def network_of(layer, shape):
    return keras.Sequential([keras.Input(shape), layer])


@pytest.mark.parametrize(
    ("shape", "kernel_size", "stride", "is_narrow"),
    [
        # A map of one pixel holds no stride of 2, and a kernel of 2 overhangs it.
        ((8, 1, 3), 2, 2, True),
        ((1, 8, 3), 2, 2, True),
        ((8, 1, 3), 1, 2, False),
        ((8, 1, 3), 2, 1, False),
        ((8, 2, 3), 2, 2, False),
        ((8, 2, 3), 5, 2, False),
        ((2, 2, 3), 4, 4, True),
        ((3, 3, 3), 4, 4, True),
        ((3, 3, 3), 3, 4, False),
        ((4, 4, 3), 5, 4, False),
        ((2, 2, 3), 3, 3, True),
    ],
)
def test_a_kernel_overhangs_a_map_narrower_than_itself_and_the_stride(
    shape, kernel_size, stride, is_narrow
):
    layer = keras.layers.Conv2D(2, kernel_size, stride, padding="same", name="it")
    network = network_of(layer, shape)
    assert overhangs(layer) == is_narrow
    found = miscomputed_layer([network], 4)
    height, width, _ = shape
    kernel = f"{kernel_size}x{kernel_size} kernel"
    expected = f"it ({kernel}, stride {stride}, {height}x{width} map)"
    assert found == (expected if is_narrow else None)


def test_of_a_transposed_convolution_the_map_is_what_comes_out():
    layer = keras.layers.Conv2DTranspose(2, 4, 2, padding="same")
    network_of(layer, (3, 1, 5))
    assert map_size_of(layer) == (6, 2)
    assert not overhangs(layer)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (17, 40, 4), (8, 9, 3)])
def test_the_networks_of_this_package_are_computed_rightly(shape):
    networks = [
        convolutional_generator(shape, 4, width=4),
        convolutional_discriminator(shape, width=4),
        convolutional_discriminator(shape, width=4, normalization="spectral"),
        unet_generator(shape, 1, width=4),
        residual_generator(shape, width=4, blocks=1),
        patch_discriminator(shape, width=4),
    ]
    assert all([*convolutions_of(network)] for network in networks)
    # Whatever else the machine does: on maps as wide as these nothing overhangs.
    assert not any(overhangs(layer) for network in networks for layer in convolutions_of(network))
    assert miscomputed_layer(networks, 8) is None


def wrong_in_bfloat16(factor, of_gradient):
    """A convolution whose output or whose kernel gradient is wrong in bfloat16 alone."""

    class Wrong(keras.layers.Conv2D):
        def call(self, inputs):
            outputs = super().call(inputs)
            if self.compute_dtype != "bfloat16":
                return outputs
            if of_gradient:
                # The value of the output, with another gradient.
                return factor * outputs + tf.stop_gradient((1 - factor) * outputs)
            return factor * outputs

    return Wrong(4, 3, padding="same", name="wrong")


@pytest.mark.parametrize("of_gradient", [False, True])
@pytest.mark.parametrize("factor", [1.2, np.nan, np.inf])
def test_what_is_computed_wrongly_is_found_by_comparing(factor, of_gradient):
    layer = wrong_in_bfloat16(factor, of_gradient)
    network = network_of(layer, (8, 8, 2))
    assert not error_of(layer, 4) <= 0.05
    assert miscomputed_layer([network], 4).startswith("wrong (3x3 kernel, stride 1, 8x8 map)")


@pytest.mark.parametrize("layer_class", [keras.layers.Conv2D, SpectralConv2D])
def test_rounding_is_no_error(layer_class):
    layer = layer_class(16, 3, padding="same")
    network_of(layer, (16, 16, 8))
    assert 0 < error_of(layer, 8) < 0.02


def test_what_is_inside_of_a_network_is_looked_at_and_float32_is_not():
    inner = network_of(wrong_in_bfloat16(2.0, False), (8, 8, 2))
    outer = keras.Sequential([keras.Input((8, 8, 2)), inner])
    assert miscomputed_layer([outer], 4).startswith("wrong ")
    keras.config.set_dtype_policy("float32")
    exact = network_of(keras.layers.Conv2D(2, 4, 4, padding="same"), (2, 2, 3))
    assert [*convolutions_of(exact)] == [] and miscomputed_layer([exact], 4) is None


def test_looking_changes_nothing():
    network = convolutional_discriminator((8, 8, 1), width=4, normalization="spectral")
    before = network.get_weights()
    miscomputed_layer([network], 4)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
