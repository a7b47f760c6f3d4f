"""Draws pictures from a SavedModel, here or on a server, each by its seed."""

import sys
from pathlib import Path

from tfgan import remote, saved_models
from tfgan.command_line import ArgumentParser, number, run, start_tensorflow
from tfgan.errors import InputError

BATCH_SIZE = 64

EPILOG = """\
examples:
  python -m tfgan.generate saved_models/digits_gan --num 64 --seed 0 --out grid.png
  python -m tfgan.generate saved_models/digits_gan --num 1000 --format png-folder --out pictures
  python -m tfgan.generate saved_models/digits_gan/1 --num 10000 --format npz --out pictures.npz
  python -m tfgan.generate http://localhost:8501/v1/models/digits_gan --num 16

Picture number i has the seed --seed + i and is the same in every call.
"""


def parse(argv=None):
    """Parses the command line; TensorFlow is not imported for it."""
    parser = ArgumentParser(prog="python -m tfgan.generate", description=__doc__, epilog=EPILOG)
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a SavedModel's folder, one that holds its versions, or a model's address at a "
        "TensorFlow Serving, http://HOST:PORT/v1/models/NAME",
    )
    parser.add_argument(
        "--num", type=number(int, 1), default=64, metavar="N", help="pictures (default: 64)"
    )
    parser.add_argument(
        "--seed", type=number(int, 0), default=0, metavar="N", help="of the first (default: 0)"
    )
    parser.add_argument(
        "--format",
        choices=["grid", "png-folder", "npz"],
        default="grid",
        help="one PNG of them all, a folder of one PNG each, or arrays `images` uint8 "
        "[N, H, W, C] and `seeds` (default: grid)",
    )
    parser.add_argument(
        "--out", metavar="PATH", help="(default: grid.png, pictures or pictures.npz)"
    )
    arguments = parser.parse_args(argv)
    if arguments.seed + arguments.num > 2**63:
        parser.error(
            "--seed + --num must be at most 2**63, since seeds are int64. Received: "
            f"--seed {arguments.seed} --num {arguments.num}"
        )
    extension = {"grid": ".png", "npz": ".npz"}.get(arguments.format)
    default = {"grid": "grid.png", "png-folder": "pictures", "npz": "pictures.npz"}
    arguments.out = Path(arguments.out or default[arguments.format])
    if extension and arguments.out.suffix != extension:
        parser.error(
            f"--out must end in {extension} for --format {arguments.format}. "
            f"Received: '{arguments.out}'"
        )
    return arguments


def generate(arguments):
    """Draws what the arguments ask for; returns the exit status."""
    model = arguments.model
    if not remote.is_url(model):
        model = saved_models.find(model)
    if arguments.format == "png-folder" and arguments.out.is_dir() and any(arguments.out.iterdir()):
        raise InputError(f"--out {arguments.out} is not empty: pass a new folder")

    import numpy as np

    seeds = np.arange(arguments.seed, arguments.seed + arguments.num, dtype=np.int64)
    write(pictures_of(model, seeds), seeds, arguments)
    print(f"{arguments.num} pictures of {model} -> {arguments.out}")
    return 0


def pictures_of(model, seeds):
    """Draws with a model, under a progress bar.

    Args:
        model: a SavedModel's folder, or the address of a model at a server.
        seeds: int64 [N].

    Returns:
        uint8 [N, H, W, C].

    Raises:
        InputError: the model cannot be loaded or reached, or takes no seeds.
    """
    import numpy as np
    from tqdm import tqdm

    draw = remote.load(model) if remote.is_url(str(model)) else load(model)
    with tqdm(total=len(seeds), unit="picture", delay=1) as progress:
        batches = []
        for start in range(0, len(seeds), BATCH_SIZE):
            batches.append(draw(seeds[start : start + BATCH_SIZE]))
            progress.update(len(batches[-1]))
    return np.concatenate(batches)


def load(folder):
    """A function from seeds int64 [N] to pictures uint8 [N, H, W, C]."""
    start_tensorflow()
    import tensorflow as tf

    from tfgan.plotting import to_uint8

    model = saved_models.load(folder)
    if "from_seeds" not in model.signatures:
        raise InputError(
            f"{folder} has no signature from_seeds. Its signatures: {', '.join(model.signatures)}"
        )

    # The closure keeps the model: its functions die with it.
    def draw(seeds):
        return to_uint8(model.signatures["from_seeds"](seeds=tf.constant(seeds))["images"])

    return draw


def write(pixels, seeds, arguments):
    """Writes pictures uint8 [N, H, W, C] in the format that was asked for."""
    import numpy as np

    from tfgan.plotting import sheet, to_picture

    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    if arguments.format == "grid":
        sheet(pixels).save(arguments.out)
    elif arguments.format == "npz":
        np.savez_compressed(arguments.out, images=pixels, seeds=seeds)
    else:
        arguments.out.mkdir(exist_ok=True)
        for seed, picture in zip(seeds, pixels):
            to_picture(picture).save(arguments.out / f"{seed:06d}.png")


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(generate, arguments)


if __name__ == "__main__":
    sys.exit(main())
