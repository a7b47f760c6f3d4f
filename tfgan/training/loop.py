"""The training loop: what `fit` does, but stoppable and resumable at any step."""

import contextlib
import re
import signal
import threading
import time

import keras
import numpy as np
import tensorflow as tf


class NotFiniteError(ArithmeticError):
    """A loss, a gradient or a weight became NaN or infinite; the message names it and the step."""


def train_until(budget, model, dataset, callbacks, checkpoints, checkpoint_every, seconds):
    """Trains until the budget is spent or a signal arrives; saves a checkpoint either way.

    The weights are those that `fit` would arrive at. `fit` cannot start inside an epoch; this
    starts at the model's step, wherever that is, because the batches and the noise follow from
    the seed and the step.

    Args:
        budget: a `Budget`.
        model: a compiled model with `step` and `train_step`.
        dataset: an `ImageDataset`.
        callbacks: a list of Keras callbacks.
        checkpoints: the `Checkpoints` of the model.
        checkpoint_every: seconds from one checkpoint to the next.
        seconds: function that returns the seconds trained so far, over all sessions.

    Returns:
        The number of the signal that stopped the loop, or None.

    Raises:
        NotFiniteError: a loss, a gradient or a weight is not finite. No checkpoint is written.
        OSError: a checkpoint or a callback's file cannot be written.
    """
    callbacks = keras.callbacks.CallbackList(callbacks, model=model)
    steps_per_epoch = dataset.steps_per_epoch
    step = int(model.step)
    batches = iter(dataset.batches(start_step=step))
    checkpoint_time = time.monotonic()
    # Inside an epoch a resumed run has its means so far.
    logs = model.get_metrics_result()
    with stop_signals() as received:
        callbacks.on_train_begin()
        while not (budget.is_spent(step, seconds()) or received):
            epoch, batch = divmod(step, steps_per_epoch)
            if batch == 0:
                model.reset_metrics()
                callbacks.on_epoch_begin(epoch)
            logs = train_step(model, next(batches), step)
            step += 1
            callbacks.on_train_batch_end(batch, logs)
            if step % steps_per_epoch == 0:
                callbacks.on_epoch_end(epoch, logs)
            if time.monotonic() - checkpoint_time >= checkpoint_every:
                require_finite_model(model, step)
                checkpoints.save(seconds())
                checkpoint_time = time.monotonic()
        if step % steps_per_epoch and not received:
            callbacks.on_epoch_end(step // steps_per_epoch, logs)
        require_finite_model(model, step)
        checkpoints.save(seconds())
        callbacks.on_train_end()
    return received[0] if received else None


def train_step(model, batch, step):
    """One step of the model; the failed check of a tensor becomes a `NotFiniteError`."""
    try:
        return model.train_step(batch)
    except tf.errors.InvalidArgumentError as error:
        found = re.search(r"non-finite (.+?) : Tensor had (.+?) values", error.message)
        if not found:
            raise
        # The model's own step may or may not have been counted up before the check failed.
        raise NotFiniteError(f"{found[1]} became {found[2]} at step {step + 1}") from error


def require_finite_model(model, step):
    """Refuses a model that no checkpoint should keep, as the last update may have left it."""
    for variable in model.weights:
        if variable.dtype.startswith("float") and not np.isfinite(variable).all():
            raise NotFiniteError(f"weight {variable.path} became infinite or NaN at step {step}")
    # Finite weights can be large enough to overflow.
    if not np.isfinite(model.probe()).all():
        raise NotFiniteError(f"the images became infinite or NaN at step {step}")


@contextlib.contextmanager
def stop_signals():
    """Collects Ctrl-C and SIGTERM in a list instead of dying of them; a second one interrupts.

    Outside of the main thread, where Python hands over no signals, the list stays empty.
    """
    received = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def receive(number, frame):
        if received:
            raise KeyboardInterrupt
        received.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, receive) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
