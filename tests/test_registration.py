"""Keras finds the classes of a `.keras` file wherever `import tfgan` was written."""

import subprocess
import sys

import keras
import pytest
from smallest_models import FAMILIES, make

import tfgan
from tfgan.models import GAN
from tfgan.networks.spectral import SpectralConv2D, SpectralDense

# Both orders; Keras by TensorFlow's name for it; and loaded by something else in between.
ORDERS = {
    "Keras first": "import keras, tfgan",
    "Keras last": "import tfgan, keras",
    "TensorFlow's Keras": "import tfgan, tensorflow as tf; tf.keras.Model; import keras",
}
SCHEDULES = {
    "inverse_square_root": lambda: tfgan.InverseSquareRootDecay(1e-3, 10),
    "linear": lambda: tfgan.LinearDecay(1e-3, 10, 10),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a `.keras` file for every class that one can name."""
    folder = tmp_path_factory.mktemp("files")
    for family in FAMILIES:
        make(family).save(folder / f"{family}.keras")
    texts = tfgan.TextCondition.of(["a red circle", "a blue square"])
    networks = {"condition": texts.encoder(), "width": 4}
    of_texts = tfgan.ConditionalGAN(
        tfgan.dense_generator((8, 8, 1), 6, **networks),
        tfgan.dense_discriminator((8, 8, 1), condition=texts.encoder(), width=4),
        texts,
    )
    of_texts.compile()
    of_texts.save(folder / "texts.keras")
    images = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(SpectralConv2D(2, 3)(images))
    keras.Model(images, SpectralDense(1)(x)).save(folder / "spectral.keras")
    for name, schedule in SCHEDULES.items():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(tfgan.Adam(schedule()), "mse")
        model.save(folder / f"{name}.keras")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_every_file_loads_in_a_new_process(files, order):
    program = (
        f"import glob; {ORDERS[order]}\n"
        f"for file in sorted(glob.glob({str(files)!r} + '/*.keras')):\n"
        "    model = keras.models.load_model(file)\n"
        "    print('loaded', type(model).__module__, type(model).__name__)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=600
    )
    assert finished.returncode == 0, finished.stderr
    loaded = [line for line in finished.stdout.splitlines() if line.startswith("loaded")]
    assert len(loaded) == len([*files.glob("*.keras")])
    assert "loaded tfgan.models.gan GAN" in loaded


def test_nothing_is_imported_before_a_file_asks():
    program = (
        "import sys, tfgan\n"
        "assert not {'keras', 'tensorflow', 'tfgan.models'} & {*sys.modules}\n"
        "import importlib.util, json\n"
        "assert importlib.util.find_spec('keras')\n"
        "assert 'keras' not in sys.modules\n"
        "assert any('KerasFinder' in type(finder).__name__ for finder in sys.meta_path)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.slow
def test_keras_is_as_it_was_after_it_was_found():
    program = (
        "import sys, tfgan\n"
        "import keras\n"
        "assert not any('KerasFinder' in type(finder).__name__ for finder in sys.meta_path)\n"
        "assert 'Registering' not in type(keras.__spec__.loader).__name__\n"
        "assert 'tfgan.models' not in sys.modules\n"
        "assert 'tfgan>GAN' in keras.saving.get_custom_objects()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_every_registered_class_has_a_home():
    """A class that is registered and not listed would be lost to a new process."""
    classes = {name: getattr(tfgan, name, None) for name in tfgan._SAVED}
    assert {name for name, found in classes.items() if found is None} == {
        "SpectralConv2D",
        "SpectralDense",
    }
    registered = {
        name.removeprefix("tfgan>"): found
        for name, found in keras.saving.get_custom_objects().items()
        if name.startswith("tfgan>")
    }
    assert {*registered} == {*tfgan._SAVED}
    for name, home in tfgan._SAVED.items():
        assert getattr(__import__(home, fromlist=[name]), name) is registered[name]


def test_a_stand_in_gives_way_to_the_class():
    from tfgan.startup import registration

    registration.register(keras, tfgan._SAVED)
    assert keras.saving.get_registered_object("tfgan>GAN") is GAN


def test_a_config_of_before_the_ema_had_its_name_is_read():
    config = make("gan").get_config()
    config.pop("ema_decay")
    config["averaging_decay"] = 0.9
    assert GAN.from_config(config).ema_decay == 0.9
