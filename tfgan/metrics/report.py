"""Generated images against a data set: every metric with its interval, floor and card."""

import dataclasses

import numpy as np

from tfgan import data
from tfgan.metrics.card import Measurement, MetricCard
from tfgan.metrics.classes import (
    class_balance,
    classifier_score,
    label_agreement,
    mode_count,
    within_class_diversity,
)
from tfgan.metrics.comparison import prepare
from tfgan.metrics.frechet import frechet_distance
from tfgan.metrics.kernel import kernel_distance
from tfgan.metrics.neighbours import Memorization, memorization, neighbour_scores
from tfgan.metrics.text_table import text_table
from tfgan.metrics.uncertainty import frechet_interval, neighbour_intervals

_NORMAL_QUANTILE = 1.959964
# In a table of classes.
_MOST_CLASSES = 20


@dataclasses.dataclass(frozen=True)
class Report:
    """All metrics of one set of images, under one card.

    Attributes:
        measurements: `Measurement`s by the name of their metric.
        card: their conditions.
        copies: each generated image's nearest training image, and how near it is.
        by_class: `label_agreement` of each requested class, by its name: a dict of its
            `value`, `low`, `high` and of `num`, how many images were conditioned on it; None where
            there is no `label_agreement`.
    """

    measurements: dict[str, Measurement]
    card: MetricCard
    copies: Memorization
    by_class: dict[str, dict] | None = None

    def __getitem__(self, metric):
        return self.measurements[metric]

    def as_dict(self):
        """For JSON: the card, and each metric's value, interval and floor."""
        numbers = {
            name: {
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "floor": one.floor,
            }
            for name, one in self.measurements.items()
        }
        if self.by_class is not None:
            numbers["label_agreement"]["by_class"] = self.by_class
        return {"card": dataclasses.asdict(self.card), "metrics": numbers}

    def rows(self):
        """Name, value, interval and floor of each metric, as text."""
        for name, one in self.measurements.items():
            interval = "" if one.low is None else f"{one.low:.4g} to {one.high:.4g}"
            floor = "" if one.floor is None else f"{one.floor:.4g}"
            yield name, f"{one.value:.4g}", interval, floor

    def class_rows(self):
        """Name, label agreement, interval and number of each class, as text, the lowest first.

        At most 20 of them: `as_dict` has them all. Empty where there is no `label_agreement`.
        """
        lowest = sorted((self.by_class or {}).items(), key=lambda item: item[1]["value"])
        for name, one in lowest[:_MOST_CLASSES]:
            interval = f"{one['low']:.4g} to {one['high']:.4g}"
            yield name, f"{one['value']:.4g}", interval, f"{one['num']:,}"

    def __str__(self):
        parts = [text_table([("metric", "value", "95% interval", "floor"), *self.rows()])]
        if self.by_class:
            head = ("class", "label agreement", "95% interval", "images")
            parts += ["", text_table([head, *self.class_rows()]), ""]
        card = self.card
        parts.append(
            f"{card.features} ({card.digest}); {card.num_generated:,} generated, {card.num_real:,} "
            f"of {card.data} {card.split}; neighbours {card.num_neighbours:,} per side, k {card.k}"
            f"; seed {card.seed}"
        )
        return "\n".join(parts)


def measure(
    images,
    dataset,
    *,
    labels=None,
    by_class=None,
    split="test",
    data_dir=None,
    image_size=None,
    channels=None,
    num=10_000,
    num_neighbours=5_000,
    features="auto",
    k=5,
    seed=0,
    progress=True,
):
    """Measures generated images against a split that no training has seen.

    The floor of a metric is the same metric of real training images, ones that the features were
    not made from, in place of the generated ones: a perfect generator gets it. It has the same
    sizes, unless there are fewer such images; the card says how many.

    Args:
        images: generated images, uint8 [N, H, W, C], or floats in [0, 1].
        dataset: the name of a data set with the splits `train` and `split`, or these two
            `ImageDataset`s.
        labels: what each image was conditioned on, integers [N], or None. The classes should come
            as often as in `split`: else their shares alone tell the two apart.
        by_class: `(images, labels)` of other images, as many of each class, for
            `label_agreement`; None takes `images` and `labels`.
        split: what they are compared with.
        data_dir: TFDS' folder.
        image_size, channels: what real images are brought to, as in `tfgan.data.load`.
        num: at most so many images per side, drawn at random if there are more.
        num_neighbours: at most so many per side for the nearest-neighbour metrics.
        features: see `tfgan.metrics.extractors.extractor_for`.
        k: the neighbour of precision, recall, density and coverage.
        seed: of the classifier's half and of the subsets.
        progress: shows bars.

    Returns:
        A `Report` with `frechet_distance` (as usual, biased upwards by the sample size),
        `frechet_distance_limit` (at unlimited samples), `kernel_distance`, `precision`, `recall`,
        `density`, `coverage`, `copies_nearer` and `copies_close_share` (0.5 and 0.05 are healthy);
        with a classifier also `classifier_score`, `class_imbalance`, `modes`, `modes_kl`,
        `class_diversity`; with labels too, `label_agreement`, the share of the images that the
        classifier takes for what was requested, on average over the classes, each counted once, and
        class by class (its accuracy on real images is the floor).

    Raises:
        InputError: images of another shape than the data set's, too few of them, no such split,
            another number of labels.
    """
    if isinstance(dataset, tuple):
        train, test = dataset
    else:
        options = {"image_size": image_size, "data_dir": data_dir, "channels": channels}
        train, test = (data.load(dataset, 1, split=each, **options) for each in ("train", split))
    comparison = prepare(
        images,
        train,
        test,
        labels=labels,
        by_class=by_class,
        split=split,
        image_size=image_size,
        num=num,
        num_neighbours=num_neighbours,
        features=features,
        k=k,
        seed=seed,
        progress=progress,
    )
    return measure_comparison(comparison, progress)


def measure_comparison(comparison, progress=True, floor_of=None):
    """`measure`, of what `tfgan.metrics.comparison.prepare` has prepared.

    Args:
        comparison: `Comparison`.
        progress: shows bars.
        floor_of: a `Report` under the same card, whose floors are taken over.

    Returns:
        A `Report`.

    Raises:
        InputError: `floor_of` was made under another card.
    """
    if floor_of is not None:
        comparison.card.require_same(floor_of.card)
    card, seed, k = comparison.card, comparison.card.seed, comparison.card.k
    real, fake, floor = (
        comparison.real.features,
        comparison.fake.features,
        comparison.floor.features,
    )
    real_subset, fake_subset, floor_subset = (
        each.features[each.subset] for each in (comparison.real, comparison.fake, comparison.floor)
    )
    measurements = {}

    def add(metric, value, low=None, high=None, floor=None):
        """`floor` is a function: some floors cost as much as what stands on them."""
        if floor is not None:
            known = floor_of and floor_of.measurements.get(metric)
            floor = known.floor if known else floor()
        measurements[metric] = Measurement(metric, value, low, high, floor, card)

    limit = frechet_interval(real, fake, seed=seed, progress=progress)
    distance = frechet_distance(real, fake)
    # The limit's interval, moved by the bias, which hardly varies.
    bias = distance - limit.value
    add(
        "frechet_distance",
        distance,
        limit.low + bias,
        limit.high + bias,
        lambda: frechet_distance(real, floor),
    )
    add(
        "frechet_distance_limit",
        limit.value,
        limit.low,
        limit.high,
        lambda: frechet_interval(real, floor, seed=seed, progress=progress).value,
    )
    kernel = kernel_distance(real, fake, progress)
    reach = _NORMAL_QUANTILE * kernel.standard_error
    add(
        "kernel_distance",
        kernel.value,
        kernel.value - reach,
        kernel.value + reach,
        lambda: kernel_distance(real, floor, progress).value,
    )

    intervals = neighbour_intervals(real_subset, fake_subset, k, seed=seed, progress=progress)
    floor_scores = None if floor_of else neighbour_scores(real_subset, floor_subset, k)
    for metric in ("precision", "recall", "density", "coverage"):
        interval = getattr(intervals, metric)
        add(
            metric,
            interval.value,
            interval.low,
            interval.high,
            lambda metric=metric: getattr(floor_scores, metric),
        )

    copies = memorization(comparison.trained_on, fake, real, progress)
    add("copies_nearer", copies.nearer)
    add("copies_close_share", copies.close_share)

    fake_classes, floor_classes = comparison.fake.probabilities, comparison.floor.probabilities
    if fake_classes is not None:
        read, floor_read = fake_classes.argmax(axis=1), floor_classes.argmax(axis=1)
        num_classes = fake_classes.shape[1]
        add(
            "classifier_score",
            classifier_score(fake_classes),
            floor=lambda: classifier_score(floor_classes),
        )
        # A negative label stands for none, or for a class that the classifier does not know.
        known = comparison.real.labels[comparison.real.labels >= 0]
        if len(known):
            add(
                "class_imbalance",
                class_balance(read, known, num_classes).total_variation,
                floor=lambda: class_balance(floor_read, known, num_classes).total_variation,
            )
        modes, floor_modes = (mode_count(each, num_classes) for each in (read, floor_read))
        add("modes", modes.modes, floor=lambda: floor_modes.modes)
        add("modes_kl", modes.kl, floor=lambda: floor_modes.kl)
        add(
            "class_diversity",
            within_class_diversity(fake, read, num_classes).mean,
            floor=lambda: within_class_diversity(floor, floor_read, num_classes).mean,
        )
    by_class = None
    if comparison.requested is not None:
        num_classes = len(comparison.class_names)
        agreement = label_agreement(
            comparison.requested.read, comparison.requested.labels, num_classes
        )
        of_floor = np.isin(comparison.floor.labels, comparison.requested.labels)
        add(
            "label_agreement",
            agreement.value,
            agreement.low,
            agreement.high,
            lambda: (
                label_agreement(
                    floor_read[of_floor], comparison.floor.labels[of_floor], num_classes
                ).value
                if of_floor.any()
                else None
            ),
        )
        by_class = {
            name: {"value": float(value), "low": float(low), "high": float(high), "num": int(num)}
            for name, value, low, high, num in zip(
                comparison.class_names,
                agreement.shares,
                agreement.lows,
                agreement.highs,
                agreement.counts,
            )
            if num
        }
    return Report(measurements, card, copies, by_class)
