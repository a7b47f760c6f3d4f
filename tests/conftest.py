import contextlib
import gc
import os
import shutil
from pathlib import Path

# The tests measure values, not devices: a GPU would only add its own rounding.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Several threads in one process would wait for the cores of the other: NumPy's, scikit-learn's, and
# TensorFlow's, for which batches as tiny as these are not worth splitting.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

# TensorFlow is imported where it is used: the process that hands the tests out needs none.
import numpy as np
import pytest

IMAGE_SHAPE = (8, 8, 1)


def pytest_collection_finish():
    """Searches less for garbage: what is imported stays, and so does much of a graph."""
    gc.freeze()
    gc.set_threshold(20_000)


def make_gan(
    image_shape=IMAGE_SHAPE,
    width=4,
    latent_dim=6,
    generator=None,
    discriminator=None,
    ema_decay=0.999,
    **compile_arguments,
):
    """A tiny compiled GAN, the same at every call."""
    import keras

    from tfgan.models import GAN
    from tfgan.networks import convolutional_discriminator, convolutional_generator

    keras.utils.set_random_seed(3)
    gan = GAN(
        generator or convolutional_generator(image_shape, latent_dim, width=width, depth=2),
        discriminator or convolutional_discriminator(image_shape, width=width, depth=2),
        ema_decay=ema_decay,
        seed=5,
    )
    gan.compile(**compile_arguments)
    return gan


def dense_gan(factor=1.0):
    """A GAN that is built in no time, whose images differ as much as digits do.

    Args:
        factor: of the brightness that the discriminator's logit is.
    """
    import keras

    from tfgan.models import GAN

    latents = keras.Input((6,))
    initial = keras.initializers.RandomNormal(stddev=1.0, seed=1)
    x = keras.layers.Dense(64, "tanh", kernel_initializer=initial, bias_initializer=initial)(
        latents
    )
    generator = keras.Model(latents, keras.layers.Reshape(IMAGE_SHAPE)(x))
    images = keras.Input(IMAGE_SHAPE)
    brightness = keras.layers.GlobalAveragePooling2D()(images)
    return GAN(generator, keras.Model(images, factor * brightness))


def random_batch(image_shape=IMAGE_SHAPE, size=4, seed=0):
    import tensorflow as tf

    images = np.random.default_rng(seed).uniform(-1, 1, (size, *image_shape))
    return {"image": tf.constant(images, tf.float32)}


def strong(model, factor=8):
    """Weights that make images differ strongly from latent to latent."""
    network = model.ema_generator
    network.set_weights([factor * weight for weight in network.get_weights()])
    return model


@pytest.fixture(scope="session")
def exported_gan(tmp_path_factory):
    """A GAN whose images differ strongly, and the folder of its SavedModel, for reading alone."""
    from tfgan.export.saved_model import export_saved_model

    gan = strong(make_gan())
    folder = tmp_path_factory.mktemp("models") / "tiny"
    export_saved_model(gan, folder)
    return gan, folder


@pytest.fixture
def gan():
    return make_gan()


@pytest.fixture
def batch():
    return random_batch()


@contextlib.contextmanager
def step_by_operation():
    """Runs training steps operation by operation: tracing a graph takes longer than some."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eagerly():
    with step_by_operation():
        yield


@pytest.fixture(scope="session")
def mnist_data_dir():
    """The folder that holds a prepared MNIST; skips where there is none."""
    beside = Path(__file__).parents[2] / "shared" / "tensorflow_datasets"
    folder = Path(os.environ.get("TFDS_DATA_DIR", beside))
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no prepared MNIST in {folder}: set TFDS_DATA_DIR")
    return folder


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window; skips where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()
