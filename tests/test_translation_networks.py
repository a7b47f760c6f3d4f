"""The image-to-image generators and the discriminator of patches."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgan.errors import InputError
from tfgan.models.base import float32_twin
from tfgan.networks import patch, patch_discriminator, residual_generator, unet_generator
from tfgan.networks.layers import instance_normalization
from tfgan.networks.patch import default_patch_depth, patch_size
from tfgan.networks.residual import default_residual_sizes, reflection_padding
from tfgan.networks.unet import default_unet_depth

SHAPES = [(8, 8, 1), (28, 28, 1), (9, 15, 2), (33, 20, 3), (64, 48, 4)]
GENERATORS = {"unet": unet_generator, "residual": residual_generator}
any_generator = pytest.mark.parametrize("build", GENERATORS.values(), ids=GENERATORS)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def random_images(num, *shape):
    return np.random.default_rng(0).uniform(-1, 1, (num, *shape)).astype(np.float32)


def filters_of(model):
    """`(filters, kernel, stride)` of every convolution, transposed ones included."""
    return [
        (layer.filters, layer.kernel_size[0], layer.strides[0])
        for layer in model.layers
        if isinstance(layer, layers.Conv2D | layers.Conv2DTranspose)
    ]


@any_generator
@pytest.mark.parametrize("image_shape", SHAPES, ids=str)
def test_any_size_and_other_channels_in_than_out(build, image_shape):
    height, width, channels = image_shape
    generator = build(image_shape, input_channels=channels + 1, width=2)
    assert generator.input_shape == (None, height, width, channels + 1)
    assert generator.output_shape == (None, *image_shape)
    # A last layer far above its initial one: without the tanh, images would be too.
    last = next(layer for layer in reversed(generator.layers) if layer.weights)
    last.set_weights([1000 * weight for weight in last.get_weights()])
    images = generator(random_images(2, height, width, channels + 1)).numpy()
    assert images.dtype == np.float32
    assert 0.99 < np.abs(images).max() <= 1
    assert build(image_shape, width=1).input_shape == (None, *image_shape)


@any_generator
def test_an_image_depends_on_no_other_of_its_batch(build):
    generator = build((12, 9, 2), width=3)
    images = random_images(3, 12, 9, 2)
    together = generator(images, training=True)
    for index in range(3):
        alone = generator(images[index : index + 1], training=False)
        np.testing.assert_allclose(alone[0], together[index], atol=1e-6)


@any_generator
def test_every_pixel_of_the_input_counts(build):
    """Instance normalization aside, which lets everything through: no stage is cut off."""
    generator = build((8, 8, 1), width=4)
    images = tf.constant(random_images(1, 8, 8, 1))
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(generator(images) ** 2)
    assert np.all(tape.gradient(total, images) != 0)


@any_generator
def test_in_mixed_precision_and_out_of_a_file(build, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator = build((9, 8, 1), width=2)
    finally:
        keras.config.set_dtype_policy("float32")
    images = random_images(2, 9, 8, 1)
    twin = float32_twin(generator)
    assert generator(images).dtype == tf.float32
    np.testing.assert_allclose(twin(images), generator(images), atol=0.05)
    twin.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded(images), twin(images))


def test_instance_normalization_by_numpy():
    values = np.random.default_rng(0).normal(100.0, 0.01, (2, 6, 5, 3)).astype(np.float32)
    exact = values.astype(np.float64)
    mean, variance = exact.mean((1, 2), keepdims=True), exact.var((1, 2), keepdims=True)
    expected = (exact - mean) / np.sqrt(variance + 1e-5)
    # In float32 numbers near 100 are 8e-6 apart, here divided by 0.01.
    np.testing.assert_allclose(instance_normalization()(values), expected, atol=1e-2)
    flat = np.full((1, 4, 4, 2), 123.4, np.float32)
    np.testing.assert_allclose(instance_normalization()(flat), np.zeros_like(flat), atol=2e-2)


def test_reflection_is_that_of_numpy():
    images = random_images(2, 5, 4, 3)
    inputs = keras.Input(images.shape[1:])
    padded = keras.Model(inputs, reflection_padding(inputs, 7))(images)
    expected = np.pad(images, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(padded, expected)


@pytest.mark.parametrize(
    ("side", "depth"), [(8, 2), (15, 2), (16, 2), (28, 3), (33, 4), (64, 4), (256, 6)]
)
def test_default_depth_of_the_unet(side, depth):
    assert default_unet_depth((side, 2 * side, 1)) == depth


@pytest.mark.parametrize(
    ("side", "sizes"),
    [(8, (3, 1)), (15, (3, 1)), (16, (3, 2)), (127, (3, 2)), (128, (6, 2)), (256, (9, 2))],
)
def test_default_sizes_of_the_residual_generator(side, sizes):
    assert default_residual_sizes((2 * side, side, 1)) == sizes


@pytest.mark.parametrize(
    ("side", "depth"), [(4, 1), (28, 1), (33, 1), (34, 2), (69, 2), (70, 3), (256, 3)]
)
def test_default_depth_of_the_patches(side, depth):
    assert default_patch_depth((side, 2 * side, 3)) == depth


def test_the_published_unet_at_256_pixels():
    generator = unet_generator((256, 256, 3), width=2, depth=8)
    widths = [2, 4, 8, 16, 16, 16, 16, 16]
    expected = [(filters, 4, 2) for filters in (*widths, *widths[-2::-1], 3)]
    assert filters_of(generator) == expected
    sides = [
        layer.output.shape[1] for layer in generator.layers if isinstance(layer, layers.Conv2D)
    ]
    assert sides == [128, 64, 32, 16, 8, 4, 2, 1]
    joined = [
        layer.output.shape[1:]
        for layer in generator.layers
        if isinstance(layer, layers.Concatenate)
    ]
    assert joined == [(2**n, 2**n, 2 * c) for n, c in zip(range(1, 8), widths[-2::-1])]
    # On all stages but the outermost and the single pixel.
    normalized = [type(layer) for layer in generator.layers].count(layers.GroupNormalization)
    assert normalized == 6 + 7


def test_the_published_residual_generator_at_256_pixels():
    generator = residual_generator((256, 256, 3), width=2)
    blocks = [(8, 3, 1)] * 18
    assert filters_of(generator) == [
        (2, 7, 1),
        (4, 3, 2),
        (8, 3, 2),
        *blocks,
        (4, 3, 2),
        (2, 3, 2),
        (3, 7, 1),
    ]


def test_the_published_patches_at_256_pixels():
    discriminator = patch_discriminator((256, 256, 3), condition_channels=3, width=2)
    assert filters_of(discriminator) == [
        (2, 4, 2),
        (4, 4, 2),
        (8, 4, 2),
        (16, 4, 1),
        (1, 4, 1),
    ]
    assert discriminator.output_shape == (None, 32, 32, 1)
    shapes = [tuple(tensor.shape) for tensor in discriminator.inputs]
    assert shapes == [(None, 256, 256, 3)] * 2


@pytest.mark.parametrize(("depth", "size"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_its_patch_alone(depth, size, monkeypatch):
    # The normalization sees all of the image.
    monkeypatch.setattr(patch, "instance_normalization", layers.Identity)
    discriminator = patch_discriminator((96, 96, 1), width=2, depth=depth)
    images = tf.constant(random_images(1, 96, 96, 1))
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = discriminator(images)
        middle = logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]
    seen = tape.gradient(middle, images)[0, :, :, 0].numpy() != 0
    assert seen.any(axis=0).sum() == seen.any(axis=1).sum() == size == patch_size(depth)


@pytest.mark.parametrize("image_shape", [(1, 1, 1), (5, 7, 1), (33, 20, 3)], ids=str)
def test_patches_of_any_size(image_shape):
    discriminator = patch_discriminator(image_shape, width=2)
    height, width, _ = image_shape
    logits = discriminator(random_images(2, *image_shape))
    assert logits.dtype == tf.float32
    assert logits.shape == (2, -(-height // 2), -(-width // 2), 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: unet_generator((7, 64, 1)), r"U-Net needs.*8x8.*Received: 7x64"),
        (lambda: unet_generator((8, 8, 1), depth=4), r"between 1 and 3.*Received: 4"),
        (lambda: residual_generator((64, 7, 1)), r"residual.*8x8.*Received: 64x7"),
        (lambda: residual_generator((8, 8, 1), blocks=0), r"blocks.*at least 1.*Received: 0"),
        (lambda: residual_generator((8, 8, 1), depth=3), r"between 0 and 2.*Received: 3"),
        (lambda: patch_discriminator((8, 8, 1), depth=0), r"between 1 and 3.*Received: 0"),
    ],
)
def test_sizes_out_of_range(build, message):
    with pytest.raises(InputError, match=message):
        build()
