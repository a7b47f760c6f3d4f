"""The main job: trains a GAN, shows its progress, and exports a SavedModel."""

import functools
import os
import signal
import sys
import time
from pathlib import Path

from tfgan import data
from tfgan.budget import Budget
from tfgan.command_line import run, start_tensorflow
from tfgan.errors import InputError
from tfgan.generate import pictures_of
from tfgan.precision import resolved
from tfgan.run_folder import RunFolder, require_writable
from tfgan.train_arguments import DEFAULT_STEPS, parse

EXIT_NOT_FINITE = 3
NUM_SHOWN = 64
NUM_MEASURED = 10_000
MEASURED_SPLIT = "test"


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
    if arguments.model == "cgan":
        require_labels(dataset)
    if arguments.measure:
        require_test_split(arguments)
    name = arguments.name or f"{dataset.name}_{arguments.model}"
    folder = RunFolder(os.path.join(arguments.out, name))
    model_folder = os.path.join(arguments.export_dir, name)
    budget = budget_of(arguments, dataset)
    with folder.locked():
        if arguments.fresh:
            folder.clear()
        settings = settings_of(arguments, dataset, precision_of(arguments, folder))
        newer_versions = folder.check(settings)
        if is_finished(folder, budget, model_folder):
            print(finished_message(folder, arguments))
            status = 0
        else:
            require_writable(arguments.export_dir, "--export-dir")
            if newer_versions:
                print(f"note: resumed with other versions ({newer_versions}), not bit for bit")
            status = train_in(
                folder, model_folder, arguments, settings, dataset, budget, start_time
            )
        if arguments.measure and status == 0:
            num_classes = len(dataset.class_names) if arguments.model == "cgan" else None
            measure_exported(folder.result["saved_model"], arguments, num_classes)
        return status


def require_labels(dataset):
    """Refuses a data set that a conditional GAN cannot be trained on.

    Raises:
        InputError: its pictures have no labels.
    """
    if dataset.class_names is None:
        raise InputError(
            f"--model cgan needs labels, and {dataset.name} has none. Give --dataset a folder with "
            "one subfolder a class or a labelled data set, or take --model gan"
        )


def require_test_split(arguments):
    """Finds out before the training whether there is anything to measure against.

    Raises:
        InputError: the data set has no test split.
    """
    try:
        data.load(
            arguments.dataset, 1, arguments.image_size, arguments.data_dir, split=MEASURED_SPLIT
        )
    except InputError as error:
        raise InputError(f"--measure compares with the test split: {error}") from error


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


def precision_of(arguments, folder):
    """What `--precision` means here; a run that is there keeps what `auto` meant for it."""
    earlier = folder.settings
    if arguments.precision == "auto" and earlier is not None:
        return earlier.get("precision")
    return resolved(arguments.precision)


def settings_of(arguments, dataset, precision):
    """What decides the results of a run, mostly by the names of the flags."""
    names = ["model", "networks", "width", "depth", "output_kernel_size", "normalization"]
    names += ["conditioning"] if arguments.model == "cgan" else []
    names += ["latent_dim", "loss"]
    names += ["discriminator_steps", "r1_gamma", "r2_gamma", "gradient_penalty"]
    names += ["penalty_interval", "batch_size", "learning_rate", "beta_1", "beta_2", "seed"]
    return {name: getattr(arguments, name) for name in names} | {
        "augment": list(arguments.augment),
        "precision": precision,
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


def train_in(folder, model_folder, arguments, settings, dataset, budget, start_time):
    """Trains in a run folder that is locked and claimed; see `train`."""
    start_tensorflow()
    from tfgan.callbacks import History, RunProgress, SampleSheet, TensorBoardScalars
    from tfgan.checkpoint import Checkpoints
    from tfgan.compiled_model import compiled_model
    from tfgan.loop import NotFiniteError, train_until

    gan = compiled_model(arguments, dataset, settings["precision"])
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

    print(plan(arguments, settings, dataset, budget, gan, folder, model_folder))
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
    export(gan, folder, model_folder, arguments, dataset, seconds())
    return 0


def plan(arguments, settings, dataset, budget, gan, folder, model_folder):
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
        "recipe": f"{arguments.loss} loss, {penalties_of(gan)}, batches of {arguments.batch_size}, "
        f"learning rate {arguments.learning_rate:g}, {arguments.latent_dim} latents, seed "
        f"{arguments.seed}",
        "device": f"{device}, {settings['precision']}",
        "length": length,
        "run": f"{folder.path}",
        "export": f"{model_folder}",
    }
    return "\n".join(f"{title:8}{text}" for title, text in lines.items())


def penalties_of(gan):
    """The penalties that a GAN was compiled with, in words."""
    weights = {
        "R1": gan.r1_gamma,
        "R2": gan.r2_gamma,
        "gradient penalty": gan.gradient_penalty_weight,
    }
    terms = [f"{name} {weight:g}" for name, weight in weights.items() if weight]
    if not terms:
        return "no penalty"
    return f"{' + '.join(terms)} every {gan.penalty_interval} steps"


def training_of(arguments, dataset, result):
    """What the model card says of the training."""
    return {
        "command": arguments.command,
        "seed": arguments.seed,
        **result,
        "data": {
            "name": dataset.name,
            "num_images": dataset.num_images,
            "image_shape": dataset.image_shape,
            "fingerprint": dataset.fingerprint,
            "licence": dataset.licence,
        },
    }


def export(gan, folder, model_folder, arguments, dataset, seconds):
    """Writes the SavedModel, its contact sheet and the curves, and says where they are."""
    import tensorflow as tf

    from tfgan import model_card
    from tfgan.export import export_saved_model, named_inputs
    from tfgan.plotting import save_curves, sheet

    step = int(gan.step)
    result = {
        "step": step,
        "images": step * dataset.batch_size,
        "seconds": round(seconds, 2),
    }
    training = training_of(arguments, dataset, result)
    version_folder, difference = export_saved_model(gan, model_folder, training)
    # Drawn by the exported model: the sheet shows what is served.
    exported = tf.saved_model.load(str(version_folder))
    inputs, columns = gan.examples(NUM_SHOWN)
    seeds, told = named_inputs(gan, inputs)
    pictures = exported.signatures["from_seeds"](seeds=seeds, **told)["images"]
    sheet(pictures, columns).save(folder.contact_sheet_file)
    save_curves(folder.history_file, folder.curves_file)
    folder.finish(result | {"saved_model": str(version_folder)})
    label = "--label 0,1 " if arguments.model == "cgan" else ""
    print(
        f"\nexported {version_folder} (reloaded, it differs from the live model by at most "
        f"{difference:.1g})\n"
        f"card     {version_folder / model_card.CARD_FILE}\n"
        f"pictures {folder.contact_sheet_file}\n"
        f"curves   {folder.curves_file}\n"
        f"sample   python -m tfgan.generate {model_folder} {label}--num 64 --seed 0 --out "
        "grid.png\n"
        f"serve    tensorflow_model_server --rest_api_port=8501 "
        f"--model_name={os.path.basename(model_folder)} "
        f"--model_base_path={os.path.abspath(model_folder)}"
    )


def measure_exported(version_folder, arguments, num_classes):
    """Measures what an exported model draws, writes it into the model card and prints it.

    Args:
        version_folder: of the model.
        arguments: what `parse` returned.
        num_classes: of a conditional model's labels, or None.
    """
    import numpy as np

    from tfgan import metrics, model_card

    # As many pictures of one class as of another.
    labels = None if num_classes is None else np.arange(NUM_MEASURED, dtype=np.int32) % num_classes
    told = {} if labels is None else {"labels": labels}
    report = metrics.measure(
        pictures_of(version_folder, np.arange(NUM_MEASURED), told),
        arguments.dataset,
        labels=labels,
        split=MEASURED_SPLIT,
        data_dir=arguments.data_dir,
        image_size=arguments.image_size,
    )
    model_card.add_metrics(version_folder, report)
    print(f"\n{report}")


def main(argv=None):
    """Entry point; returns the exit status."""
    start_time = time.monotonic()
    arguments = parse(argv)
    return run(functools.partial(train, start_time=start_time), arguments)


if __name__ == "__main__":
    sys.exit(main())
