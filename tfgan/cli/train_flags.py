"""The flags of `python -m tfgan.train`."""

import argparse
import re
import shlex
import sys

from tfgan.cli.parser import ArgumentParser, image_size, number
from tfgan.families import FAMILIES, NETWORKS, TASKS, require_pictures, require_used
from tfgan.names import PRECISIONS

DESCRIPTION = "Trains a GAN or a VAE, shows its progress, and exports a SavedModel."
DEFAULT_STEPS = 5000

EPILOG = """\
models:
  gan            pictures from noise
  cgan           pictures of a class, of attributes or of a text that is asked for
  vae            the variational autoencoder: pictures from noise, and noise
                 from pictures
  pix2pix        pictures from pictures, learned from pairs: those that a --task
                 makes of any data set, or those of a folder
  cyclegan       pictures from pictures, there and back, without pairs

networks of gan, cgan and vae:
  convolutional  a ladder of stride-2 convolutions in both players, from
                 feature_vectors.txt (as published: --width 64 --depth 4
                 --output-kernel-size 7)
  dense          a transposed-convolution generator against a dense
                 discriminator, from confidence_risk.txt (--width 64 as published)
  recurrent      a GRU in both players, which writes and reads a row a step

examples:
  python -m tfgan.train                                 # digits, no network needed
  python -m tfgan.train --dataset mnist --minutes 10
  python -m tfgan.train --dataset mnist --model cgan --minutes 5
  python -m tfgan.train --dataset shapes --model cgan --condition text --minutes 10
  python -m tfgan.train --dataset mnist --model vae --minutes 5
  python -m tfgan.train --dataset mnist --model pix2pix --task inpaint --minutes 5
  python -m tfgan.train --dataset path/to/pairs --model pix2pix --direction BtoA
  python -m tfgan.train --model cyclegan --domain-a mnist --domain-b mnist:thick
  python -m tfgan.train --dataset path/to/pictures --image-size 64
  python -m tfgan.train --dataset mnist --networks dense --loss hinge --name mnist_dense

The same command again resumes a run that was stopped. Another configuration needs another --name,
or --continue-anyway.
"""


def number_or_none(text):
    """An argparse type: a whole number of at least 1, or `none`, which is None."""
    return None if text == "none" else number(int, 1)(text)


def policies(text):
    """An argparse type: names of augmentations, separated by commas."""
    names = tuple(name for name in text.split(",") if name)
    unknown = set(names) - {"color", "translation", "cutout"}
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            "expected color, translation, cutout or several of them, separated by commas. "
            f"Received: {text!r}"
        )
    return names


def parse(argv=None):
    """Parses the command line; TensorFlow is not imported for it."""
    parser = ArgumentParser(prog="python -m tfgan.train", description=DESCRIPTION, epilog=EPILOG)
    group = parser.add_argument_group("data")
    group.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME|FOLDER",
        help="digits (embedded), shapes (drawn, captioned), stacked_mnist, binarized_mnist, a TFDS "
        "image data set, or a folder of pictures, flat or with one subfolder a class; for pix2pix "
        "also a folder with A|B side by side in train and test, for cyclegan one with trainA, "
        "trainB, testA and testB (default: digits)",
    )
    group.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    group.add_argument(
        "--image-size",
        type=image_size,
        metavar="S|HxW",
        help="crop and resize to this many pixels (default: the pictures' own size)",
    )
    group.add_argument(
        "--channels",
        type=int,
        choices=[1, 3, 4],
        help="bring every picture to grey (1), RGB (3) or RGBA (4); transparency that goes is laid "
        "on white (default: what the pictures have)",
    )
    group.add_argument(
        "--skip-corrupt", action="store_true", help="leave out files that cannot be read"
    )

    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        choices=FAMILIES,
        default="gan",
        help="see below (default: gan)",
    )
    group.add_argument(
        "--condition",
        choices=["label", "attributes", "text"],
        default=argparse.SUPPRESS,
        help="what a cgan is told: a class, one category of each of several attributes, or a "
        "caption (default: label)",
    )
    group.add_argument(
        "--conditioning",
        choices=["projection", "concatenation"],
        default=argparse.SUPPRESS,
        help="how the networks of a cgan are told: into normalisation and logit, or beside "
        "latents and pictures (default: projection)",
    )
    group.add_argument(
        "--likelihood",
        choices=["bernoulli", "gaussian"],
        default=argparse.SUPPRESS,
        help="of a pixel under a vae: black or white, drawn anew at each step with its intensity "
        "as probability; or its intensity with a standard deviation of 0.1 (default: bernoulli)",
    )
    group.add_argument(
        "--beta",
        type=number(float, 0),
        default=argparse.SUPPRESS,
        metavar="BETA",
        help="weight of a vae's Kullback-Leibler divergence (default: 1)",
    )
    group.add_argument(
        "--task",
        choices=TASKS,
        default=argparse.SUPPRESS,
        help="what a pix2pix learns to make of the pictures of any data set: fill in holes, "
        "colours from grey, detail from a small picture, pictures from their edges or from noisy "
        "ones, a rendering in relief",
    )
    group.add_argument(
        "--scale",
        type=int,
        choices=[2, 4],
        default=argparse.SUPPRESS,
        help="how many times smaller the small picture of super_resolution is (default: 4)",
    )
    group.add_argument(
        "--direction",
        choices=["AtoB", "BtoA"],
        default=argparse.SUPPRESS,
        help="what a pix2pix makes of which half of a folder's pairs (default: AtoB)",
    )
    for letter in "ab":
        group.add_argument(
            f"--domain-{letter}",
            default=argparse.SUPPRESS,
            metavar="NAME[:PART...]",
            help=f"pictures of kind {letter.upper()} for a cyclegan: a data set or folder, and "
            "behind colons a class, or a variant of it: inverted, thick, grey, colored, relief",
        )
    group.add_argument(
        "--networks",
        choices=NETWORKS,
        default=argparse.SUPPRESS,
        help="see below (default: convolutional)",
    )
    group.add_argument(
        "--width",
        type=number(int, 1, maximum=1024),
        metavar="N",
        help="channels at the picture's end of both networks; the others follow (default: 16 in "
        "the generator and 32 in the discriminator; dense, pix2pix and cyclegan 32 and 32); of "
        "recurrent ones the units (default: 128 and 128)",
    )
    group.add_argument(
        "--depth",
        type=number(int, 1),
        metavar="N",
        default=argparse.SUPPRESS,
        help="halvings, or convolutions of another --stride, convolutional networks and pix2pix "
        "only (default: down to about 4 pixels)",
    )
    group.add_argument(
        "--output-kernel-size",
        type=number(int, 1),
        metavar="N",
        default=argparse.SUPPRESS,
        help="of the generator's last convolution, convolutional networks only (default: 3)",
    )
    group.add_argument(
        "--normalization",
        choices=["none", "batch", "spectral"],
        default=argparse.SUPPRESS,
        help="of the discriminator or encoder, convolutional networks only (default: none)",
    )
    group.add_argument(
        "--kernel-size",
        type=number(int, 1),
        metavar="N",
        default=argparse.SUPPRESS,
        help="of the other convolutions of both, convolutional networks only (default: 4)",
    )
    group.add_argument(
        "--stride",
        type=number(int, 1),
        metavar="N",
        default=argparse.SUPPRESS,
        help="of those, by which each shrinks or enlarges, convolutional networks only "
        "(default: 2)",
    )
    group.add_argument(
        "--activation",
        choices=["leaky_relu", "relu", "elu", "tanh"],
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="leaky_relu (default), relu, elu, tanh, between the layers of both, convolutional "
        "networks only",
    )
    group.add_argument(
        "--latent-dim",
        type=number(int, 1, maximum=65536),
        default=argparse.SUPPRESS,
        metavar="N",
        help="length of the latent vector (default: 100)",
    )

    group = parser.add_argument_group("training")
    group.add_argument(
        "--loss",
        choices=[
            "non_saturating",
            "minimax",
            "least_squares",
            "hinge",
            "wasserstein",
            "relativistic",
        ],
        default=argparse.SUPPRESS,
        metavar="NAME",
        help="non_saturating (default), minimax, least_squares, hinge, wasserstein, relativistic",
    )
    group.add_argument(
        "--discriminator-steps",
        type=number(int, 1),
        default=argparse.SUPPRESS,
        metavar="K",
        help="the generator moves at every K-th step only (default: 1)",
    )
    group.add_argument(
        "--r1-gamma",
        type=number(float, 0),
        metavar="GAMMA",
        default=argparse.SUPPRESS,
        help="weight of the gradient penalty on real pictures, 0 for none (default: in proportion "
        "to the pixels, 1 at 28x28)",
    )
    group.add_argument(
        "--r2-gamma",
        type=number(float, 0),
        default=argparse.SUPPRESS,
        metavar="GAMMA",
        help="weight of the gradient penalty on generated pictures (default: 0)",
    )
    group.add_argument(
        "--gradient-penalty",
        type=number(float, 0),
        default=argparse.SUPPRESS,
        metavar="LAMBDA",
        help="weight of WGAN-GP's gradient penalty (default: 0)",
    )
    group.add_argument(
        "--penalty-interval",
        type=number(int, 1),
        default=argparse.SUPPRESS,
        metavar="N",
        help="evaluate the penalties at every N-th step, N times as strongly (default: 16)",
    )
    group.add_argument(
        "--augment",
        type=policies,
        default=argparse.SUPPRESS,
        metavar="LIST",
        help="show the discriminator pictures changed at random: color, translation, cutout, "
        "separated by commas; for small data sets (default: none)",
    )
    group.add_argument(
        "--l1-weight",
        type=number(float, 0),
        default=argparse.SUPPRESS,
        metavar="LAMBDA",
        help="how much a pix2pix' distance from the target counts (default: 100)",
    )
    group.add_argument(
        "--cycle-weight",
        type=number(float, 0),
        default=argparse.SUPPRESS,
        metavar="LAMBDA",
        help="how much a cyclegan's way there and back counts (default: 10)",
    )
    group.add_argument(
        "--identity-weight",
        type=number(float, 0),
        default=argparse.SUPPRESS,
        metavar="LAMBDA",
        help="how much it counts that a cyclegan leaves pictures alone that are of the other kind "
        "already; 0 where the kinds differ in colour alone (default: half of --cycle-weight)",
    )
    group.add_argument(
        "--jitter",
        action="store_true",
        default=argparse.SUPPRESS,
        help="move and mirror the pictures of a pix2pix or cyclegan at random; not for digits",
    )
    budget = group.add_mutually_exclusive_group()
    budget.add_argument("--epochs", type=number(int, 1), metavar="N", help="train for N epochs")
    budget.add_argument(
        "--steps",
        type=number(int, 1),
        metavar="N",
        help=f"train for N steps (default: {DEFAULT_STEPS})",
    )
    budget.add_argument(
        "--minutes",
        type=number(float, 0, exclusive=True),
        metavar="M",
        help="train until M minutes have passed on the clock, set-up included",
    )
    group.add_argument(
        "--batch-size",
        type=number(int, 1),
        default=argparse.SUPPRESS,
        metavar="N",
        help="(default: 16; vae 64; cyclegan 4)",
    )
    group.add_argument(
        "--learning-rate",
        type=number(float, 0, exclusive=True),
        default=argparse.SUPPRESS,
        metavar="RATE",
        help="of Adam, for all players (default: 0.001; pix2pix and cyclegan 0.0002)",
    )
    group.add_argument(
        "--constant-steps",
        type=number_or_none,
        default=argparse.SUPPRESS,
        metavar="N|none",
        help="after so many steps the rate of a gan or cgan falls with the square root of the "
        f"steps; none: it stays (default: {FAMILIES['gan']['constant_steps']})",
    )
    group.add_argument(
        "--decay-steps",
        type=number(int, 1),
        default=argparse.SUPPRESS,
        metavar="N",
        help="let the rate of a pix2pix or cyclegan fall to 0 over the last N of --steps or "
        "--epochs (default: it stays)",
    )
    for name in ("beta_1", "beta_2"):
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=number(float, 0, maximum=0.999999),
            default=argparse.SUPPRESS,
            metavar="BETA",
            help=f"of Adam (default: {FAMILIES['gan'][name]:g}; vae {FAMILIES['vae'][name]:g}; "
            f"pix2pix and cyclegan {FAMILIES['pix2pix'][name]:g})",
        )
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="of the training; auto is bfloat16 on hardware that has it. Pictures and exports are "
        "float32 always (default: auto)",
    )
    group.add_argument(
        "--seed",
        type=number(int, 0, maximum=2**32 - 1),
        default=0,
        metavar="N",
        help="(default: 0)",
    )

    group = parser.add_argument_group("output")
    group.add_argument(
        "--out", default="runs", metavar="DIR", help="where run folders go (default: runs)"
    )
    group.add_argument("--name", help="of the run and the model (default: <dataset>_<model>)")
    group.add_argument(
        "--export-dir",
        default="saved_models",
        metavar="DIR",
        help="where <name>/<version>/ is exported (default: saved_models)",
    )
    group.add_argument(
        "--checkpoint-every",
        type=number(float, 0, exclusive=True),
        default=30.0,
        metavar="SECONDS",
        help="(default: 30)",
    )
    group.add_argument(
        "--keep-checkpoints",
        type=number(int, 1),
        default=3,
        metavar="N",
        help="how many of the newest to keep (default: 3)",
    )
    group.add_argument(
        "--measure",
        action="store_true",
        help="measure 10,000 pictures of the exported model against the test split, and write the "
        "numbers into its model card",
    )
    started = group.add_mutually_exclusive_group()
    started.add_argument(
        "--fresh", action="store_true", help="delete the run of this name and start anew"
    )
    started.add_argument(
        "--continue-anyway",
        action="store_true",
        help="resume the run of this name with other settings or pictures too, where its networks "
        "stay the same: it ends in other weights than one undisturbed run would",
    )

    argv = sys.argv[1:] if argv is None else argv
    arguments = parser.parse_args(argv)
    # As it was typed, for whoever wants to repeat it.
    arguments.command = shlex.join(["python", "-m", "tfgan.train", *argv])
    require_used(arguments, parser)
    require_pictures(arguments, parser)
    if getattr(arguments, "decay_steps", None) and arguments.minutes is not None:
        parser.error("--decay-steps needs --steps or --epochs: by the clock no step is the last")
    if arguments.name is not None and not re.fullmatch(r"[\w-][\w.-]*", arguments.name):
        parser.error(
            "--name must be letters, digits, '_', '-' and '.', and not begin with '.'. "
            f"Received: {arguments.name!r}"
        )
    return arguments
