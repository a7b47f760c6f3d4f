"""What the families have in common that make images out of images."""

import dataclasses

from tfgan.cli.flags import flag
from tfgan.errors import InputError
from tfgan.families.base import COUNT, MOMENT_DECAY, RATE, Family
from tfgan.families.networks import WIDTH


@dataclasses.dataclass(frozen=True)
class Translation(Family):
    """A family that makes images out of images."""

    width: int | None = flag(
        None,
        "channels at the image's end of all networks; the others follow",
        WIDTH,
        metavar="N",
        shown="32",
    )
    jitter: bool = flag(False, "move and mirror the images at random; not for digits")
    learning_rate: float = flag(2e-4, "of Adam, for all networks", RATE, metavar="RATE")
    decay_steps: int | None = flag(
        None,
        "let the rate fall to 0 over the last N of --steps or --epochs",
        COUNT,
        metavar="N",
        shown="it stays",
    )
    beta_1: float = flag(0.5, "of Adam", MOMENT_DECAY, metavar="BETA")

    def check(self, run, refuse):
        if self.decay_steps and run.minutes is not None:
            refuse("--decay-steps needs --steps or --epochs: by the clock no step is the last")

    def optimizers(self, total_steps):
        """One for the generators, one for the discriminators."""
        from tfgan.optimizers import LinearDecay

        rate = self.learning_rate
        if self.decay_steps is not None:
            if self.decay_steps > total_steps:
                raise InputError(
                    f"--decay-steps must be at most the {total_steps} steps of the run. "
                    f"Received: {self.decay_steps}"
                )
            rate = LinearDecay(rate, total_steps - self.decay_steps, self.decay_steps)
        return [self.adam(rate) for _ in range(2)]
