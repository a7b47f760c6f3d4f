"""Studies how much the size of the feature vector matters, and what sets size and direction."""

import argparse
import dataclasses
import shlex
import sys
from pathlib import Path

from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.cli.train_flags import parse as parse_training
from tfgan.errors import InputError
from tfgan.families import FAMILIES, PRESETS
from tfgan.files import read_json, write_json, write_text
from tfgan.startup import start_tensorflow
from tfgan.training.process import train_apart
from tfgan.training.run_folder import RunFolder, differences_of, require_writable

SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
LARGEST_SIZE = 65536
# One thing after the other is changed from what is the default: kernel 4, stride 2, leaky_relu.
ABLATION = {
    "default": [],
    "kernel 3": ["--kernel-size", "3"],
    "kernel 5": ["--kernel-size", "5"],
    "stride 3": ["--stride", "3"],
    "stride 4": ["--stride", "4"],
    "relu": ["--activation", "relu"],
    "elu": ["--activation", "elu"],
    "tanh": ["--activation", "tanh"],
}
# What the study decides itself.
OWN_FLAGS = (
    "--dataset --data-dir --model --latent-dim --epochs --steps --minutes --seed --out --name "
)
OWN_FLAGS += "--export-dir --measure --fresh"

EPILOG = """\
examples:
  python -m tfgan.latent_study --dataset mnist --sizes 2,4,8,16,32,64,128,256 --minutes 2 --seeds 3
  python -m tfgan.latent_study --dataset mnist --ablation --minutes 2
  python -m tfgan.latent_study --sizes 2,8,32 --steps 1000 --train="--width 8"

The same command again goes on where it stopped; with more sizes or seeds it adds them. With --steps
the numbers are the same at every run on the same machine, but for the times.
"""


def sizes(text):
    """An argparse type: whole numbers separated by commas."""
    parts = text.split(",")
    if not all(part.isdecimal() and 1 <= int(part) <= LARGEST_SIZE for part in parts):
        raise argparse.ArgumentTypeError(
            f"expected whole numbers from 1 to {LARGEST_SIZE}, separated by commas. "
            f"Received: {text!r}"
        )
    return tuple(dict.fromkeys(map(int, parts)))


def parse(argv=None):
    """Parses the command line; TensorFlow is not imported for it."""
    parser = ArgumentParser(
        prog="python -m tfgan.latent_study",
        description="Trains a GAN at equal budget for each of several sizes of the feature "
        "vector, or with other kernels, strides and activations, and compares what comes of it.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "--dataset", default="digits", metavar="NAME", help="with a test split (default: digits)"
    )
    parser.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    studied = parser.add_mutually_exclusive_group()
    studied.add_argument(
        "--sizes",
        type=sizes,
        default=SIZES,
        metavar="LIST",
        help=f"of the latent vector (default: {','.join(map(str, SIZES))})",
    )
    studied.add_argument(
        "--ablation",
        action="store_true",
        help="in place of sizes: other kernel sizes, strides and activations, one at a time",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--minutes",
        type=number(float, 0, exclusive=True),
        metavar="M",
        help="of each run on the clock, set-up included (default: 2)",
    )
    budget.add_argument("--steps", type=number(int, 1), metavar="N", help="of each run instead")
    parser.add_argument(
        "--seeds",
        type=number(int, 1),
        default=3,
        metavar="N",
        help="runs of each, with the seeds 0 to N - 1 (default: 3)",
    )
    parser.add_argument(
        "--train", default="", metavar="FLAGS", help="more flags of tfgan.train, for every run"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="(default: studies/<dataset>_<what is studied>)"
    )
    arguments = parser.parse_args(argv)
    arguments.flags = shlex.split(arguments.train)
    arguments.command = shlex.join(
        ["python", "-m", "tfgan.latent_study", *(sys.argv[1:] if argv is None else argv)]
    )
    for flag in OWN_FLAGS.split():
        if any(each.partition("=")[0] == flag for each in arguments.flags):
            parser.error(f"--train must not hold {flag}, which the study decides")
    if arguments.out is None:
        studied = "ablation" if arguments.ablation else "sizes"
        arguments.out = Path("studies") / f"{Path(arguments.dataset).name}_{studied}"
    for flags in variants_of(arguments).values():
        # The trainer's own refusals, before anything is trained.
        run_and_family_of(flags_of(arguments, flags, 0))
    return arguments


def variants_of(arguments):
    """What is compared: a dict from each variant's name to its flags of `tfgan.train`."""
    if arguments.ablation:
        return ABLATION
    return {str(size): ["--latent-dim", str(size)] for size in arguments.sizes}


def budget_of(arguments):
    """The flags of `tfgan.train` that say how long each run trains."""
    if arguments.steps is not None:
        return ["--steps", str(arguments.steps)]
    return ["--minutes", str(arguments.minutes or 2.0)]


def flags_of(arguments, variant, seed):
    """All flags of one run of `tfgan.train`, but those on where things go."""
    flags = ["--dataset", arguments.dataset, *arguments.flags, *variant]
    if arguments.data_dir:
        flags += ["--data-dir", arguments.data_dir]
    return [*flags, "--seed", str(seed), *budget_of(arguments)]


def run_and_family_of(flags):
    """The `Run` and the family of a trainer's flags."""
    return parse_training(flags, FAMILIES, PRESETS)


def study(arguments):
    """Trains and measures what is not there yet; prints and writes what is known then.

    Args:
        arguments: what `parse` returned.

    Returns:
        The exit status.

    Raises:
        InputError: a run failed, or the folder holds another study.
    """
    from tqdm import tqdm

    start_tensorflow()
    from tfgan.study.measurements import Evaluator

    require_writable(arguments.out, "--out")
    settings = {
        "dataset": arguments.dataset,
        "budget": budget_of(arguments),
        "train": arguments.flags,
        "ablation": arguments.ablation,
    }
    file = arguments.out / "study.json"
    earlier = read_json(file) if file.exists() else {"settings": settings, "rows": []}
    if differences := differences_of(earlier["settings"], settings):
        raise InputError(f"{arguments.out} holds another study ({differences}). Pass another --out")
    known = {(row["variant"], row["seed"]): row for row in earlier["rows"]}
    variants = variants_of(arguments)
    # Seed by seed: a machine that grows slower meanwhile slows every variant.
    runs = [(variant, seed) for seed in range(arguments.seeds) for variant in variants]
    run, _ = run_and_family_of(arguments.flags)
    evaluator = Evaluator(arguments.dataset, arguments.data_dir, run.image_size)
    conditions = {
        "settings": settings,
        "card": dataclasses.asdict(evaluator.card),
        "floor": evaluator.floor(),
    }
    with tqdm(runs, unit="run") as bar:
        for variant, seed in bar:
            bar.set_description(f"{variant}, seed {seed}")
            if (variant, seed) not in known:
                flags = flags_of(arguments, variants[variant], seed)
                known[variant, seed] = one_run(variant, seed, flags, arguments.out, evaluator)
                write_json(file, conditions | {"rows": list(known.values())})
    rows = [known[variant, seed] for variant in variants for seed in range(arguments.seeds)]
    report(rows, conditions, arguments)
    return 0


def one_run(variant, seed, flags, folder, evaluator):
    """Trains and measures one run: a dict of its numbers."""
    from tfgan.latent.generator import LatentGenerator
    from tfgan.study.measurements import measured, restored

    name = f"{variant.replace(' ', '_')}_seed{seed}"
    result = train_apart(flags, name, folder)
    model = restored(*run_and_family_of(flags), RunFolder(folder / "runs" / name))
    return {
        "variant": variant,
        "seed": seed,
        **result,
        "images_per_second": result["images"] / result["seconds"],
        **measured(model, LatentGenerator.load(result["saved_model"]), evaluator),
    }


def report(rows, conditions, arguments):
    """Prints the tables, and writes `study.md`, `study.png` and `pictures.png`."""
    import numpy as np

    from tfgan.inference.exported_model import ExportedModel
    from tfgan.plotting import image_grid
    from tfgan.study.report import COLUMNS, plot, tables

    card = conditions["card"]
    text = tables(rows, conditions["floor"])
    intro = (
        f"    {arguments.command}\n\nMeans over {arguments.seeds} seeds, with 95% intervals by "
        f"Student's t. {card['num_generated']:,} generated images against {card['num_real']:,} "
        f"of {card['data']}'s {card['split']} split; features: {card['features']}."
    )
    write_text(arguments.out / "study.md", f"{intro}\n\n{text}\n")
    plot(rows, conditions["floor"], arguments.out / "study.png")
    folders = [row["saved_model"] for row in rows if not row["seed"]]
    drawn = [ExportedModel.load(folder).pixels(np.arange(COLUMNS)) for folder in folders]
    image_grid(np.concatenate(drawn), COLUMNS).save(arguments.out / "pictures.png")
    print(
        f"{text}\n\nnumbers  {arguments.out / 'study.json'}\ntables   {arguments.out / 'study.md'}"
        f"\nplot     {arguments.out / 'study.png'}\npictures {arguments.out / 'pictures.png'}, "
        "a row for each variant"
    )


def main(argv=None):
    """Entry point; returns the exit status."""
    return run(study, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
