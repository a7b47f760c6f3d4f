"""One session of a run: builds its model, goes on where it stands, trains, and exports."""

import contextlib
import signal
import sys
import time

from tfgan.cli.parser import EXIT_FAULT
from tfgan.errors import InputError
from tfgan.startup import start_tensorflow
from tfgan.training.changes import Changes
from tfgan.training.publish import measure_exported, publish
from tfgan.training.run_folder import require_writable

EXIT_NOT_FINITE = 3


def train_or_finished(plan, start_time):
    """Trains as a plan says, in its run folder, which is locked; or says that nothing is left.

    Args:
        plan: a `Plan`.
        start_time: `time.monotonic()` when the process began, from which `--minutes` counts.

    Returns:
        The exit status: 0, or 1 where the model could not be exported, or 3 where a loss or
        gradient was not finite, or 128 plus the signal that stopped the run.

    Raises:
        InputError: a mistake of the user's.
    """
    start_tensorflow()
    run, folder = plan.run, plan.folder
    settings = plan.settings(precision_of(run, folder))
    changes, other_versions = Changes(), ""
    if not run.fresh:
        former, hashes = plan.dataset.former_fingerprint, hashes_of(plan.dataset)
        changes = folder.check(settings, former, hashes, run.continue_anyway)
        other_versions = folder.other_versions()
        if is_finished(plan):
            print(finished_message(plan))
            if run.measure:
                measure_exported(plan)
            return 0
    require_writable(run.export_dir, "--export-dir")
    if other_versions:
        print(f"note: resumed with other versions ({other_versions}), not bit for bit")
    return train(plan, settings, changes, start_time)


def is_finished(plan):
    """Whether the run has trained as long as it should, and its model is where it should be."""
    result = plan.folder.result
    if result is None or not plan.budget.is_spent(result["step"], result["seconds"]):
        return False
    exported = plan.folder.exported
    return exported.exists() and exported.parent == plan.model_folder


def finished_message(plan):
    """What to say where there is nothing left to do."""
    run, result = plan.run, plan.folder.result
    longer = "--minutes" if run.minutes else "--epochs" if run.epochs else "--steps"
    return (
        f"{plan.folder.path} is finished: {result['step']:,} steps in {result['seconds']:.0f} s, "
        f"exported to {result['saved_model']}. To train on, pass a larger {longer}; to start "
        "anew, --fresh or another --name."
    )


def precision_of(run, folder):
    """What `--precision` means here; a run that goes on keeps what `auto` meant for it."""
    from tfgan.networks.precision import resolved

    earlier = None if run.fresh else folder.settings
    if run.precision == "auto" and earlier is not None:
        return earlier.get("precision")
    return resolved(run.precision)


def hashes_of(dataset):
    """A hash of each of the images' files by its name; None where they lie in none."""
    parts = [each.contents for each in dataset.decoded]
    # Two domains may be of one data set.
    if all(part == parts[0] for part in parts):
        return parts[0]
    return {
        f"{letter}/{name}": content
        for letter, part in zip("ab", parts)
        for name, content in (part or {}).items()
    }


def compiled_model(plan, precision):
    """The family's model, ready to train, of networks that compute in a precision."""
    import keras

    from tfgan.networks.precision import computing_in

    keras.utils.set_random_seed(plan.run.seed)
    with computing_in(precision):
        model = plan.family.build(plan.dataset, plan.run.seed)
    plan.family.compile(model, plan.budget.steps)
    return model


def model_and_precision(plan, precision, is_choice):
    """The compiled model, and the precision that its networks compute in.

    Args:
        plan: a `Plan`.
        precision: "float32" or "bfloat16".
        is_choice: whether it may be another one where this machine computes wrongly in bfloat16.

    Raises:
        InputError: this machine does, and `is_choice` is false.
    """
    from tfgan.training.convolution_check import miscomputed_layer

    model = compiled_model(plan, precision)
    if precision == "float32":
        return model, precision
    networks = [getattr(model, name) for name in model.networks]
    layer = miscomputed_layer(networks, plan.dataset.batch_size)
    if layer is None:
        return model, precision
    if not is_choice:
        raise InputError(
            f"this machine computes {layer} wrongly in bfloat16. Pass --precision float32, and "
            "where there is a run in bfloat16 --continue-anyway, --fresh or another --name"
        )
    print(f"note: in float32, since this machine computes {layer} wrongly in bfloat16")
    return compiled_model(plan, "float32"), "float32"


def require_rates(model, learning_rate):
    """Sets the rate of optimizers whose rate stays: a checkpoint brings back the one it had."""
    import keras

    for name in model.optimizers:
        optimizer = getattr(model, name)
        if isinstance(optimizer.learning_rate, keras.Variable):
            optimizer.learning_rate = learning_rate


def train(plan, settings, changes, start_time):
    """Trains in a run folder that is locked and claimed; see `train_or_finished`."""
    from tfgan.training.callbacks import History, RunProgress, SampleGrids, TensorBoardScalars
    from tfgan.training.checkpoint import Checkpoints
    from tfgan.training.loop import NotFiniteError, train_until
    from tfgan.training.monitor.best_weights import BestWeights
    from tfgan.training.monitor.curve import evaluator_for, interval_of, is_watched
    from tfgan.training.monitor.quality_monitor import QualityMonitor

    run, family, dataset, budget, folder = (
        plan.run,
        plan.family,
        plan.dataset,
        plan.budget,
        plan.folder,
    )
    # Build the model.
    is_choice = run.precision == "auto" and (run.fresh or folder.settings is None)
    model, precision = model_and_precision(plan, settings["precision"], is_choice)
    settings = settings | {"precision": precision}

    # Go on where the run stands.
    if run.fresh:
        # Now that nothing of what was passed can be refused any more.
        folder.clear()
    best = BestWeights(model) if is_watched(model, dataset) else None
    checkpoints = Checkpoints(folder.checkpoints, model, run.keep_checkpoints, best)
    resumed_step = checkpoints.restore()
    if resumed_step and budget.steps and resumed_step > budget.steps:
        raise InputError(
            f"{folder.path} has been trained to step {resumed_step} already, beyond the "
            f"{budget.steps} requested. Pass a larger number, --fresh or another --name"
        )
    step = resumed_step or 0
    folder.record(settings, plan.flags(), hashes_of(dataset), changes, step)
    # What was saved before the run went on otherwise has the rate and the best of before, also
    # where a session of the new settings was killed before it saved anything.
    require_rates(model, family.learning_rate)
    if best is not None and folder.had_other_images(step):
        best.forget()
    folder.cut_history(step // dataset.steps_per_epoch, step)
    folder.cut_quality(step, interval_of(dataset.batch_size))
    earlier_seconds = float(checkpoints.seconds)

    def seconds():
        return earlier_seconds + time.monotonic() - start_time

    print(plan.text(model, precision))
    if resumed_step is not None:
        print(f"resumed at step {resumed_step}")
    if changes:
        print(
            f"note: goes on with other settings ({changes}), not bit for bit as one undisturbed "
            "run would"
        )

    # Train.
    samples = family.samples(model, dataset)
    scalars = TensorBoardScalars(folder.tensorboard)
    callbacks = [
        RunProgress(dataset.batch_size, seconds, budget.steps, budget.seconds),
        SampleGrids(folder.samples, samples),
        History(folder.history_file, seconds),
        scalars,
    ]
    monitor = None
    if best is not None:
        evaluator = evaluator_for(model, dataset, plan.held_out)
        interval = interval_of(dataset.batch_size)
        monitor = QualityMonitor(evaluator, interval, folder, best, scalars, seconds, family.advice)
        callbacks.append(monitor)
    try:
        received = train_until(
            budget, model, dataset, callbacks, checkpoints, run.checkpoint_every, seconds
        )
    except NotFiniteError as error:
        print(not_finite_message(error, checkpoints, folder, precision), file=sys.stderr)
        return EXIT_NOT_FINITE
    if received:
        print(
            f"\nstopped by {signal.Signals(received).name} at step {int(model.step)}, which is "
            "saved. The same command resumes it"
        )
        return 128 + received
    if int(model.step) == 0:
        raise InputError(
            f"--minutes {run.minutes:g} was over before the first step, {seconds():.0f} seconds "
            "from the start. Pass a larger one"
        )

    # Export the better of the last and the best weights.
    trained_seconds = seconds()
    quality = monitor and monitor.choose_weights()
    training = training_of(plan, settings, int(model.step), trained_seconds, quality)
    try:
        failure = publish(plan, model, samples, training)
    # Hours of training must not seem lost, whatever it is.
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        print(
            f"error: the model was not exported ({reason}). What was trained is kept in "
            f"{folder.checkpoints}: the same command exports it",
            file=sys.stderr,
        )
        return EXIT_FAULT
    if failure:
        raise failure
    return 0


def not_finite_message(error, checkpoints, folder, precision):
    """What to say where a loss, a gradient or a weight is not finite."""
    steps = checkpoints.steps()
    kept = f"up to step {steps[-1]} in {folder.checkpoints}" if steps else "none yet"
    exact = "--precision float32, " if precision == "bfloat16" else ""
    goes_on = "--continue-anyway from there, or with " if steps else ""
    return (
        f"\nerror: {error}. Checkpoints: {kept}. Try {exact}a lower --learning-rate, another "
        f"--loss or a larger --batch-size, with {goes_on}--fresh or another --name"
    )


def training_of(plan, settings, step, seconds, quality):
    """What the model card says of the training.

    Args:
        plan: the `Plan`.
        settings: the run's.
        step: the last.
        seconds: that it trained.
        quality: what `QualityMonitor.choose_weights` returned, or None.
    """
    dataset = plan.dataset
    training = {
        # For people to read; the flags are what it is trained with again.
        "command": plan.run.command,
        "flags": plan.flags(),
        "seed": plan.run.seed,
        "precision": settings["precision"],
        "step": step,
        "images": step * dataset.batch_size,
        "seconds": round(seconds, 2),
        "data": {
            "name": dataset.name,
            "num_images": dataset.num_images,
            "image_shape": dataset.image_shape,
            "fingerprint": dataset.fingerprint,
            "license": dataset.license,
        },
    }
    if quality:
        training["quality"] = quality
    if plan.folder.continued:
        # The flags alone do not tell how it came about.
        training["continued"] = plan.folder.continued
    return training


def dry_run(plan, as_json):
    """Prints what would happen, and trains nothing.

    Args:
        plan: the `Plan`.
        as_json: whether as JSON.

    Returns:
        The exit status.
    """
    import json

    start_tensorflow()
    # JSON is read by programs: what else is said goes elsewhere.
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        precision = precision_of(plan.run, plan.folder)
        model, precision = model_and_precision(plan, precision, plan.run.precision == "auto")
    if as_json:
        print(json.dumps(plan.as_dict(model, precision), indent=2))
    else:
        print(plan.text(model, precision))
    return 0
