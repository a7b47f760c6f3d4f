"""How long to train."""

import dataclasses

from tfgan.cli.train_flags import DEFAULT_STEPS


@dataclasses.dataclass(frozen=True)
class Budget:
    """Up to a step, or up to a time on the clock.

    Attributes:
        steps: the absolute step at which to stop, or None.
        seconds: the seconds at which to stop, counted over all sittings, or None.
    """

    steps: int | None = None
    seconds: float | None = None

    def is_spent(self, step, seconds):
        """Whether a run that stands at this step after so many seconds is finished."""
        return seconds >= self.seconds if self.steps is None else step >= self.steps


def budget_of(arguments, dataset):
    """How long to train, of the flags --epochs, --steps and --minutes."""
    if arguments.minutes is not None:
        return Budget(seconds=arguments.minutes * 60)
    if arguments.epochs is not None:
        return Budget(steps=arguments.epochs * dataset.steps_per_epoch)
    return Budget(steps=arguments.steps or DEFAULT_STEPS)
