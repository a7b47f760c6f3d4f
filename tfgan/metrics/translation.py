"""Translated images of an unseen split: every metric with its interval, baseline and card.

Where pairs are known, a translated image is compared with its target. Between unpaired domains
there is no target: a cycle must lead back to the start, and classifiers that never saw a
translated image tell which domain it belongs to, and what it shows.
"""

import dataclasses

import numpy as np
from scipy.stats import binomtest
from tqdm import tqdm

from tfgan.data import ImageDataset
from tfgan.errors import InputError
from tfgan.metrics.card import Card, Measurement
from tfgan.metrics.extractors import extractor_for, rounded
from tfgan.metrics.paired import l1, paired_scores, ssim_window
from tfgan.metrics.text_table import text_table
from tfgan.metrics.uncertainty import Interval, mean_interval
from tfgan.versions import package_versions


@dataclasses.dataclass(frozen=True)
class TranslationCard(Card):
    """Everything besides the translating model that moves a metric.

    Attributes:
        data: the data set.
        split: the part of it that is translated.
        num_images: how many images are translated: one number, or one for each domain.
        image_shape: (height, width, channels) of what comes out.
        ssim_window: the side of SSIM's window, or None.
        classifiers: what each is and the hash of its weights.
        seed: of what is drawn at random: the classifiers' training, and which images.
        versions: pairs of a package and its version.
    """

    data: str
    split: str
    num_images: tuple[int, ...]
    image_shape: tuple[int, int, int]
    ssim_window: int | None
    classifiers: tuple[str, ...]
    seed: int
    versions: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class TranslationMeasurement(Measurement):
    """One metric of translated images; its floor is that of real images of the target domain.

    Attributes:
        untranslated: the same metric of the images as they went in, or None where that means
            nothing.
        difference: the mean over the images of the metric less that of the same image
            untranslated, an `Interval`, or None.
    """

    untranslated: float | None
    difference: Interval | None


@dataclasses.dataclass(frozen=True)
class TranslationReport:
    """All metrics of one translating model, under one card.

    Attributes:
        measurements: `TranslationMeasurement`s by the name of their metric.
        card: their conditions.
    """

    measurements: dict[str, TranslationMeasurement]
    card: TranslationCard

    def __getitem__(self, metric):
        return self.measurements[metric]

    def as_dict(self):
        """For JSON: the card, and each metric's numbers."""
        numbers = {
            name: {
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "floor": one.floor,
                "untranslated": one.untranslated,
                "difference": one.difference and dataclasses.asdict(one.difference),
            }
            for name, one in self.measurements.items()
        }
        return {"card": dataclasses.asdict(self.card), "metrics": numbers}

    def __str__(self):
        rows = [
            ("metric", "value", "95% interval", "untranslated", "difference, 95% interval", "floor")
        ]
        # Of pairs there is none.
        last = -1 if all(one.floor is None for one in self.measurements.values()) else None
        for name, one in self.measurements.items():
            untranslated = "" if one.untranslated is None else f"{one.untranslated:.4g}"
            difference = ""
            if one.difference is not None:
                low, high = one.difference.low, one.difference.high
                difference = f"{one.difference.value:+.4g}, {low:+.4g} to {high:+.4g}"
            floor = "" if one.floor is None else f"{one.floor:.4g}"
            interval = f"{one.low:.4g} to {one.high:.4g}"
            rows.append((name, f"{one.value:.4g}", interval, untranslated, difference, floor))
        card = self.card
        images = " and ".join(f"{count:,}" for count in card.num_images)
        conditions = [f"{images} of {card.data} {card.split}"]
        if card.ssim_window:
            conditions.append(f"SSIM's window {card.ssim_window}x{card.ssim_window}")
        conditions += [*card.classifiers, f"seed {card.seed}"]
        return f"{text_table([row[:last] for row in rows])}\n{'; '.join(conditions)}"


def pair_scores(translators, dataset, progress=True):
    """Scores of several translators on the same pairs, so that differences can be taken of them.

    Args:
        translators: a dict of functions, from the condition, float32 [N, H, W, C'] in [0, 1], and
            the masks, float32 [N, H, W, 1] or None, to images, float [N, H, W, C] in [0, 1].
        dataset: the pairs, a `tfgan.data.transformed.TransformedDataset`; all of them, as its
            `examples` are, without jitter.
        progress: shows a bar.

    Returns:
        A dict of the same keys, each a dict from a metric of `paired_scores` to float64 [N].
    """
    pieces = {name: [] for name in translators}
    with tqdm(total=dataset.num_images, desc="translating", disable=not progress) as bar:
        for batch in dataset.example_batches():
            condition, targets = _unit(batch["condition"]), _unit(batch["image"])
            masks = batch.get("mask")
            for name, translate in translators.items():
                images = translate(condition, masks)
                pieces[name].append(paired_scores(images, targets, masks))
            bar.update(len(targets))
    return {
        name: {metric: np.concatenate([piece[metric] for piece in scores]) for metric in scores[0]}
        for name, scores in pieces.items()
    }


def measure_pairs(translate, dataset, *, split="test", num=10_000, seed=0, progress=True):
    """Measures a model that translates images whose targets are known.

    Beside each metric stands the same one of the condition, brought to the target's channels, and
    the mean of the differences on the same images, whose interval is narrower than those of the
    two.

    Args:
        translate: a function, see `pair_scores`, such as `tfgan.Pix2Pix.translate`.
        dataset: the pairs of a split that the model was not trained on, a
            `tfgan.data.transformed.TransformedDataset`.
        split: what the card calls it.
        num: at most so many pairs, drawn at random if there are more.
        seed: of that.
        progress: shows a bar.

    Returns:
        A `TranslationReport` with `l1`, `psnr` and `ssim`, and where there are masks also
        `hole_l1` and `hole_psnr`, of what was filled alone; the mean over the images each, with
        Student's interval.

    Raises:
        InputError: fewer than 2 pairs, or what is made of them is not of the target's shape or
            lies outside [0, 1].
    """
    if dataset.num_images < 2:
        raise InputError(f"an interval needs at least 2 pairs. {dataset.name} {split} has fewer")

    # It imports TensorFlow.
    from tfgan.data.variants import with_channels

    def untranslated(condition, masks):
        return with_channels(condition, dataset.image_shape[-1])

    translators = {"translated": translate, "untranslated": untranslated}
    scores = pair_scores(translators, dataset.sample(num, seed), progress)
    card = TranslationCard(
        data=dataset.name,
        split=split,
        num_images=(len(scores["translated"]["l1"]),),
        image_shape=tuple(dataset.image_shape),
        ssim_window=ssim_window(dataset.image_shape[:2]),
        classifiers=(),
        seed=seed,
        versions=tuple(package_versions().items()),
    )
    measurements = {}
    for metric, values in scores["translated"].items():
        baseline = scores["untranslated"][metric]
        mean = mean_interval(values)
        measurements[metric] = TranslationMeasurement(
            metric,
            mean.value,
            mean.low,
            mean.high,
            None,
            card,
            float(baseline.mean()),
            mean_interval(values - baseline),
        )
    return TranslationReport(measurements, card)


def measure_domains(
    a_to_b,
    b_to_a,
    train,
    test,
    *,
    split="test",
    num=10_000,
    num_training=20_000,
    seed=0,
    progress=True,
):
    """Measures a model that translates between two domains without pairs.

    The classifiers are those of `tfgan.metrics.measure`, trained on one half of the training
    images that are given to them, and kept in the user's cache folder. One tells the domains
    apart. Where both domains have labels of the same classes, each has another one, which reads
    what its images show.

    Args:
        a_to_b: a function of images, float32 [N, H, W, C] in [0, 1], such as
            `tfgan.CycleGAN.a_to_b`; returns the same of the other domain.
        b_to_a: the inverse direction.
        train, test: `tfgan.data.unpaired.UnpairedDataset`s of the two splits.
        split: what the card calls the second.
        num: at most so many images of either domain, drawn at random if there are more.
        num_training: at most so many training images of either domain for the classifiers, of
            both as many.
        seed: of the classifiers and of which images.
        progress: shows bars.

    Returns:
        A `TranslationReport` with

        - `cycle_l1_a`, `cycle_l1_b`: how far images of A, translated to B and back, lie from
          themselves (Zhu et al. 2017, equation 2, in [0, 1]), and those of B, with Student's
          interval. A model that leaves all as it is has 0: read them beside the next ones.
        - `domain_agreement_a_to_b`, `domain_agreement_b_to_a`: the share of translated images
          that are taken for the domain they were translated to. Its floor is the share of real
          images of that domain.
        - with labels, `class_agreement_a_to_b`, `class_agreement_b_to_a`: the share in which the
          classifier of the domain they were translated to reads the class that they had before.
          Its floor is its accuracy on real images.

        Shares have Wilson's interval.

    Raises:
        InputError: fewer than 2 images in a domain, translated images outside [0, 1] or of
            another shape.
    """
    fewest = min(test.a.num_images, test.b.num_images)
    if fewest < 2:
        raise InputError(f"an interval needs at least 2 images per domain. Received: {fewest}")
    num_training = min(num_training, train.a.num_images, train.b.num_images)
    known_a, known_b = (
        _as_image_dataset(domain.sample(num_training, seed)) for domain in (train.a, train.b)
    )
    unseen_a, unseen_b = (domain.sample(num, seed) for domain in (test.a, test.b))
    real_a, real_b = _as_image_dataset(unseen_a), _as_image_dataset(unseen_b)

    domains = extractor_for("classifier", _either(known_a, known_b), _either(real_a, real_b), seed)
    extractors = {"domains": domains}
    if _have_same_classes(known_a, known_b):
        extractors["a"] = extractor_for("classifier", known_a, real_a, seed)
        extractors["b"] = extractor_for("classifier", known_b, real_b, seed)
    card = TranslationCard(
        data=test.name,
        split=split,
        num_images=(real_a.num_images, real_b.num_images),
        image_shape=tuple(test.image_shape),
        ssim_window=None,
        classifiers=tuple(f"{each.name} ({each.digest})" for each in extractors.values()),
        seed=seed,
        versions=tuple(package_versions().items()),
    )
    measurements = {}

    def add_mean(metric, values):
        mean = mean_interval(values)
        measurements[metric] = TranslationMeasurement(
            metric, mean.value, mean.low, mean.high, None, card, None, None
        )

    def add_share(metric, translated, untranslated, real):
        agreeing = binomtest(int(np.sum(translated)), len(translated))
        interval = agreeing.proportion_ci(method="wilson")
        measurements[metric] = TranslationMeasurement(
            metric,
            agreeing.statistic,
            *interval,
            float(np.mean(real)),
            card,
            float(np.mean(untranslated)),
            None,
        )

    def read(name, images):
        return extractors[name](images, progress)[1].argmax(axis=1)

    made_b, errors_a = _cycle(a_to_b, b_to_a, unseen_a, progress)
    made_a, errors_b = _cycle(b_to_a, a_to_b, unseen_b, progress)
    add_mean("cycle_l1_a", errors_a)
    add_mean("cycle_l1_b", errors_b)
    read_a, read_b = read("domains", real_a.images), read("domains", real_b.images)
    add_share("domain_agreement_a_to_b", read("domains", made_b) == 1, read_a == 1, read_b == 1)
    add_share("domain_agreement_b_to_a", read("domains", made_a) == 0, read_b == 0, read_a == 0)
    if "b" in extractors:
        for metric, target, made, source, real in (
            ("class_agreement_a_to_b", "b", made_b, real_a, real_b),
            ("class_agreement_b_to_a", "a", made_a, real_b, real_a),
        ):
            add_share(
                metric,
                read(target, made) == source.labels,
                read(target, source.images) == source.labels,
                read(target, real.images) == real.labels,
            )
    return TranslationReport(measurements, card)


def _cycle(forward, back, domain, progress):
    """Translated images, uint8 [N, H, W, C], and the cycle-consistency error, float64 [N]."""
    made, errors = [], []
    with tqdm(
        total=domain.num_images, desc=f"translating {domain.name}", disable=not progress
    ) as bar:
        for batch in domain.example_batches():
            images = _unit(batch["image"])
            translated = forward(images)
            made.append(rounded(translated))
            errors.append(l1(back(translated), images))
            bar.update(len(images))
    return np.concatenate(made), np.concatenate(errors)


def _as_image_dataset(domain):
    """A domain as an `ImageDataset` of what its transform makes, of all images."""
    batches = domain.example_batches()
    return dataclasses.replace(
        domain.dataset,
        name=domain.name,
        images=np.concatenate([rounded(_unit(batch["image"])) for batch in batches]),
    )


def _either(a, b):
    """Images of two domains, with the domain as their label.

    Called alike in either split, where folders are called after it: classes go by their names.
    """
    return ImageDataset(
        name=f"{a.name}_or_{b.name}",
        images=np.concatenate([a.images, b.images]),
        labels=np.repeat(np.int32([0, 1]), [a.num_images, b.num_images]),
        class_names=("A", "B"),
        batch_size=1,
        seed=0,
    )


def _have_same_classes(a, b):
    """Whether domains show the same classes, and more than one."""
    if a.labels is None or b.labels is None or a.class_names != b.class_names:
        return False
    classes = set(a.labels)
    return len(classes) > 1 and classes == set(b.labels)


def _unit(images):
    """Images in [-1, 1] as images in [0, 1], whatever rounding leaves outside."""
    return np.clip((images + 1.0) / 2.0, 0.0, 1.0)
