"""What a family is on the command line: its flags, and what `python -m tfgan.train` asks of it.

TensorFlow is imported inside of methods alone, so that `--help` answers at once.
"""

import abc
import dataclasses
from typing import ClassVar

from tfgan.cli.flags import flag, values_of
from tfgan.cli.parser import number

RATE = number(float, 0, exclusive=True)
MOMENT_DECAY = number(float, 0, maximum=0.999999)
WEIGHT = number(float, 0)
COUNT = number(int, 1)

# Images of the exported model that `measure` takes.
NUM_MEASURED = 10_000


@dataclasses.dataclass(frozen=True)
class Family(abc.ABC):
    """A family of models. Its fields are its flags; a `Run` holds those of every family.

    The methods are called by `tfgan.train`, in this order, and none of them while a run trains.

    Attributes:
        name: what `--model` calls it.
        summary: what it does, in a line of `--help`.
        is_monitored: whether its runs have a quality curve; see `tfgan.training.monitor`.
        advice: what to try against each of its alarms, by their names.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    is_monitored: ClassVar[bool] = False
    advice: ClassVar[dict[str, str]] = {}

    batch_size: int = flag(16, "images in a batch", COUNT, metavar="N")
    learning_rate: float = flag(1e-3, "of Adam", RATE, metavar="RATE")
    beta_1: float = flag(0.9, "of Adam", MOMENT_DECAY, metavar="BETA")
    beta_2: float = flag(0.999, "of Adam", MOMENT_DECAY, metavar="BETA")

    # Most have nothing to refuse.
    def check(self, run, refuse):  # noqa: B027
        """Refuses flags that contradict each other, before TensorFlow is imported.

        Args:
            run: the `Run`.
            refuse: function of a message; it does not return.
        """

    @abc.abstractmethod
    def load(self, run, split="train"):
        """What the family learns from, or another part of it.

        Args:
            run: the `Run`.
            split: "train", or "test", what no training sees: in its order and as it is.

        Returns:
            An `ImageDataset`, or one of the data sets that are made of them.

        Raises:
            InputError: what was passed cannot work; the message says what to do.
        """

    def settings(self, dataset):
        """What decides the results of a run besides the `Run`: a flat dict for JSON."""
        return {"model": self.name, **values_of(self)}

    @abc.abstractmethod
    def build(self, dataset, seed):
        """The networks and the model, not compiled, under the dtype policy that is set."""

    @abc.abstractmethod
    def compile(self, model, total_steps):
        """Gives the model its optimizers, its losses and their weights.

        Args:
            model: what `build` returned.
            total_steps: of the whole run, or None where it ends by the clock.
        """

    @abc.abstractmethod
    def describe(self, model):
        """What a compiled model minimizes, in words for the plan."""

    @abc.abstractmethod
    def samples(self, model, dataset):
        """What stands on the grids of images that a run leaves; see `tfgan.families.samples`."""

    @abc.abstractmethod
    def usage(self, model):
        """The flags of `python -m tfgan.generate` that show what an exported model does."""

    @abc.abstractmethod
    def measure(self, exported, train, held_out):
        """What an exported model makes against what no training saw, for `--measure`.

        Args:
            exported: the `tfgan.inference.exported_model.ExportedModel`.
            train, held_out: what `load` returned of either.

        Returns:
            A `tfgan.metrics.Report` or `TranslationReport`.
        """

    def adam(self, learning_rate=None):
        """An optimizer of these flags, or with another rate or a schedule of rates."""
        from tfgan.optimizers import adam

        return adam(learning_rate or self.learning_rate, self.beta_1, self.beta_2)


def loading(run, batch_size, split):
    """The arguments that all data sets take alike."""
    return {
        # What is measured with comes in its order and as it is.
        "batch_size": batch_size if split == "train" else 1,
        "image_size": run.image_size,
        "seed": run.seed,
        "skip_corrupt": run.skip_corrupt,
        "split": split,
        "channels": run.channels,
    }
