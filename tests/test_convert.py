"""`python -m tfgan.convert`: the files draw what the live model draws, or are not there."""

import contextlib
import os
import re
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import make_gan
from other_runtimes import images_of

import tfgan
from tfgan import convert
from tfgan.export import conversion, formats

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
COMMANDS = re.findall(r"^    python -m tfgan\.convert (.*)$", PAGE.read_text(), re.MULTILINE)
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
LATENT_DIM = 100


def make_model(generator, discriminator, folder):
    """A GAN whose averaged generator has no variable as it was at first, and its export."""
    gan = make_gan(generator=generator, discriminator=discriminator)
    rng = np.random.default_rng(0)
    for variable in gan.ema_generator.variables:
        if len(variable.shape) > 1:
            # Larger kernels tell the images apart.
            variable.assign(8 * variable)
        else:
            # Those of the normalization, among which a variance.
            variable.assign(variable + rng.uniform(0, 0.2, variable.shape))
    tfgan.export_saved_model(gan, folder)
    return gan


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder of the exported models."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def digits_gan(models):
    """A convolutional GAN, exported."""
    return make_model(
        tfgan.convolutional_generator((8, 8, 1), LATENT_DIM, width=8),
        tfgan.convolutional_discriminator((8, 8, 1), width=2),
        models / "digits_gan",
    )


@pytest.fixture(scope="module")
def dense_gan(models):
    """A dense GAN of images that are neither square nor gray, exported."""
    return make_model(
        tfgan.dense_generator((12, 10, 3), LATENT_DIM, width=4),
        tfgan.dense_discriminator((12, 10, 3), width=2),
        models / "dense_gan",
    )


@pytest.fixture(scope="module")
def converted(digits_gan, models, tmp_path_factory):
    """A folder in which the page's commands were run."""
    folder = tmp_path_factory.mktemp("converted")
    (folder / "saved_models").symlink_to(models)
    with contextlib.chdir(folder):
        assert [run(*shlex.split(command)) for command in COMMANDS] == [0] * len(COMMANDS)
    return folder


@pytest.fixture(scope="module")
def conditional_gan(models):
    """A GAN of three classes, exported."""
    keras.utils.set_random_seed(0)
    condition = tfgan.LabelCondition(3)
    conditioning = [{"condition": condition.encoder()} for _ in range(2)]
    gan = tfgan.ConditionalGAN(
        tfgan.convolutional_generator((8, 8, 1), 5, width=2, **conditioning[0]),
        tfgan.convolutional_discriminator((8, 8, 1), width=2, **conditioning[1]),
        condition,
    )
    rng = np.random.default_rng(0)
    for variable in gan.ema_generator.trainable_variables:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    tfgan.export_saved_model(gan, models / "cgan")
    return gan


@pytest.mark.slow
@pytest.mark.parametrize("form", formats.EXTENSIONS)
def test_a_conditional_model_keeps_its_labels(form, conditional_gan, models, tmp_path, capsys):
    file = tmp_path / f"cgan{formats.EXTENSIONS[form]}"
    assert run(models / "cgan", "--format", form, "--out", file) == 0
    draw = formats.open_file(file)
    latents = np.random.default_rng(1).standard_normal((4, 5), np.float32)
    images = []
    for label in range(3):
        labels = np.full(4, label, np.int32)
        live = (conditional_gan([latents, labels]).numpy() + 1) / 2
        images.append(draw(latents=latents, labels=labels))
        np.testing.assert_allclose(images[-1], live, atol=1e-5)
    assert np.abs(images[0] - images[2]).max() > 0.01

    shutil.copytree(models / "cgan", tmp_path / "cgan")
    (tmp_path / "cgan/1/assets.extra/model_card.json").unlink()
    capsys.readouterr()
    command = [tmp_path / "cgan", "--format", form, "--out", tmp_path / f"other{file.suffix}"]
    assert_refused(command, ["takes labels", "model_card.json"], capsys)


@pytest.mark.parametrize("num_classes", [3, [2, 3]])
def test_labels_to_compare_with_are_what_the_model_takes(num_classes):
    card = {"condition": {"num_classes": num_classes}}
    labels = conversion.labels_for(SimpleNamespace(card=card))
    assert (labels.dtype, labels.shape) == (np.int32, (16, *np.shape(num_classes)))
    np.testing.assert_array_equal(labels.min(axis=0), 0 * np.array(num_classes))
    np.testing.assert_array_equal(labels.max(axis=0), np.array(num_classes) - 1)


def latents_and_images(gan):
    """11 latents, and what the live model draws from them."""
    latents = np.random.default_rng(1).standard_normal((11, LATENT_DIM), np.float32)
    images = (gan.ema_generator(latents).numpy() + 1) / 2
    assert images.std(axis=0).mean() > 0.02
    return latents, images


def run(*arguments):
    """The exit status, as the shell would see it."""
    try:
        return convert.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code


def assert_refused(arguments, received, capsys, status=2):
    """The command answers in one line that holds all of `received`."""
    assert run(*arguments) == status
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1 and errors.endswith("\n")
    for part in received:
        assert part in errors


def test_the_pages_commands_make_a_file_of_every_format(converted):
    assert sorted(os.listdir(converted)) == [
        "digits_gan.keras",
        "digits_gan.onnx",
        "digits_gan.tflite",
        "half.onnx",
        "half.tflite",
        "saved_models",
    ]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_pages_programs_draw_the_live_models_images(
    program, digits_gan, converted, monkeypatch
):
    monkeypatch.chdir(converted)
    names = {}
    exec(compile(program, str(PAGE), "exec"), names)
    live = (digits_gan.ema_generator(names["latents"]).numpy() + 1) / 2
    np.testing.assert_allclose(names["images"], live, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("digits_gan.keras", marks=pytest.mark.slow),
        "digits_gan.onnx",
        "digits_gan.tflite",
        "half.onnx",
        "half.tflite",
    ],
)
def test_a_file_needs_nothing_of_this_package(name, digits_gan, converted, tmp_path):
    latents, live = latents_and_images(digits_gan)
    images = images_of(converted / name, tmp_path, latents=latents)
    assert (images.shape, images.dtype) == (live.shape, np.float32)
    difference = np.abs(images - live).max()
    if name.startswith("half"):
        assert 1e-5 < difference < 1 / 255
    else:
        assert difference < 1e-5


def test_half_precision_stores_two_bytes_a_weight(digits_gan, converted):
    for extension in ("onnx", "tflite"):
        whole, half = (converted / f"{name}.{extension}" for name in ("digits_gan", "half"))
        saved = whole.stat().st_size - half.stat().st_size
        assert saved > 0.8 * 2 * digits_gan.generator.count_params()


# The page's commands write the others, of convolutional networks.
@pytest.mark.parametrize(
    "form",
    [
        form if form == "keras" else pytest.param(form, marks=pytest.mark.slow)
        for form in formats.EXTENSIONS
    ],
)
def test_dense_networks_and_the_default_name(form, dense_gan, models, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert run(models / "dense_gan", "--format", form) == 0
    out = Path("dense_gan" + formats.EXTENSIONS[form])
    # The file alone is left, and one line is said.
    assert os.listdir() == [out.name]
    output, errors = capfd.readouterr()
    assert errors == ""
    assert re.fullmatch(
        rf"{models / 'dense_gan' / '1'} -> {out} \({out.stat().st_size:,} bytes; its images "
        r"differ by at most \d\S*, allowed: 1e-05\)\n",
        output,
    )
    latents, live = latents_and_images(dense_gan)
    if form == "keras":
        model = keras.saving.load_model(out)
        np.testing.assert_allclose(model.predict_on_batch(latents), live, atol=1e-5)
        generator = keras.Model(model.input, model.get_layer("images").output)
        np.testing.assert_allclose(generator(latents), 2 * live - 1, atol=1e-5)
    else:
        np.testing.assert_allclose(images_of(out, tmp_path, latents=latents), live, atol=1e-5)


def make_recurrent_gan(height, folder):
    gan = make_gan(
        generator=tfgan.recurrent_generator((height, 5, 3), LATENT_DIM, width=4),
        discriminator=tfgan.recurrent_discriminator((height, 5, 3), width=2),
    )
    # The last layer alone: with larger recurrent kernels the states would be chaotic.
    kernel = gan.ema_generator.get_layer(index=-3).kernel
    kernel.assign(20 * kernel)
    tfgan.export_saved_model(gan, folder)
    return gan


@pytest.fixture(scope="module")
def unrolled_gan(models):
    """A recurrent GAN of 6 rows, which are unrolled, exported."""
    return make_recurrent_gan(6, models / "unrolled")


@pytest.fixture(scope="module")
def looping_gan(models):
    """A recurrent GAN of 33 rows, which are a loop, exported."""
    return make_recurrent_gan(33, models / "looping")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "form"),
    [
        ("unrolled", "litert"),
        ("looping", "onnx"),
        ("unrolled", "keras"),
        ("unrolled", "onnx"),
        ("looping", "keras"),
    ],
)
def test_recurrent_networks(rows, form, request, models, tmp_path):
    gan = request.getfixturevalue(f"{rows}_gan")
    out = tmp_path / f"a{formats.EXTENSIONS[form]}"
    assert run(models / rows, "--format", form, "--out", out) == 0
    latents, live = latents_and_images(gan)
    np.testing.assert_allclose(images_of(out, tmp_path, latents=latents), live, atol=1e-5)


@pytest.fixture(scope="module")
def translators(models):
    """A model that fills holes and a CycleGAN between color and gray, exported."""
    keras.utils.set_random_seed(0)
    color, gray = (9, 8, 3), (9, 8, 1)
    made = {
        "filler": tfgan.Pix2Pix(
            tfgan.unet_generator(color, input_channels=4, width=4),
            tfgan.patch_discriminator(color, condition_channels=4, width=2),
            masked=True,
        ),
        "cyclegan": tfgan.CycleGAN(
            tfgan.residual_generator(gray, input_channels=3, width=4, blocks=1),
            tfgan.residual_generator(color, input_channels=1, width=4, blocks=1),
            tfgan.patch_discriminator(color, width=2),
            tfgan.patch_discriminator(gray, width=2),
        ),
    }
    rng = np.random.default_rng(0)
    for name, model in made.items():
        for average, _ in model.ema_pairs():
            for variable in average.trainable_variables:
                variable.assign(rng.normal(0, 0.2, variable.shape))
        tfgan.export_saved_model(model, models / name)
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "direction"), [("filler", None), ("cyclegan", None), ("cyclegan", "BtoA")]
)
@pytest.mark.parametrize("form", ["litert", "keras", "onnx"])
def test_translators(form, name, direction, translators, models, tmp_path):
    out = tmp_path / f"a{formats.EXTENSIONS[form]}"
    flags = ["--direction", direction] if direction else []
    assert run(models / name, "--format", form, "--out", out, *flags) == 0
    channels = 1 if direction == "BtoA" else 3
    images = np.random.default_rng(1).random((5, 9, 8, channels), np.float32)
    inputs = {"images": images}
    if name == "filler":
        inputs["masks"] = np.float32(images[..., :1] > 0.5)
    model = translators[name]
    translate = {
        ("filler", None): lambda images, masks: model.translate(images, masks),
        ("cyclegan", None): lambda images: model.a_to_b(images),
        ("cyclegan", "BtoA"): lambda images: model.b_to_a(images),
    }[name, direction]
    live = translate(**inputs).numpy()
    assert live.std(axis=0).mean() > 0.02
    np.testing.assert_allclose(images_of(out, tmp_path, **inputs), live, atol=1e-5)


def test_a_direction_is_for_models_of_two(digits_gan, models, tmp_path, capsys):
    flags = ["--format", "onnx", "--direction", "BtoA", "--out", tmp_path / "a.onnx"]
    assert_refused([models / "digits_gan", *flags], ["one direction", "--direction"], capsys)
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_a_loop_that_litert_cannot_run_is_refused(looping_gan, models, tmp_path, capsys):
    flags = [models / "looping", "--format", "litert", "--out", tmp_path / "a.tflite"]
    assert_refused(flags, ["LiteRT", "TensorListReserve", "--format onnx"], capsys)
    assert os.listdir(tmp_path) == []


def test_a_file_beyond_the_bound_is_not_written(dense_gan, models, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(conversion.BOUNDS, None, -1.0)
    out = tmp_path / "new" / "a.onnx"
    flags = [models / "dense_gan", "--format", "onnx", "--out", out]
    assert_refused(flags, [str(out), "differ", "not written"], capsys, status=1)
    assert os.listdir(out.parent) == []


def test_a_conversion_with_a_defect_is_refused(dense_gan, models, tmp_path, monkeypatch, capsys):
    write_onnx = formats.write_onnx

    def dimmed(function, path, float16):
        @tf.function(input_signature=function.input_signature)
        def half_the_contrast(latents):
            return {"images": function(latents)["images"] / 2}

        write_onnx(half_the_contrast, path, float16)

    monkeypatch.setattr(formats, "write_onnx", dimmed)
    flags = [models / "dense_gan", "--format", "onnx", "--out", tmp_path / "a.onnx"]
    assert_refused(flags, ["would differ", "by 0."], capsys, status=1)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("form", ["litert", "onnx"])
def test_a_missing_extra_is_named(form, dense_gan, models, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    out = tmp_path / f"a{formats.EXTENSIONS[form]}"
    flags = [models / "dense_gan", "--format", form, "--out", out]
    assert_refused(flags, [f'pip install "tfgan[{form}]"', formats.PACKAGES[form][0]], capsys)


def test_what_exists_is_not_overwritten(dense_gan, models, tmp_path, capsys):
    out = tmp_path / "a.keras"
    out.write_text("precious")
    assert_refused([models / "dense_gan", "--format", "keras", "--out", out], [str(out)], capsys)
    assert out.read_text() == "precious"


def test_what_is_no_saved_model_is_refused(tmp_path, capsys):
    flags = ["--format", "onnx", "--out", tmp_path / "a.onnx"]
    assert_refused([tmp_path / "absent", *flags], ["no such folder"], capsys)
    assert_refused([tmp_path, *flags], ["1/saved_model.pb"], capsys)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_text("damaged")
    assert_refused([tmp_path, *flags], [str(tmp_path / "1"), "cannot be loaded"], capsys)
    assert os.listdir(tmp_path) == ["1"]


def export_function(function, name, spec, folder, **functions):
    """Exports a function of one input under `serving_default`, and more beside the signatures."""
    module = tf.Module()
    module.signature = tf.function(function, input_signature=[tf.TensorSpec(*spec, name=name)])
    for key, value in functions.items():
        setattr(module, key, value)
    signatures = {"serving_default": module.signature}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)


def test_a_text_cannot_be_converted(tmp_path, capsys):
    export_function(
        lambda texts: {"images": tf.zeros((tf.size(texts), 2, 2, 1))},
        "texts",
        ([None], tf.string),
        tmp_path,
    )
    flags = [tmp_path, "--format", "onnx", "--out", tmp_path / "a.onnx"]
    assert_refused(flags, ["takes a text (texts)", "cannot be converted"], capsys)
    assert os.listdir(tmp_path) == ["1"]


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("images", ([None, 4], tf.float32)),
        ("latents", ([None, 4], tf.float64)),
        ("latents", ([None, 4, 1], tf.float32)),
        ("latents", (None, tf.float32)),
        ("latents", ([None, None], tf.float32)),
        # What comes out is no image.
        ("latents", ([None, 4], tf.float32)),
    ],
)
def test_what_is_not_from_latents_to_images_is_refused(name, spec, tmp_path, capsys):
    export_function(lambda x: {"images": x}, name, spec, tmp_path)
    flags = [tmp_path, "--format", "onnx", "--out", tmp_path / "a.onnx"]
    assert_refused(flags, [f"Received: {name} {spec[1].name}", str(tmp_path / "1")], capsys)


def test_a_model_without_serving_default_is_refused(tmp_path, capsys):
    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"doubled": module.double})
    flags = [tmp_path, "--format", "onnx", "--out", tmp_path / "a.onnx"]
    assert_refused(flags, ["serving_default", "doubled"], capsys)


def draw_squares(latents):
    return {"images": tf.reshape(tf.sigmoid(latents), (-1, 2, 2, 1))}


def test_models_of_other_tools_are_converted_but_not_to_keras(tmp_path, capsys):
    export_function(draw_squares, "latents", ([None, 4], tf.float32), tmp_path)
    assert run(tmp_path, "--format", "onnx", "--out", tmp_path / "a.onnx") == 0
    capsys.readouterr()
    flags = [tmp_path, "--format", "keras", "--out", tmp_path / "a.keras"]
    assert_refused(flags, [str(tmp_path / "1"), "assets.extra/generator.json"], capsys)


def checked(latents):
    # Neither LiteRT nor ONNX has these operations, which change nothing.
    latents = tf.io.parse_tensor(tf.io.serialize_tensor(latents), tf.float32)
    return draw_squares(tf.ensure_shape(latents, (None, 4)))


def test_what_litert_cannot_run_is_refused(tmp_path, capsys):
    export_function(checked, "latents", ([None, 4], tf.float32), tmp_path / "model")
    flags = [tmp_path / "model", "--format", "litert", "--out", tmp_path / "a.tflite"]
    assert_refused(flags, ["LiteRT", "SerializeTensor", "--format onnx"], capsys)
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("form", ["litert", "onnx"])
def test_checks_of_the_signature_are_not_converted(form, tmp_path):
    spec = ([None, 4], tf.float32)
    plain = tf.function(
        lambda latents: draw_squares(latents)["images"], input_signature=[tf.TensorSpec(*spec)]
    )
    export_function(checked, "latents", spec, tmp_path, images_from_latents=plain)
    out = tmp_path / f"a{formats.EXTENSIONS[form]}"
    assert run(tmp_path, "--format", form, "--out", out) == 0
