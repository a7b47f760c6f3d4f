"""The main job: trains a model, shows its progress, and exports a SavedModel."""

import functools
import sys
import time

from tfgan.cli import train_flags
from tfgan.cli.parser import run
from tfgan.families import FAMILIES, PRESETS
from tfgan.startup import share_cores
from tfgan.training.plan import plan_of
from tfgan.training.session import dry_run, train_or_finished


def parse(argv=None):
    """The `Run` and the family, with its flags, of a command line."""
    return train_flags.parse(argv, FAMILIES, PRESETS)


def train(parsed, start_time):
    """Trains, exports and measures, as was requested.

    Args:
        parsed: what `parse` returned.
        start_time: `time.monotonic()` when the process began, from which `--minutes` counts.

    Returns:
        The exit status; see `tfgan.training.session.train_or_finished`.

    Raises:
        InputError: a mistake of the user's.
    """
    flags, family = parsed
    share_cores(family.batch_size)
    plan = plan_of(flags, family)
    if flags.dry_run:
        return dry_run(plan, flags.json)
    with plan.folder.locked():
        return train_or_finished(plan, start_time)


def main(argv=None):
    """Entry point; returns the exit status."""
    start_time = time.monotonic()
    return run(functools.partial(train, start_time=start_time), parse(argv))


if __name__ == "__main__":
    sys.exit(main())
