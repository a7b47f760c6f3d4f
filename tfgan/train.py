"""The main job: trains a model, shows its progress, and exports a SavedModel."""

import functools
import hashlib
import os
import shlex
import signal
import sys
import time
from pathlib import Path

import numpy as np

from tfgan import training_data
from tfgan.cli.parser import EXIT_FAULT, run
from tfgan.cli.train_flags import parse
from tfgan.errors import InputError
from tfgan.families import FAMILIES, NETWORKS
from tfgan.self_measurement import measure_exported, test_split
from tfgan.startup import share_cores, start_tensorflow
from tfgan.training.budget import budget_of
from tfgan.training.changes import FINGERPRINT, Changes
from tfgan.training.run_folder import RunFolder, require_writable

EXIT_NOT_FINITE = 3


def train(arguments, start_time):
    """Trains as the arguments say, and exports.

    Args:
        arguments: what `parse` returned.
        start_time: `time.monotonic()` when the process began, from which `--minutes` counts.

    Returns:
        The exit status: 0, or 1 where the model could not be exported, or 3 where a loss or
        gradient was not finite, or 128 plus the signal that stopped the run.

    Raises:
        InputError: a mistake of the user's.
    """
    share_cores(arguments.batch_size)
    dataset = training_data.load(arguments)
    if arguments.measure:
        # Finds out before the training whether there is anything to measure against.
        test_split(arguments)
    name = arguments.name or f"{dataset.name}_{arguments.model}"
    folder = RunFolder(os.path.join(arguments.out, name))
    model_folder = os.path.join(arguments.export_dir, name)
    budget = budget_of(arguments, dataset)
    with folder.locked():
        settings = settings_of(arguments, dataset, precision_of(arguments, folder))
        changes, other_versions = Changes(), ""
        if not arguments.fresh:
            changes = folder.check(
                settings,
                dataset.former_fingerprint,
                hashes_of(dataset),
                arguments.continue_anyway,
            )
            other_versions = folder.other_versions()
        if not arguments.fresh and is_finished(folder, budget, model_folder):
            print(finished_message(folder, arguments))
            status = 0
        else:
            require_writable(arguments.export_dir, "--export-dir")
            if other_versions:
                print(f"note: resumed with other versions ({other_versions}), not bit for bit")
            status = train_in(
                folder, model_folder, arguments, settings, changes, dataset, budget, start_time
            )
        if arguments.measure and status == 0:
            measure_exported(folder.result["saved_model"], arguments, dataset)
        return status


def is_finished(folder, budget, model_folder):
    """Whether the run has trained as long as it should, and its model is where it should be."""
    result = folder.result
    if result is None or not budget.is_spent(result["step"], result["seconds"]):
        return False
    exported = Path(result["saved_model"])
    return exported.exists() and exported.parent == Path(model_folder)


def precision_of(arguments, folder):
    """What `--precision` means here; a run that goes on keeps what `auto` meant for it."""
    from tfgan.networks.precision import resolved

    earlier = None if arguments.fresh else folder.settings
    if arguments.precision == "auto" and earlier is not None:
        return earlier.get("precision")
    return resolved(arguments.precision)


def settings_of(arguments, dataset, precision):
    """What decides the results of a run, mostly by the names of the flags."""
    names = ["model", "width", "seed", *FAMILIES[arguments.model]]
    if "networks" in arguments:
        names += NETWORKS[arguments.networks]
    values = {name: getattr(arguments, name) for name in names}
    # As JSON has them.
    values = {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }
    if arguments.model == "cgan":
        values["categories"] = categories_of(arguments.condition, dataset)
    return values | {
        "precision": precision,
        "dataset": dataset.name,
        FINGERPRINT: dataset.fingerprint,
        "image_shape": list(dataset.image_shape),
        "num_images": dataset.num_images,
    }


def categories_of(condition, dataset):
    """What a conditional model of a data set can be asked for, as JSON has it."""
    if condition == "label":
        return list(dataset.class_names)
    if condition == "attributes":
        return [[name, *categories] for name, categories in dataset.attribute_names.items()]
    # The texts themselves may be many.
    captions = np.unique(dataset.captions.table)
    return f"{len(captions)} captions, {hashlib.sha256(captions.tobytes()).hexdigest()[:16]}"


def hashes_of(dataset):
    """A hash of each of the pictures' files by its name; None where they lie in none."""
    parts = [each.contents for each in dataset.decoded]
    # Two domains may be of one data set.
    if all(part == parts[0] for part in parts):
        return parts[0]
    return {
        f"{letter}/{name}": content
        for letter, part in zip("ab", parts)
        for name, content in (part or {}).items()
    }


def require_rates(model, learning_rate):
    """Sets the rate of optimizers whose rate stays: a checkpoint brings back the one it had."""
    import keras

    for name in model.optimizers:
        optimizer = getattr(model, name)
        if isinstance(optimizer.learning_rate, keras.Variable):
            optimizer.learning_rate = learning_rate


def finished_message(folder, arguments):
    """What to say where there is nothing left to do."""
    result = folder.result
    longer = "--minutes" if arguments.minutes else "--epochs" if arguments.epochs else "--steps"
    return (
        f"{folder.path} is finished: {result['step']:,} steps in {result['seconds']:.0f} s, "
        f"exported to {result['saved_model']}. To train on, pass a larger {longer}; to start "
        "anew, --fresh or another --name."
    )


def model_and_precision(arguments, dataset, precision, is_choice):
    """The compiled model, and the precision that its networks compute in.

    Args:
        arguments: what `parse` returned.
        dataset: what it learns from.
        precision: "float32" or "bfloat16".
        is_choice: whether it may be another one where this machine computes wrongly in bfloat16.

    Raises:
        InputError: this machine does, and `is_choice` is false.
    """
    from tfgan.compiled_model import compiled_model
    from tfgan.training.convolution_check import miscomputed_layer

    model = compiled_model(arguments, dataset, precision)
    if precision == "float32":
        return model, precision
    networks = [getattr(model, name) for name in model.networks]
    layer = miscomputed_layer(networks, dataset.batch_size)
    if layer is None:
        return model, precision
    if not is_choice:
        raise InputError(
            f"this machine computes {layer} wrongly in bfloat16. Pass --precision float32, and "
            "where there is a run in bfloat16 --continue-anyway, --fresh or another --name"
        )
    print(f"note: in float32, since this machine computes {layer} wrongly in bfloat16")
    return compiled_model(arguments, dataset, "float32"), "float32"


def train_in(folder, model_folder, arguments, settings, changes, dataset, budget, start_time):
    """Trains in a run folder that is locked and claimed; see `train`."""
    start_tensorflow()
    from tfgan.sheets import NUM_SHOWN, contents_of
    from tfgan.training.callbacks import (
        History,
        ReconstructionSheet,
        RunProgress,
        SampleSheet,
        TensorBoardScalars,
    )
    from tfgan.training.checkpoint import Checkpoints
    from tfgan.training.loop import NotFiniteError, train_until
    from tfgan.training.monitor.best_weights import BestWeights
    from tfgan.training.monitor.curve import interval_of, is_watched, reader_for
    from tfgan.training.monitor.watch import QualityWatch
    from tfgan.training.plan import plan

    is_choice = arguments.precision == "auto" and (arguments.fresh or folder.settings is None)
    model, precision = model_and_precision(arguments, dataset, settings["precision"], is_choice)
    settings = settings | {"precision": precision}
    if arguments.fresh:
        # Now that nothing of what was passed can be refused any more.
        folder.clear()
    best = BestWeights(model) if is_watched(model, dataset) else None
    checkpoints = Checkpoints(folder.checkpoints, model, arguments.keep_checkpoints, best)
    resumed_step = checkpoints.restore()
    if resumed_step and budget.steps and resumed_step > budget.steps:
        raise InputError(
            f"{folder.path} has been trained to step {resumed_step} already, beyond the "
            f"{budget.steps} asked for. Pass a larger number, --fresh or another --name"
        )
    files, step = hashes_of(dataset), resumed_step or 0
    folder.record(settings, vars(arguments), files, changes, step)
    # What was saved before the run went on otherwise has the rate and the best of before, also
    # where a sitting of the new settings was killed before it saved anything.
    require_rates(model, arguments.learning_rate)
    if best is not None and folder.had_other_pictures(step):
        best.forget()
    folder.cut_history(step // dataset.steps_per_epoch, step)
    folder.cut_quality(step, interval_of(dataset.batch_size))
    earlier_seconds = float(checkpoints.seconds)

    def seconds():
        return earlier_seconds + time.monotonic() - start_time

    print(plan(arguments, settings, dataset, budget, model, folder, model_folder))
    if resumed_step is not None:
        print(f"resumed at step {resumed_step}")
    if changes:
        print(
            f"note: goes on with other settings ({changes}), not bit for bit as one undisturbed "
            "run would"
        )
    contents = contents_of(model, dataset)
    scalars = TensorBoardScalars(folder.tensorboard)
    callbacks = [
        RunProgress(dataset.batch_size, seconds, budget.steps, budget.seconds),
        SampleSheet(folder.samples, contents),
        History(folder.history_file, seconds),
        scalars,
    ]
    watch = None
    if best is not None:
        reader = functools.partial(reader_for, model, arguments, dataset)
        interval = interval_of(dataset.batch_size)
        watch = QualityWatch(reader, interval, folder, best, scalars, seconds)
        callbacks.append(watch)
    if arguments.model == "vae":
        callbacks.append(ReconstructionSheet(folder.samples, dataset.images[:NUM_SHOWN]))
    every = arguments.checkpoint_every
    try:
        received = train_until(budget, model, dataset, callbacks, checkpoints, every, seconds)
    except NotFiniteError as error:
        steps = checkpoints.steps()
        kept = f"up to step {steps[-1]} in {folder.checkpoints}" if steps else "none yet"
        exact = "--precision float32, " if precision == "bfloat16" else ""
        goes_on = "--continue-anyway from there, or with " if steps else ""
        print(
            f"\nerror: {error}. Checkpoints: {kept}. Try {exact}a lower --learning-rate, another "
            f"--loss or a larger --batch-size, with {goes_on}--fresh or another --name",
            file=sys.stderr,
        )
        return EXIT_NOT_FINITE
    if received:
        print(
            f"\nstopped by {signal.Signals(received).name} at step {int(model.step)}, which is "
            "saved. The same command resumes it"
        )
        return 128 + received
    if int(model.step) == 0:
        raise InputError(
            f"--minutes {arguments.minutes:g} was over before the first step, {seconds():.0f} "
            "seconds from the start. Pass a larger one"
        )
    trained_seconds = seconds()
    quality = watch and watch.choose()
    training = training_of(arguments, settings, dataset, model, trained_seconds, quality)
    if folder.continued:
        # The command alone does not tell how it came about.
        training["continued"] = folder.continued
    try:
        export(model, contents, folder, model_folder, arguments, training)
    # Hours of training must not seem lost, whatever it is.
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        print(
            f"error: the model was not exported ({reason}). What was trained is kept in "
            f"{folder.checkpoints}: the same command exports it",
            file=sys.stderr,
        )
        return EXIT_FAULT
    return 0


def training_of(arguments, settings, dataset, model, seconds, quality):
    """What the model card says of the training.

    `quality` is what `QualityWatch.choose` returned, or None.
    """
    step = int(model.step)
    result = {"step": step, "images": step * dataset.batch_size, "seconds": round(seconds, 2)}
    if quality:
        result["quality"] = quality
    return {
        "command": arguments.command,
        "seed": arguments.seed,
        "precision": settings["precision"],
        **result,
        "data": {
            "name": dataset.name,
            "num_images": dataset.num_images,
            "image_shape": dataset.image_shape,
            "fingerprint": dataset.fingerprint,
            "licence": dataset.licence,
        },
    }


def export(model, contents, folder, model_folder, arguments, training):
    """Writes the SavedModel, its contact sheet and the curves, and says where they are.

    `training` is what `training_of` returned.
    """
    from tfgan.export import model_card
    from tfgan.export.saved_model import export_saved_model
    from tfgan.inference.exported_model import ExportedModel
    from tfgan.plotting import save_curves, sheet
    from tfgan.training.monitor.watch import told_of_choice

    version_folder, difference = export_saved_model(model, model_folder, training)
    # Drawn by the exported model: the sheet shows what is served.
    pictures, columns = contents.served(ExportedModel.load(version_folder))
    contact_sheet = sheet(pictures, columns)
    contact_sheet.save(folder.contact_sheet_file)
    # Those who are handed the model alone look at it, too.
    contact_sheet.save(version_folder / model_card.CONTACT_SHEET_FILE)
    save_curves(folder.history_file, folder.curves_file, folder.quality_file)
    names = ("step", "images", "seconds", "quality")
    result = {name: training[name] for name in names if name in training}
    folder.finish(result | {"saved_model": str(version_folder)})
    lines = [
        f"exported {version_folder} (reloaded, it differs from the live model by at most "
        f"{difference:.1g})"
    ]
    if quality := result.get("quality"):
        lines.append(f"quality  {told_of_choice(quality, result['step'])}")
        lines += [
            f"alarm    {alarm['name']} since step {alarm['since']:,}, and still at the end"
            for alarm in quality["alarms"]
        ]
    lines += [
        f"card     {version_folder / model_card.CARD_FILE}",
        f"pictures {folder.contact_sheet_file}",
        f"curves   {folder.curves_file}",
        f"sample   python -m tfgan.generate {shlex.quote(model_folder)} "
        f"{asked_of(model, arguments)}",
        f"serve    tensorflow_model_server --rest_api_port=8501 "
        f"--model_name={shlex.quote(os.path.basename(model_folder))} "
        f"--model_base_path={shlex.quote(os.path.abspath(model_folder))}",
    ]
    print("", *lines, sep="\n")


def asked_of(model, arguments):
    """The flags of `tfgan.generate` that show what a model does."""
    if arguments.model in ("pix2pix", "cyclegan"):
        mask = "--mask holes.png " if getattr(model, "masked", False) else ""
        return f"--input picture.png {mask}--out translated.png"
    (_, *told), _ = model.examples(1)
    asked = ""
    if told and arguments.condition == "text":
        asked = f"--text {shlex.quote(told[0][0])} "
    elif told:
        asked = f"--label {':'.join(map(str, np.reshape(told[0][0], -1)))} "
    return f"{asked}--num 64 --seed 0 --out grid.png"


def main(argv=None):
    """Entry point; returns the exit status."""
    start_time = time.monotonic()
    arguments = parse(argv)
    return run(functools.partial(train, start_time=start_time), arguments)


if __name__ == "__main__":
    sys.exit(main())
