"""Generated and real pictures under one extractor: what every metric starts from."""

import dataclasses

import numpy as np

from tfgan.errors import InputError
from tfgan.metrics.card import MetricCard
from tfgan.metrics.extractors import Extractor, extractor_for, rounded
from tfgan.versions import package_versions


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """Pictures and what the extractor says of them.

    Attributes:
        images: uint8 [N, H, W, C].
        features: float32 [N, D].
        probabilities: float32 [N, K] of the classes, or None without a classifier.
        labels: integers [N]: the class of a real picture, or what a generated one was asked to
            show; None where that is not known.
        few: int64 [n], the rows that nearest-neighbour metrics look at.
    """

    images: np.ndarray
    features: np.ndarray
    probabilities: np.ndarray | None
    labels: np.ndarray | None
    few: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Sides:
    """What is compared, and under which conditions.

    Attributes:
        real: The split that no training has seen.
        fake: The generated pictures.
        floor: Real training pictures, ones that the features were not made from.
        trained_on: float32 [T, D], the features of all training pictures.
        train_images: uint8 [T, H, W, C], those pictures.
        class_names: Of the classes, or None.
        extractor: Of the features.
        card: The conditions.
    """

    real: Side
    fake: Side
    floor: Side
    trained_on: np.ndarray
    train_images: np.ndarray
    class_names: tuple[str, ...] | None
    extractor: Extractor
    card: MetricCard

    def with_generated(self, images, labels=None, progress=True):
        """The same with other generated pictures, as many: uint8 [N, H, W, C], labels [N]."""
        features, probabilities = self.extractor(images, progress)
        fake = Side(images, features, probabilities, labels, self.fake.few)
        return dataclasses.replace(self, fake=fake)


def prepare(
    images,
    train,
    test,
    *,
    labels=None,
    split="test",
    image_size=None,
    num=10_000,
    num_neighbours=5_000,
    features="auto",
    k=5,
    seed=0,
    progress=True,
):
    """Extracts the features of all that is compared.

    Args:
        images: Generated pictures, uint8 [N, H, W, C], or floats in [0, 1].
        train, test: `ImageDataset`s of the training pictures and of the split that generated
            pictures are compared with.
        split, image_size: For the card: what `test` is, and the size its pictures were brought to,
            or None.
        labels, num, num_neighbours, features, k, seed, progress: As in `tfgan.metrics.measure`.

    Returns:
        `Sides`.

    Raises:
        InputError: As `tfgan.metrics.measure`.
    """
    images = rounded(images)
    if labels is not None and len(labels) != len(images):
        raise InputError(
            f"each picture needs a label. Received: {len(images)} pictures, {len(labels)} labels"
        )
    labels = None if labels is None else np.asarray(labels)
    if len(images) > num:
        # At random: pictures may lie class by class.
        rows = np.sort(np.random.default_rng(seed).permutation(len(images))[:num])
        images, labels = images[rows], None if labels is None else labels[rows]
    if images.shape[1:] != test.image_shape:
        raise InputError(
            f"the pictures must have the data set's shape {test.image_shape}. "
            f"Received: {images.shape[1:]}"
        )
    extractor = extractor_for(features, train, test, seed)
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(test.num_images)[:num])
    baseline = np.sort(random.permutation(extractor.unseen_of(train.num_images))[: len(images)])
    neighbours = min(num_neighbours, len(chosen), len(images), len(baseline))

    def side(images, labels):
        extracted, probabilities = extractor(images, progress)
        # At random: pictures may lie class by class.
        few = random.permutation(len(images))[:neighbours]
        return Side(images, extracted, probabilities, labels, few)

    def labels_of(dataset, rows):
        return None if dataset.labels is None else dataset.labels[rows]

    return Sides(
        real=side(test.images[chosen], labels_of(test, chosen)),
        fake=side(images, labels),
        floor=side(train.images[baseline], labels_of(train, baseline)),
        trained_on=extractor(train.images, progress)[0],
        train_images=train.images,
        class_names=train.class_names,
        extractor=extractor,
        card=MetricCard(
            features=extractor.name,
            digest=extractor.digest,
            data=train.name,
            split=split,
            num_real=len(chosen),
            num_generated=len(images),
            num_floor=len(baseline),
            num_neighbours=neighbours,
            k=k,
            image_shape=tuple(test.image_shape),
            resize="none" if image_size is None else "centre crop and Lanczos",
            seed=seed,
            versions=tuple(package_versions().items()),
        ),
    )
