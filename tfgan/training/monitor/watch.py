"""What a run does with its quality curve: it writes it, keeps the best, and raises alarms."""

import dataclasses
import functools

import keras

from tfgan.training.monitor.alarms import after, alarms_of
from tfgan.training.monitor.check import is_better, noise_between, read_checks, write_check


class QualityWatch(keras.callbacks.Callback):
    """Reads the quality at every so manieth step.

    Each reading is a row of the run's `quality.csv`, and a point in TensorBoard. The averages of
    the best are kept. Where an alarm begins or ends a line says so, and `alarms.json` has it. All
    of it follows from the weights, and these from the steps: a resumed run has what an undisturbed
    one has.

    Args:
        reader: function without arguments that returns a `QualityReader`, called when one is first
            needed: a run that is shorter than the interval needs none.
        interval: steps from one reading to the next.
        folder: the `RunFolder`, whose rows are those of the restored step.
        best: the `BestWeights`, as they were restored.
        scalars: the `TensorBoardScalars` of the run.
        seconds: function that returns the seconds trained so far.
        advice: what to try against each alarm, a dict by their names.
    """

    def __init__(self, reader, interval, folder, best, scalars, seconds, advice):
        super().__init__()
        self.make_reader = reader
        self.interval = interval
        self.folder = folder
        self.best = best
        self.scalars = scalars
        self.seconds = seconds
        self.checks = read_checks(folder.quality_file)
        self.advice = advice
        self.alarms = alarms_of(self.checks, advice)

    @functools.cached_property
    def reader(self):
        """The `QualityReader`."""
        return self.make_reader()

    def on_train_begin(self, logs=None):
        self.step = int(self.model.step)
        if self.alarms:
            self.record_alarms()

    def on_train_batch_end(self, batch, logs=None):
        # Counted here: to ask the model would have a GPU wait at every step.
        self.step += 1
        if self.step % self.interval:
            return
        check = self.read()
        self.best.offer(check)
        readings = dataclasses.asdict(check)
        del readings["step"]
        self.scalars.write({f"quality/{name}": value for name, value in readings.items()})
        earlier, self.alarms = self.alarms, after(self.alarms, self.checks, self.advice)
        if self.alarms != earlier:
            self.tell(earlier)
            self.record_alarms()

    def read(self):
        """Reads the present step, and writes its row."""
        check = self.reader.check()
        self.checks.append(check)
        write_check(self.folder.quality_file, check, self.seconds())
        return check

    def tell(self, earlier):
        """Says which alarms have begun or ended since there were the earlier ones."""
        for alarm in self.alarms:
            if alarm not in earlier:
                # The progress bar stands in a line of its own, and goes on in the next.
                print(f"\nalarm: {alarm}" if alarm.until is None else f"\n{alarm.over()}")

    def record_alarms(self):
        """Writes `alarms.json`."""
        self.folder.record_alarms([dataclasses.asdict(alarm) for alarm in self.alarms])

    def choose(self):
        """Decides at the end of a run which of its averages are exported, and puts them in place.

        The last ones, unless the best were better by more than the noise.

        Returns:
            A dict for JSON of what was chosen and why; None for a run without a curve.
        """
        if not self.checks:
            return None
        last = self.checks[-1]
        if last.step != int(self.model.step):
            last = self.read()
        takes_best = is_better(self.best, last)
        chosen = self.best if takes_best else last
        if takes_best:
            self.best.bring_back()
        return {
            "exported_step": chosen.step,
            "frechet_distance": chosen.frechet_distance,
            "best_step": self.best.step,
            "best_frechet_distance": self.best.frechet_distance,
            "last_frechet_distance": last.frechet_distance,
            "noise": noise_between(self.best, last),
            "floor": last.floor,
            "compared_with": self.reader.compared_with,
            "alarms": [dataclasses.asdict(alarm) for alarm in self.alarms if alarm.until is None],
        }


def told_of_choice(quality, step):
    """What `QualityWatch.choose` returned, in a line for a person.

    Args:
        quality: that dict.
        step: the last.
    """
    exported, distance = quality["exported_step"], quality["frechet_distance"]
    if exported == step:
        return (
            f"step {step:,}, Frechet distance {distance:.3g} to {quality['compared_with']} "
            f"({quality['floor']:.3g} of real ones)"
        )
    return (
        f"step {exported:,}, not the last: Frechet distance {distance:.3g}, and "
        f"{quality['last_frechet_distance']:.3g} at step {step:,}, beyond the noise of "
        f"{quality['noise']:.2g}"
    )
