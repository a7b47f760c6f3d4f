"""`tfgan.networks.precision`, and a GAN whose networks were built under a mixed dtype policy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import make_gan, step_by_operation

from tfgan.export.saved_model import export_saved_model
from tfgan.networks import dense_discriminator, dense_generator, precision


@pytest.fixture
def mixed():
    with precision.computing_in("bfloat16"):
        yield


def test_a_processor_is_known_by_its_flags(tmp_path, monkeypatch):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nflags\t\t: fpu avx512f avx512_bf16\nbogomips : 2\n")
    assert precision.cpu_flags(cpuinfo) == {"fpu", "avx512f", "avx512_bf16"}
    assert precision.cpu_flags(tmp_path / "absent") == set()
    for flags, expected in (
        ({"avx2", "avx512f"}, "float32"),
        ({"avx512_bf16"}, "bfloat16"),
        ({"amx_bf16", "avx2"}, "bfloat16"),
        (set(), "float32"),
    ):
        monkeypatch.setattr(precision, "cpu_flags", lambda flags=flags: flags)
        assert precision.resolved("auto") == expected
        assert precision.resolved("float32") == "float32"
        assert precision.resolved("bfloat16") == "bfloat16"


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (9, 0)])
def test_a_gpu_is_known_by_its_compute_capability(capability, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a GPU"])
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda device: {"compute_capability": capability},
    )
    assert precision.device_has_bfloat16() == (capability >= (8, 0))


@pytest.mark.usefixtures("eagerly")
def test_weights_logits_and_images_stay_float32(mixed, batch):
    for gan in (
        make_gan(),
        make_gan(
            generator=dense_generator((8, 8, 1), 6, width=4),
            discriminator=dense_discriminator((8, 8, 1), width=4),
        ),
    ):
        assert {layer.compute_dtype for layer in gan.generator.layers} == {"bfloat16", "float32"}
        logs = gan.train_step(batch)
        assert all(np.isfinite(value) for value in logs.values())
        for network in (gan.generator, gan.discriminator):
            assert {variable.dtype for variable in network.trainable_variables} == {"float32"}
            assert network.outputs[0].dtype == "float32"


@pytest.mark.usefixtures("eagerly")
def test_the_average_computes_in_float32(mixed, batch):
    gan = make_gan(ema_decay=0.0)
    gan.train_step(batch)
    # The first is the input, which computes nothing.
    assert {layer.compute_dtype for layer in gan.ema_generator.layers[1:]} == {"float32"}
    assert gan.ema_generator.compute_dtype == gan.compute_dtype == "float32"
    latents = tf.random.stateless_normal((4, 6), (0, 0))
    exact, rounded = gan(latents), gan.generator(latents, training=False)
    # The same weights: what differs is the rounding, which bfloat16 does to 8 bits.
    assert 0 < np.abs(exact - rounded).max() < 0.05


def test_what_is_exported_holds_no_bfloat16(mixed, batch, tmp_path):
    gan = make_gan()
    with step_by_operation():
        gan.train_step(batch)
    version_folder, difference = export_saved_model(gan, tmp_path / "model")
    assert difference <= 1e-5
    reloaded = tf.saved_model.load(str(version_folder))
    for signature in reloaded.signatures.values():
        graph = signature.graph.as_graph_def()
        nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
        types = {a.type for node in nodes for a in node.attr.values() if a.HasField("type")}
        assert tf.bfloat16.as_datatype_enum not in types
        assert tf.float32.as_datatype_enum in types


@pytest.mark.parametrize("build", ["random", "classifier"])
def test_what_measures_computes_in_float32_under_a_sessions_policy(mixed, build):
    from tfgan.metrics import classifier, extractors

    def features():
        if build == "random":
            return extractors._random_network((8, 8, 1), 0)(images)[0]
        keras.utils.set_random_seed(0)
        return classifier._network((8, 8, 1), 3, 0)(images / np.float32(255))[0].numpy()

    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    under_a_mixed_policy = features()
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(under_a_mixed_policy, features())


@pytest.mark.usefixtures("eagerly")
def test_a_keras_file_keeps_the_precision(mixed, batch, tmp_path):
    gan = make_gan()
    gan.train_step(batch)
    gan.save(tmp_path / "gan.keras")
    keras.config.set_dtype_policy("float32")
    reloaded = keras.saving.load_model(tmp_path / "gan.keras")
    gan.train_step(batch)
    reloaded.train_step(batch)
    for ours, theirs in zip(gan.weights, reloaded.weights):
        np.testing.assert_array_equal(ours, theirs)
