"""Arguments of the wrong kind, number or size are named in one line."""

import re

import numpy as np
import pytest

import tfgan
from tfgan.augment import checked_policies
from tfgan.errors import InputError
from tfgan.losses import get
from tfgan.models import GAN

BUILDERS = {
    "convolutional_generator": ("latent_dim", "width", "kernel_size", "stride"),
    "convolutional_discriminator": ("width", "kernel_size", "stride"),
    "dense_generator": ("latent_dim", "width"),
    "dense_discriminator": ("width",),
    "recurrent_generator": ("latent_dim", "width"),
    "recurrent_discriminator": ("width",),
    "residual_generator": ("width", "blocks", "input_channels"),
    "unet_generator": ("width", "input_channels"),
    "patch_discriminator": ("width", "condition_channels"),
}
WITH_DEPTH = (
    "convolutional_generator",
    "convolutional_discriminator",
    "residual_generator",
    "unet_generator",
    "patch_discriminator",
)
CONDITIONAL = [name for name in BUILDERS if name.split("_")[0] in ("convolutional", "dense")]


def one_line(message):
    """A pattern of an error's whole message."""
    return re.compile(rf"\A[^\n]*{message}[^\n]*\Z")


@pytest.mark.parametrize(
    "image_shape",
    [(8, 8), (8, 8, 1, 1), 8, None, "8x8", (8, 8, 0), (-8, 8, 1), (8.0, 8, 1), (None, None, 3)],
    ids=str,
)
@pytest.mark.parametrize("builder", BUILDERS)
def test_shapes(builder, image_shape):
    with pytest.raises(InputError, match=one_line("image_shape must be.*Received: ")):
        getattr(tfgan, builder)(image_shape)


@pytest.mark.parametrize("value", [-1, 1.5, "8", [8]], ids=str)
@pytest.mark.parametrize(
    ("builder", "name"), [(builder, name) for builder in BUILDERS for name in BUILDERS[builder]]
)
def test_sizes(builder, name, value):
    with pytest.raises(InputError, match=one_line(f"{name} must be.*Received: ")):
        getattr(tfgan, builder)((8, 8, 1), **{name: value})


@pytest.mark.parametrize("value", [-1, 1.5, "2", 99], ids=str)
@pytest.mark.parametrize("builder", WITH_DEPTH)
def test_depths(builder, value):
    with pytest.raises(InputError, match=one_line("depth must be between.*Received: ")):
        getattr(tfgan, builder)((8, 8, 1), depth=value)


def test_integers_of_numpy_are_integers():
    network = tfgan.dense_generator(np.array([8, 8, 1]), np.int64(6), width=4)
    assert network.output_shape == (None, 8, 8, 1)


@pytest.mark.parametrize("builder", CONDITIONAL)
def test_a_condition_in_place_of_its_encoder(builder):
    with pytest.raises(InputError, match=one_line("condition must be an encoder.*LabelCondition")):
        getattr(tfgan, builder)((8, 8, 1), width=4, condition=tfgan.LabelCondition(10))


@pytest.mark.parametrize("num_classes", [0, -1, 1.5, "ab", None, (), (2, 0), (2, 1.5)], ids=str)
@pytest.mark.parametrize("made", [tfgan.LabelCondition, tfgan.label_encoder])
def test_numbers_of_classes(made, num_classes):
    with pytest.raises(InputError, match=one_line("num_classes must be at least 1.*Received: ")):
        made(num_classes)


@pytest.mark.parametrize("name", ["num_words", "length", "units"])
def test_texts(name):
    with pytest.raises(InputError, match=one_line(f"{name} must be.*Received: ")):
        tfgan.text_encoder(**{"num_words": 3, "length": 3} | {name: 1.5})


def networks():
    return tfgan.dense_generator((8, 8, 1), 6, width=1), tfgan.dense_discriminator(
        (8, 8, 1), width=1
    )


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 1.5, "1", None], ids=str)
def test_seeds_out_of_range(seed):
    with pytest.raises(InputError, match=one_line("seed must be an integer.*Received: ")):
        GAN(*networks(), seed=seed)


@pytest.mark.parametrize("seed", [-1, 2**63 - 1, -(2**63), np.int64(3)], ids=str)
def test_seeds_in_range(seed):
    assert np.isfinite(GAN(*networks(), seed=seed).training_latents(2)).all()


@pytest.mark.parametrize("value", ["0.9", None, float("nan"), -0.1, 1.0], ids=str)
def test_decays(value):
    with pytest.raises(InputError, match=one_line("ema_decay must be.*Received: ")):
        GAN(*networks(), ema_decay=value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"r1_gamma": "1"},
        {"r2_gamma": float("nan")},
        {"gradient_penalty_weight": [1.0]},
        {"discriminator_steps": 1.5},
        {"penalty_interval": None},
        {"loss": ["hinge"]},
        {"loss": 3},
        {"augmentation": 3},
        {"augmentation": None},
        {"augmentation": [["color"]]},
    ],
    ids=str,
)
def test_settings(arguments):
    (name,) = arguments
    with pytest.raises(InputError, match=one_line(f"{name} must be.*Received: ")):
        GAN(*networks()).compile(**arguments)


@pytest.mark.parametrize("wrong", [-1, "1", float("nan"), None], ids=str)
def test_schedules(wrong):
    for make, arguments in (
        (tfgan.LinearDecay, {"learning_rate": 1e-3, "constant_steps": 1, "decay_steps": 1}),
        (tfgan.InverseSquareRootDecay, {"learning_rate": 1e-3, "constant_steps": 1}),
    ):
        for name in arguments:
            with pytest.raises(InputError, match=one_line(f"{name} must be.*Received: ")):
                make(**arguments | {name: wrong})


def test_functions_by_themselves():
    with pytest.raises(InputError, match=one_line("loss must be")):
        get({"a": 1})
    with pytest.raises(InputError, match=one_line("augmentation must be")):
        checked_policies(7)
