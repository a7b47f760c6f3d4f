"""`benchmarks.throughput`: the contenders do the same work, and it is counted right."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfgan
from benchmarks import throughput
from benchmarks.contenders import networks, task, tutorial, worker
from benchmarks.worker_process import worker_process
from tfgan.networks import precision
from tfgan.study.flop import layer_flop, step_flop

ROOT = Path(__file__).parents[1]


def built(layer, shape):
    """A layer that has been called on an input of `shape`, without the batch."""
    layer(keras.Input(shape))
    return layer


def test_flop_of_a_dense_layer():
    assert layer_flop(built(layers.Dense(5), (7,))) == 2 * 7 * 5


@pytest.mark.parametrize(
    ("shape", "kernel_size", "strides", "taps"),
    [
        # In a row of 4, kernel 3: two positions at the border see 2 pixels, two see 3.
        ((4, 4), 3, 1, 10 * 10),
        # At stride 2 TensorFlow pads the far end first: positions 0 1 2 and 2 3.
        ((4, 4), 3, 2, 5 * 5),
        ((4, 3), 3, 1, 10 * 7),
        ((4, 4), 1, 1, 4 * 4),
    ],
)
def test_flop_of_a_convolution_leaves_the_padding_out(shape, kernel_size, strides, taps):
    layer = layers.Conv2D(6, kernel_size, strides=strides, padding="same")
    assert layer_flop(built(layer, (*shape, 5))) == 2 * taps * 5 * 6


@pytest.mark.parametrize(("kernel_size", "strides"), [(3, 1), (3, 2), (4, 2), (5, 2)])
def test_taps_are_what_a_convolution_of_ones_sums(kernel_size, strides):
    layer = layers.Conv2D(
        1, kernel_size, strides=strides, padding="same", kernel_initializer="ones"
    )
    assert layer_flop(built(layer, (7, 6, 1))) == 2 * np.sum(layer(np.ones((1, 7, 6, 1))))


def test_a_transposed_convolution_costs_what_the_convolution_back_does():
    transposed = layers.Conv2DTranspose(6, 5, strides=2, padding="same")
    back = layers.Conv2D(3, 5, strides=2, padding="same")
    assert layer_flop(built(transposed, (7, 7, 3))) == layer_flop(built(back, (14, 14, 6)))


def test_flop_of_a_step_of_two_dense_networks():
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Dense(5)])
    discriminator = keras.Sequential([keras.Input((5,)), layers.Dense(7), layers.LeakyReLU()])
    first, second, last = 2 * 2 * 3, 2 * 3 * 5, 2 * 5 * 7
    forward = first + second + 2 * last
    to_weights = first + second + 2 * last
    to_inputs = second + last
    assert step_flop(generator, discriminator) == forward + to_weights + to_inputs


def test_library_and_tutorial_take_the_same_step(monkeypatch):
    """Under gradient descent with rate 1 a step is the gradient."""
    keras.utils.set_random_seed(0)
    ours = networks.generator(), networks.discriminator(dropout=0)
    theirs = [keras.models.clone_model(network) for network in ours]
    for network, clone in zip(ours, theirs):
        clone.set_weights(network.get_weights())
    before = [weight.numpy() for network in ours for weight in network.trainable_weights]
    images = tf.constant(task.random_images(3))

    gan = tfgan.GAN(*ours)
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0), r1_gamma=0)
    noise = gan.training_latents(3)
    monkeypatch.setattr(tf.random, "normal", lambda shape: tf.ensure_shape(noise, shape))
    train_step = tutorial.make_train_step(
        *theirs, keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0)
    )
    # Eagerly, since tracing takes longer than these steps.
    tf.config.run_functions_eagerly(True)
    try:
        gan.train_step({"image": images})
        train_step(images)
    finally:
        tf.config.run_functions_eagerly(False)

    for network, clone in zip(ours, theirs):
        for weight, twin in zip(network.trainable_weights, clone.trainable_weights):
            start = before.pop(0)
            assert np.any(weight.numpy() != start)
            np.testing.assert_allclose(weight.numpy() - start, twin.numpy() - start, atol=1e-6)


def test_pytorch_has_the_same_networks():
    torch = pytest.importorskip("torch")
    from benchmarks.contenders import pytorch

    pair = pytorch.Networks(2)
    fakes = pair.fakes()
    assert fakes.shape == (2, 1, 28, 28)
    assert pair.discriminator(fakes).shape == (2, 1)
    for module, network in (
        (pair.generator, networks.generator()),
        (pair.discriminator, networks.discriminator()),
    ):
        sizes = [tensor.numel() for tensor in module.parameters()]
        assert sizes == [np.prod(weight.shape) for weight in network.trainable_weights]
    assert fakes.is_contiguous(memory_format=torch.channels_last)


def test_images_are_the_same_at_every_call():
    images = task.random_images(4)
    assert images.shape == (4, 28, 28, 1) and images.dtype == np.float32
    assert -1 <= images.min() < -0.9 and 0.9 < images.max() <= 1
    np.testing.assert_array_equal(images, task.random_images(4))


@pytest.mark.parametrize(
    ("argv", "received"),
    [
        (["--contenders", "library,tensorlfow"], ["--contenders", "'tensorlfow'", "keras-io"]),
        (["--contenders", "library,"], ["--contenders", "''"]),
        (["--rounds", "0"], ["--rounds", "'0'"]),
        (["--steps", "1.5"], ["--steps", "'1.5'"]),
        (["--batch-size", "-1"], ["--batch-size", "'-1'"]),
    ],
    ids=str,
)
def test_refuses(argv, received, capsys):
    with pytest.raises(SystemExit) as stop:
        throughput.main(argv)
    errors = capsys.readouterr().err
    assert stop.value.code == 2
    assert errors.startswith("error: ") and errors.count("\n") == 1
    for part in received:
        assert part in errors


def test_a_slow_contender_runs_where_it_is_named(monkeypatch):
    monkeypatch.setattr(precision, "cpu_flags", lambda: {"avx2"})
    reason = "this CPU has no bfloat16 instructions"
    assert throughput.reason_to_skip("library-bf16", is_named=False) == reason
    assert throughput.reason_to_skip("library-bf16", is_named=True) is None
    monkeypatch.setattr(precision, "cpu_flags", lambda: {"avx2", "amx_bf16"})
    assert throughput.reason_to_skip("library-bf16", is_named=False) is None


@pytest.mark.parametrize("is_named", [False, True])
def test_pytorch_is_skipped_where_it_is_absent(is_named, monkeypatch):
    monkeypatch.setattr(throughput.importlib.util, "find_spec", lambda name: None)
    for name in ("pytorch", "pytorch-shared"):
        assert throughput.reason_to_skip(name, is_named) == "torch is not installed"
    assert throughput.reason_to_skip("tutorial", is_named) is None


def test_rounds_are_compared_in_pairs():
    def answers(*seconds):
        return [{"seconds": value, "peak_memory_mb": 100 * value} for value in seconds]

    numbers = throughput.summary(
        answers(1, 2, 4), answers(2, 2, 2), images=8, peak_images_per_second=16
    )
    assert numbers == {
        "images_per_second": 4,
        "ratio": {"median": 1, "min": 0.5, "max": 2},
        "fraction_of_peak": 0.25,
        "peak_memory_mb": 400,
        "seconds": [1, 2, 4],
    }
    assert throughput.summary(answers(1), None, 8, 16)["ratio"] is None
    assert "1.00 (0.50 to 2.00)" in throughput.row("library", numbers)
    assert throughput.row("pytorch", {"skipped": "why"}).endswith("skipped: why")


def test_peak_memory_is_in_megabytes():
    # NumPy, Keras and TensorFlow are imported here.
    assert 100 < worker.peak_memory_mb() < 50_000


@pytest.mark.slow
def test_a_contender_that_dies_is_named_with_what_it_said():
    with (
        worker_process("stray", "absent.build", batch_size=1) as stray,
        pytest.raises(ChildProcessError) as error,
    ):
        stray.wait_until_ready()
    assert "contender stray ended with status 1" in str(error.value)
    assert "No module named 'benchmarks.contenders.absent'" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_the_command(tmp_path):
    results_file = tmp_path / "results" / "throughput.json"
    command = [sys.executable, "-m", "benchmarks.throughput", "--contenders", "library,tutorial"]
    command += ["--rounds", "2", "--steps", "1", "--batch-size", "4", "--json", results_file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(results_file.read_text())

    assert (results["batch_size"], results["rounds"], results["steps"]) == (4, 2, 1)
    assert results["peak_gflop_per_second"] > 0
    assert results["gflop_per_image"] == pytest.approx(0.343, abs=5e-4)
    assert list(results["contenders"]) == ["library", "tutorial"]
    for name, numbers in results["contenders"].items():
        assert name in done.stdout
        assert len(numbers["seconds"]) == 2
        assert numbers["images_per_second"] > 0
        assert numbers["fraction_of_peak"] > 0
        assert numbers["peak_memory_mb"] > 100
    assert results["contenders"]["tutorial"]["ratio"] == {"median": 1, "min": 1, "max": 1}
    assert "round" in done.stderr
