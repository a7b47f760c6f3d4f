"""A SavedModel's images in the files of other runtimes: Keras, LiteRT, ONNX.

For each format one function writes a file and one gives a file to its runtime.
"""

import importlib.util
import os

from tfgan.errors import InputError
from tfgan.serving.attributes import layers_file, plain_function_name, weights_name
from tfgan.startup import quiet_stderr

EXTENSIONS = {"keras": ".keras", "litert": ".tflite", "onnx": ".onnx"}
# What a format needs besides TensorFlow; the extra has the format's name.
PACKAGES = {"keras": (), "litert": ("ai_edge_litert",), "onnx": ("tf2onnx", "onnx", "onnxruntime")}
# What a signature may take besides nothing else, for a file to be made of it.
KINDS_OF_INPUTS = [("latents",), ("latents", "labels"), ("images",), ("images", "masks")]


def require_packages(format_name, flag):
    """Refuses a format whose packages are not installed.

    Args:
        format_name: `keras`, `litert` or `onnx`.
        flag: what asks for it, for the message.

    Raises:
        InputError: one is missing; the message names the extra that brings it.
    """
    for package in PACKAGES[format_name]:
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"{flag} needs the package {package}, which is not installed. Install it: "
                f'pip install "tfgan[{format_name}]"'
            )


def converted_function(model, folder, signature_name="serving_default"):
    """What is converted of a SavedModel: a signature without the checks of its inputs.

    Args:
        model: what `tf.saved_model.load` gave.
        folder: its folder, for the messages.
        signature_name: `serving_default` or, of a CycleGAN, `b_to_a`.

    Returns:
        A `tf.function`, `latents` float32 [None, D], and where the model is conditional `labels`
        int32 [None], or `images` float32 [None, H, W, C'] in [0, 1], and where the model fills
        holes `masks` float32 [None, H, W, 1], -> `images` float32 [None, H, W, C] in [0, 1].

    Raises:
        InputError: the model turns something else into images, such as a text.
    """
    import tensorflow as tf

    if signature_name not in model.signatures:
        raise InputError(
            f"{folder} has no signature {signature_name}. Its signatures: "
            f"{', '.join(model.signatures)}"
        )
    signature = model.signatures[signature_name]
    inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
    texts = [name for name, spec in inputs.items() if spec.dtype == tf.string]
    if texts:
        raise InputError(
            f"{folder} takes a text ({texts[0]}), which cannot be converted: the other formats "
            "have no strings. Serve the SavedModel as it is"
        )
    # In the order of the networks' inputs, where signatures order them by name.
    names = next((kind for kind in KINDS_OF_INPUTS if {*kind} == inputs.keys()), None)
    if not names or not _makes_images(names[0], inputs[names[0]], outputs):
        raise InputError(
            f"only a {signature_name} of latents float32 (None, D), with or without labels, or of "
            "images float32 (None, H, W, C), with or without masks, -> images float32 (None, H, W, "
            f"C) can be converted. Received: {_described(inputs)} -> {_described(outputs)} in "
            f"{folder}"
        )
    # Models that other tools exported have the signature alone.
    plain = getattr(model, plain_function_name(signature_name, names[0]), None)

    @tf.function(
        input_signature=[
            tf.TensorSpec(inputs[name].shape, inputs[name].dtype, name) for name in names
        ]
    )
    def converted(*values):
        if plain is None:
            return {"images": signature(**dict(zip(names, values)))["images"]}
        return {"images": plain(*values)}

    return converted


def _makes_images(name, spec, outputs):
    """Whether a signature has the shapes and dtypes of images made of latents or of images.

    Args:
        name, spec: of what it takes first.
        outputs: their specs by their names.
    """
    if [*outputs] != ["images"]:
        return False
    images = outputs["images"]
    return (
        spec.dtype == images.dtype == "float32"
        and (spec.shape.rank, images.shape.rank) == (2 if name == "latents" else 4, 4)
        and spec.shape[1:].is_fully_defined()
    )


def _described(specs):
    return ", ".join(f"{name} {spec.dtype.name} {spec.shape}" for name, spec in specs.items())


def open_file(path):
    """Gives a file to its runtime.

    Args:
        path: ends in the extension of its format.

    Returns:
        A function from what the converted signature takes, arrays by their names in the order of
        `converted_function`, to images, an array float32 [N, H, W, C].
    """
    open_with = {".keras": open_keras, ".tflite": open_litert, ".onnx": open_onnx}
    return open_with[path.suffix](path)


def write_keras(model, folder, path, signature_name="serving_default"):
    """Writes a `.keras` file of stock layers: a signature without the checks of its inputs.

    Args:
        path: of the file, which ends in `.keras`.
        model, folder, signature_name: as in `keras_network`.

    Raises:
        InputError: see `keras_network`.
    """
    keras_network(model, folder, signature_name).save(path)


def keras_network(model, folder, signature_name="serving_default"):
    """The Keras model of a signature, without the checks of its inputs, with its weights.

    Args:
        model: what `tf.saved_model.load` gave: it has the weights.
        folder: its folder, which has the layers.
        signature_name: as in `converted_function`.

    Raises:
        InputError: the folder does not tell the layers, or not all of them are known here.
    """
    import keras

    config = folder / layers_file(signature_name)
    if not config.is_file():
        raise InputError(
            f"{folder} has no {layers_file(signature_name)}, which tells a generator's layers and "
            "which this package's exports have: it cannot become a Keras model"
        )
    try:
        network = keras.models.model_from_json(config.read_text())
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{folder} has layers or functions of your own, which only your program knows: it "
            "cannot become a Keras model. --format onnx needs none of them"
        ) from error
    values = getattr(model, weights_name(signature_name))
    for variable, value in zip(network.variables, values, strict=True):
        variable.assign(value)
    return network


def open_keras(path):
    """Gives a file to Keras; see `open_file`."""
    import keras

    model = keras.saving.load_model(path)

    def draw(**inputs):
        first, *others = inputs.values()
        return model.predict_on_batch([first, *others] if others else first)

    return draw


def write_litert(model, function, path, float16):
    """Writes a `.tflite` file with one signature, which is called `serving_default`.

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
    return lambda **inputs: runner(**inputs)["images"]


def write_onnx(function, path, float16):
    """Writes an `.onnx` file with the function's inputs, by their names, and one output.

    The output is called `images`, but `translated` where `images` go in: no two tensors of an ONNX
    graph have one name.

    Args:
        function: what `converted_function` made of the SavedModel.
        path: of the file.
        float16: whether to store the weights and compute in half precision; what goes in and
            comes out stays float32.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    specs = function.input_signature
    output_name = "translated" if specs[0].name == "images" else "images"

    @tf.function(input_signature=specs)
    def renamed(*inputs):
        return {output_name: function(*inputs)["images"]}

    with quiet_stderr():
        model, _ = tf2onnx.convert.from_function(renamed, specs)
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
    return lambda **inputs: session.run(None, inputs)[0]
