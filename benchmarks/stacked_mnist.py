"""Counts the modes of Stacked MNIST that an exported model draws.

A mode is the number that the digits in the red, the green and the blue channel read, 0 to 999. Each
channel is read by the classifier of MNIST that the metrics use, which never saw a generator.
"""

import sys

import numpy as np

from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.errors import InputError
from tfgan.inference.exported_model import ExportedModel
from tfgan.inference.sampling import sample
from tfgan.startup import start_tensorflow

NUM_MODES = 1000

EPILOG = """\
examples:
  python -m tfgan.train --dataset stacked_mnist --minutes 30
  python -m benchmarks.stacked_mnist saved_models/stacked_mnist_gan
"""


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.stacked_mnist",
        description=__doc__.splitlines()[0],
        epilog=EPILOG,
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a SavedModel's folder, or one that holds its versions"
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", help="TFDS' folder, which holds MNIST (default: TFDS_DATA_DIR)"
    )
    parser.add_argument(
        "--num", type=number(int, 1), default=26_000, metavar="N", help="(default: 26000)"
    )
    return parser.parse_args(argv)


def modes_of(images, extractor):
    """The mode of each image, int [N].

    Args:
        images: uint8 [N, H, W, 3].
        extractor: that of MNIST's classifier.
    """
    digits = [extractor(images[..., [channel]])[1].argmax(axis=1) for channel in range(3)]
    return np.dot([100, 10, 1], digits)


def bench(arguments):
    """Prints the number of modes and KL(generated || even), beside those of real images."""
    start_tensorflow()
    from tfgan import data
    from tfgan.metrics.classes import mode_count
    from tfgan.metrics.extractors import extractor_for

    images = sample(ExportedModel.load(arguments.model), np.arange(arguments.num))
    if images.shape[-1] != 3:
        raise InputError(f"the images must have three channels. Received: {images.shape[1:]}")
    train, test = (
        data.load("mnist", 1, images.shape[1:3], arguments.data_dir, split=split)
        for split in ("train", "test")
    )
    extractor = extractor_for("classifier", train, test)
    real = data.load("stacked_mnist", 1, images.shape[1:3], arguments.data_dir).images
    for name, shown in (("generated", images), ("real", real[: arguments.num])):
        count = mode_count(modes_of(shown, extractor), NUM_MODES)
        print(f"{name:10}{count.modes:5} of {NUM_MODES} modes in {len(shown):,}, KL {count.kl:.3f}")
    print(f"read by the {extractor.name} ({extractor.digest})")
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    return run(bench, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
