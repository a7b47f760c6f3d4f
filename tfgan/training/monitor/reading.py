"""A reading of a run's quality: its numbers, and when one is better than another."""

import dataclasses
import math

from tfgan.files import CsvLog


@dataclasses.dataclass(frozen=True)
class Reading:
    """What was read at one step: a row of `quality.csv`.

    Attributes:
        step: the one at which it was read.
        frechet_distance: from the EMA generator's images to the held-out ones.
        error: its standard error, from the drawing of the images.
        floor: the distance of as many training images.
        diversity: the total variance of the live generator's features over that of real ones: 0
            where all images are alike.
        nearest_pair: the median distance from an image of the live generator to the nearest other
            one, over that of as many real ones: 0 where images repeat.
        discriminator_auc: the area under the discriminator's ROC curve, that is the probability
            that it prefers a training image to one of the live generator: 0.5 where it cannot tell,
            1 where it always can. NaN without one.
    """

    step: int
    frechet_distance: float
    error: float
    floor: float
    diversity: float
    nearest_pair: float
    discriminator_auc: float = math.nan


def write_reading(file, reading, seconds):
    """Appends a reading's row to a CSV, with the seconds trained so far."""
    row = dataclasses.asdict(reading)
    CsvLog(file).append({"step": row.pop("step"), "seconds": f"{seconds:.2f}", **row})


def read_readings(file):
    """The rows of a `quality.csv`, a list of `Reading`; empty where there is none."""
    names = [field.name for field in dataclasses.fields(Reading)]
    return [
        Reading(**{name: row[name] for name in names} | {"step": int(row["step"])})
        for row in CsvLog(file).rows()
    ]


def noise_between(first, second):
    """Two standard errors of the difference between two readings' distances."""
    return 2.0 * math.hypot(first.error, second.error)


def is_better(first, second):
    """Whether the first of two readings has the smaller distance, beyond the noise."""
    return second.frechet_distance - first.frechet_distance > noise_between(first, second)
