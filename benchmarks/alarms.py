"""Counts the alarms of healthy runs and of runs whose generator collapses.

Every run is an ordinary `python -m tfgan.train`, in a process of its own and with a seed of its
own. From some step on the generator that is trained is told less than the latents: the nearest of
1, 3 or 10 fixed ones, or the latents at a size that halves every 10 steps. It trains on, and its
EMA follows as it would. Latents that shrink by half in 100 steps would do it no harm: its batch
normalization makes up for it.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.stats import binomtest
from tqdm import tqdm

from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.training.process import TRAIN, train_apart

HALVED_EVERY_STEPS = 10
INJURIES = {
    "frozen to 1 output": 1,
    "frozen to 3 outputs": 3,
    "frozen to 10 outputs": 10,
    "latents that shrink": None,
}
# Two checks raise the alarm, and the first may come just before the collapse.
STATED_CHECKS = 3

EPILOG = """\
examples:
  python -m benchmarks.alarms --dataset digits
  python -m benchmarks.alarms --dataset mnist --runs 20 --steps 1500
"""


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.alarms", description=__doc__.splitlines()[0], epilog=EPILOG
    )
    parser.add_argument("--dataset", default="digits", help="(default: digits)")
    parser.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    parser.add_argument(
        "--runs",
        type=number(int, 1),
        default=20,
        metavar="N",
        help="healthy ones, and as many that collapse, in turn in one of four ways (default: 20)",
    )
    parser.add_argument(
        "--steps",
        type=number(int, 1000),
        default=1500,
        metavar="N",
        help="of each run; the collapse comes in its second third (default: 1500)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("benchmarks/results/alarms"),
        metavar="DIR",
        help="(default: benchmarks/results/alarms)",
    )
    return parser.parse_args(argv)


def collapsing(generator, outputs, at, step):
    """A generator of the same weights that collapses at a step.

    Args:
        generator: functional model from latents float32 [N, D].
        outputs: how many different images it makes from then on; None for latents that shrink.
        at: the step.
        step: variable, the step at which the training is.
    """
    import keras
    import tensorflow as tf

    class Collapse(keras.layers.Layer):
        def call(self, latents):
            steps_since = tf.cast(step - at, latents.dtype)
            if outputs is None:
                return latents * 0.5 ** (tf.maximum(steps_since, 0.0) / HALVED_EVERY_STEPS)
            shape = (outputs, latents.shape[-1])
            fixed = tf.cast(tf.random.stateless_normal(shape, [at, outputs]), latents.dtype)
            nearest = tf.argmax(tf.matmul(latents, fixed, transpose_b=True), axis=1)
            return tf.where(steps_since < 0.0, latents, tf.gather(fixed, nearest))

    latents = keras.Input(generator.inputs[0].shape[1:])
    return keras.Model(latents, generator(Collapse()(latents)))


def train_and_collapse(outputs, at, argv):
    """`tfgan.train` with a generator that collapses; returns its exit status."""
    from tfgan import train
    from tfgan.startup import share_cores, start_tensorflow

    # As the command does it, before TensorFlow is there.
    _, family = train.parse(argv)
    share_cores(family.batch_size)
    start_tensorflow()
    from tfgan.training import session

    build = session.compiled_model

    def build_collapsing(*arguments):
        model = build(*arguments)
        model.generator = collapsing(model.generator, outputs, at, model.step)
        return model

    session.compiled_model = build_collapsing
    return train.main(argv)


def train_one(name, seed, arguments, injury=None, at=None):
    """One run in a process of its own.

    Args:
        name: of the run.
        seed: of the run.
        arguments: what `parse` returned.
        injury: a name of `INJURIES`, or None for a healthy run.
        at: the step at which the generator collapses.

    Returns:
        A dict for JSON: the run's result and its alarms.

    Raises:
        InputError: it failed; the message holds the end of what it wrote.
    """
    flags = ["--dataset", arguments.dataset, "--seed", str(seed), "--steps", str(arguments.steps)]
    flags += ["--fresh"]
    if arguments.data_dir:
        flags += ["--data-dir", arguments.data_dir]
    program = TRAIN
    if injury:
        collapse = f"train_and_collapse({INJURIES[injury]}, {at}, sys.argv[1:])"
        program = ("-c", f"import sys; from benchmarks.alarms import *; sys.exit({collapse})")
    result = train_apart(flags, name, arguments.out, program)
    alarms = arguments.out / "runs" / name / "alarms.json"
    return {
        "case": injury or "healthy",
        "seed": seed,
        "at": at,
        "seconds": result["seconds"],
        "alarms": json.loads(alarms.read_text()) if alarms.exists() else [],
    }


def bench(arguments):
    """Runs everything; prints a table, and writes `results.json`."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    third = arguments.steps // 3
    plan = []
    for index in range(arguments.runs):
        injury = [*INJURIES][index % len(INJURIES)]
        at = third + int(np.random.default_rng(index).integers(third // 2))
        plan += [
            (f"healthy{index}", index, None, None),
            (f"collapsing{index}", 1000 + index, injury, at),
        ]
    rows = []
    # In turn, so that half of a benchmark is a benchmark.
    for name, seed, injury, at in tqdm(plan):
        rows.append(train_one(name, seed, arguments, injury, at))
        (arguments.out / "results.json").write_text(json.dumps(rows, indent=2) + "\n")
    print(table(rows, interval_of_default()))
    print(f"\nnumbers  {arguments.out / 'results.json'}")
    return 0


def interval_of_default():
    """Steps between the checks of a run without flags."""
    from tfgan.families import FAMILIES
    from tfgan.training.monitor.curve import interval_of

    return interval_of(FAMILIES["gan"]().batch_size)


def delay_of(row):
    """Steps from a collapse to its alarm; None where there was none, or one before it."""
    found = [alarm["raised"] for alarm in row["alarms"] if alarm["name"] == "mode collapse"]
    return found[0] - row["at"] if found and found[0] >= row["at"] else None


def table(rows, interval):
    """A Markdown table: a row a case, with exact 95% bounds of the share of alarms.

    Args:
        rows: what `train_one` returned.
        interval: steps from one check to the next.
    """
    stated = STATED_CHECKS * interval
    lines = [
        f"| case | runs | alarms (of collapse: within {stated} steps) | share, 95% bounds "
        "| delay in steps | seconds |",
        "|" + " --- |" * 6,
    ]
    cases = {"healthy": lambda row: row["at"] is None, "all that collapse": lambda row: row["at"]}
    cases |= {name: lambda row, name=name: row["case"] == name for name in INJURIES}
    for case, belongs in cases.items():
        group = [row for row in rows if belongs(row)]
        if not group:
            continue
        delays = [delay for row in group if row["at"] and (delay := delay_of(row)) is not None]
        if case == "healthy":
            count = sum(bool(row["alarms"]) for row in group)
        else:
            count = sum(delay <= stated for delay in delays)
        share = binomtest(count, len(group)).proportion_ci(method="exact")
        span = f"{np.median(delays):.0f} ({min(delays)} to {max(delays)})" if delays else "-"
        seconds = [row["seconds"] for row in group]
        lines.append(
            f"| {case} | {len(group)} | {count} | {share.low:.2f} to {share.high:.2f} | {span} "
            f"| {np.median(seconds):.0f} (at most {max(seconds):.0f}) |"
        )
    return "\n".join(lines)


def main(argv=None):
    """Entry point; returns the exit status."""
    return run(bench, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
