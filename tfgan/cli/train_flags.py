"""The flags of `python -m tfgan.train`: those of every run, and how a family's own are found."""

import dataclasses
import re
import shlex
import sys

from tfgan.cli.flags import add_flags, chosen_flags, filled, flag, refuse_unused
from tfgan.cli.parser import ArgumentParser, image_size, number
from tfgan.names import PRECISIONS

DEFAULT_STEPS = 5000

DESCRIPTION = "Trains a GAN or a VAE, shows its progress, and exports a SavedModel."
EPILOG = """\
models (each has flags of its own: --model NAME --help):
{models}

examples:
  python -m tfgan.train                                 # digits, no network needed
  python -m tfgan.train --dataset mnist --minutes 10
  python -m tfgan.train --dataset mnist --preset wgan-gp
  python -m tfgan.train --dataset mnist --model cgan --minutes 5
  python -m tfgan.train --dataset shapes --model cgan --condition text --minutes 10
  python -m tfgan.train --dataset mnist --model vae --minutes 5
  python -m tfgan.train --dataset mnist --model pix2pix --task inpaint --minutes 5
  python -m tfgan.train --dataset path/to/pairs --model pix2pix --direction BtoA
  python -m tfgan.train --model cyclegan --domain-a mnist --domain-b mnist:thick
  python -m tfgan.train --dataset path/to/images --image-size 64 --dry-run
  python -m tfgan.train --dataset mnist --networks dense --loss hinge --name mnist_dense

The same command again resumes a run that was stopped. Another configuration needs another --name,
or --continue-anyway.
"""


@dataclasses.dataclass(frozen=True)
class Run:
    """The flags of every run, whatever its family: images, length, output.

    Attributes:
        command: as it was typed, for whoever wants to repeat it.
    """

    command: str = ""

    dataset: str = flag(
        "digits",
        "digits (embedded), shapes (drawn, captioned), stacked_mnist, binarized_mnist, a TFDS "
        "image data set, or a folder of images, flat or with one subfolder per class; for pix2pix "
        "also a folder with A|B side by side in train and test, for cyclegan one with trainA, "
        "trainB, testA and testB",
        metavar="NAME|FOLDER",
        group="data",
    )
    data_dir: str | None = flag(
        None, "TFDS' folder", metavar="DIR", shown="TFDS_DATA_DIR", group="data"
    )
    image_size: tuple | None = flag(
        None,
        "crop and resize to this many pixels",
        type=image_size,
        metavar="S|HxW",
        shown="the images' own size",
        group="data",
    )
    channels: int | None = flag(
        None,
        "bring every image to gray (1), RGB (3) or RGBA (4); transparency that goes is laid on "
        "white",
        type=int,
        choices=[1, 3, 4],
        shown="what the images have",
        group="data",
    )
    skip_corrupt: bool = flag(False, "leave out files that cannot be read", group="data")

    epochs: int | None = flag(
        None,
        "train for N epochs",
        type=number(int, 1),
        metavar="N",
        shown="",
        group="training",
        exclusive="length",
    )
    steps: int | None = flag(
        None,
        "train for N steps",
        type=number(int, 1),
        metavar="N",
        shown=DEFAULT_STEPS,
        group="training",
        exclusive="length",
    )
    minutes: float | None = flag(
        None,
        "train until M minutes have passed on the clock, set-up included",
        type=number(float, 0, exclusive=True),
        metavar="M",
        shown="",
        group="training",
        exclusive="length",
    )
    precision: str = flag(
        "auto",
        "of the training; auto is bfloat16 on hardware that has it. Images and exports are float32 "
        "always",
        choices=PRECISIONS,
        group="training",
    )
    seed: int = flag(0, "", type=number(int, 0, maximum=2**32 - 1), metavar="N", group="training")

    out: str = flag("runs", "where run folders go", metavar="DIR", group="output")
    name: str | None = flag(
        None, "of the run and the model", shown="<dataset>_<model>", group="output"
    )
    export_dir: str = flag(
        "saved_models", "where <name>/<version>/ is exported", metavar="DIR", group="output"
    )
    checkpoint_every: float = flag(
        30.0, "", type=number(float, 0, exclusive=True), metavar="SECONDS", group="output"
    )
    keep_checkpoints: int = flag(
        3, "how many of the newest to keep", type=number(int, 1), metavar="N", group="output"
    )
    measure: bool = flag(
        False,
        "measure 10,000 images of the exported model against the test split, and write the numbers "
        "into its model card",
        group="output",
    )
    dry_run: bool = flag(False, "show the plan, and train nothing", group="output")
    json: bool = flag(False, "show the plan of --dry-run as JSON, with every flag", group="output")
    fresh: bool = flag(
        False, "delete the run of this name and start anew", group="output", exclusive="start"
    )
    continue_anyway: bool = flag(
        False,
        "resume the run of this name with other settings or images too, where its networks stay "
        "the same: it ends in other weights than one undisturbed run would",
        group="output",
        exclusive="start",
    )


def parse(argv, families, presets):
    """Parses the command line; TensorFlow is not imported for it.

    Args:
        argv: a list of words, or None for those of the process.
        families: dict from the names that `--model` takes to their dataclasses of flags, the
            default first.
        presets: dict from the names that `--preset` takes to flags and their values, text.

    Returns:
        `(run, family)`: a `Run`, and the family's dataclass, with the flags' values.
    """
    typed = sys.argv[1:] if argv is None else [*argv]
    argv = with_preset(typed, presets)
    summaries = "\n".join(f"  {name:14} {each.summary}" for name, each in families.items())
    parser = ArgumentParser(
        prog="python -m tfgan.train",
        description=DESCRIPTION,
        epilog=EPILOG.format(models=summaries),
    )
    add_flags(parser, Run, argv)
    choice = dataclasses.make_dataclass(
        "Choice", [("model", object, chosen_flags(next(iter(families)), "see below", families))]
    )
    add_flags(parser, choice, argv, "model")
    parser.add_argument(
        "--preset",
        choices=presets,
        metavar="NAME",
        help=f"a published recipe of a gan or cgan: {', '.join(presets)}; other flags count more",
    )
    arguments, unknown = parser.parse_known_args(argv)
    (model,) = dataclasses.fields(choice)
    given = [each for each in unknown if each.startswith("--")]
    refuse_unused(given, vars(arguments), model, parser.error)
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    values = vars(arguments) | {"command": shlex.join(["python", "-m", "tfgan.train", *typed])}
    run, family = filled(Run, values), filled(families[arguments.model], values)
    check(run, parser.error)
    family.check(run, parser.error)
    return run, family


def with_preset(argv, presets):
    """A command line with the flags of its preset before all others, which count more."""
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--preset")
    name = parser.parse_known_args(argv)[0].preset
    flags = presets.get(name, {}).items()
    return [*(word for flag, value in flags for word in (flag, value)), *argv]


def check(run, refuse):
    """Refuses flags that contradict each other."""
    if run.json and not run.dry_run:
        refuse("--json is for --dry-run")
    if run.name is not None and not re.fullmatch(r"[\w-][\w.-]*", run.name):
        refuse(
            "--name must be letters, digits, '_', '-' and '.', and not begin with '.'. "
            f"Received: {run.name!r}"
        )
