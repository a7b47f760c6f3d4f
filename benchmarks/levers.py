"""The confidence risk against what confidence_risk.txt says it depends on.

The document names four levers: the choice of the model, the quality of the training data, the
method of training, and the metric that one trusts. Here one thing at a time is changed from the
default recipe on MNIST, everything is shown as many images, and the same real ones of the test
split measure it. Every run is an ordinary `python -m tfgan.train` and `python -m tfgan.evaluate`.

model     a GAN, one that is conditioned on its class, a variational autoencoder, a recurrent GAN
data      MNIST itself, 6,000 and 600 of its images; the 6,000 blurred, and as JPEG files of
          quality 10; of a GAN that is conditioned on its class, the 6,000 with their labels and
          with 30% of them wrong
training  other losses, no gradient penalty, and the weights as they are in place of their EMA
metric    all numbers of each variant; how they rank the variants; the risk at several sample sizes
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfgan import train
from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.errors import InputError
from tfgan.startup import start_tensorflow
from tfgan.training.process import train_apart
from tfgan.training.run_folder import RunFolder

# Of the real images, those that degraded copies are made of.
NUM_IMAGES = 6000
NUM_FEW = 600
JPEG_QUALITY = 10
BLUR_SIGMA = 1.0
SHARE_OF_WRONG_LABELS = 0.3

FOLDERS = ("clean", "few", "blurred", "jpeg", "wrong_labels")
# Lever and variant to the folder that is trained on, or None for MNIST itself, and the flags.
VARIANTS = {
    ("model", "GAN, the default recipe"): (None, []),
    ("model", "GAN told its class"): (None, ["--model", "cgan"]),
    ("model", "variational autoencoder"): (None, ["--model", "vae"]),
    ("model", "recurrent GAN"): (None, ["--networks", "recurrent"]),
    ("data", "6,000 pictures"): ("clean", []),
    ("data", "600 pictures"): ("few", []),
    ("data", "6,000, blurred"): ("blurred", []),
    ("data", "6,000, JPEG"): ("jpeg", []),
    ("data", "6,000, told"): ("clean", ["--model", "cgan"]),
    ("data", "6,000, told, 30% wrong"): ("wrong_labels", ["--model", "cgan"]),
    ("training", "hinge"): (None, ["--loss", "hinge"]),
    ("training", "least squares"): (None, ["--loss", "least_squares"]),
    ("training", "no gradient penalty"): (None, ["--r1-gamma", "0"]),
}
LIVE = ("training", "weights not averaged")
METRICS = (
    "confidence_risk",
    "taken_for_fake",
    "frechet_distance",
    "precision",
    "recall",
    "coverage",
    "pixel_risk",
)

EPILOG = """\
examples:
  python -m benchmarks.levers --steps 2500
  python -m benchmarks.levers --steps 500 --num 1000 --sizes 200 1000
"""


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(prog="python -m benchmarks.levers", description=__doc__, epilog=EPILOG)
    parser.add_argument(
        "--steps",
        type=number(int, 16),
        default=2500,
        metavar="N",
        help="of each run, of the default's 16 images; of a vae's 64 a quarter (default: 2500)",
    )
    parser.add_argument(
        "--num",
        type=number(int, 40),
        default=2000,
        metavar="N",
        help="images per side that are compared (default: 2000)",
    )
    parser.add_argument(
        "--sizes",
        type=number(int, 40),
        nargs="+",
        default=[200, 1000, 5000],
        metavar="N",
        help="at which the default recipe's risk is measured as well (default: 200 1000 5000)",
    )
    parser.add_argument("--seed", type=number(int, 0), default=0, metavar="N", help="(default: 0)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("benchmarks/results/levers"),
        metavar="DIR",
        help="(default: benchmarks/results/levers)",
    )
    return parser.parse_args(argv)


def bench(arguments):
    """Trains and measures what is not there yet; prints the tables and writes `levers.json`."""
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    write_degraded(out / "pictures")
    rows = []
    for (lever, variant), (folder, flags) in tqdm(VARIANTS.items(), unit="variant"):
        name = file_name(lever, variant)
        dataset = str(out / "pictures" / folder) if folder else "mnist"
        run_flags = ["--dataset", dataset, *flags, "--seed", str(arguments.seed)]
        budget = steps_of(run_flags, arguments.steps)
        result = train_apart([*run_flags, "--steps", str(budget)], name, out)
        candidate = [str(out / "saved_models" / name)]
        rows.append(row(lever, variant, result, evaluated(candidate, name, arguments.num, out)))
        if len(rows) == 1:
            images = draw_live(out / "runs" / name, arguments.num)
            np.savez(out / "live.npz", images=images)
            candidate = ["--images", str(out / "live.npz")]
            live = row(*LIVE, result, evaluated(candidate, "live", arguments.num, out))
    rows.append(live)
    default = [str(out / "saved_models" / file_name(*next(iter(VARIANTS))))]
    sizes = {
        num: evaluated(default, f"default_{num}", num, out)["confidence_risk"]
        for num in tqdm(arguments.sizes, unit="size")
    }
    (out / "levers.json").write_text(json.dumps({"rows": rows, "sizes": sizes}, indent=2) + "\n")
    print("\n\n".join([table(rows), table_of_ranks(rows), table_of_sizes(sizes)]))
    print(f"\nnumbers  {out / 'levers.json'}")
    return 0


def steps_of(flags, steps):
    """How many steps of a run of `tfgan.train` see as many images as so many of the default's."""
    (_, default), (_, own) = (train.parse(each) for each in ([], flags))
    return steps * default.batch_size // own.batch_size


def write_degraded(folder):
    """Writes MNIST's first training images, and worse copies of them, one folder per class."""
    from PIL import Image, ImageFilter

    from tfgan import data

    if (folder / "complete").exists():
        return
    mnist = data.load("mnist", 1)
    images, labels = mnist.images[:NUM_IMAGES], mnist.labels[:NUM_IMAGES]
    rng = np.random.default_rng(0)
    is_wrong = rng.random(NUM_IMAGES) < SHARE_OF_WRONG_LABELS
    wrong = np.where(is_wrong, (labels + rng.integers(1, 10, NUM_IMAGES)) % 10, labels)
    for kind in FOLDERS:
        for digit in range(10):
            (folder / kind / str(digit)).mkdir(parents=True, exist_ok=True)
    for i, (pixels, label) in enumerate(zip(images[..., 0], labels)):
        image, file = Image.fromarray(pixels), f"{label}/{i:05d}"
        image.save(folder / "clean" / f"{file}.png")
        if i < NUM_FEW:
            image.save(folder / "few" / f"{file}.png")
        blurred = image.filter(ImageFilter.GaussianBlur(BLUR_SIGMA))
        blurred.save(folder / "blurred" / f"{file}.png")
        image.save(folder / "jpeg" / f"{file}.jpg", quality=JPEG_QUALITY)
        image.save(folder / "wrong_labels" / f"{wrong[i]}/{i:05d}.png")
    (folder / "complete").touch()


def file_name(lever, variant):
    """A variant's name as that of a folder."""
    return "_".join(f"{lever} {variant}".replace(",", "").replace("%", "").split())


def evaluated(candidate, name, num, out):
    """The content of the report that `python -m tfgan.evaluate` writes on some images."""
    folder = out / "evaluations" / f"{name}_{num}"
    command = [sys.executable, "-m", "tfgan.evaluate", *candidate, "--dataset", "mnist"]
    command += ["--num", str(num), "--out", str(folder)]
    if not (folder / "report.json").exists():
        finished = subprocess.run(command, capture_output=True, text=True)
        if finished.returncode:
            raise InputError(f"{' '.join(command)} failed: {finished.stderr.strip()[-300:]}")
    return json.loads((folder / "report.json").read_text())


def draw_live(run_folder, num):
    """Images of a trained GAN's own weights, of the seeds 0 to `num` - 1, uint8 [N, H, W, C]."""
    start_tensorflow()
    from tfgan.noise import latents_from_seeds
    from tfgan.plotting import to_uint8
    from tfgan.study.measurements import restored

    model = restored(*train.parse(["--dataset", "mnist"]), RunFolder(run_folder))
    batches = []
    for seeds in np.array_split(np.arange(num, dtype=np.int64), -(-num // 64)):
        latents = latents_from_seeds(seeds, model.latent_dim)
        batches.append(to_uint8((model.generator(latents, training=False) + 1.0) / 2.0))
    return np.concatenate(batches)


def row(lever, variant, result, report):
    """What is kept of one variant."""
    metrics = {metric: report[metric] for metric in METRICS}
    if "label_agreement" in report:
        metrics["label_agreement"] = report["label_agreement"]
    return {
        "lever": lever,
        "variant": variant,
        "step": result["step"],
        "images_per_second": result["images"] / result["seconds"],
        **metrics,
    }


def table(rows):
    """A Markdown table of every variant."""
    lines = [
        "| lever | variant | steps | confidence risk | floor | Frechet distance | precision | "
        "recall | coverage | pixel risk | label agreement |",
        "|" + " --- |" * 11,
    ]
    for each in rows:
        risk, agreement = each["confidence_risk"], each.get("label_agreement")
        cells = [each["lever"], each["variant"], f"{each['step']:,}"]
        cells.append(f"{risk['value']:.3f} ({risk['low']:.3f} to {risk['high']:.3f})")
        cells.append(f"{risk['floor']:.3f}")
        cells.append(f"{each['frechet_distance']['value']:.1f}")
        cells += [f"{each[name]['value']:.2f}" for name in METRICS[3:]]
        cells.append(f"{agreement['value']:.3f}" if agreement else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table_of_ranks(rows):
    """Spearman's rank correlation of each metric with the confidence risk over the variants."""
    from scipy.stats import spearmanr

    risks = [each["confidence_risk"]["value"] for each in rows]
    lines = ["| metric | rank correlation with the confidence risk |", "| --- | --- |"]
    for metric in METRICS[1:]:
        values = [each[metric]["value"] for each in rows]
        lines.append(f"| {metric} | {spearmanr(risks, values).statistic:.2f} |")
    return "\n".join(lines)


def table_of_sizes(sizes):
    """The default recipe's risk at several numbers of images per side."""
    lines = ["| images per side | confidence risk | floor |", "| --- | --- | --- |"]
    for num, risk in sizes.items():
        lines.append(
            f"| {num:,} | {risk['value']:.3f} ({risk['low']:.3f} to {risk['high']:.3f}) | "
            f"{risk['floor']:.3f} |"
        )
    return "\n".join(lines)


def main(argv=None):
    """Entry point; returns the exit status."""
    return run(bench, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
