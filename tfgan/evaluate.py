"""Measures the confidence risk of generated pictures: how far they are from real ones."""

import json
import re
import sys
from pathlib import Path

from tfgan import generate, model_card, remote, saved_models
from tfgan.command_line import ArgumentParser, image_size, number, run, start_tensorflow
from tfgan.errors import InputError
from tfgan.lowering_arguments import add_lowering, lowering_flags, require_lowering

FEATURES = ("auto", "classifier", "random", "inception", "pixels")

EPILOG = """\
examples:
  python -m tfgan.evaluate saved_models/mnist_gan --dataset mnist
  python -m tfgan.evaluate --images pictures.npz --dataset mnist
  python -m tfgan.evaluate --images pictures --reference real.npz --out my_report
  python -m tfgan.evaluate --compare saved_models/mnist_gan saved_models/mnist_vae --dataset mnist
  python -m tfgan.evaluate saved_models/mnist_gan --dataset mnist --keep-fraction 0.5

Pictures come from a SavedModel, a model's address at a TensorFlow Serving, a folder of pictures, or
an NPZ file with the array `images` (uint8, uint16, bool or float in [0, 1]; [N, H, W, C] or
[N, H, W]), from any tool. What the numbers mean: docs/confidence_risk.md.
"""


def parse(argv=None):
    """Parses the command line; TensorFlow is not imported for it."""
    parser = ArgumentParser(prog="python -m tfgan.evaluate", description=__doc__, epilog=EPILOG)
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        help="a SavedModel's folder, one that holds its versions, or a model's address at a server",
    )
    parser.add_argument("--images", metavar="FOLDER|NPZ", help="pictures in place of a model")
    parser.add_argument(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="two models or sets of pictures: with what probability A is better",
    )
    parser.add_argument(
        "--dataset", metavar="NAME", help="the real pictures: a data set that has the split"
    )
    parser.add_argument(
        "--reference",
        metavar="NPZ",
        help="the real pictures, in place of a data set: `images`, and `labels` if there are any. "
        "One half is compared with, the other makes the features and the floor",
    )
    parser.add_argument("--split", default="test", help="of the data set (default: test)")
    parser.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    parser.add_argument(
        "--image-size",
        type=image_size,
        metavar="SIZE",
        help="to which real pictures are brought: 32, or 32x48 for height x width",
    )
    parser.add_argument(
        "--channels",
        type=int,
        choices=[1, 3, 4],
        help="to which real pictures are brought: 1 is grey, 3 RGB, 4 RGBA",
    )
    parser.add_argument(
        "--num",
        type=number(int, 40),
        default=10_000,
        metavar="N",
        help="pictures a side, at most (default: 10000)",
    )
    parser.add_argument(
        "--features", choices=FEATURES, default="auto", help="see docs/metrics.md (default: auto)"
    )
    parser.add_argument(
        "--seed",
        # scikit-learn takes 32 bits.
        type=number(int, 0, maximum=2**32 - 1),
        default=0,
        metavar="N",
        help="of the first picture, the folds and the subsets (default: 0)",
    )
    add_lowering(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="(default: evaluations/NAME)")
    arguments = parser.parse_args(argv)
    given = [arguments.model, arguments.images, arguments.compare]
    if sum(each is not None for each in given) != 1:
        parser.error("pass one of MODEL, --images FOLDER|NPZ and --compare A B")
    if (arguments.dataset is None) == (arguments.reference is None):
        parser.error("pass one of --dataset NAME and --reference NPZ: what is compared with")
    if arguments.reference and arguments.split != "test":
        parser.error("--split is of a --dataset, and --reference has none")
    if arguments.reference and arguments.image_size:
        parser.error("--image-size is of a --dataset: --reference is taken as it is")
    if arguments.reference and arguments.channels:
        parser.error("--channels is of a --dataset: --reference is taken as it is")
    require_lowering(arguments, parser)
    return arguments


def evaluate(arguments):
    """Measures what the arguments ask for; returns the exit status."""
    judged = arguments.compare or [arguments.model or arguments.images]
    missing = [
        each for each in judged if not remote.is_url(each) and not Path(each).expanduser().exists()
    ]
    if missing:
        raise InputError(f"nothing at {missing[0]}: pass a SavedModel, a folder or an NPZ file")
    start_tensorflow()
    train, test = real_pictures(arguments)

    from tfgan.evaluation_page import write_report
    from tfgan.lowering import lowered
    from tfgan.metrics.evaluation import evaluate_sides
    from tfgan.metrics.risk import probability_better

    names = [name_of(each) for each in judged]
    out = arguments.out or Path("evaluations", "_".join(names))
    evaluations = []
    for each, name in zip(judged, names):
        sides = sides_of(each, arguments, train, test)
        # The second of two models shares the conditions, unless there are fewer pictures.
        same = evaluations and evaluations[0].report.card == sides.card
        evaluation = evaluate_sides(sides, floor_of=evaluations[0] if same else None)
        evaluations.append(evaluation)
        folder = out if len(judged) == 1 else out / f"{'ab'[len(evaluations) - 1]}_{name}"
        lowering, shown = None, evaluation
        if lowering_flags(arguments):
            lowering = lowered(evaluation, saved_models.find(each), train, arguments)
            shown = lowering.after
        write_report(folder, shown, name, lowering)
        print(f"\n{name}\n{lowering or shown.report}\n-> {folder / 'report.html'}")

    if len(evaluations) == 2:
        first, second = evaluations
        first.report.card.require_same(second.report.card)
        probability = probability_better(first.risk, second.risk)
        print(
            f"\nWith a probability of {probability:.3f} {judged[0]} (confidence risk "
            f"{first.risk.value:.3f}) is better than {judged[1]} ({second.risk.value:.3f})."
        )
        comparison = {
            "a": judged[0],
            "b": judged[1],
            "probability_a_is_better": probability,
            "confidence_risk": [each.as_dict()["confidence_risk"] for each in evaluations],
        }
        (out / "comparison.json").write_text(json.dumps(comparison, indent=2) + "\n")
    return 0


def real_pictures(arguments):
    """The training pictures and those to compare with, two `ImageDataset`s."""
    from tfgan import data

    if arguments.reference:
        return halves_of(arguments.reference, arguments.seed)
    options = {"data_dir": arguments.data_dir, "channels": arguments.channels}
    train, test = (
        data.load(arguments.dataset, 1, arguments.image_size, split=split, **options)
        for split in ("train", arguments.split)
    )
    return train, test


def halves_of(path, seed):
    """The pictures of an NPZ file in two halves, dealt at random, as `ImageDataset`s."""
    import numpy as np

    from tfgan import data
    from tfgan.data.pictures import warn_if_dark
    from tfgan.metrics.extractors import rounded

    arrays = read_npz(path)
    images, labels = rounded(arrays["images"]), arrays.get("labels")
    warn_if_dark(images, path)
    classes = None
    if labels is not None:
        classes, labels = np.unique(labels, return_inverse=True)
        classes, labels = tuple(map(str, classes)), labels.astype(np.int32)
    order = np.random.default_rng(seed).permutation(len(images))
    return tuple(
        data.ImageDataset(
            name=name_of(path),
            images=images[half],
            labels=None if labels is None else labels[half],
            class_names=classes,
            batch_size=1,
            seed=seed,
        )
        for half in map(np.sort, np.array_split(order, 2))
    )


def read_npz(path):
    """The arrays of an NPZ file that has `images`, and a label of each or none, a dict."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    # On damaged files zipfile and zlib raise exceptions of their own.
    except Exception as error:
        raise InputError(f"{path} cannot be read as an NPZ file: {error}") from error
    if "images" not in arrays:
        raise InputError(f"{path} must have an array `images`. It has: {', '.join(arrays)}")
    images, labels = arrays["images"], arrays.get("labels")
    if labels is not None and labels.shape != images.shape[:1]:
        raise InputError(
            f"{path}: `labels` must be one of each picture. Received: {labels.shape} for images "
            f"{images.shape}"
        )
    return arrays


def classes_of(labels, class_names, path):
    """The classes that labels name: their places among the names, int32 [N].

    Args:
        labels: numbers or texts [N], which name the classes as a `--reference` does.
        class_names: texts.
        path: of the labels' file, for the message.

    Raises:
        InputError: a label is none of the names.
    """
    import numpy as np

    numbers = {name: number for number, name in enumerate(class_names)}
    names = [str(label) for label in labels]
    unknown = next((name for name in names if name not in numbers), None)
    if unknown is not None:
        raise InputError(
            f"{path}: `labels` must be those of the real pictures, such as {class_names[0]}. "
            f"Received: {unknown}"
        )
    return np.array([numbers[name] for name in names], np.int32)


def sides_of(judged, arguments, train, test):
    """Both sides' features: of a model's pictures, or of pictures that are there already."""
    from tfgan.data.pictures import warn_if_dark
    from tfgan.metrics.sides import prepare

    images, labels = pictures_and_labels(judged, arguments, train)
    if images.shape[1:] != test.image_shape:
        height, width, channels = images.shape[1:]
        raise InputError(
            f"{judged} has pictures {images.shape[1:]}, the real ones are {test.image_shape}: "
            f"pass --image-size {height}x{width} --channels {channels}, or other pictures"
        )
    if Path(judged).suffix == ".npz":
        warn_if_dark(images, judged)
    return prepare(
        images,
        train,
        test,
        labels=labels,
        split="half" if arguments.reference else arguments.split,
        image_size=arguments.image_size,
        num=arguments.num,
        features=arguments.features,
        seed=arguments.seed,
    )


def pictures_and_labels(judged, arguments, train):
    """Generated pictures uint8 [N, H, W, C], and the classes they were asked to show, or None."""
    import numpy as np

    from tfgan import data
    from tfgan.metrics.extractors import rounded
    from tfgan.self_measurement import classes_in, told_for

    seeds = np.arange(arguments.seed, arguments.seed + arguments.num, dtype=np.int64)
    if remote.is_url(judged):
        return generate.pictures_of(judged, seeds), None
    if Path(judged).suffix == ".npz":
        arrays = read_npz(judged)
        images, labels = rounded(arrays["images"]), arrays.get("labels")
        # A data set's classes have numbers; those of a reference have the labels that stand in it.
        are_numbers = labels is not None and labels.dtype.kind in "iu" and arguments.dataset
        if labels is None or train.class_names is None or are_numbers:
            return images, labels
        return images, classes_of(labels, train.class_names, judged)
    if not is_saved_model(judged):
        # In full, as a folder may have the name of a data set.
        return data.load(Path(judged).expanduser().resolve(), 1).images, None
    folder = saved_models.find(judged)
    told = told_for(model_card.inputs_of_seeds(folder), train, arguments.num)
    return generate.pictures_of(folder, seeds, told), classes_in(told)


def is_saved_model(path):
    """Whether a folder is a SavedModel, or one that holds versions of it."""
    try:
        saved_models.find(path)
    except InputError:
        return False
    return True


def name_of(judged):
    """A name for a report, from a path or an address."""
    if remote.is_url(judged) or not is_saved_model(judged):
        return re.sub(r"[^\w.-]+", "_", Path(judged).stem).strip("._") or "pictures"
    return saved_models.name_of(judged)


def main(argv=None):
    """Entry point; returns the exit status."""
    return run(evaluate, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
