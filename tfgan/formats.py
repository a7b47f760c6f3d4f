"""A SavedModel's pictures in the files of other runtimes: Keras, LiteRT, ONNX.

For each format one function writes a file and one gives a file to its runtime.
"""

import importlib.util
import os
from pathlib import Path

from tfgan.errors import InputError
from tfgan.startup import quiet_stderr

EXTENSIONS = {"keras": ".keras", "litert": ".tflite", "onnx": ".onnx"}
# What a format needs besides TensorFlow; the extra has the format's name.
PACKAGES = {"keras": (), "litert": ("ai_edge_litert",), "onnx": ("tf2onnx", "onnx", "onnxruntime")}
# The generator's layers, which export leaves in the SavedModel's folder for `write_keras`.
GENERATOR_CONFIG = Path("assets.extra", "generator.json")


def require_packages(format_name):
    """Refuses a format whose packages are not installed.

    Raises:
        InputError: one is missing; the message names the extra that brings it.
    """
    for package in PACKAGES[format_name]:
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"--format {format_name} needs the package {package}, which is not installed. "
                f'Install it: pip install "tfgan[{format_name}]"'
            )


def converted_function(model, folder):
    """What is converted of a SavedModel: its `serving_default` without the checks of its inputs.

    Args:
        model: what `tf.saved_model.load` gave.
        folder: its folder, for the messages.

    Returns:
        A `tf.function`, `latents` float32 [None, D], and where the model is conditional `labels`
        int32 [None], -> `images` float32 [None, H, W, C] in [0, 1].

    Raises:
        InputError: the model turns something else into pictures, such as a text.
    """
    import tensorflow as tf

    if "serving_default" not in model.signatures:
        raise InputError(
            f"{folder} has no signature serving_default. Its signatures: "
            f"{', '.join(model.signatures)}"
        )
    signature = model.signatures["serving_default"]
    inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
    texts = [name for name, spec in inputs.items() if spec.dtype == tf.string]
    if texts:
        raise InputError(
            f"{folder} takes a text ({texts[0]}), which cannot be converted: the other formats "
            "have no strings. Serve the SavedModel as it is"
        )
    latents, images = inputs.get("latents"), outputs.get("images")
    if (
        (inputs.keys() != {"latents"} and inputs.keys() != {"latents", "labels"})
        or [*outputs] != ["images"]
        or (latents.dtype, images.dtype) != (tf.float32, tf.float32)
        or (latents.shape.rank, images.shape.rank) != (2, 4)
        or latents.shape[1] is None
    ):
        raise InputError(
            "only a serving_default of latents float32 (None, D), with or without labels, -> "
            "images float32 (None, H, W, C) can be converted. Received: "
            f"{_described(inputs)} -> {_described(outputs)} in {folder}"
        )

    def images_of(**given):
        # Models that other tools exported have the signature alone.
        if hasattr(model, "images_from_latents"):
            return model.images_from_latents(*given.values())
        return signature(**given)["images"]

    latents_spec = tf.TensorSpec(latents.shape, tf.float32, name="latents")
    if "labels" not in inputs:

        @tf.function(input_signature=[latents_spec])
        def serving_default(latents):
            return {"images": images_of(latents=latents)}

        return serving_default

    labels_spec = tf.TensorSpec(inputs["labels"].shape, inputs["labels"].dtype, name="labels")

    @tf.function(input_signature=[latents_spec, labels_spec])
    def conditional_serving_default(latents, labels):
        return {"images": images_of(latents=latents, labels=labels)}

    return conditional_serving_default


def _described(specs):
    return ", ".join(f"{name} {spec.dtype.name} {spec.shape}" for name, spec in specs.items())


def open_file(path):
    """Gives a file to its runtime.

    Args:
        path: ends in the extension of its format.

    Returns:
        A function from latents float32 [N, D] to pictures float32 [N, H, W, C], both arrays; a
        conditional model's takes `labels=`, int32 [N], besides.
    """
    open_with = {".keras": open_keras, ".tflite": open_litert, ".onnx": open_onnx}
    return open_with[path.suffix](path)


def write_keras(model, folder, path):
    """Writes a `.keras` file of stock layers: `latents` [None, D] -> pictures in [0, 1].

    Args:
        model: what `tf.saved_model.load` gave: it has the weights.
        folder: its folder, which has the layers.
        path: of the file, which ends in `.keras`.

    Raises:
        InputError: the folder does not tell the layers.
    """
    import keras

    config = folder / GENERATOR_CONFIG
    if not config.is_file():
        raise InputError(
            f"{folder} has no {GENERATOR_CONFIG}, which tells a generator's layers and which this "
            "package's exports have: it cannot become a Keras model"
        )
    generator = keras.models.model_from_json(config.read_text())
    for variable, value in zip(generator.variables, model.weights, strict=True):
        variable.assign(value)
    # From the generator's [-1, 1].
    images = keras.layers.Rescaling(0.5, offset=0.5, name="images_from_0_to_1")(generator.output)
    keras.Model(generator.input, images, name=generator.name).save(path)


def open_keras(path):
    """Gives a file to Keras; see `open_file`."""
    import keras

    model = keras.saving.load_model(path)
    return lambda latents, **told: model.predict_on_batch(
        [latents, *told.values()] if told else latents
    )


def write_litert(model, function, path, float16):
    """Writes a `.tflite` file with the signature `serving_default`.

    Args:
        model: what `tf.saved_model.load` gave.
        function: what `converted_function` made of it.
        path: of the file.
        float16: whether to store the weights in half precision; the arithmetic stays float32.

    Raises:
        InputError: LiteRT lacks an operation of the model's.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert_phase import ConverterError

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], model
    )
    if float16:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    try:
        with quiet_stderr():
            content = converter.convert()
    except ConverterError as error:
        # Its first line tells the operation; the others where it stands and how to need all of
        # TensorFlow instead.
        reason = str(error).splitlines()[0].rpartition("error: ")[2]
        raise InputError(f"LiteRT cannot run this model: {reason}. Try --format onnx") from error
    path.write_bytes(content)


def open_litert(path):
    """Gives a file to LiteRT; see `open_file`."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=os.cpu_count())
    with quiet_stderr():
        interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    return lambda latents, **told: runner(latents=latents, **told)["images"]


def write_onnx(function, path, float16):
    """Writes an `.onnx` file with the input `latents` and the output `images`.

    Args:
        function: what `converted_function` made of the SavedModel.
        path: of the file.
        float16: whether to store the weights and compute in half precision; what goes in and
            comes out stays float32.
    """
    import onnx
    import tf2onnx

    with quiet_stderr():
        model, _ = tf2onnx.convert.from_function(function, function.input_signature)
        if float16:
            from onnxruntime.transformers.float16 import convert_float_to_float16

            model = convert_float_to_float16(model, keep_io_types=True)
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.save(model, path)


def open_onnx(path):
    """Gives a file to ONNX Runtime; see `open_file`."""
    import onnxruntime

    with quiet_stderr():
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda latents, **told: session.run(["images"], {"latents": latents, **told})[0]
