"""Converts a SavedModel to a file for Keras, LiteRT or ONNX, and checks that it draws the same."""

import sys
from pathlib import Path

from tfgan.cli.parser import EXIT_FAULT, ArgumentParser, run
from tfgan.errors import InputError
from tfgan.export import conversion, formats, saved_models
from tfgan.files import atomic_file
from tfgan.inference.exported_model import ExportedModel
from tfgan.names import DIRECTIONS
from tfgan.startup import start_tensorflow

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
        choices=DIRECTIONS,
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
    """A file that was written draws other images than its SavedModel, and is not to appear."""


def convert(arguments):
    """Converts as the arguments say; returns the exit status."""
    folder = saved_models.find(arguments.model)
    extension = formats.EXTENSIONS[arguments.format]
    out = arguments.out or Path(saved_models.name_of(folder) + extension)
    if out.exists():
        raise InputError(f"--out {out} exists: pass a new file")
    formats.require_packages(arguments.format, f"--format {arguments.format}")
    start_tensorflow()
    import tensorflow as tf

    # A GPU would compare its own rounding.
    with tf.device("CPU"):
        model = ExportedModel.load(folder)
    if arguments.direction and "b_to_a" not in model.signatures:
        raise InputError(f"{folder} translates in one direction: leave --direction out")
    signature_name = "b_to_a" if arguments.direction == "BtoA" else "serving_default"
    bound = conversion.BOUNDS[arguments.quantize]
    try:
        with atomic_file(out) as temporary:
            difference = conversion.write_and_compare(
                model, arguments.format, arguments.quantize, temporary, signature_name
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
        f"{folder} -> {out} ({out.stat().st_size:,} bytes; its images differ by at most "
        f"{difference:.1g}, allowed: {bound:.1g})"
    )
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(convert, arguments)


if __name__ == "__main__":
    sys.exit(main())
