"""How often a model of texts draws what captions that it never saw say.

The captions are of the test split of `shapes`: combinations of known words that no training image
has. What was drawn is measured on the pixels, by `tfgan.metrics.shapes.read_factors`.
"""

import sys

import numpy as np
from scipy.stats import binomtest

from tfgan import data
from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.data.shapes import FACTORS, captions, combinations
from tfgan.errors import InputError
from tfgan.inference.exported_model import ExportedModel
from tfgan.inference.sampling import sample
from tfgan.metrics.shapes import read_factors

EPILOG = """\
examples:
  python -m tfgan.train --dataset shapes --model cgan --condition text --minutes 10
  python -m benchmarks.text_agreement saved_models/shapes_cgan
"""


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.text_agreement",
        description=__doc__.splitlines()[0],
        epilog=EPILOG,
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a SavedModel's folder, or one that holds its versions"
    )
    parser.add_argument(
        "--num", type=number(int, 1), default=2000, metavar="N", help="captions (default: 2000)"
    )
    return parser.parse_args(argv)


def unseen_captions(num):
    """Different captions of the test split that no training image has, drawn at random.

    Args:
        num: how many.

    Returns:
        `(texts, factors)`: str [num], and int [num, 5], what each says.

    Raises:
        InputError: there are fewer.
    """
    seen = set(captions(combinations("train")).ravel())
    chosen = combinations("test")
    unseen = [
        (text, row)
        for row, texts in enumerate(captions(chosen))
        for text in dict.fromkeys(texts)
        if text not in seen
    ]
    if num > len(unseen):
        raise InputError(f"there are {len(unseen):,} captions. Received: --num {num}")
    order = np.random.default_rng(0).permutation(len(unseen))[:num]
    texts, rows = zip(*(unseen[index] for index in order))
    return np.array(texts), chosen[list(rows)]


def bench(arguments):
    """Prints the share of images that agree with their captions, one line per factor."""
    texts, requested = unseen_captions(arguments.num)
    model = ExportedModel.load(arguments.model)
    images = sample(model, np.arange(arguments.num), {"texts": texts})
    test = data.load("shapes", 1, split="test")
    if images.shape[1:] != test.image_shape:
        raise InputError(f"the images must be {test.image_shape}. Received: {images.shape[1:]}")
    agreeing = read_factors(images) == requested
    real = read_factors(test.images) == test.attributes
    print(f"{arguments.num:,} captions that no training image has")
    print(f"{'':20}{'agree':>8}{'95% interval':>18}{'real images':>16}")
    columns = {name: [index] for index, name in enumerate(FACTORS)}
    columns |= {"shape and color": [0, 1], "all five": list(range(len(FACTORS)))}
    for name, indices in columns.items():
        count = int(agreeing[:, indices].all(axis=1).sum())
        share = binomtest(count, arguments.num)
        low, high = share.proportion_ci(method="wilson")
        of_real = real[:, indices].all(axis=1).mean()
        print(f"{name:20}{share.statistic:>8.3f}{f'{low:.3f} to {high:.3f}':>18}{of_real:>16.3f}")
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    return run(bench, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
