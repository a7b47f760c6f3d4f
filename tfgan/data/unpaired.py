"""Two domains of images without pairs: data sets, their classes and variants, or folders."""

import dataclasses
import functools
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan.data import arguments, folder
from tfgan.data.dataset import ImageDataset
from tfgan.data.loading import load
from tfgan.data.source import ImageShape, slug
from tfgan.data.transformed import TransformedDataset
from tfgan.data.variants import VARIANTS, with_channels
from tfgan.errors import InputError

# TFDS writes the version of a data set behind a colon too.
_VERSION = re.compile(r"(\d+|\*)(\.(\d+|\*)){2}")

# An error names this many classes and categories.
_SHOWN = 12


# No field-wise equality: that of data sets is none.
@dataclasses.dataclass(frozen=True, eq=False)
class UnpairedDataset:
    """Images of two domains, in batches of both, each domain in an order of its own.

    Attributes:
        name: Slug, usable as a file name.
        a: One domain.
        b: The other, with images of the same shape and with another seed.

    Raises:
        InputError: The shapes or the batch sizes differ.
    """

    name: str
    a: TransformedDataset
    b: TransformedDataset

    def __post_init__(self):
        if self.a.image_shape[:2] != self.b.image_shape[:2]:
            a, b = ("x".join(map(str, domain.image_shape[:2])) for domain in (self.a, self.b))
            raise InputError(
                f"The domains have images of different sizes (height x width: {self.a.name} has "
                f"{a}, {self.b.name} has {b}). Pass image_size (--image-size) to bring them to one."
            )
        if self.a.image_shape != self.b.image_shape:
            raise InputError(
                f"The domains have different channels ({self.a.name} has {self.a.image_shape[2]}, "
                f"{self.b.name} has {self.b.image_shape[2]}). load_unpaired brings them to the "
                "larger number: gray is repeated, transparency is opaque."
            )
        if self.a.batch_size != self.b.batch_size:
            raise InputError(
                f"The domains have batches of {self.a.batch_size} and {self.b.batch_size} "
                "images. Load both with the same batch size."
            )

    @property
    def image_shape(self) -> ImageShape:
        """(height, width, channels) of every image of both."""
        return self.a.image_shape

    @property
    def split(self) -> str:
        """The part of both data sets that the images are."""
        return self.a.split

    @property
    def batch_size(self) -> int:
        """Images of each domain in a batch."""
        return self.a.batch_size

    @property
    def seed(self) -> int:
        """Decides the order of the images of the first domain."""
        return self.a.seed

    @property
    def num_images(self) -> int:
        """How many images there are in both."""
        return self.a.num_images + self.b.num_images

    @property
    def decoded(self) -> tuple[ImageDataset, ...]:
        """What the images lie in, those of A first."""
        return (*self.a.decoded, *self.b.decoded)

    @property
    def steps_per_epoch(self) -> int:
        """Full batches of the larger domain."""
        return max(self.a.steps_per_epoch, self.b.steps_per_epoch)

    @property
    def fingerprint(self) -> str:
        """Changes with the files, or the versions, that the images come from."""
        return f"{self.a.fingerprint} {self.b.fingerprint}"

    @property
    def former_fingerprint(self) -> str:
        """What an earlier version took for it."""
        return f"{self.a.former_fingerprint} {self.b.former_fingerprint}"

    @property
    def license(self) -> str:
        """What the images may be used under."""
        return "; ".join(dict.fromkeys((self.a.license, self.b.license)))

    def batches(self, start_step: int = 0) -> tf.data.Dataset:
        """Returns an endless data set that begins with the batch of a given step.

        A batch is a pure function of (seed, step). Each domain begins anew when it is through, so
        that the smaller one comes around more often.

        Args:
            start_step: Absolute number of the first batch, counted from 0.

        Returns:
            Batches `{"image_a": float32 [B, H, W, C] in [-1, 1], "image_b": the same}`.
        """
        both = tf.data.Dataset.zip(self.a.batches(start_step), self.b.batches(start_step))
        return both.map(lambda a, b: {"image_a": a["image"], "image_b": b["image"]})

    def __iter__(self) -> Iterator[dict]:
        return iter(self.batches())

    def examples(self, count: int) -> dict[str, np.ndarray]:
        """Returns the first images of both domains, always the same, to measure with.

        Args:
            count: How many of each; all, where there are fewer.

        Returns:
            `image_a` and `image_b`, float32 [count, H, W, C] in [-1, 1], and `label_a`, `label_b`,
            int32 [count], where the domain has labels.
        """
        return {
            f"{key}_{letter}": value
            for letter, domain in (("a", self.a), ("b", self.b))
            for key, value in domain.examples(count).items()
        }


def load_unpaired(
    domain_a: str | Path,
    domain_b: str | Path,
    batch_size: int,
    image_size: int | tuple[int, int] | None = None,
    data_dir: str | Path | None = None,
    seed: int = 0,
    skip_corrupt: bool = False,
    split: str = "train",
    jitter: bool = False,
    channels: int | None = None,
) -> UnpairedDataset:
    """Loads two domains to translate between.

    A domain is a name or a folder as `tfgan.data.load` takes it, and behind colons what is chosen
    of it or changed in it, in any number: a class (`mnist:3`), a category of an attribute
    (`shapes:striped`), a variant out of `tfgan.data.variants.VARIANTS` (`mnist:thick`). Spaces
    in names of classes may be written as `_`. Where one domain has more channels, the other is
    brought to as many: gray is repeated, and what has no transparency is opaque.

    Args:
        domain_a: One domain.
        domain_b: The other.
        batch_size: Images of each domain in a batch.
        image_size: Side, or (height, width), to which all images are cropped about their center
            and resized; None keeps their size, which must then be the same for all.
        data_dir: Where TFDS keeps its data, see `tfgan.data.load`.
        seed: Decides the order of the images, another one for each domain.
        skip_corrupt: Whether to leave out, and count, files that cannot be read.
        split: Which part of both data sets.
        jitter: Whether images are moved and mirrored at random.
        channels: What the images of both are brought to before a variant changes them, see
            `tfgan.data.load`.

    Returns:
        Batches of `image_a` and `image_b`.

    Raises:
        InputError: What was passed cannot work; the message says what to do.
    """
    arguments.check(batch_size, seed, channels, split)
    arguments.check_path("domain_a", domain_a)
    arguments.check_path("domain_b", domain_b)
    # Of one seed, two domains of one data set would come in the same order: as pairs.
    options = (skip_corrupt, split, channels, jitter)
    a, b = (
        _load_domain(domain, batch_size, image_size, data_dir, own_seed, *options)
        for domain, own_seed in ((domain_a, seed), (domain_b, ~seed))
    )
    most = max(a.image_shape[2], b.image_shape[2])
    a, b = (_with_channels(domain, most) for domain in (a, b))
    return UnpairedDataset(f"{a.name}_to_{b.name}", a, b)


def load_unpaired_folder(
    path: str | Path,
    batch_size: int,
    image_size: int | tuple[int, int] | None = None,
    seed: int = 0,
    skip_corrupt: bool = False,
    split: str = "train",
    jitter: bool = False,
    channels: int | None = None,
) -> UnpairedDataset:
    """Loads the domains in the subfolders `trainA` and `trainB`, or `testA` and `testB`.

    Args:
        path: The folder, as pytorch-CycleGAN-and-pix2pix lays it out.
        batch_size, image_size, seed, skip_corrupt, jitter, channels: See `load_unpaired`.
        split: What the subfolders' names begin with.

    Returns:
        Batches of `image_a` and `image_b`.

    Raises:
        InputError: What was passed cannot work; the message says what to do.
    """
    arguments.check(batch_size, seed, channels, split)
    arguments.check_path("path", path)
    root = Path(path).expanduser().resolve()
    layout = "Unpaired domains lie in trainA and trainB, and to test with in testA and testB"
    domains = [folder.subfolder(root, f"{split}{letter}", layout) for letter in "AB"]
    unpaired = load_unpaired(
        *domains,
        batch_size,
        image_size,
        None,
        seed,
        skip_corrupt,
        jitter=jitter,
        channels=channels,
    )
    # Each is a folder of its own, all of which would be trained on.
    a, b = (
        dataclasses.replace(each, dataset=dataclasses.replace(each.dataset, split=split))
        for each in (unpaired.a, unpaired.b)
    )
    return UnpairedDataset(slug(root.name), a, b)


def _load_domain(
    domain, batch_size, image_size, data_dir, seed, skip_corrupt, split, channels, jitter
) -> TransformedDataset:
    name, parts = _parse(domain)
    dataset = load(name, batch_size, image_size, data_dir, seed, skip_corrupt, split, channels)
    for part in parts:
        if part not in VARIANTS:
            dataset = _chosen(dataset, part, domain)
    variants = tuple(VARIANTS[part] for part in parts if part in VARIANTS)
    transform = functools.partial(_varied, variants=variants)
    return TransformedDataset(slug("_".join([dataset.name, *parts])), dataset, transform, jitter)


def _parse(domain: str | Path) -> tuple[str | Path, list[str]]:
    """Returns the name or folder of a data set, and what stands behind its colons."""
    if isinstance(domain, Path) or Path(domain).expanduser().is_dir():
        return domain, []
    name, *parts = domain.split(":")
    if parts and _VERSION.fullmatch(parts[0]):
        name = f"{name}:{parts.pop(0)}"
    return name, parts


def _chosen(dataset: ImageDataset, part: str, domain: str) -> ImageDataset:
    """Returns the images of a class, or of a category of an attribute."""
    groups = {}
    for column, categories in enumerate((dataset.attribute_names or {}).values()):
        for index, category in enumerate(categories):
            groups.setdefault(category, dataset.attributes[:, column] == index)
    for index, name in enumerate(dataset.class_names or ()):
        groups[name] = dataset.labels == index
    groups |= {name.replace(" ", "_"): is_in for name, is_in in groups.items()}
    if part not in groups:
        known = [*VARIANTS, *groups]
        similar = get_close_matches(part, known)
        suggestion = f" Did you mean {similar[0]}?" if similar else ""
        names = [name for name in groups if " " not in name]
        classes = f"; or what it shows: {', '.join(names[:_SHOWN])}" if names else ""
        raise InputError(
            f"The domain {domain!r} has no variant, class or category {part!r}.{suggestion} "
            f"Write behind a colon one of {', '.join(VARIANTS)}{classes}"
            f"{', ...' if len(names) > _SHOWN else ''}."
        )
    rows = np.flatnonzero(groups[part])
    if len(rows) < dataset.batch_size:
        raise InputError(
            f"The domain {domain!r} has {len(rows)} images, fewer than a batch of "
            f"{dataset.batch_size}. Choose more of them, or pass a smaller batch_size "
            "(--batch-size)."
        )
    return dataset.subset(rows)


def _with_channels(domain: TransformedDataset, channels: int) -> TransformedDataset:
    transform = functools.partial(domain.transform, channels=channels)
    return dataclasses.replace(domain, transform=transform)


def _varied(images, seed, variants, channels=None):
    """Variants one after the other, then as many channels as requested, at least as many as now."""
    for position, variant in enumerate(variants):
        images = variant(images, tf.random.fold_in(seed, position, alg="philox"))
    return {"image": with_channels(images, channels or images.shape[-1])}
