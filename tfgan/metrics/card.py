"""Numbers that carry their conditions, and refuse to be compared under others."""

import dataclasses

from tfgan.errors import InputError


@dataclasses.dataclass(frozen=True)
class Card:
    """Everything besides the generator that moves a metric."""

    def require_same(self, other):
        """Refuses another card.

        Raises:
            InputError: the cards differ; the message says in what.
        """
        differences = [
            f"{field.name} {getattr(self, field.name)!r} and {getattr(other, field.name)!r}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        ]
        if differences:
            raise InputError(
                f"numbers measured under different conditions cannot be compared: "
                f"{'; '.join(differences)}. Measure both under the same"
            )


@dataclasses.dataclass(frozen=True)
class MetricCard(Card):
    """The conditions of a comparison of generated images with real ones.

    Attributes:
        features: what the extractor is.
        digest: hash of all that decides its features.
        data: the data set.
        split: the part of it that generated images are compared with.
        num_real, num_generated: sample sizes of the distances.
        num_floor: how many real training images the floor is measured with.
        num_neighbours: samples per side of the nearest-neighbour metrics.
        k: their neighbour.
        image_shape: (height, width, channels) at which images are compared.
        resize: how they were brought to it.
        seed: of what is drawn at random: the classifier's half, the subsets.
        versions: pairs of a package and its version.
    """

    features: str
    digest: str
    data: str
    split: str
    num_real: int
    num_generated: int
    num_floor: int
    num_neighbours: int
    k: int
    image_shape: tuple[int, int, int]
    resize: str
    seed: int
    versions: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One metric of one set of images.

    `a < b`, `a > b` and `a - b` compare two of them, and refuse where their cards or their
    metrics differ.

    Attributes:
        metric: its name.
        value: the number.
        low, high: its 95% interval, or None where there is none.
        floor: the same metric of real training images in place of the generated ones, at the
            same sizes, or None where that means nothing.
        card: the conditions.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    floor: float | None
    card: Card

    def __lt__(self, other):
        return self - other < 0

    def __gt__(self, other):
        return self - other > 0

    def __sub__(self, other):
        if self.metric != other.metric:
            raise InputError(f"{self.metric} cannot be compared with {other.metric}")
        self.card.require_same(other.card)
        return self.value - other.value
