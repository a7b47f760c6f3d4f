"""What a run does with its quality curve: it writes it, keeps the best, and raises alarms."""

import dataclasses
import functools

import keras

from tfgan.training.monitor.alarms import after, alarms_of
from tfgan.training.monitor.reading import is_better, noise_between, read_readings, write_reading


class QualityMonitor(keras.callbacks.Callback):
    """Evaluates the quality at every k-th step.

    Each reading is a row of the run's `quality.csv`, and a point in TensorBoard. The EMA
    weights of the best are kept. Where an alarm begins or ends a line says so, and `alarms.json`
    has it. All of it follows from the weights, and these from the steps: a resumed run has what an
    undisturbed one has.

    Args:
        make_evaluator: function without arguments that returns a `QualityEvaluator`, called when
            one is first needed: a run that is shorter than the interval needs none.
        interval: steps from one reading to the next.
        folder: the `RunFolder`, whose rows are those of the restored step.
        best: the `BestWeights`, as they were restored.
        scalars: the `TensorBoardScalars` of the run.
        seconds: function that returns the seconds trained so far.
        advice: what to try against each alarm, a dict by their names.
    """

    def __init__(self, make_evaluator, interval, folder, best, scalars, seconds, advice):
        super().__init__()
        self.make_evaluator = make_evaluator
        self.interval = interval
        self.folder = folder
        self.best = best
        self.scalars = scalars
        self.seconds = seconds
        self.readings = read_readings(folder.quality_file)
        self.advice = advice
        self.alarms = alarms_of(self.readings, advice)

    @functools.cached_property
    def evaluator(self):
        """The `QualityEvaluator`."""
        return self.make_evaluator()

    def on_train_begin(self, logs=None):
        self.step = int(self.model.step)
        if self.alarms:
            self.record_alarms()

    def on_train_batch_end(self, batch, logs=None):
        # Counted here: to ask the model would have a GPU wait at every step.
        self.step += 1
        if self.step % self.interval:
            return
        reading = self.evaluate()
        self.best.update(reading)
        values = dataclasses.asdict(reading)
        del values["step"]
        self.scalars.write({f"quality/{name}": value for name, value in values.items()})
        earlier, self.alarms = self.alarms, after(self.alarms, self.readings, self.advice)
        if self.alarms != earlier:
            self.print_notes(earlier)
            self.record_alarms()

    def evaluate(self):
        """Evaluates the present step, and writes its row."""
        reading = self.evaluator.evaluate()
        self.readings.append(reading)
        write_reading(self.folder.quality_file, reading, self.seconds())
        return reading

    def print_notes(self, earlier):
        """Prints which alarms have begun or ended since there were the earlier ones."""
        for alarm in self.alarms:
            if alarm not in earlier:
                # The progress bar stands in a line of its own, and goes on in the next.
                print(f"\nalarm: {alarm}" if alarm.until is None else f"\n{alarm.over()}")

    def record_alarms(self):
        """Writes `alarms.json`."""
        self.folder.record_alarms([dataclasses.asdict(alarm) for alarm in self.alarms])

    def choose_weights(self):
        """Decides at the end of a run which EMA weights are exported, and puts them in place.

        The last ones, unless the best were better by more than the noise.

        Returns:
            A dict for JSON of what was chosen and why; None for a run without a curve.
        """
        if not self.readings:
            return None
        last = self.readings[-1]
        if last.step != int(self.model.step):
            last = self.evaluate()
        takes_best = is_better(self.best, last)
        chosen = self.best if takes_best else last
        if takes_best:
            self.best.restore()
        return {
            "exported_step": chosen.step,
            "frechet_distance": chosen.frechet_distance,
            "best_step": self.best.step,
            "best_frechet_distance": self.best.frechet_distance,
            "last_frechet_distance": last.frechet_distance,
            "noise": noise_between(self.best, last),
            "floor": last.floor,
            "compared_with": self.evaluator.compared_with,
            "alarms": [dataclasses.asdict(alarm) for alarm in self.alarms if alarm.until is None],
        }


def describe_choice(quality, step):
    """What `QualityMonitor.choose_weights` returned, in a line for a person.

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
