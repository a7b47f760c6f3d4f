"""A trained model in another format, compared with its SavedModel."""

import numpy as np

from tfgan.errors import InputError
from tfgan.export import formats
from tfgan.export.model_card import CARD_FILE

# How far a pixel in [0, 1] may be from the SavedModel's: in float32 another order of sums rounds
# differently; in float16 no pixel of an image of 256 levels may move by more than one level.
BOUNDS = {None: 1e-5, "float16": 1 / 255}
NUM_EXAMPLES = 16


def write_and_compare(model, format_name, quantize, path, signature_name="serving_default"):
    """Writes a SavedModel's images in another format, and runs the file.

    Args:
        model: an `ExportedModel` of a folder, loaded on the CPU: a GPU would compare its own
            rounding.
        format_name: `keras`, `litert` or `onnx`.
        quantize: `float16` or None.
        path: of the file, with the format's extension.
        signature_name: of what is converted, `serving_default` or, of a CycleGAN, `b_to_a`.

    Returns:
        The largest absolute difference of any pixel in [0, 1] from the SavedModel's, over 16
        requests, one at a time and all at once.

    Raises:
        InputError: the model cannot be converted.
    """
    import tensorflow as tf

    saved_model, folder = model.saved_model, model.path
    with tf.device("CPU"):
        function = formats.converted_function(saved_model, folder, signature_name)
        if format_name == "keras":
            formats.write_keras(saved_model, folder, path, signature_name)
        elif format_name == "litert":
            formats.write_litert(saved_model, function, path, float16=quantize == "float16")
        else:
            formats.write_onnx(function, path, float16=quantize == "float16")
        draw = formats.open_file(path)
        inputs = {spec.name: example_of(spec, model) for spec in function.input_signature}
        expected = model.signatures[signature_name](**inputs)["images"]
        together = draw(**inputs)
        one_by_one = np.concatenate(
            [
                draw(**{name: values[index : index + 1] for name, values in inputs.items()})
                for index in range(NUM_EXAMPLES)
            ]
        )
    # NumPy's, which keeps a NaN.
    return float(np.max([np.abs(images - expected).max() for images in (together, one_by_one)]))


def example_of(spec, model):
    """Latents, labels, images or masks to compare with, an array [NUM_EXAMPLES, ...].

    Args:
        spec: what the model takes, a `tf.TensorSpec`.
        model: an `ExportedModel`.

    Raises:
        InputError: the model takes labels, and its card does not tell how many there are.
    """
    if spec.name == "labels":
        return labels_for(model)
    random = np.random.default_rng(0)
    shape = (NUM_EXAMPLES, *spec.shape[1:])
    if spec.name == "latents":
        return random.standard_normal(shape, np.float32)
    images = random.random(shape, np.float32)
    return np.rint(images) if spec.name == "masks" else images


def labels_for(model):
    """Labels of a conditional model, as many of each class as of another.

    Args:
        model: an `ExportedModel`, whose card tells the number of classes.

    Returns:
        int32 [NUM_EXAMPLES], or [NUM_EXAMPLES, A] for A attributes.

    Raises:
        InputError: there is no such card.
    """
    try:
        num_classes = model.card["condition"]["num_classes"]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{model.path} takes labels, and has no {CARD_FILE} that tells how many there are: it "
            "cannot be converted"
        ) from error
    index = np.arange(NUM_EXAMPLES, dtype=np.int32)
    each = index if isinstance(num_classes, int) else index[:, None]
    return each % np.array(num_classes, np.int32)
