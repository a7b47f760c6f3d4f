"""Size, exactness and speed of the default MNIST generator in every format.

The generator is untrained, with kernels large enough for images that differ: neither size nor
speed depends on them. The files draw in one process, in turn, so that a change of the machine's
speed meets all of them; each runtime may use all cores.
"""

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.sampling import images_per_second
from benchmarks.timing_arguments import parse_timing
from tfgan.cli.parser import run
from tfgan.export import formats
from tfgan.startup import start_tensorflow

EPILOG = """\
examples:
  python -m benchmarks.formats
  python -m benchmarks.formats --batch-sizes 1 8 64 --rounds 50
"""
IMAGE_SHAPE = (28, 28, 1)
LATENT_DIM = 100
FILES = {
    "Keras": ("keras", None),
    "LiteRT": ("litert", None),
    "LiteRT, float16": ("litert", "float16"),
    "ONNX": ("onnx", None),
    "ONNX, float16": ("onnx", "float16"),
}


def parse(argv=None):
    """Parses the command line."""
    return parse_timing(argv, "formats", __doc__, EPILOG, batch_sizes=[1, 64], rounds=30, calls=10)


def export(models_folder):
    """Exports a default generator; returns the SavedModel's folder."""
    import keras

    import tfgan

    keras.utils.set_random_seed(0)
    gan = tfgan.GAN(
        tfgan.convolutional_generator(IMAGE_SHAPE, LATENT_DIM),
        tfgan.convolutional_discriminator(IMAGE_SHAPE),
    )
    for variable in gan.ema_generator.trainable_variables:
        if variable.path.endswith("kernel"):
            variable.assign(4 * variable)
    return tfgan.export_saved_model(gan, models_folder / "mnist")[0]


def contenders(folder, files_folder):
    """What to compare: names to `(bytes, largest difference, function of latents)`.

    A function turns `latents=`, an array float32 [N, D], into an array of images.

    Args:
        folder: of the SavedModel.
        files_folder: where to write the files.
    """
    import tensorflow as tf

    from tfgan.export.conversion import write_and_compare
    from tfgan.inference.exported_model import ExportedModel

    # What is compared is loaded on the CPU, what is timed wherever TensorFlow puts it.
    with tf.device("CPU"):
        compared_model = ExportedModel.load(folder)
    model = ExportedModel.load(folder).saved_model
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    # The call alone; the closure keeps the model: its functions die with it.
    def draw(latents):
        return model.signatures["serving_default"](latents=tf.constant(latents))["images"].numpy()

    compared = {"SavedModel": (size, 0.0, draw)}
    for name, (form, quantize) in FILES.items():
        path = files_folder / f"{name}{formats.EXTENSIONS[form]}"
        difference = write_and_compare(compared_model, form, quantize, path)
        compared[name] = (path.stat().st_size, difference, formats.open_file(path))
    return compared


def bench(arguments):
    """Prints a Markdown table: medians, with the quartiles over the rounds."""
    titles = ["format", "bytes", "largest difference"]
    titles += [f"images/s, batch {size}" for size in arguments.batch_sizes]
    with (
        tempfile.TemporaryDirectory() as folder,
        tqdm(total=arguments.rounds * len(arguments.batch_sizes)) as bar,
    ):
        compared = contenders(export(Path(folder)), Path(folder))
        rows = {
            name: [name, f"{size:,}", f"{difference:.1g}"]
            for name, (size, difference, _) in compared.items()
        }
        functions = {
            name: lambda seeds, latents, draw=draw: draw(latents=np.asarray(latents))
            for name, (_, _, draw) in compared.items()
        }
        for batch_size in arguments.batch_sizes:
            rates = images_per_second(
                functions, LATENT_DIM, batch_size, arguments.rounds, arguments.calls, bar
            )
            for name, values in rates.items():
                low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
                rows[name].append(f"{statistics.median(values):,.0f} ({low:,.0f} to {high:,.0f})")
    for cells in (titles, ["---"] * len(titles), *rows.values()):
        print(f"| {' | '.join(cells)} |")
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    start_tensorflow()
    return run(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
