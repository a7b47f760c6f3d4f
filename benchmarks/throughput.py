"""Compares the speed of one training step, written in different ways.

A step is one update of both networks of a GAN: the networks of TensorFlow's DCGAN tutorial on
28x28x1 images, non-saturating cross entropy on logits, no penalty, Adam. Every contender has the
same layers and the same batch of random images, given again at every step. Each lives in a
process of its own; in every round each takes some steps while the others wait, in an order drawn
anew, so that a change of the machine's speed meets all of them. All run on the CPU.

contenders:
  library         tfgan.GAN.train_step in float32, EMA generator included
  library-bf16    the same, networks under Keras' policy mixed_bfloat16
  tutorial        one tf.function with two gradient tapes, as TensorFlow's tutorial writes it
  keras-io        a keras.Model that trains one player after the other under `fit`
  pytorch         eager, one player after the other, as PyTorch's DCGAN example writes it
  pytorch-shared  eager, one forward pass for both networks, as in `tutorial`
"""

import argparse
import contextlib
import importlib.util
import json
import os
import random
import statistics
import sys
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

from benchmarks.contenders import CONTENDERS, PEAK
from benchmarks.worker_process import worker_process
from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.networks.precision import cpu_has_bfloat16
from tfgan.startup import start_tensorflow
from tfgan.versions import package_versions

BASELINE = "tutorial"

EPILOG = """\
columns:
  images/s        real images trained on per second, the median over rounds
  ratio           of images/s to the tutorial's in the same round: median (lowest to highest)
  of peak         arithmetic that the step needs (tfgan/study/flop.py) a second, in percent of what
                  products of float32 matrices, 2048x2048, reach in the best round
  memory MB       the process's largest resident memory, in 10^6 bytes

examples:
  python -m benchmarks.throughput
  python -m benchmarks.throughput --contenders library,tutorial --json throughput.json
"""


def parse(argv=None):
    """Parses the command line; neither TensorFlow nor PyTorch is imported for it."""
    parser = ArgumentParser(
        prog="python -m benchmarks.throughput", description=__doc__, epilog=EPILOG
    )
    parser.add_argument(
        "--contenders",
        type=names_of_contenders,
        metavar="A,B,...",
        help="which, in this order (default: all that this machine is fit for)",
    )
    parser.add_argument(
        "--rounds", type=number(int, 1), default=7, metavar="N", help="(default: 7)"
    )
    parser.add_argument(
        "--steps",
        type=number(int, 1),
        default=8,
        metavar="N",
        help="of each contender a round (default: 8)",
    )
    parser.add_argument(
        "--batch-size", type=number(int, 1), default=256, metavar="N", help="(default: 256)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the results there, every round's included"
    )
    return parser.parse_args(argv)


def names_of_contenders(text):
    """An argparse type: `a,b` to the list of the two names, each once."""
    names = list(dict.fromkeys(text.split(",")))
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"expected names from {', '.join(CONTENDERS)}, separated by commas. "
            f"Received: {unknown[0]!r}"
        )
    return names


def reason_to_skip(name, is_named):
    """Why this machine cannot run a contender, or None.

    Args:
        name: of the contender.
        is_named: whether the user asked for it by name, and so for what is merely slow as well.
    """
    if name.startswith("pytorch") and importlib.util.find_spec("torch") is None:
        return "torch is not installed"
    if name == "library-bf16" and not is_named and not cpu_has_bfloat16():
        return "this CPU has no bfloat16 instructions"
    return None


def benchmark(arguments):
    """Measures and reports what the arguments ask for; returns the exit status."""
    names = arguments.contenders or list(CONTENDERS)
    reasons = {name: reason_to_skip(name, bool(arguments.contenders)) for name in names}
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)

    answers, peak_answers = measure(
        [name for name in names if reasons[name] is None],
        arguments.batch_size,
        arguments.rounds,
        arguments.steps,
    )
    step_flop, product_flop = counted_flop()
    peak = arguments.steps * product_flop / min(answer["seconds"] for answer in peak_answers)
    results = {
        "batch_size": arguments.batch_size,
        "rounds": arguments.rounds,
        "steps": arguments.steps,
        "cpus": os.cpu_count(),
        "versions": versions(),
        "peak_gflop_per_second": peak / 1e9,
        "gflop_per_image": step_flop / 1e9,
        "contenders": {
            name: {"skipped": reasons[name]}
            if reasons[name]
            else summary(
                answers[name],
                answers.get(BASELINE),
                images=arguments.steps * arguments.batch_size,
                peak_images_per_second=peak / step_flop,
            )
            for name in names
        },
    }
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def measure(names, batch_size, rounds, steps):
    """Runs contenders in turn.

    Returns:
        Pair of a dict from each name to its workers' answers, a list of one a round, and the like
        list for the peak.
    """
    targets = {name: CONTENDERS[name] for name in names} | {"peak": PEAK}
    answers = {name: [] for name in targets}
    order = random.Random(0)
    with contextlib.ExitStack() as stack:
        workers = {}
        starting = tqdm(targets.items(), desc="starting", unit="process", leave=False)
        for name, target in starting:
            workers[name] = stack.enter_context(worker_process(name, target, batch_size))
            workers[name].wait_until_ready()
        for _ in tqdm(range(rounds), unit="round"):
            for name in order.sample(list(workers), len(workers)):
                answers[name].append(workers[name].run(steps))
    peak_answers = answers.pop("peak")
    return answers, peak_answers


def counted_flop():
    """Operations of a training step per image, and of a step of the peak's measurement.

    Called after the measurement: a worker's largest memory counts that of the process which
    starts it, so TensorFlow must not be imported here before.
    """
    start_tensorflow()
    from benchmarks.contenders import networks, peak
    from tfgan.study.flop import step_flop

    return step_flop(networks.generator(), networks.discriminator()), peak.PRODUCT_FLOP


def versions():
    """Versions of the packages that decide the speed."""
    torch = {"torch": version("torch")} if importlib.util.find_spec("torch") else {}
    return package_versions() | torch


def summary(answers, baseline_answers, images, peak_images_per_second):
    """One contender's numbers.

    Args:
        answers: its worker's, one a round.
        baseline_answers: those of the contender that it is compared with, or None.
        images: images per round.
        peak_images_per_second: at which the arithmetic alone would take all of the peak.

    Returns:
        dict of numbers; `ratio` is None where there is nothing to compare with.
    """
    seconds = [answer["seconds"] for answer in answers]
    images_per_second = images / statistics.median(seconds)
    ratio = None
    if baseline_answers:
        ratios = [
            baseline["seconds"] / answer["seconds"]
            for baseline, answer in zip(baseline_answers, answers)
        ]
        ratio = {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}
    return {
        "images_per_second": images_per_second,
        "ratio": ratio,
        "fraction_of_peak": images_per_second / peak_images_per_second,
        "peak_memory_mb": answers[-1]["peak_memory_mb"],
        "seconds": seconds,
    }


def table(results):
    """The results as text."""
    heading = (
        f"batch {results['batch_size']}, {results['rounds']} rounds of {results['steps']} steps, "
        f"{results['cpus']} CPUs, peak {results['peak_gflop_per_second']:.0f} GFLOP/s, "
        f"{results['gflop_per_image']:.3f} GFLOP per image"
    )
    columns = f"{'contender':16}{'images/s':>10}{'ratio':>22}{'of peak':>10}{'memory MB':>12}"
    rows = [row(name, numbers) for name, numbers in results["contenders"].items()]
    return "\n".join([heading, "", columns, *rows])


def row(name, numbers):
    """One contender's line of the table."""
    if "skipped" in numbers:
        return f"{name:16}  skipped: {numbers['skipped']}"
    ratio = "-"
    if numbers["ratio"]:
        ratio = "{median:.2f} ({min:.2f} to {max:.2f})".format(**numbers["ratio"])
    return (
        f"{name:16}{numbers['images_per_second']:10.0f}{ratio:>22}"
        f"{numbers['fraction_of_peak']:10.0%}{numbers['peak_memory_mb']:12.0f}"
    )


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(benchmark, arguments)


if __name__ == "__main__":
    sys.exit(main())
