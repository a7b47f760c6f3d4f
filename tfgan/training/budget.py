"""How long to train."""

import dataclasses

from tfgan.cli.train_flags import DEFAULT_STEPS


@dataclasses.dataclass(frozen=True)
class Budget:
    """Up to a step, or up to a time on the clock.

    Attributes:
        steps: the absolute step at which to stop, or None.
        seconds: the seconds at which to stop, counted over all sessions, or None.
    """

    steps: int | None = None
    seconds: float | None = None

    def is_spent(self, step, seconds):
        """Whether a run that stands at this step after so many seconds is finished."""
        return seconds >= self.seconds if self.steps is None else step >= self.steps


def budget_of(run, dataset):
    """How long a `Run` trains, of its flags --epochs, --steps and --minutes."""
    if run.minutes is not None:
        return Budget(seconds=run.minutes * 60)
    if run.epochs is not None:
        return Budget(steps=run.epochs * dataset.steps_per_epoch)
    return Budget(steps=run.steps or DEFAULT_STEPS)
