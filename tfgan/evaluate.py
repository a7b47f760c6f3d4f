"""Measures the confidence risk of generated images: how far they are from real ones."""

import dataclasses
import functools
import sys
from pathlib import Path

from tfgan.cli.parser import ArgumentParser, image_size, number, run
from tfgan.cli.sampling_flags import (
    add_sampling_flags,
    given_sampling_flags,
    require_sampling_flags,
)
from tfgan.errors import InputError
from tfgan.export import model_card, saved_models
from tfgan.files import write_json
from tfgan.inference import exported_model, serving_client
from tfgan.inference.sampling import sample
from tfgan.names import FEATURES
from tfgan.startup import start_tensorflow

# In a reference, by any features.
_FEWEST_REAL = 100

EPILOG = """\
examples:
  python -m tfgan.evaluate saved_models/mnist_gan --dataset mnist
  python -m tfgan.evaluate --images pictures.npz --dataset mnist
  python -m tfgan.evaluate --images generated --reference real --out my_report
  python -m tfgan.evaluate --compare saved_models/mnist_gan saved_models/mnist_vae --dataset mnist
  python -m tfgan.evaluate saved_models/mnist_gan --dataset mnist --keep-fraction 0.5

Images come from a SavedModel, a model's address at a TensorFlow Serving, a folder of images, or
an NPZ file with the array `images` (uint8, uint16, bool or float in [0, 1]; [N, H, W, C] or
[N, H, W]), from any tool; real ones likewise. What the numbers mean: docs/confidence_risk.md.
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
    parser.add_argument("--images", metavar="FOLDER|NPZ", help="images in place of a model")
    parser.add_argument(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="two models or sets of images: with what probability A is better",
    )
    parser.add_argument(
        "--dataset", metavar="NAME", help="the real images: a data set that has the split"
    )
    parser.add_argument(
        "--reference",
        metavar="FOLDER|NPZ",
        help="the real images, in place of a data set: a folder, or `images` and, if there are "
        "any, `labels`. One half is compared with, the other makes the features and the floor",
    )
    parser.add_argument("--split", default="test", help="of the data set (default: test)")
    parser.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    parser.add_argument(
        "--image-size",
        type=image_size,
        metavar="SIZE",
        help="to which images of a data set or a folder are brought: 32, or 32x48 for height x "
        "width",
    )
    parser.add_argument(
        "--channels",
        type=int,
        choices=[1, 3, 4],
        help="to which images of a data set or a folder are brought: 1 is gray, 3 RGB, 4 RGBA",
    )
    parser.add_argument(
        "--num",
        type=number(int, 40),
        default=10_000,
        metavar="N",
        help="images per side, at most, and 40 at least (default: 10000)",
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
        help="of the first image, the folds and the subsets (default: 0)",
    )
    add_sampling_flags(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="(default: evaluations/NAME)")
    arguments = parser.parse_args(argv)
    given = [arguments.model, arguments.images, arguments.compare]
    if "" in [*given, *(arguments.compare or ()), arguments.dataset, arguments.reference]:
        parser.error("an empty text names nothing: pass a name or a path; '.' is where you are")
    if sum(each is not None for each in given) != 1:
        parser.error("pass one of MODEL, --images FOLDER|NPZ and --compare A B")
    if (arguments.dataset is None) == (arguments.reference is None):
        parser.error("pass one of --dataset NAME and --reference FOLDER|NPZ: the real images")
    if arguments.reference and arguments.split != "test":
        parser.error("--split is of a --dataset, and --reference has none")
    if Path(arguments.reference or "").suffix == ".npz":
        for name in ("image_size", "channels"):
            if getattr(arguments, name):
                flag = name.replace("_", "-")
                parser.error(
                    f"--{flag} is of a data set or a folder: a --reference NPZ stays as it is"
                )
    require_sampling_flags(arguments, parser)
    return arguments


def evaluate(arguments):
    """Measures what the arguments request; returns the exit status."""
    candidates = arguments.compare or [arguments.model or arguments.images]
    missing = [
        each
        for each in [*candidates, arguments.reference]
        if each and not serving_client.is_url(each) and not Path(each).expanduser().exists()
    ]
    if missing:
        raise InputError(f"nothing at {missing[0]}: pass a SavedModel, a folder or an NPZ file")
    start_tensorflow()
    train, test = real_images(arguments)

    from tfgan.evaluation.before_and_after import reduce_risk
    from tfgan.evaluation.page import write_report
    from tfgan.metrics.evaluation import evaluate_comparison
    from tfgan.metrics.risk import probability_better

    sources = [source_of(each) for each in candidates]
    names = [name_of(*pair) for pair in zip(candidates, sources)]
    out = arguments.out or Path("evaluations", "_".join(names))
    evaluations = []
    for each, source, name in zip(candidates, sources, names):
        model = source and exported_model.load(source)
        comparison, notes = comparison_of(each, arguments, train, test, model)
        for note in notes:
            print(f"note: {note}")
        # The second of two models shares the conditions, unless there are fewer images.
        same = evaluations and evaluations[0].report.card == comparison.card
        evaluation = evaluate_comparison(comparison, floor_of=evaluations[0] if same else None)
        evaluations.append(evaluation)
        folder = out if len(candidates) == 1 else out / f"{'ab'[len(evaluations) - 1]}_{name}"
        risk_reduction, shown = None, evaluation
        if given_sampling_flags(arguments):
            model = model or exported_model.load(each)
            risk_reduction = reduce_risk(
                evaluation,
                model,
                train,
                test,
                num=arguments.num,
                seed=arguments.seed,
                truncation=arguments.truncation,
                keep_fraction=arguments.keep_fraction,
                max_risk=arguments.max_risk,
            )
            shown = risk_reduction.after
        write_report(folder, shown, name, risk_reduction, notes)
        print(f"\n{name}\n{risk_reduction or shown.report}\n-> {folder / 'report.html'}")

    if len(evaluations) == 2:
        first, second = evaluations
        first.report.card.require_same(second.report.card)
        probability = probability_better(first.risk, second.risk)
        print(
            f"\nWith a probability of {probability:.3f} {candidates[0]} (confidence risk "
            f"{first.risk.value:.3f}) is better than {candidates[1]} ({second.risk.value:.3f})."
        )
        verdict = {
            "a": candidates[0],
            "b": candidates[1],
            "probability_a_is_better": probability,
            "confidence_risk": [each.as_dict()["confidence_risk"] for each in evaluations],
        }
        write_json(out / "comparison.json", verdict)
    return 0


def real_images(arguments):
    """The training images and those to compare with, two `ImageDataset`s."""
    from tfgan import data
    from tfgan.evaluation.inputs import halves_of

    if arguments.reference:
        brought_to = (arguments.image_size, arguments.channels)
        return halves_of(arguments.reference, arguments.seed, *brought_to)
    load = functools.partial(
        data.load,
        arguments.dataset,
        1,
        arguments.image_size,
        arguments.data_dir,
        channels=arguments.channels,
    )
    train = load()
    try:
        return train, load(split=arguments.split)
    except InputError as error:
        if Path(arguments.dataset).expanduser().is_dir():
            other = f"{arguments.dataset}, which compares with one half of its images"
        else:
            other = "with a folder or an NPZ file of images that were not trained on"
        raise InputError(f"{error} Pass --reference {other}") from error


def comparison_of(candidate, arguments, train, test, model=None):
    """The features of both: of a model's images, or of images that are there already.

    Args:
        candidate: a path or an address.
        arguments: what `parse` returned.
        train, test: what `real_images` returned.
        model: the `ExportedModel` that lies there, or None.

    Returns:
        `(comparison, notes)`: `Comparison`, and sentences on what was done so that the two compare.
    """
    from tfgan.evaluation.inputs import with_channels
    from tfgan.metrics.comparison import TooFewImages, prepare

    if model is None:
        generated = generated_images(candidate, arguments, train)
    else:
        generated = drawn_images(model, arguments, train, test)
    images, notes = generated.images, list(generated.notes)
    if arguments.dataset and test.fingerprint == train.fingerprint:
        notes.append(
            f"the split {arguments.split!r} is what models are trained on: its images are on "
            "both sides of the floor and of the measures of copies, which mean nothing then"
        )
    height, width, channels = images.shape[1:]
    stays = Path(arguments.reference or "").suffix == ".npz"
    if (height, width) != test.image_shape[:2]:
        raise InputError(
            f"{candidate} has images {images.shape[1:]}, the real ones are {test.image_shape}: "
            + ("bring those to" if stays else "pass --image-size")
            + f" {height}x{width}"
        )
    # Gray with transparency, of an NPZ file alone, is so in 4 channels as well.
    flag = {} if stays else {"advice": f"pass --channels {4 if channels == 2 else channels}"}
    images = with_channels(images, test.image_shape[2], candidate, **flag)
    by_class = generated.by_class
    if images is not generated.images:
        notes.append(
            f"the images of {candidate} have {generated.images.shape[-1]} channels and the real "
            f"ones {images.shape[-1]}: they were brought to these, which changes nothing to see"
        )
        if by_class:
            by_class = (with_channels(by_class[0], images.shape[-1], candidate), by_class[1])
    try:
        comparison = prepare(
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
    except TooFewImages as error:
        num_given = None if model else len(images)
        advice = advice_on_numbers(arguments, train, test, num_given)
        raise InputError(f"{error}. {advice}") from error
    return comparison, notes


def advice_on_numbers(arguments, train, test, num_given):
    """What to do where there are too few images for the features, a sentence.

    `num_given` are the generated images; None where a model draws as many as are requested.
    """
    from tfgan.metrics.extractors import fewest_images, num_unseen, suited

    num_generated = arguments.num if num_given is None else min(arguments.num, num_given)
    name = suited(arguments.features, train, min(num_generated, test.num_images))
    need, wanted = fewest_images(name), []
    if arguments.num < need:
        wanted.append(f"--num {need} or more")
    if num_given is not None and num_given < need:
        wanted.append(f"{need} generated images")
    if min(test.num_images, num_unseen(name, train)) < need:
        # A half is compared with; of the other, the classifier leaves half to the floor.
        real = {"classifier": 4 * need, "pixels": _FEWEST_REAL}.get(name, 2 * need)
        if arguments.reference:
            wanted.append(f"at least {real} real images, which are halved")
        else:
            wanted.append("a data set with more images in both splits")
    enough = num_generated >= fewest_images("pixels") and (
        min(test.num_images, num_unseen("pixels", train)) >= fewest_images("pixels")
    )
    other = " Or pass --features pixels, for which these are enough" if enough else ""
    return f"Give {' and '.join(wanted)}.{other}"


@dataclasses.dataclass(frozen=True, eq=False)
class Generated:
    """What is evaluated: the generated images, and what is known of them.

    Attributes:
        images: uint8 [N, H, W, C].
        labels: int32 [N], the class that each was conditioned on, or None.
        by_class: `(images, labels)` of as many images of each class, or None.
        notes: sentences on what was requested.
    """

    images: object
    labels: object = None
    by_class: tuple | None = None
    notes: tuple = ()


def generated_images(candidate, arguments, train):
    """Generated images of a folder or an NPZ file, a `Generated`."""
    import numpy as np

    from tfgan.evaluation.inputs import classes_of, dataset_of, read_npz

    if Path(candidate).suffix == ".npz":
        arrays = read_npz(candidate)
        images, labels = arrays["images"], arrays.get("labels")
        # A data set's classes have numbers; those of a reference have the labels that stand in it.
        are_numbers = labels is not None and labels.dtype.kind in "iu" and arguments.dataset
        if labels is None or train.class_names is None or are_numbers:
            return Generated(images, labels)
        return Generated(images, classes_of(labels, train.class_names, candidate))
    brought_to = (arguments.image_size, arguments.channels)
    dataset = dataset_of(candidate, 0, *brought_to)
    if dataset.class_names is None or train.class_names is None:
        return Generated(dataset.images)
    if not set(dataset.class_names) <= set(train.class_names):
        note = f"the subfolders of {candidate} are not all classes of the real images: they are"
        return Generated(dataset.images, notes=(f"{note} not taken for labels",))
    labels = np.array(dataset.class_names)[dataset.labels]
    return Generated(dataset.images, classes_of(labels, train.class_names, candidate))


def drawn_images(model, arguments, train, test):
    """The images of a model, a `Generated`; of a conditional one such as the real ones are."""
    import numpy as np

    from tfgan.conditions.sampling import classes_in, conditions_for, images_by_class, notes_on

    seeds = np.arange(arguments.seed, arguments.seed + arguments.num, dtype=np.int64)
    inputs = model_card.inputs_of_seeds(model.card)

    def draw(condition):
        return sample(model, seeds, condition)

    condition = conditions_for(inputs, test, arguments.num)
    return Generated(
        draw(condition),
        classes_in(condition, inputs, train),
        images_by_class(draw, inputs, train, arguments.num),
        tuple(notes_on(inputs, test)),
    )


def source_of(candidate):
    """Where a model comes from, an address or the folder of its version; None where none is."""
    if serving_client.is_url(candidate):
        return candidate
    try:
        return saved_models.find(candidate)
    except InputError:
        return None


def name_of(candidate, source):
    """A name for a report, from a path or an address, of which `source_of` returned the other."""
    from tfgan.evaluation.inputs import name_of_file

    return saved_models.name_of(source) if isinstance(source, Path) else name_of_file(candidate)


def main(argv=None):
    """Entry point; returns the exit status."""
    return run(evaluate, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
