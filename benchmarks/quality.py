"""Trains recipes for given times on the clock, over several seeds, and measures what they draw.

Every run is an ordinary `python -m tfgan.train --minutes`, in a process of its own; the seconds,
also those of the images/s, are the command's, set-up included. A longer budget resumes the run of
the shorter one, as a person would, and pays for its set-up again.
"""

import json
import shlex
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.inference.exported_model import ExportedModel
from tfgan.inference.sampling import sample
from tfgan.startup import start_tensorflow
from tfgan.training.process import train_apart

METRICS = ("frechet_distance", "precision", "recall", "coverage")
NUM_IMAGES = 10_000

EPILOG = """\
examples:
  python -m benchmarks.quality --minutes 1 5
  python -m benchmarks.quality --minutes 2 --recipe default= \\
      --recipe "wgan-gp=--loss wasserstein --gradient-penalty 10 --r1-gamma 0"
"""


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.quality", description=__doc__.splitlines()[0], epilog=EPILOG
    )
    parser.add_argument("--dataset", default="mnist", help="with a test split (default: mnist)")
    parser.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    parser.add_argument(
        "--recipe",
        action="append",
        type=recipe,
        metavar="NAME=FLAGS",
        help="flags of tfgan.train; may be repeated (default: one recipe without flags)",
    )
    parser.add_argument(
        "--minutes",
        type=number(float, 0, exclusive=True),
        nargs="+",
        default=[1.0, 5.0],
        metavar="M",
        help="budgets on the clock (default: 1 5)",
    )
    parser.add_argument(
        "--steps",
        type=number(int, 1),
        nargs="+",
        metavar="N",
        help="budgets in steps instead, to compare at equal steps",
    )
    parser.add_argument(
        "--seeds",
        type=number(int, 0, maximum=2**32 - 1),
        nargs="+",
        default=[0, 1, 2],
        metavar="N",
        help="(default: 0 1 2)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("benchmarks/results/quality"),
        metavar="DIR",
        help="(default: benchmarks/results/quality)",
    )
    arguments = parser.parse_args(argv)
    arguments.recipe = dict(arguments.recipe or [("default", [])])
    return arguments


def recipe(text):
    """An argparse type: `name=flags of tfgan.train` to `(name, list of flags)`."""
    name, _, flags = text.partition("=")
    return name, shlex.split(flags)


def budgets_of(arguments):
    """The budgets in ascending order, each as `(label, flags of tfgan.train)`."""
    if arguments.steps:
        return [(f"{steps} steps", ["--steps", str(steps)]) for steps in sorted(arguments.steps)]
    return [
        (f"{minutes:g} min", ["--minutes", str(minutes)]) for minutes in sorted(arguments.minutes)
    ]


def train(name, flags, arguments):
    """One run of `tfgan.train`; returns the content of its `result.json`."""
    flags = ["--dataset", arguments.dataset, *flags]
    if arguments.data_dir:
        flags += ["--data-dir", arguments.data_dir]
    return train_apart(flags, name, arguments.out)


def bench(arguments):
    """Runs everything; prints a table, and writes `results.json` and `quality.png`."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    budgets = budgets_of(arguments)
    rows = []
    with tqdm(total=len(arguments.recipe) * len(budgets) * len(arguments.seeds)) as bar:
        # Seed by seed: a machine that grows slower during the benchmark slows every recipe.
        for seed in arguments.seeds:
            for recipe_name, flags in arguments.recipe.items():
                for label, budget in budgets:
                    bar.set_description(f"{recipe_name}, seed {seed}, {label}")
                    name = f"{recipe_name}_seed{seed}"
                    all_flags = [*flags, "--seed", str(seed), *budget]
                    result = train(name, all_flags, arguments)
                    row = {"recipe": recipe_name, "seed": seed, "budget": label, **result}
                    rows.append(row | measurements(result, arguments))
                    (arguments.out / "results.json").write_text(json.dumps(rows, indent=2) + "\n")
                    bar.update()
    print(table(rows))
    plot(rows, arguments.out / "quality.png")
    print(f"\nnumbers  {arguments.out / 'results.json'}\nplot     {arguments.out / 'quality.png'}")
    return 0


def measurements(result, arguments):
    """What the exported model of a run draws, measured, and how fast the run was."""
    from tfgan.metrics import measure

    images = sample(ExportedModel.load(result["saved_model"]), np.arange(NUM_IMAGES))
    report = measure(images, arguments.dataset, data_dir=arguments.data_dir, progress=False)
    values = {metric: report[metric].value for metric in METRICS}
    return values | {"floor": report["frechet_distance"].floor, "card": report.as_dict()["card"]}


def spread(values, digits):
    """`median (minimum to maximum)`."""
    low, middle, high = np.min(values), np.median(values), np.max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def table(rows):
    """A Markdown table: medians over the seeds, with the smallest and the largest."""
    lines = [
        "| recipe | budget | seeds | steps | images/s | Frechet distance | times the floor "
        "| precision | recall | coverage |",
        "|" + " --- |" * 10,
    ]
    for group in grouped(rows):
        ratio = [row["frechet_distance"] / row["floor"] for row in group]
        cells = [group[0]["recipe"], group[0]["budget"], str(len(group))]
        cells.append(spread([row["step"] for row in group], 0))
        cells.append(spread([row["images"] / row["seconds"] for row in group], 0))
        cells.append(spread([row["frechet_distance"] for row in group], 2))
        cells.append(spread(ratio, 1))
        cells += [spread([row[metric] for row in group], 2) for metric in METRICS[1:]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def grouped(rows):
    """The rows of each recipe and budget, one per seed, in order of their first appearance."""
    groups = {}
    for row in rows:
        groups.setdefault((row["recipe"], row["budget"]), []).append(row)
    return list(groups.values())


def plot(rows, file):
    """Frechet distance against seconds, a line a recipe, its band from the best to the worst."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(row["recipe"] for row in rows):
        groups = [group for group in grouped(rows) if group[0]["recipe"] == name]
        seconds = [np.median([row["seconds"] for row in group]) for group in groups]
        distances = [[row["frechet_distance"] for row in group] for group in groups]
        axes.plot(seconds, [np.median(d) for d in distances], marker="o", label=name)
        axes.fill_between(
            seconds, [min(d) for d in distances], [max(d) for d in distances], alpha=0.2
        )
    axes.axhline(rows[0]["floor"], color="black", linestyle=":", label="real training images")
    axes.set(xscale="log", yscale="log", xlabel="seconds, set-up included")
    axes.set_ylabel("Frechet distance, 10,000 images")
    axes.legend()
    figure.savefig(file, dpi=120)


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    start_tensorflow()
    return run(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
