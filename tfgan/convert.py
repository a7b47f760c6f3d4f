"""Converts a SavedModel to a file for Keras, LiteRT or ONNX, and checks that it draws the same."""

import sys
from pathlib import Path

from tfgan.cli.parser import EXIT_FAULT, ArgumentParser, run
from tfgan.errors import InputError
from tfgan.export import formats, model_card, saved_models
from tfgan.files import atomic_file
from tfgan.serving.limits import images_by
from tfgan.startup import start_tensorflow

# How far a pixel in [0, 1] may be from the SavedModel's: in float32 another order of sums rounds
# differently; in float16 no pixel of a picture of 256 levels may move by more than one level.
BOUNDS = {None: 1e-5, "float16": 1 / 255}
NUM_EXAMPLES = 16
# The signature that is converted, by the direction of a CycleGAN's.
SIGNATURES = {None: "serving_default", "AtoB": "serving_default", "BtoA": "b_to_a"}

EPILOG = """\
examples:
  python -m tfgan.convert saved_models/digits_gan --format onnx
  python -m tfgan.convert saved_models/digits_gan --format litert --quantize float16
  python -m tfgan.convert saved_models/digits_gan/1 --format keras --out generator.keras
  python -m tfgan.convert saved_models/photos_cyclegan --format onnx --direction BtoA

What is converted is the signature serving_default: latents float32 [None, D] (and labels int32
[None], where the model is conditional), or images float32 [None, H, W, C'] in [0, 1] (and masks
float32 [None, H, W, 1], where the model fills holes) -> images float32 [None, H, W, C] in [0, 1],
for batches of any size.
"""


def parse(argv=None):
    """Parses the command line; TensorFlow is not imported for it."""
    parser = ArgumentParser(prog="python -m tfgan.convert", description=__doc__, epilog=EPILOG)
    parser.add_argument(
        "model", metavar="MODEL", help="a SavedModel's folder, or one that holds its versions"
    )
    parser.add_argument("--format", choices=[*formats.EXTENSIONS], required=True)
    parser.add_argument(
        "--quantize",
        choices=["float16"],
        help="half precision, which halves the file (litert, onnx; default: float32)",
    )
    parser.add_argument(
        "--direction",
        choices=[direction for direction in SIGNATURES if direction],
        help="which of a CycleGAN's generators (default: AtoB)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="a new file (default: the model's name with .keras, .tflite or .onnx)",
    )
    arguments = parser.parse_args(argv)
    if arguments.quantize and arguments.format == "keras":
        parser.error("--quantize is for --format litert and onnx. Received: --format keras")
    extension = formats.EXTENSIONS[arguments.format]
    if arguments.out and arguments.out.suffix != extension:
        parser.error(
            f"--out must end in {extension} for --format {arguments.format}. "
            f"Received: '{arguments.out}'"
        )
    return arguments


class TooDifferent(Exception):
    """A file that was written draws other pictures than its SavedModel, and is not to appear."""


def convert(arguments):
    """Converts as the arguments say; returns the exit status."""
    folder = saved_models.find(arguments.model)
    extension = formats.EXTENSIONS[arguments.format]
    out = arguments.out or Path(saved_models.name_of(folder) + extension)
    if out.exists():
        raise InputError(f"--out {out} exists: pass a new file")
    formats.require_packages(arguments.format, f"--format {arguments.format}")
    start_tensorflow()
    bound = BOUNDS[arguments.quantize]
    try:
        with atomic_file(out) as temporary:
            difference = write_and_compare(
                folder, arguments.format, arguments.quantize, temporary, arguments.direction
            )
            if not difference <= bound:
                raise TooDifferent
    except TooDifferent:
        print(
            f"error: {out} would differ from {folder} by {difference:.2g}, more than "
            f"{bound:.2g}, and was not written",
            file=sys.stderr,
        )
        return EXIT_FAULT
    print(
        f"{folder} -> {out} ({out.stat().st_size:,} bytes; its pictures differ by at most "
        f"{difference:.1g}, allowed: {bound:.1g})"
    )
    return 0


def write_and_compare(folder, format_name, quantize, path, direction=None):
    """Writes a SavedModel's pictures in another format, and runs the file.

    Args:
        folder: of one version.
        format_name: `keras`, `litert` or `onnx`.
        quantize: `float16` or None.
        path: of the file, with the format's extension.
        direction: `AtoB` or `BtoA` for a CycleGAN, or None.

    Returns:
        The largest absolute difference of any pixel in [0, 1] from the SavedModel's, over 16
        requests, one at a time and all at once.

    Raises:
        InputError: the model cannot be converted.
    """
    import numpy as np
    import tensorflow as tf

    # A GPU would compare its own rounding.
    with tf.device("CPU"):
        model = saved_models.load(folder)
        if direction and "b_to_a" not in model.signatures:
            raise InputError(f"{folder} translates in one direction: leave --direction out")
        signature_name = SIGNATURES[direction]
        function = formats.converted_function(model, folder, signature_name)
        if format_name == "keras":
            formats.write_keras(model, folder, path, signature_name)
        elif format_name == "litert":
            formats.write_litert(model, function, path, float16=quantize == "float16")
        else:
            formats.write_onnx(function, path, float16=quantize == "float16")
        draw = formats.open_file(path)
        inputs = {spec.name: example_of(spec, folder) for spec in function.input_signature}
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        expected = images_by(model.signatures[signature_name])(**tensors)
        together = draw(**inputs)
        one_by_one = np.concatenate(
            [
                draw(**{name: values[index : index + 1] for name, values in inputs.items()})
                for index in range(NUM_EXAMPLES)
            ]
        )
    # NumPy's, which keeps a NaN.
    return float(np.max([np.abs(images - expected).max() for images in (together, one_by_one)]))


def example_of(spec, folder):
    """Latents, labels, pictures or masks to compare with, an array [NUM_EXAMPLES, ...].

    Args:
        spec: what the model takes, a `tf.TensorSpec`.
        folder: of one version.

    Raises:
        InputError: the model takes labels, and its card does not tell how many there are.
    """
    import numpy as np

    if spec.name == "labels":
        return labels_for(folder)
    random = np.random.default_rng(0)
    shape = (NUM_EXAMPLES, *spec.shape[1:])
    if spec.name == "latents":
        return random.standard_normal(shape, np.float32)
    pictures = random.random(shape, np.float32)
    return np.rint(pictures) if spec.name == "masks" else pictures


def labels_for(folder):
    """Labels of a conditional model, as many of each class as of another.

    Args:
        folder: of one version, whose card tells the number of classes.

    Returns:
        int32 [NUM_EXAMPLES], or [NUM_EXAMPLES, A] for A attributes.

    Raises:
        InputError: there is no such card.
    """
    import numpy as np

    try:
        num_classes = model_card.read(folder)["condition"]["num_classes"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} takes labels, and has no {model_card.CARD_FILE} that tells how many there "
            "are: it cannot be converted"
        ) from error
    index = np.arange(NUM_EXAMPLES, dtype=np.int32)
    each = index if isinstance(num_classes, int) else index[:, None]
    return each % np.array(num_classes, np.int32)


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(convert, arguments)


if __name__ == "__main__":
    sys.exit(main())
