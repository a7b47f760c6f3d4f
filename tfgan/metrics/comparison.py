"""Generated and real images under one extractor: what every metric starts from."""

import dataclasses

import numpy as np

from tfgan.errors import InputError
from tfgan.metrics.card import MetricCard
from tfgan.metrics.classes import has_labels, labels_among
from tfgan.metrics.extractors import (
    Extractor,
    extractor_for,
    fewest_images,
    num_unseen,
    rounded,
    suited,
)
from tfgan.versions import package_versions


class TooFewImages(InputError):
    """There are fewer images in a set than the features need."""


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and what the extractor says of them.

    Attributes:
        images: uint8 [N, H, W, C].
        features: float32 [N, D].
        probabilities: float32 [N, K] of the classes, or None without a classifier.
        labels: integers [N]: the class of a real image, or what a generated one was
            conditioned on; None where that is not known.
        subset: int64 [n], the rows that nearest-neighbour metrics look at.
    """

    images: np.ndarray
    features: np.ndarray
    probabilities: np.ndarray | None
    labels: np.ndarray | None
    subset: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Requested:
    """Generated images of which it is known what they should show.

    Attributes:
        labels: integers [M], the class that each was conditioned on.
        read: int64 [M], the class that the classifier takes it for.
    """

    labels: np.ndarray
    read: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """What is compared, and under which conditions.

    Attributes:
        real: The split that no training has seen.
        fake: The generated images.
        floor: Real training images, ones that the features were not made from.
        trained_on: float32 [T, D], the features of all training images.
        train_images: uint8 [T, H, W, C], those images.
        class_names: Of the classes, or None.
        extractor: Of the features.
        card: The conditions.
        requested: For `label_agreement`, or None without labels or a classifier.
    """

    real: ImageSet
    fake: ImageSet
    floor: ImageSet
    trained_on: np.ndarray
    train_images: np.ndarray
    class_names: tuple[str, ...] | None
    extractor: Extractor
    card: MetricCard
    requested: Requested | None = None

    def with_generated(self, images, labels=None, by_class=None, progress=True):
        """The same with other generated images, as many.

        Args:
            images: uint8 [N, H, W, C].
            labels, by_class, progress: As in `tfgan.metrics.measure`.
        """
        features, probabilities = self.extractor(images, progress)
        fake = ImageSet(images, features, probabilities, labels, self.fake.subset)
        requested = requested_of(fake, by_class, self.extractor, progress)
        return dataclasses.replace(self, fake=fake, requested=requested)


def requested_of(fake, by_class, extractor, progress=True):
    """What `label_agreement` is measured on, an `Requested`; None where nothing tells.

    Args:
        fake: An `ImageSet`, whose images are taken where there are no others.
        by_class: `(images, labels)` of other images, or None.
        extractor: Of their classes.
        progress: Shows a bar.
    """
    if fake.probabilities is None:
        return None
    if by_class is not None:
        images, labels = by_class
        return Requested(np.asarray(labels), extractor(images, progress)[1].argmax(axis=1))
    return (
        None if fake.labels is None else Requested(fake.labels, fake.probabilities.argmax(axis=1))
    )


def prepare(
    images,
    train,
    test,
    *,
    labels=None,
    by_class=None,
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
        images: Generated images, uint8 [N, H, W, C], or floats in [0, 1].
        train, test: `ImageDataset`s of the training images and of the split that generated
            images are compared with.
        split, image_size: For the card: what `test` is, and the size its images were brought to,
            or None.
        labels, by_class, num, num_neighbours, features, k, seed, progress: As in
            `tfgan.metrics.measure`.

    Returns:
        `Comparison`.

    Raises:
        InputError: As `tfgan.metrics.measure`; `TooFewImages` where that is it.
    """
    images = rounded(images)
    if labels is not None and len(labels) != len(images):
        raise InputError(
            f"each image needs a label. Received: {len(images)} images, {len(labels)} labels"
        )
    if by_class is not None and len(by_class[0]) != len(by_class[1]):
        raise InputError(
            f"each image of by_class needs a label. Received: {len(by_class[0])} images, "
            f"{len(by_class[1])} labels"
        )
    labels = None if labels is None else np.asarray(labels)
    if len(images) > num:
        # At random: images may lie class by class.
        rows = np.sort(np.random.default_rng(seed).permutation(len(images))[:num])
        images, labels = images[rows], None if labels is None else labels[rows]
    if images.shape[1:] != test.image_shape:
        raise InputError(
            f"the images must have the data set's shape {test.image_shape}. "
            f"Received: {images.shape[1:]}"
        )
    num_real = min(num, test.num_images)
    smaller = min(num_real, len(images))
    name = suited(features, train, smaller)
    need, num_floor = fewest_images(name), min(len(images), num_unseen(name, train))
    if min(smaller, num_floor) < need:
        raise TooFewImages(
            f"the features {name!r} need at least {need:,} images per side. Received: "
            f"{len(images):,} generated, {num_real:,} real ones, and {num_floor:,} other real ones "
            "for the floor"
        )
    extractor = extractor_for(features, train, test, seed, smaller)
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(test.num_images)[:num])
    baseline = np.sort(random.permutation(extractor.unseen_of(train.num_images))[: len(images)])
    neighbours = min(num_neighbours, len(chosen), len(images), len(baseline))

    def image_set(images, labels):
        extracted, probabilities = extractor(images, progress)
        # At random: images may lie class by class.
        subset = random.permutation(len(images))[:neighbours]
        return ImageSet(images, extracted, probabilities, labels, subset)

    def labels_of(dataset, rows):
        return labels_among(dataset, train.class_names)[rows] if has_labels(dataset) else None

    real = image_set(test.images[chosen], labels_of(test, chosen))
    fake = image_set(images, labels)
    return Comparison(
        real=real,
        fake=fake,
        floor=image_set(train.images[baseline], labels_of(train, baseline)),
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
            resize="center crop and Lanczos" if image_size or test.is_resized else "none",
            seed=seed,
            versions=tuple(package_versions().items()),
        ),
        requested=requested_of(fake, by_class, extractor, progress),
    )
