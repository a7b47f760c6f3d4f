"""What happens between training steps. Every class works under `fit` and in a plain loop."""

import sys
import time
from pathlib import Path

import keras
import tensorflow as tf

from tfgan.files import CsvLog, atomic_file
from tfgan.plotting import image_grid

# A terminal's bar is redrawn as Keras does; a log file gets a line now and then.
LOG_FILE_INTERVAL_S = 30.0
# A grid costs about as much as a step of a small network.
MIN_STEPS_BETWEEN_GRIDS = 20


def write_grid(file, images, columns):
    """Writes a grid of images float32 [N, H, W, C] in [0, 1], whole or not at all."""
    with atomic_file(file) as temporary:
        image_grid(images, columns).save(temporary)


class SampleGrids(keras.callbacks.Callback):
    """Writes a grid of the EMA networks' images after each epoch, and at the end.

    What they are made of is fixed, so that the grids show one image growing in each place. Where
    epochs are shorter than `MIN_STEPS_BETWEEN_GRIDS`, some get none.

    Args:
        folder: where `step-N.png` goes, and what there is besides at the end, `NAME-step-N.png`.
        samples: what stands on them; see `tfgan.families.samples`.
    """

    def __init__(self, folder, samples):
        super().__init__()
        self.folder = Path(folder)
        self.samples = samples

    def on_train_begin(self, logs=None):
        self.last_step = int(self.model.step)

    def on_epoch_end(self, epoch, logs=None):
        if int(self.model.step) - self.last_step >= MIN_STEPS_BETWEEN_GRIDS:
            self.write()

    def on_train_end(self, logs=None):
        self.write()
        for name, (images, columns) in self.samples.further().items():
            write_grid(self.folder / f"{name}-step-{self.last_step:09d}.png", images, columns)

    def write(self):
        """Writes the grid of the present step."""
        self.last_step = int(self.model.step)
        write_grid(self.folder / f"step-{self.last_step:09d}.png", *self.samples.live())


class History(keras.callbacks.Callback):
    """Appends a row to `history.csv` after each epoch: epoch, step, seconds and the epoch's logs.

    Args:
        file: the CSV; rows that are there stay.
        seconds: function that returns the seconds trained so far.
    """

    def __init__(self, file, seconds):
        super().__init__()
        self.log = CsvLog(file)
        self.seconds = seconds

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch, "step": int(self.model.step), "seconds": f"{self.seconds():.2f}"}
        row |= {name: float(value) for name, value in logs.items()}
        self.log.append(row)


class TensorBoardScalars(keras.callbacks.Callback):
    """Writes each epoch's logs as TensorBoard events, against the step.

    Keras' own callback counts in epochs, and writes an event at every batch as well, which costs
    a small network a tenth of its time.

    Args:
        folder: where the events go.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = str(folder)

    def on_train_begin(self, logs=None):
        self.writer = tf.summary.create_file_writer(self.folder)

    def on_epoch_end(self, epoch, logs=None):
        self.write(logs)

    def write(self, values):
        """Writes numbers of the present step, a dict from their names."""
        with self.writer.as_default(step=int(self.model.step)):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def on_train_end(self, logs=None):
        self.writer.close()


class RunProgress(keras.callbacks.Callback):
    """One Keras progress bar over all steps that are left: losses, images/s and the time left.

    Args:
        batch_size: images per step.
        seconds: function that returns the seconds trained so far.
        total_steps: steps at which the run ends; None where it ends by the clock.
        total_seconds: seconds at which it ends by the clock, or None.
    """

    def __init__(self, batch_size, seconds, total_steps=None, total_seconds=None):
        super().__init__()
        self.batch_size = batch_size
        self.seconds = seconds
        self.total_steps = total_steps
        self.total_seconds = total_seconds
        # Drawn at each step it would cost a small network as much as its training.
        self.interval = 0.2 if sys.stdout.isatty() else LOG_FILE_INTERVAL_S

    def on_train_begin(self, logs=None):
        # Counted from here: Keras tells the time left from the time per step since the start.
        self.first_step = int(self.model.step)
        self.bar = keras.utils.Progbar(
            self.total_steps and self.total_steps - self.first_step,
            stateful_metrics=[*(metric.name for metric in self.model.metrics), "images/s"],
            interval=0,
        )
        self.measured_time = self.steps_per_second = None

    def on_train_batch_end(self, batch, logs=None):
        self.logs = logs
        now = time.monotonic()
        if self.measured_time is None:
            # The first step compiles; the rate is counted from its end.
            self.measured_time, self.measured_step = now, int(self.model.step)
        elif now - self.measured_time >= self.interval:
            self.measure(now)
            self.draw()

    def on_train_end(self, logs=None):
        if self.measured_time is None:
            return
        if self.steps_per_second is None:
            self.measure(time.monotonic())
        if self.total_steps is None:
            self.bar.target = int(self.model.step) - self.first_step
        self.draw()

    def measure(self, now):
        """Takes the rate since the last measurement, and from it a clocked run's likely end."""
        step = int(self.model.step)
        self.steps_per_second = (step - self.measured_step) / (now - self.measured_time)
        self.measured_time, self.measured_step = now, step
        if self.total_steps is None:
            seconds_left = max(0.0, self.total_seconds - self.seconds())
            steps_left = 1 + round(self.steps_per_second * seconds_left)
            self.bar.target = step - self.first_step + steps_left

    def draw(self):
        """Brings the bar up to date."""
        values = [(name, float(value)) for name, value in self.logs.items()]
        if self.steps_per_second:
            values.append(("images/s", round(self.steps_per_second * self.batch_size)))
        self.bar.update(int(self.model.step) - self.first_step, values)
