"""The flags of `python -m tfgan.generate`."""

import argparse
from pathlib import Path

from tfgan.cli.parser import ArgumentParser, number
from tfgan.cli.sampling_flags import (
    add_sampling_flags,
    given_sampling_flags,
    is_rejecting,
    require_sampling_flags,
)
from tfgan.inference import serving_client
from tfgan.names import DIRECTIONS

DESCRIPTION = "Draws images from a SavedModel, here or on a server: out of seeds, or out of images."
# What belongs to models that draw from seeds, with its defaults.
FLAGS_OF_SEEDS = {
    "num": 64,
    "seed": 0,
    "label": None,
    "text": None,
    "format": "grid",
    "latents": None,
    "interpolate": None,
    "truncation": None,
    "keep_fraction": None,
    "max_risk": None,
    "dataset": None,
    "data_dir": None,
}
# And what to models that make images out of images.
FLAGS_OF_IMAGES = ("mask", "direction")

EPILOG = """\
examples:
  python -m tfgan.generate saved_models/digits_gan --num 64 --seed 0 --out grid.png
  python -m tfgan.generate saved_models/digits_gan --num 1000 --format png-folder --out pictures
  python -m tfgan.generate saved_models/digits_gan/1 --num 10000 --format npz --out pictures.npz
  python -m tfgan.generate saved_models/digits_cgan --label 7 --num 16
  python -m tfgan.generate saved_models/digits_cgan --label 0,1,2 --num 30
  python -m tfgan.generate saved_models/shapes_cgan --text "a small blue square" --num 16
  python -m tfgan.generate saved_models/digits_gan --interpolate 8 --out walk.gif
  python -m tfgan.generate saved_models/digits_gan --latents latent.json
  python -m tfgan.generate saved_models/mnist_gan --truncation 0.7
  python -m tfgan.generate saved_models/mnist_gan --keep-fraction 0.5
  python -m tfgan.generate saved_models/mnist_gan --max-risk 0.6
  python -m tfgan.generate http://localhost:8501/v1/models/digits_gan --num 16
  python -m tfgan.generate saved_models/facades_pix2pix --input photo.jpg --out facade.png
  python -m tfgan.generate saved_models/photos_pix2pix --input old.png --mask scratches.png
  python -m tfgan.generate saved_models/horses_cyclegan --input zebras --direction BtoA --out horses

Image number i has the seed --seed + i and is the same in every call; with --keep-fraction or
--max-risk that is so of the candidates, and the seeds of the accepted ones are printed. What these
two and --truncation cost: docs/confidence_risk.md. An --input of another size than the model's is
cropped about its center and resized; sizes are printed as width x height.
"""


def labels(text):
    """An argparse type: classes separated by commas; of several attributes one each, by colons."""
    requested = [[part.strip() for part in label.split(":")] for label in text.split(",")]
    if not all(all(label) and len(label) == len(requested[0]) for label in requested):
        raise argparse.ArgumentTypeError(
            "expected a class by its number, counted from 0, or its name; several separated by "
            "commas; where a model takes several attributes, one category of each, separated by "
            f"colons. Received: {text!r}"
        )
    return requested


def parse(argv=None):
    """Parses the command line; TensorFlow is not imported for it."""
    parser = ArgumentParser(prog="python -m tfgan.generate", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a SavedModel's folder, one that holds its versions, or a model's address at a "
        "TensorFlow Serving, http://HOST:PORT/v1/models/NAME",
    )
    parser.add_argument("--num", type=number(int, 1), metavar="N", help="images (default: 64)")
    parser.add_argument(
        "--seed", type=number(int, 0), metavar="N", help="of the first (default: 0)"
    )
    parser.add_argument(
        "--label",
        type=labels,
        metavar="LIST",
        help="what a conditional model shall draw, by number or name: one class for all images, "
        "or several, separated by commas, of which each image takes the next; where it takes "
        "several attributes, one category of each, separated by colons: circle:red:plain",
    )
    parser.add_argument(
        "--text",
        action="append",
        metavar="TEXT",
        help="what a model of texts shall draw; where it is repeated, each image takes the next",
    )
    parser.add_argument(
        "--format",
        choices=["grid", "png-folder", "npz"],
        help="one PNG of them all, a folder of one PNG each, or arrays `images` uint8 "
        "[N, H, W, C] and `seeds` (default: grid)",
    )
    parser.add_argument(
        "--latents",
        type=Path,
        metavar="FILE",
        help="draw from these vectors in place of seeds: a list of lists of numbers in a .json "
        "file, as the explorer copies it, an array [N, D] in an .npy, or `latents` in an .npz",
    )
    parser.add_argument(
        "--interpolate",
        type=number(int, 2),
        metavar="K",
        help="an animated GIF instead: a walk through the latent space, past the images of K "
        "seeds and back to the first",
    )
    add_sampling_flags(parser)
    parser.add_argument(
        "--dataset",
        metavar="NAME|FOLDER",
        help="the real images for --keep-fraction and --max-risk (default: what the model's card "
        "says it was trained on)",
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", help="TFDS' folder for them (default: TFDS_DATA_DIR)"
    )
    parser.add_argument(
        "--input",
        type=Path,
        metavar="PATH",
        help="for a model that makes images out of images: an image, or a folder of them",
    )
    parser.add_argument(
        "--mask",
        type=Path,
        metavar="PATH",
        help="for a model that fills holes: an image that is white where to fill, for all of "
        "--input, or a folder with one of the same name for each",
    )
    parser.add_argument("--direction", choices=DIRECTIONS, help="of a CycleGAN (default: AtoB)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="(default: grid.png, pictures, pictures.npz or walk.gif; of an image translated.png, "
        "of a folder the folder translated)",
    )
    arguments = parser.parse_args(argv)
    foreign = FLAGS_OF_SEEDS if arguments.input else FLAGS_OF_IMAGES
    given = [
        f"--{name.replace('_', '-')}" for name in foreign if getattr(arguments, name) is not None
    ]
    if given:
        relation = "cannot" if arguments.input else "can only"
        parser.error(f"{', '.join(given)} {relation} go with --input")
    if not arguments.input:
        complete(arguments, parser)
    return arguments


def complete(arguments, parser):
    """Fills in and checks what belongs to models that draw from seeds."""
    for flag, formats in {"interpolate": ["grid"], "latents": ["grid", "png-folder"]}.items():
        if not getattr(arguments, flag):
            continue
        is_other = (arguments.format or "grid") not in formats
        if arguments.num or is_other or serving_client.is_url(arguments.model):
            parser.error(
                f"--{flag} takes a SavedModel's folder, no --num, and of --format "
                f"{' or '.join(formats)}. Received: {arguments.model} --num {arguments.num} "
                f"--format {arguments.format}"
            )
    if arguments.latents and (arguments.interpolate or arguments.seed is not None):
        parser.error("--latents are drawn in place of seeds: leave --interpolate and --seed out")
    require_sampling_flags(arguments, parser)
    flags = given_sampling_flags(arguments)
    if flags and (arguments.latents or arguments.interpolate):
        parser.error(f"{flags} cannot go with --latents or --interpolate")
    if (arguments.dataset or arguments.data_dir) and not is_rejecting(arguments):
        parser.error("--dataset and --data-dir can only go with --keep-fraction or --max-risk")
    if arguments.interpolate:
        arguments.num, arguments.format = arguments.interpolate, "gif"
    for name, default in FLAGS_OF_SEEDS.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)
    if arguments.seed + arguments.num > 2**63:
        parser.error(
            "--seed + --num must be at most 2**63, since seeds are int64. Received: "
            f"--seed {arguments.seed} --num {arguments.num}"
        )
    extension = {"grid": ".png", "npz": ".npz", "gif": ".gif"}.get(arguments.format)
    default = {
        "grid": "grid.png",
        "png-folder": "pictures",
        "npz": "pictures.npz",
        "gif": "walk.gif",
    }
    arguments.out = arguments.out or Path(default[arguments.format])
    if extension and arguments.out.suffix != extension:
        requested = "--interpolate" if arguments.interpolate else f"--format {arguments.format}"
        parser.error(f"--out must end in {extension} for {requested}. Received: '{arguments.out}'")
