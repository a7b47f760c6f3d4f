"""The main job: trains a GAN, shows its progress, and exports a SavedModel."""

import functools
import os
import re
import signal
import sys
import time
from pathlib import Path

from tfgan import data
from tfgan.budget import Budget
from tfgan.command_line import ArgumentParser, image_size, number, run, start_tensorflow
from tfgan.errors import InputError
from tfgan.run_folder import RunFolder, require_writable

DEFAULT_STEPS = 5000
EXIT_NOT_FINITE = 3

EPILOG = """\
networks:
  convolutional  a ladder of stride-2 convolutions in both players, from
                 feature_vectors.txt (--width 64 --depth 4 as published)
  dense          a transposed-convolution generator against a dense
                 discriminator, from confidence_risk.txt (--width 64 as published)

examples:
  python -m tfgan.train                                 # digits, no network needed
  python -m tfgan.train --dataset mnist --minutes 10
  python -m tfgan.train --dataset path/to/pictures --image-size 64
  python -m tfgan.train --dataset mnist --networks dense --loss hinge

The same command again resumes a run that was stopped.
"""


def parse(argv=None):
    """Parses the command line; TensorFlow is not imported for it."""
    parser = ArgumentParser(prog="python -m tfgan.train", description=__doc__, epilog=EPILOG)
    group = parser.add_argument_group("data")
    group.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME|FOLDER",
        help="digits (embedded), a TFDS image data set, or a folder of pictures, flat or with "
        "one subfolder a class (default: digits)",
    )
    group.add_argument("--data-dir", metavar="DIR", help="TFDS' folder (default: TFDS_DATA_DIR)")
    group.add_argument(
        "--image-size",
        type=image_size,
        metavar="S|HxW",
        help="crop and resize to this many pixels (default: the pictures' own size)",
    )
    group.add_argument(
        "--skip-corrupt", action="store_true", help="leave out files that cannot be read"
    )

    group = parser.add_argument_group("model")
    group.add_argument("--model", choices=["gan"], default="gan", help="(default: gan)")
    group.add_argument(
        "--networks",
        choices=["convolutional", "dense"],
        default="convolutional",
        help="see below (default: convolutional)",
    )
    group.add_argument(
        "--width",
        type=number(int, 1, maximum=1024),
        default=32,
        metavar="N",
        help="channels at the picture's end of the ladder; the others follow (default: 32)",
    )
    group.add_argument(
        "--depth",
        type=number(int, 1),
        metavar="N",
        help="halvings, convolutional networks only (default: down to about 4 pixels)",
    )
    group.add_argument(
        "--latent-dim",
        type=number(int, 1, maximum=65536),
        default=100,
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
        default="non_saturating",
        metavar="NAME",
        help="non_saturating (default), minimax, least_squares, hinge, wasserstein, relativistic",
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
        "--batch-size", type=number(int, 1), default=64, metavar="N", help="(default: 64)"
    )
    group.add_argument(
        "--learning-rate",
        type=number(float, 0, exclusive=True),
        default=1e-3,
        metavar="RATE",
        help="of Adam, for both players (default: 0.001)",
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
        "--fresh", action="store_true", help="delete the run of this name and start anew"
    )

    arguments = parser.parse_args(argv)
    if arguments.depth is not None and arguments.networks != "convolutional":
        parser.error(f"--depth is not used by --networks {arguments.networks}")
    if arguments.name is not None and not re.fullmatch(r"[\w-][\w.-]*", arguments.name):
        parser.error(
            "--name must be letters, digits, '_', '-' and '.', and not begin with '.'. "
            f"Received: {arguments.name!r}"
        )
    return arguments


def train(arguments, start_time):
    """Trains as the arguments say, and exports.

    Args:
        arguments: what `parse` returned.
        start_time: `time.monotonic()` when the process began, from which `--minutes` counts.

    Returns:
        The exit status: 0, or 3 where a loss or gradient was not finite, or 128 plus the signal
        that stopped the run.

    Raises:
        InputError: a mistake of the user's.
    """
    dataset = data.load(
        arguments.dataset,
        arguments.batch_size,
        image_size=arguments.image_size,
        data_dir=arguments.data_dir,
        seed=arguments.seed,
        skip_corrupt=arguments.skip_corrupt,
    )
    name = arguments.name or f"{dataset.name}_{arguments.model}"
    folder = RunFolder(os.path.join(arguments.out, name))
    model_folder = os.path.join(arguments.export_dir, name)
    settings = settings_of(arguments, dataset)
    budget = budget_of(arguments, dataset)
    with folder.locked():
        if arguments.fresh:
            folder.clear()
        newer_versions = folder.check(settings)
        if is_finished(folder, budget, model_folder):
            print(finished_message(folder, arguments))
            return 0
        require_writable(arguments.export_dir, "--export-dir")
        if newer_versions:
            print(f"note: resumed with other versions ({newer_versions}), not bit for bit")
        return train_in(folder, model_folder, arguments, settings, dataset, budget, start_time)


def is_finished(folder, budget, model_folder):
    """Whether the run has trained as long as it should, and its model is where it should be."""
    result = folder.result
    if result is None or not budget.is_spent(result["step"], result["seconds"]):
        return False
    exported = Path(result["saved_model"])
    return exported.exists() and exported.parent == Path(model_folder)


def budget_of(arguments, dataset):
    """How long to train, of the flags --epochs, --steps and --minutes."""
    if arguments.minutes is not None:
        return Budget(seconds=arguments.minutes * 60)
    if arguments.epochs is not None:
        return Budget(steps=arguments.epochs * dataset.steps_per_epoch)
    return Budget(steps=arguments.steps or DEFAULT_STEPS)


def settings_of(arguments, dataset):
    """What decides the results of a run, mostly by the names of the flags."""
    names = ["model", "networks", "width", "depth", "latent_dim", "loss", "batch_size"]
    names += ["learning_rate", "seed"]
    return {name: getattr(arguments, name) for name in names} | {
        "dataset": dataset.name,
        "fingerprint of the pictures": dataset.fingerprint,
        "image_shape": list(dataset.image_shape),
        "num_images": dataset.num_images,
    }


def finished_message(folder, arguments):
    """What to say where there is nothing left to do."""
    result = folder.result
    longer = "--minutes" if arguments.minutes else "--epochs" if arguments.epochs else "--steps"
    return (
        f"{folder.path} is finished: {result['step']:,} steps in {result['seconds']:.0f} s, "
        f"exported to {result['saved_model']}. To train on, pass a larger {longer}; to start "
        "anew, --fresh or another --name."
    )


def build(arguments, dataset):
    """The compiled GAN that the arguments ask for."""
    import keras

    from tfgan import networks
    from tfgan.models.base import adam
    from tfgan.models.gan import GAN

    keras.utils.set_random_seed(arguments.seed)
    size = {"width": arguments.width}
    if arguments.networks == "dense":
        generator, discriminator = networks.dense_generator, networks.dense_discriminator
    else:
        generator = networks.convolutional_generator
        discriminator = networks.convolutional_discriminator
        size["depth"] = arguments.depth
    gan = GAN(
        generator(dataset.image_shape, arguments.latent_dim, **size),
        discriminator(dataset.image_shape, **size),
        seed=arguments.seed,
    )
    gan.compile(adam(arguments.learning_rate), adam(arguments.learning_rate), loss=arguments.loss)
    return gan


def train_in(folder, model_folder, arguments, settings, dataset, budget, start_time):
    """Trains in a run folder that is locked and claimed; see `train`."""
    start_tensorflow()
    from tfgan.callbacks import History, RunProgress, SampleSheet, TensorBoardScalars
    from tfgan.checkpoint import Checkpoints
    from tfgan.loop import NotFiniteError, train_until

    gan = build(arguments, dataset)
    checkpoints = Checkpoints(folder.checkpoints, gan, arguments.keep_checkpoints)
    resumed_step = checkpoints.restore()
    if resumed_step and budget.steps and resumed_step > budget.steps:
        raise InputError(
            f"{folder.path} has been trained to step {resumed_step} already, beyond the "
            f"{budget.steps} asked for. Pass a larger number, --fresh or another --name"
        )
    folder.cut_history((resumed_step or 0) // dataset.steps_per_epoch)
    folder.record(settings, vars(arguments))
    earlier_seconds = float(checkpoints.seconds)

    def seconds():
        return earlier_seconds + time.monotonic() - start_time

    print(plan(arguments, dataset, budget, gan, folder, model_folder))
    if resumed_step is not None:
        print(f"resumed at step {resumed_step}")
    callbacks = [
        RunProgress(dataset.batch_size, seconds, budget.steps, budget.seconds),
        SampleSheet(folder.samples),
        History(folder.history_file, seconds),
        TensorBoardScalars(folder.tensorboard),
    ]
    every = arguments.checkpoint_every
    try:
        received = train_until(budget, gan, dataset, callbacks, checkpoints, every, seconds)
    except NotFiniteError as error:
        steps = checkpoints.steps()
        kept = f"up to step {steps[-1]} in {folder.checkpoints}" if steps else "none yet"
        print(
            f"\nerror: {error}. Checkpoints: {kept}. Try a lower --learning-rate, another --loss "
            "or a larger --batch-size, with --fresh or another --name",
            file=sys.stderr,
        )
        return EXIT_NOT_FINITE
    if received:
        print(
            f"\nstopped by {signal.Signals(received).name} at step {int(gan.step)}, which is "
            "saved. The same command resumes it"
        )
        return 128 + received
    export(gan, folder, model_folder, seconds())
    return 0


def plan(arguments, dataset, budget, gan, folder, model_folder):
    """What is about to happen, for a person to check."""
    import tensorflow as tf

    height, width, channels = dataset.image_shape
    classes = f" in {len(dataset.class_names)} classes" if dataset.class_names else ""
    place = (
        f"{dataset.images.nbytes / 2**30:.1f} GiB cached in {dataset.cache_path}"
        if dataset.cache_path
        else f"{dataset.images.nbytes / 2**20:.1f} MiB in memory"
    )
    corrupt = f", {dataset.num_corrupt} corrupt ones left out" if dataset.num_corrupt else ""
    gpus = tf.config.list_physical_devices("GPU")
    device = f"{len(gpus)} GPU" if gpus else f"CPU ({os.cpu_count()} cores)"
    if budget.steps is None:
        length = f"{budget.seconds / 60:g} minutes on the clock"
    else:
        length = f"{budget.steps:,} steps ({budget.steps / dataset.steps_per_epoch:.4g} epochs)"
    lines = {
        "data": f"{dataset.name}: {dataset.num_images:,} pictures of {height}x{width}x{channels}"
        f"{classes}, {place}{corrupt}",
        "model": f"{arguments.model}, {arguments.networks} networks: generator "
        f"{gan.generator.count_params():,} parameters, discriminator "
        f"{gan.discriminator.count_params():,}",
        "recipe": f"{arguments.loss} loss, batches of {arguments.batch_size}, learning rate "
        f"{arguments.learning_rate:g}, {arguments.latent_dim} latents, seed {arguments.seed}",
        "device": device,
        "length": length,
        "run": f"{folder.path}",
        "export": f"{model_folder}",
    }
    return "\n".join(f"{title:8}{text}" for title, text in lines.items())


def export(gan, folder, model_folder, seconds):
    """Writes the SavedModel, its contact sheet and the curves, and says where they are."""
    import tensorflow as tf

    from tfgan.export import export_saved_model
    from tfgan.plotting import save_curves, sheet

    version_folder, difference = export_saved_model(gan, model_folder)
    # Drawn by the exported model: the sheet shows what is served.
    exported = tf.saved_model.load(str(version_folder))
    seeds = tf.range(64, dtype=tf.int64)
    sheet(exported.signatures["from_seeds"](seeds=seeds)["images"]).save(folder.contact_sheet_file)
    save_curves(folder.history_file, folder.curves_file)
    folder.finish(
        {"step": int(gan.step), "seconds": round(seconds, 2), "saved_model": str(version_folder)}
    )
    print(
        f"\nexported {version_folder} (reloaded, it differs from the live model by at most "
        f"{difference:.1g})\n"
        f"pictures {folder.contact_sheet_file}\n"
        f"curves   {folder.curves_file}\n"
        f"sample   python -m tfgan.generate {model_folder} --num 64 --seed 0 --out grid.png\n"
        f"serve    tensorflow_model_server --rest_api_port=8501 "
        f"--model_name={os.path.basename(model_folder)} "
        f"--model_base_path={os.path.abspath(model_folder)}"
    )


def main(argv=None):
    """Entry point; returns the exit status."""
    start_time = time.monotonic()
    arguments = parse(argv)
    return run(functools.partial(train, start_time=start_time), arguments)


if __name__ == "__main__":
    sys.exit(main())
