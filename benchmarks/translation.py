"""Exported pix2pix models beside the obvious ways without one, on the same test images.

What a model was trained for is read off its model card. It stands beside

  inpaint            the mean of the known pixels, and scikit-image's biharmonic fill
  super_resolution   bicubic interpolation, in the classifier's features as well
  colorize           gray
  edges, denoise,    the image as it went in
  style, a folder

Of filled images L1 and PSNR are those of the holes alone. Differences are taken on the same
images, the model's number less the other one's. The distance in features is that at unlimited
samples, which chance may bring below 0.
"""

import dataclasses
import importlib.util
import sys

import numpy as np
from tqdm import tqdm

from tfgan import data
from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.errors import InputError
from tfgan.families.base import loading
from tfgan.families.trained_on import training_of
from tfgan.inference.exported_model import ExportedModel
from tfgan.startup import start_tensorflow

EPILOG = """\
examples:
  python -m benchmarks.translation saved_models/mnist_inpaint_pix2pix
  python -m benchmarks.translation saved_models/*_pix2pix --num 300
"""
UNTRANSLATED = {"super_resolution": "bicubic", "colorize": "grey"}


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.translation", description=__doc__, epilog=EPILOG
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="folders of SavedModels")
    parser.add_argument(
        "--num",
        type=number(int, 2),
        default=1000,
        metavar="N",
        help="images of the test split, drawn at random (default: 1000)",
    )
    parser.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    return parser.parse_args(argv)


def trained_as(model, data_dir=None):
    """What an exported model was trained with: a `Run` and the flags of a pix2pix.

    Args:
        model: an `ExportedModel`.
        data_dir: TFDS' folder, where it is another one here.

    Raises:
        InputError: its card tells of no training, or it is no pix2pix.
    """
    if model.card.get("family") != "Pix2Pix" or not model.card["training"]:
        raise InputError(
            f"{model.path} is no pix2pix that `python -m tfgan.train` exported. Its card names the "
            f"family {model.card.get('family')}"
        )
    run, family, _ = training_of(model)
    return dataclasses.replace(run, data_dir=data_dir or run.data_dir), family


def baselines(task, channels):
    """What to compare with: functions of images and masks by their names.

    Args:
        task: its name, or None for pairs of a folder.
        channels: of what comes out.
    """
    from tfgan.data.variants import with_channels

    if task == "inpaint":
        return {"mean of the known": mean_fill, "biharmonic": biharmonic_fill}
    return {UNTRANSLATED.get(task, "input"): lambda images, masks: with_channels(images, channels)}


def mean_fill(images, masks):
    """Holes in the mean color of each image's known pixels: float32 [N, H, W, C]."""
    known = 1.0 - masks
    means = (images * known).sum(axis=(1, 2)) / known.sum(axis=(1, 2))
    return images * known + means[:, None, None, :] * masks


def biharmonic_fill(images, masks):
    """Holes filled as smoothly as their surroundings allow: float32 [N, H, W, C] in [0, 1].

    Raises:
        InputError: scikit-image is missing.

    Reference:
        Damelin and Hoang 2018, "On surface completion and image inpainting by biharmonic
        functions: numerical aspects".
    """
    if importlib.util.find_spec("skimage") is None:
        raise InputError(
            "the baseline of inpainting needs the package skimage, which is not installed. Install "
            'it: pip install "tfgan[benchmark]"'
        )
    from skimage.restoration import inpaint_biharmonic

    filled = [
        inpaint_biharmonic(image, mask[..., 0] == 1, channel_axis=-1)
        for image, mask in zip(images, masks)
    ]
    # It overshoots.
    return np.clip(np.float32(filled), 0.0, 1.0)


def interval_of(interval, sign=""):
    """`value (low to high)`."""
    value, low, high = (
        f"{number:{sign}.4g}" for number in (interval.value, interval.low, interval.high)
    )
    return f"{value} ({low} to {high})"


def score_rows(name, translators, pairs):
    """Rows of a table: the model's numbers, and each baseline's with the differences."""
    from tfgan.metrics import mean_interval, pair_scores

    scores = pair_scores(translators, pairs)
    metrics = ("hole_l1", "hole_psnr", "ssim") if pairs.has_mask else ("l1", "psnr", "ssim")
    model = scores["model"]
    rows = []
    for method, values in scores.items():
        cells = [name, method, *(interval_of(mean_interval(values[metric])) for metric in metrics)]
        difference = mean_interval(model["psnr"] - values["psnr"])
        if pairs.has_mask:
            difference = mean_interval(model["hole_psnr"] - values["hole_psnr"])
        rows.append([*cells, "" if method == "model" else interval_of(difference, "+")])
    return rows


def distance_rows(name, translators, run, pairs):
    """The same of the Frechet distance from the targets, in the features of a classifier."""
    from tfgan.metrics import extractor_for, frechet_distance, jackknife_interval

    extractor = extractor_for(
        "auto",
        *(
            data.load(run.dataset, data_dir=run.data_dir, **loading(run, 1, split))
            for split in ("train", pairs.split)
        ),
    )
    pieces = {method: [] for method in ("target", *translators)}
    for batch in tqdm(list(pairs.example_batches()), desc="features"):
        condition = (batch["condition"] + 1.0) / 2.0
        pieces["target"].append((batch["image"] + 1.0) / 2.0)
        for method, translate in translators.items():
            pieces[method].append(np.asarray(translate(condition, None)))
    features = {
        method: extractor(np.clip(np.concatenate(images), 0.0, 1.0))[0]
        for method, images in pieces.items()
    }

    def interval(statistic, *methods):
        # A row holds all that is known of an image, so that groups leave out whole images.
        rows = np.concatenate([features[method] for method in methods], axis=1)
        return jackknife_interval(
            lambda _, left: statistic(*np.split(left, len(methods), axis=1)), rows, rows
        )

    def gain(target, model, other):
        return frechet_distance(target, model) - frechet_distance(target, other)

    rows = []
    for method in translators:
        difference = ""
        if method != "model":
            difference = interval_of(interval(gain, "target", "model", method), "+")
        distance = interval_of(interval(frechet_distance, "target", method))
        rows.append([name, method, distance, difference])
    return rows


def bench(arguments):
    """Prints Markdown tables of the means over the images, with 95% intervals."""
    scores, distances = [], []
    for path in arguments.models:
        model = ExportedModel.load(path)
        run, family = trained_as(model, arguments.data_dir)
        pairs = family.load(run, "test").sample(arguments.num)
        translators = {"model": model.translate}
        translators |= baselines(family.task, pairs.image_shape[-1])
        scores += score_rows(model.name, translators, pairs)
        if family.task == "super_resolution":
            distances += distance_rows(model.name, translators, run, pairs)
    print(table(["model", "method", "L1", "PSNR, dB", "SSIM", "difference in PSNR, dB"], scores))
    if distances:
        titles = ["model", "method", "Frechet distance from the targets", "difference"]
        print("\n" + table(titles, distances))
    return 0


def table(titles, rows):
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ["---"] * len(titles), *rows))


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    start_tensorflow()
    return run(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
