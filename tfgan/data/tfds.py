"""Any image data set of TensorFlow Datasets (TFDS), by its name."""

import contextlib
import io
import itertools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfgan.data import image_files
from tfgan.data.reachable import unreachable
from tfgan.data.source import Annotation, Source, slug
from tfgan.errors import InputError
from tfgan.startup import import_tensorflow, quiet_stderr

if TYPE_CHECKING:
    import tensorflow as tf

_READ_BATCH = 256
# Splits that are meant to be held out, from the one that is rather trained on.
_HELD_OUT = ("val", "valid", "validation", "test")
# Of those that TFDS does not know the license of; MNIST's as keras.io/api/datasets/mnist states it.
_LICENSES = {
    "mnist": "CC BY-SA 3.0, Yann LeCun and Corinna Cortes, derived from NIST's data sets",
}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def names() -> list[str]:
    """Returns the names of the data sets that TFDS knows, without importing TensorFlow."""
    import tensorflow_datasets as tfds

    # Listing the community's data sets as well takes seconds, and imports TensorFlow.
    return tfds.list_builders(with_community_datasets=False)


def is_known(name: str) -> bool:
    """Tells whether TFDS knows a data set `name`, `name/config` or `name:version`."""
    return re.split("[/:]", name)[0] in names()


def source(
    name: str,
    size: tuple[int, int] | None,
    data_dir: str | Path | None,
    skip_corrupt: bool,
    split: str,
    channels: int | None = None,
) -> Source:
    """Describes the images of a TFDS data set, which is downloaded where that is needed.

    Args:
        name: `name`, `name/config` or `name:version`, as `tfds.load` takes it.
        size: (height, width) to resize to, or None for their own size.
        data_dir: The folder of TFDS; None for TFDS_DATA_DIR, or else `~/tensorflow_datasets`.
        skip_corrupt: Whether to leave out images that cannot be read.
        split: The name of a split. Where none is called `train`, `train` is the first of the
            others, one that is not meant to be held out if there is any; and that one is then
            refused under its own name, so that what is trained on is never taken for held out.
        channels: 1, 3 or 4; None for those of the data set.

    Returns:
        The source of the images.

    Raises:
        InputError: The data set has no images under `image` or such of 32 bits, has no such
            split, has it to train on alone, or cannot be prepared.
    """
    import_tensorflow()
    import tensorflow_datasets as tfds

    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    data_dir = Path(data_dir).expanduser().resolve()
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    # What TFDS raises for a configuration or a version that does not exist.
    except (ValueError, AssertionError) as error:
        raise InputError(f"TFDS has no {name!r}: {_one_line(error)}") from error
    features = dict(builder.info.features)
    height, width, own_channels = _image_shape(name, features)
    channels = channels or own_channels
    if not builder.is_prepared():
        _prepare(builder, data_dir)

    split = _split_of(name, split, list(builder.info.splits))
    total = builder.info.splits[split].num_examples
    label = features.get("label")
    has_labels = isinstance(label, tfds.features.ClassLabel)

    def encoded():
        examples = _examples(_records(builder, split, has_labels))
        for index, (image, label) in enumerate(examples):
            yield image_files.Encoded(f"{index} of {name}", io.BytesIO(image), Annotation(label))

    def survey():
        if size or (height and width):
            return *(size or (height, width)), channels
        _, sizes = image_files.survey(encoded(), total, skip_corrupt, True)
        return *image_files.one_size(sizes, repr(name)), channels

    def decode(image_shape):
        done = 0
        # That decoder keeps the upper 8 of 16 bits, and does not round.
        is_deep = features["image"].np_dtype != np.uint8
        if (height, width, own_channels) == image_shape and not is_deep:
            for image, label in _decoded(builder, split, has_labels, image_shape):
                yield image, Annotation(label)
                done += 1
        if done < total:
            rest = itertools.islice(encoded(), done, None)
            yield from image_files.decode(rest, total - done, image_shape, skip_corrupt)

    return Source(
        name=slug(name),
        fingerprint=["tfds", builder.info.full_name, split, total, size, skip_corrupt],
        options=[] if channels == own_channels else [channels],
        num_images=total,
        class_names=tuple(label.names) if has_labels else None,
        survey=survey,
        decode=decode,
        license=(
            builder.info.redistribution_info.license.strip()
            or _LICENSES.get(builder.name, "unknown")
        ),
    )


def _image_shape(name: str, features: dict) -> tuple[int | None, int | None, int]:
    """Returns the height and width of the `image` feature, where they are fixed, and channels."""
    import tensorflow_datasets as tfds

    image = features.get("image")
    if not isinstance(image, tfds.features.Image):
        raise InputError(
            f"The data set {name!r} has no images under 'image' (its features are: "
            f"{', '.join(features)}). Give one that has."
        )
    if image.np_dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"The data set {name!r} has images of {np.dtype(image.np_dtype).name}, and nothing "
            "says how much is white. Give one whose images have 8 or 16 bits."
        )
    height, width, channels = image.shape
    # Two are gray with transparency.
    return height, width, {None: 3, 2: 4}.get(channels, channels)


def _split_of(name: str, split: str, splits: list[str]) -> str:
    """Returns the split that is meant by a name."""
    # The first of those that are least meant to be held out.
    first = min(splits, key=lambda each: _HELD_OUT.index(each) + 1 if each in _HELD_OUT else 0)
    trained_on = "train" if "train" in splits else first
    if split == "train":
        return trained_on
    if split not in splits:
        raise InputError(f"The data set {name!r} has no split {split!r}, but {', '.join(splits)}.")
    if split == trained_on:
        others = ", ".join(each for each in splits if each != split) or "none"
        raise InputError(
            f"The split {split!r} of the data set {name!r} is what is trained on, as it has no "
            f"'train', and so is not held out. Its other splits: {others}."
        )
    return split


def _records(builder, split: str, has_labels: bool) -> "tf.data.Dataset":
    """Returns batches of the encoded images, and the labels, of a split.

    They come in the order of `builder.as_dataset`, which takes many times as long, because it
    parses the records one by one.
    """
    import tensorflow as tf
    from tensorflow_datasets.core.file_adapters import ADAPTER_FOR_FORMAT

    info = builder.info
    files = [instruction.filename for instruction in info.splits[split].file_instructions]
    features = {"image": tf.io.FixedLenFeature([], tf.string)}
    if has_labels:
        features["label"] = tf.io.FixedLenFeature([], tf.int64)
    # The thread that tunes a pipeline can hold up the end of a process for up to a minute.
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        tf.data.Dataset.from_tensor_slices(files)
        .interleave(
            ADAPTER_FOR_FORMAT[info.file_format].make_tf_data,
            cycle_length=1 if info.disable_shuffling else 16,
            block_length=16,
        )
        .apply(tf.data.experimental.assert_cardinality(info.splits[split].num_examples))
        .batch(_READ_BATCH)
        .map(lambda records: tf.io.parse_example(records, features))
        .prefetch(1)
        .with_options(options)
    )


def _decoded(builder, split: str, has_labels: bool, image_shape: tuple[int, int, int]):
    """Yields (uint8 [H, W, C], label) in order, up to a batch with a file that is no such PNG.

    TensorFlow's decoder takes a fraction of the time that Pillow takes to open a small image. PNG
    is lossless, so that both give the same pixels; decoders of JPEG differ.
    """
    import tensorflow as tf

    def decode(png):
        # The number of channels that the file has: converting it is for the long way.
        return tf.ensure_shape(tf.io.decode_png(png, channels=0), image_shape)

    def decode_batch(records):
        signatures = tf.strings.substr(records["image"], 0, len(_PNG_SIGNATURE))
        are_png = tf.reduce_all(signatures == _PNG_SIGNATURE)
        with tf.control_dependencies([tf.Assert(are_png, ["another format"])]):
            spec = tf.TensorSpec(image_shape, tf.uint8)
            images = tf.map_fn(decode, records["image"], fn_output_signature=spec)
        return records | {"image": images}

    records = _records(builder, split, has_labels)
    # By whole batches: handing on single images takes three times as long as decoding them.
    decoded = records.map(decode_batch, num_parallel_calls=2, deterministic=True)
    with contextlib.suppress(tf.errors.InvalidArgumentError):
        yield from _examples(decoded)


def _examples(batches: "tf.data.Dataset"):
    """Yields (image, label) one by one out of batches; the label is None where there is none."""
    batches = batches.as_numpy_iterator()
    # Opening the files is when TensorFlow notes its buffer sizes.
    with quiet_stderr():
        first = list(itertools.islice(batches, 1))
    for batch in itertools.chain(first, batches):
        images = batch["image"]
        labels = batch["label"].tolist() if "label" in batch else [None] * len(images)
        yield from zip(images, labels)


def _prepare(builder, data_dir: Path) -> None:
    """Downloads a data set, or takes its files from the manual folder, and converts it."""
    import tensorflow_datasets as tfds

    manual = data_dir / "downloads" / "manual"
    _check_servers(builder, data_dir)
    # The records that Google keeps prepared are one more server that may be out of reach.
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        builder.download_and_prepare(download_config=config)
    # A wrong checksum, a missing optional package, a full disk, files to be fetched by hand.
    except Exception as error:
        raise InputError(
            f"TFDS cannot prepare {builder.info.full_name!r} in {str(data_dir)!r}: "
            f"{_one_line(error)} (Files fetched by hand belong in {str(manual)!r}.)"
        ) from error


def _check_servers(builder, data_dir: Path) -> None:
    """Fails at once where TFDS, without a network, would retry for minutes."""
    downloads = data_dir / "downloads"
    missing = {
        url: _filename(url, info)
        for url, info in (builder.url_infos or {}).items()
        if not _is_downloaded(url, info, downloads, builder.name)
    }
    if servers := unreachable(missing):
        raise InputError(
            f"Cannot download {builder.name!r}: no answer from {', '.join(servers)}. Put "
            f"{', '.join(missing.values())} into {str(downloads / 'manual')!r}, where TFDS "
            "takes them from, or use the data set digits, which needs no network."
        )


def _is_downloaded(url: str, info, downloads: Path, name: str) -> bool:
    from tensorflow_datasets.core.download import resource

    cached = downloads / name / resource.get_dl_fname(url, info.checksum)
    manual = downloads / "manual" / _filename(url, info)
    return manual.exists() or resource.is_locally_cached(cached)


def _filename(url: str, info) -> str:
    # A few data sets, ImageNet among them, have no file names registered.
    return info.filename or url.rsplit("/", 1)[-1]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
