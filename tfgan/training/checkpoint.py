"""Checkpoints that hold everything a run needs to go on as if it had never stopped."""

import os
import re
import shutil
from pathlib import Path

import tensorflow as tf

from tfgan.files import atomic_folder, remove_left_behind

_PREFIX = "step-"
# What TensorFlow's reader raises, by where the damage is: in an index, past the end of the data,
# in a checksum; and what remains unmatched where half of it can be read.
_DAMAGED = (tf.errors.OpError, IndexError, RuntimeError, ValueError, AssertionError)


class Checkpoints:
    """The newest few checkpoints of a model, each a folder that appears whole or not at all.

    A checkpoint holds the networks, the EMA generator, both optimizers with their slots, the
    step, the seeds' states, the running metrics, the seconds trained so far, and the EMA
    weights of the best reading so far. The data and the noise need nothing: they follow from the
    seed and the step.

    Args:
        folder: where the checkpoints lie, one folder `step-N` each.
        model: a compiled model with a `step` variable; compiled, so that its optimizers have their
            slots and restoring finds a place for each value.
        keep: how many of the newest to keep, at least 1.
        best: the `BestWeights` of the run, or None where there are none.
    """

    def __init__(self, folder, model, keep=3, best=None):
        self.folder = Path(folder)
        self.model = model
        self.keep = keep
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="seconds")
        parts = {
            "model": model,
            "metrics": [
                variable.value for metric in model.metrics for variable in metric.variables
            ],
            "seconds": self.seconds,
        }
        self._state_without_best = tf.train.Checkpoint(**parts)
        if best is not None:
            parts["best"] = best.state
        self._state = tf.train.Checkpoint(**parts)
        self._has_best = best is not None

    def steps(self):
        """Steps of the checkpoints on disk, ascending."""
        if not self.folder.is_dir():
            return []
        # A copy that somebody has put beside them, "step-000000100 copy", is none.
        found = (re.fullmatch(f"{_PREFIX}([0-9]+)", entry.name) for entry in self.folder.iterdir())
        return sorted(int(each[1]) for each in found if each)

    def save(self, seconds):
        """Writes a checkpoint of the model as it is, then removes the oldest beyond `keep`.

        Args:
            seconds: training time so far, over all sessions.

        Raises:
            OSError: the disk is full or the folder cannot be written; the checkpoints that were
                there are still there.
        """
        self.seconds.assign(seconds)
        step = int(self.model.step)
        final = self._folder_of(step)
        if final.exists():
            return
        try:
            with atomic_folder(final) as temporary:
                self._state.write(str(temporary / "state"))
        except tf.errors.OpError as error:
            raise OSError(f"cannot write a checkpoint in {self.folder}: {error.message}") from error
        for old in self.steps()[: -self.keep]:
            shutil.rmtree(self._folder_of(old))

    def restore(self, report=print):
        """Restores the newest checkpoint that can be read, and sets those aside that cannot.

        Args:
            report: called with a line for each checkpoint that is damaged.

        Returns:
            The restored step, or None where there is no checkpoint.

        Raises:
            OSError: there are checkpoints, and none can be read.
        """
        # The run's lock keeps writers out that are alive.
        remove_left_behind(self.folder)
        damaged = []
        for step in reversed(self.steps()):
            folder = self._folder_of(step)
            try:
                self._read(str(folder / "state"))
            except _DAMAGED as error:
                report(f"damaged checkpoint {folder}: {str(error).splitlines()[0]}")
                damaged.append(folder)
                continue
            # Left in place they would count among the newest, and push the readable ones out.
            for folder in damaged:
                aside = self.folder / f".damaged-{folder.name}"
                shutil.rmtree(aside, ignore_errors=True)
                os.rename(folder, aside)
            return step
        if damaged:
            raise OSError(
                f"none of the {len(damaged)} checkpoints in {self.folder} can be read. Restore "
                "that folder from a copy, or pass --fresh to start anew"
            )
        return None

    def _read(self, prefix):
        """Restores a checkpoint, with the best EMA weights if both sides have them.

        A run that goes on with more or fewer images may have readings, and had none, or the
        other way round.
        """
        holds_best = any(name.startswith("best/") for name, _ in tf.train.list_variables(prefix))
        state = self._state if holds_best else self._state_without_best
        status = state.read(prefix)
        if holds_best and not self._has_best:
            status.assert_existing_objects_matched()
        else:
            status.assert_consumed()

    def _folder_of(self, step):
        return self.folder / f"{_PREFIX}{step:09d}"
