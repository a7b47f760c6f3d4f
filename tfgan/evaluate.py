"""Measures the confidence risk of generated pictures: how far they are from real ones."""

import dataclasses
import json
import re
import sys
from pathlib import Path

from tfgan import generate, model_card, remote, saved_models
from tfgan.command_line import ArgumentParser, image_size, number, run, start_tensorflow
from tfgan.errors import InputError
from tfgan.lowering_arguments import add_lowering, lowering_flags, require_lowering

# In a reference, by any features.
_FEWEST_REAL = 100
FEATURES = ("auto", "classifier", "random", "inception", "pixels")

EPILOG = """\
examples:
  python -m tfgan.evaluate saved_models/mnist_gan --dataset mnist
  python -m tfgan.evaluate --images pictures.npz --dataset mnist
  python -m tfgan.evaluate --images generated --reference real --out my_report
  python -m tfgan.evaluate --compare saved_models/mnist_gan saved_models/mnist_vae --dataset mnist
  python -m tfgan.evaluate saved_models/mnist_gan --dataset mnist --keep-fraction 0.5

Pictures come from a SavedModel, a model's address at a TensorFlow Serving, a folder of pictures, or
an NPZ file with the array `images`, uint8 or floats in [0, 1], [N, H, W, C] or [N, H, W], from any
tool; real ones likewise. What the numbers mean: docs/confidence_risk.md.
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
        metavar="FOLDER|NPZ",
        help="the real pictures, in place of a data set: a folder, or `images` and, if there are "
        "any, `labels`. One half is compared with, the other makes the features and the floor",
    )
    parser.add_argument("--split", default="test", help="of the data set (default: test)")
    parser.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    parser.add_argument(
        "--image-size",
        type=image_size,
        metavar="SIZE",
        help="to which pictures of a data set or a folder are brought: 32, or 32x48 for height x "
        "width",
    )
    parser.add_argument(
        "--num",
        type=number(int, 40),
        default=10_000,
        metavar="N",
        help="pictures a side, at most, and 40 at least (default: 10000)",
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
        parser.error("pass one of --dataset NAME and --reference FOLDER|NPZ: the real pictures")
    if arguments.reference and arguments.split != "test":
        parser.error("--split is of a --dataset, and --reference has none")
    if arguments.image_size and Path(arguments.reference or "").suffix == ".npz":
        parser.error("--image-size is of a data set or a folder: an NPZ file is taken as it is")
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
        sides, notes = sides_of(each, arguments, train, test)
        for note in notes:
            print(f"note: {note}")
        # The second of two models shares the conditions, unless there are fewer pictures.
        same = evaluations and evaluations[0].report.card == sides.card
        evaluation = evaluate_sides(sides, floor_of=evaluations[0] if same else None)
        evaluations.append(evaluation)
        folder = out if len(judged) == 1 else out / f"{'ab'[len(evaluations) - 1]}_{name}"
        lowering, shown = None, evaluation
        if lowering_flags(arguments):
            lowering = lowered(evaluation, saved_models.find(each), train, test, arguments)
            shown = lowering.after
        write_report(folder, shown, name, lowering, notes)
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
        return halves_of(arguments.reference, arguments.seed, arguments.image_size)
    try:
        train, test = (
            data.load(arguments.dataset, 1, arguments.image_size, arguments.data_dir, split=split)
            for split in ("train", arguments.split)
        )
    except InputError as error:
        if not Path(arguments.dataset).expanduser().is_dir():
            raise
        raise InputError(
            f"{error} Or pass --reference {arguments.dataset}, which compares with one half of its "
            "pictures"
        ) from error
    return train, test


def halves_of(path, seed, image_size=None):
    """The pictures of a folder or an NPZ file in two halves, dealt at random, as `ImageDataset`s.

    Args:
        path: of it.
        seed: of the halves.
        image_size: to which the pictures of a folder are brought, or None.
    """
    import numpy as np

    dataset = dataset_of(path, seed, image_size)
    order = np.random.default_rng(seed).permutation(dataset.num_images)
    return tuple(dataset.subset(half) for half in map(np.sort, np.array_split(order, 2)))


def dataset_of(path, seed=0, image_size=None):
    """The pictures of a folder or an NPZ file as an `ImageDataset`; see `halves_of`."""
    import numpy as np

    from tfgan import data

    if Path(path).suffix != ".npz":
        # In full, as a folder may have the name of a data set.
        return data.load(Path(path).expanduser().resolve(), 1, image_size, seed=seed)
    arrays = read_npz(path)
    classes, labels = None, arrays.get("labels")
    if labels is not None:
        classes, labels = np.unique(labels, return_inverse=True)
        classes, labels = tuple(map(str, classes)), labels.astype(np.int32)
    return data.ImageDataset(
        name=name_of(path),
        images=arrays["images"],
        labels=labels,
        class_names=classes,
        batch_size=1,
        seed=seed,
    )


def read_npz(path):
    """The pictures of an NPZ file, and a label of each or none, a dict.

    Returns:
        `images`, uint8 [N, H, W, C]; and where the file has them `labels`, integers or texts [N].

    Raises:
        InputError: it cannot be read, or has no such arrays. Pictures of other types than
            `tfgan.metrics.extractors.rounded` takes are refused: their range is not known.
    """
    import numpy as np

    from tfgan.metrics.extractors import rounded

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    # On damaged files zipfile and zlib raise exceptions of their own.
    except Exception as error:
        raise InputError(f"{path} cannot be read as an NPZ file: {error}") from error
    if "images" not in arrays:
        raise InputError(f"{path} must have an array `images`. It has: {', '.join(arrays)}")
    try:
        images = rounded(arrays["images"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if images.shape[-1] > 4:
        raise InputError(
            f"{path}: `images` must be [N, H, W, C] with at most 4 channels, which come last. "
            f"Received: {arrays['images'].shape}"
        )
    labels = arrays.get("labels")
    if labels is None:
        return {"images": images}
    if labels.shape != images.shape[:1]:
        raise InputError(
            f"{path}: `labels` must be one of each picture. Received: {labels.shape} for images "
            f"{arrays['images'].shape}"
        )
    return {"images": images, "labels": named(labels, path)}


def named(labels, path):
    """Labels [N] of any type as integers or texts, whichever they mean."""
    import numpy as np

    if labels.dtype.kind == "S":
        return np.char.decode(labels, "utf-8")
    if labels.dtype.kind in "iuU":
        return labels
    if labels.dtype.kind in "bf" and np.isfinite(labels).all() and (labels == labels // 1).all():
        return labels.astype(np.int64)
    raise InputError(f"{path}: `labels` must be whole numbers or texts. Received: {labels.dtype}")


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
    """Both sides' features: of a model's pictures, or of pictures that are there already.

    Returns:
        `(sides, notes)`: `Sides`, and sentences on what was done so that the two compare.
    """
    from tfgan.metrics.sides import TooFewPictures, prepare

    generated = generated_pictures(judged, arguments, train, test)
    images, notes = generated.images, list(generated.notes)
    if images.shape[1:3] != test.image_shape[:2]:
        height, width = images.shape[1:3]
        raise InputError(
            f"{judged} has pictures {images.shape[1:]}, the real ones are {test.image_shape}: "
            + (
                f"bring those to {height}x{width}"
                if Path(arguments.reference or "").suffix == ".npz"
                else f"pass --image-size {height}x{width}"
            )
        )
    images = with_channels(images, test.image_shape[2], judged)
    by_class = generated.by_class
    if images is not generated.images:
        notes.append(
            f"the pictures of {judged} have {generated.images.shape[-1]} channels and the real "
            f"ones {images.shape[-1]}: they were brought to these, which changes nothing to see"
        )
        by_class = by_class and (with_channels(by_class[0], images.shape[-1], judged), by_class[1])
    try:
        sides = prepare(
            images,
            train,
            test,
            labels=generated.labels,
            by_class=by_class,
            split="half" if arguments.reference else arguments.split,
            image_size=arguments.image_size,
            num=arguments.num,
            features=arguments.features,
            seed=arguments.seed,
        )
    except TooFewPictures as error:
        advice = advice_on_numbers(arguments, train, test, len(images))
        raise InputError(f"{error}. {advice}") from error
    return sides, notes


def with_channels(images, channels, name):
    """Pictures uint8 [N, H, W, C] with another number of channels, where that changes nothing.

    Grey is a colour, and a colour picture whose channels are equal is grey; opaque pictures need no
    opacity, and may be given one.

    Args:
        images: uint8 [N, H, W, C'].
        channels: C.
        name: of the pictures, for the message.

    Raises:
        InputError: they have colours or are transparent, and others are not.
    """
    import numpy as np

    colours, opacity = images, None
    if images.shape[-1] == channels:
        return images
    if images.shape[-1] in (2, 4):
        colours, opacity = images[..., :-1], images[..., -1:]
    is_opaque = opacity is None or (opacity == 255).all()
    is_grey = (colours == colours[..., :1]).all()
    wants_colour = channels in (3, 4)
    lost = []
    if not is_opaque and channels in (1, 3):
        lost.append("transparent")
    if not is_grey and not wants_colour:
        lost.append("in colour")
    if lost:
        raise InputError(
            f"{name} has pictures {images.shape[1:]}, some of them {' and '.join(lost)}, and the "
            f"real ones have {channels} channels: bring both to the same kind"
        )
    if opacity is None:
        opacity = np.full_like(images[..., :1], 255)
    colours = colours[..., :1] if not wants_colour else colours
    if wants_colour and colours.shape[-1] == 1:
        colours = np.repeat(colours, 3, axis=-1)
    return np.concatenate([colours, opacity], axis=-1) if channels in (2, 4) else colours


def advice_on_numbers(arguments, train, test, num_generated):
    """What to do where there are too few pictures for the features, a sentence."""
    from tfgan.metrics.extractors import fewest_pictures, num_unseen, suited

    name = suited(arguments.features, train, min(arguments.num, num_generated, test.num_images))
    need, wanted = fewest_pictures(name), []
    if arguments.num < need:
        wanted.append(f"--num {need} or more")
    elif num_generated < need:
        wanted.append(f"{need} generated pictures")
    if min(test.num_images, num_unseen(name, train)) < need:
        # A half is compared with; of the other, the classifier leaves half to the floor.
        real = {"classifier": 4 * need, "pixels": _FEWEST_REAL}.get(name, 2 * need)
        if arguments.reference:
            wanted.append(f"at least {real} real pictures, which are halved")
        else:
            wanted.append("a data set with more pictures in both splits")
    enough = min(arguments.num, num_generated) >= fewest_pictures("pixels") and (
        min(test.num_images, num_unseen("pixels", train)) >= fewest_pictures("pixels")
    )
    other = " Or pass --features pixels, for which these are enough" if enough else ""
    return f"Give {' and '.join(wanted)}.{other}"


@dataclasses.dataclass(frozen=True, eq=False)
class Generated:
    """What is judged.

    Attributes:
        images: uint8 [N, H, W, C].
        labels: int32 [N], the class that each was asked to show, or None.
        by_class: `(images, labels)` of as many pictures of each class, or None.
        notes: sentences on what was asked for.
    """

    images: object
    labels: object = None
    by_class: tuple | None = None
    notes: tuple = ()


def generated_pictures(judged, arguments, train, test):
    """Generated pictures, drawn or read; of a conditional model such as the real ones are."""
    import numpy as np

    from tfgan.condition_sampling import classes_in, notes_on, pictures_by_class, told_for

    seeds = np.arange(arguments.seed, arguments.seed + arguments.num, dtype=np.int64)
    if remote.is_url(judged):
        return Generated(generate.pictures_of(judged, seeds))
    if Path(judged).suffix == ".npz":
        arrays = read_npz(judged)
        images, labels = arrays["images"], arrays.get("labels")
        # A data set's classes have numbers; those of a reference have the labels that stand in it.
        are_numbers = labels is not None and labels.dtype.kind in "iu" and arguments.dataset
        if labels is None or train.class_names is None or are_numbers:
            return Generated(images, labels)
        return Generated(images, classes_of(labels, train.class_names, judged))
    if not is_saved_model(judged):
        dataset = dataset_of(judged, image_size=arguments.image_size)
        if dataset.class_names is None or not set(dataset.class_names) <= set(
            train.class_names or ()
        ):
            return Generated(dataset.images)
        labels = np.array(dataset.class_names)[dataset.labels]
        return Generated(dataset.images, classes_of(labels, train.class_names, judged))
    folder = saved_models.find(judged)
    inputs = model_card.inputs_of_seeds(folder)

    def draw(told):
        return generate.pictures_of(folder, seeds, told)

    told = told_for(inputs, test, arguments.num)
    return Generated(
        draw(told),
        classes_in(told, inputs, train),
        pictures_by_class(draw, inputs, train, arguments.num),
        tuple(notes_on(inputs, test)),
    )


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
