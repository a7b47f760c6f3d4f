"""The GAN in one file: it trains as the library does, bit for bit, and does without it."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import step_by_operation
from PIL import Image

FOLDER = Path(__file__).parents[1] / "examples"
SEED = 3
WITHOUT_TFGAN = """
import runpy, sys
sys.modules["tfgan"] = None  # An import of it raises from here on.
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def one_file(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import gan_in_one_file

    return gan_in_one_file


@pytest.fixture
def digits():
    from tfgan import data

    return data.load("digits", batch_size=16, seed=SEED)


def library_gan(digits):
    import keras

    import tfgan

    keras.utils.set_random_seed(SEED)
    gan = tfgan.GAN(
        tfgan.convolutional_generator(digits.image_shape),
        tfgan.convolutional_discriminator(digits.image_shape),
        seed=SEED,
    )
    gan.compile()
    return gan


def assert_equal(example, gan):
    """Every weight, moving statistic and moment, and the step."""
    pairs = [
        (example.generator.weights, gan.generator.weights),
        (example.discriminator.weights, gan.discriminator.weights),
        (example.ema_generator.weights, gan.ema_generator.weights),
        (example.generator_optimizer.m, gan.generator_optimizer._momentums),
        (example.generator_optimizer.v, gan.generator_optimizer._velocities),
        (example.discriminator_optimizer.m, gan.discriminator_optimizer._momentums),
        (example.discriminator_optimizer.v, gan.discriminator_optimizer._velocities),
        ([example.step], [gan.step]),
    ]
    for ours, theirs in pairs:
        for left, right in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(left.numpy(), right.numpy(), err_msg=right.name)


def train_both(one_file, digits, steps, later_steps=0):
    """Trains and compares at every step, from the first on and then about the rate's fall.

    The later steps lead up to step 3,000, and past it, where the rate begins to fall.
    """
    example, gan = one_file.GAN(SEED), library_gan(digits)
    assert_equal(example, gan)
    both = zip(one_file.batches(one_file.digits(), SEED), digits.batches())
    for number, (images, batch) in zip(range(steps + later_steps), both):
        if number == steps:
            optimizers = (gan.generator_optimizer, gan.discriminator_optimizer)
            for counter in (example.step, gan.step, *(each.iterations for each in optimizers)):
                counter.assign(3000 - later_steps // 2)
        np.testing.assert_array_equal(images, batch["image"])
        generator_loss, discriminator_loss = example.train_step(images)
        gan.reset_metrics()
        logs = gan.train_step(batch)
        assert_equal(example, gan)
        assert generator_loss == logs["generator_loss"]
        assert discriminator_loss == logs["discriminator_loss"]


def test_graphs_give_the_weights_of_the_library_bit_for_bit(one_file, digits):
    # Past the end of an epoch, which has 93 steps.
    train_both(one_file, digits, steps=100, later_steps=20)


@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_operations_one_by_one_do_so_too(one_file, digits):
    with step_by_operation():
        train_both(one_file, digits, steps=18)


@pytest.mark.slow
def test_the_command_exports_the_weights_of_the_example(one_file, tmp_path, monkeypatch):
    import tensorflow as tf

    from tfgan import train

    monkeypatch.chdir(tmp_path)
    steps = 40
    flags = ["--steps", str(steps), "--seed", str(SEED), "--precision", "float32"]
    assert train.main(flags) == 0
    example = one_file.GAN(SEED)
    for _, images in zip(range(steps), one_file.batches(one_file.digits(), SEED)):
        example.train_step(images)
    exported = tf.train.load_checkpoint("saved_models/digits_gan/1/variables/variables")
    for index, weight in enumerate(example.ema_generator.weights):
        values = exported.get_tensor(f"weights/{index}/.ATTRIBUTES/VARIABLE_VALUE")
        np.testing.assert_array_equal(weight.numpy(), values, err_msg=weight.path)


def test_as_a_script_it_draws_digits_without_the_library(one_file, tmp_path):
    command = [sys.executable, "-c", WITHOUT_TFGAN, FOLDER / "gan_in_one_file.py"]
    run = subprocess.run(
        [*command, "--steps", "100", "--out", tmp_path / "grids"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    line = r"step 100: generator loss \d\.\d+, discriminator loss \d\.\d+\n"
    assert re.fullmatch(line, run.stdout)
    (file,) = tmp_path.rglob("*.png")
    assert file == tmp_path / "grids" / "step_00100.png"

    # 8 x 8 images of 8 x 8 pixels with a gap of one, each enlarged to 8 x 8 equal ones.
    page = np.array(Image.open(file)).reshape(8, 9, 8, 8, 9, 8)
    cells = page[:, :, :1, :, :, :1]
    np.testing.assert_array_equal(page, np.broadcast_to(cells, page.shape))
    cells = cells[:, :, 0, :, :, 0]
    assert (cells[:, 8] == 128).all()
    assert (cells[..., 8] == 128).all()
    images = cells[:, :8, :, :8].swapaxes(1, 2).reshape(64, 8, 8) / 127.5 - 1
    assert len(np.unique(images, axis=0)) == 64
    # As bright as digits, with as much contrast, and the strokes where theirs are.
    digits = one_file.digits().numpy()[..., 0]
    assert abs(images.mean() - digits.mean()) < 0.2
    assert abs(images.std() - digits.std()) < 0.3
    correlation = np.corrcoef(images.mean(axis=0).ravel(), digits.mean(axis=0).ravel())[0, 1]
    assert correlation > 0.6
