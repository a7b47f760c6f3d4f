"""Stacked MNIST: three random digits in the three channels of an image, 1,000 modes."""

from pathlib import Path

import numpy as np

from tfgan.data import tfds
from tfgan.data.source import Annotation, Source

# The choice of digits is part of the data set: it does not follow the training seed.
_CHOICE_SEED = 0


def source(size: tuple[int, int] | None, data_dir: str | Path | None, split: str) -> Source:
    """Describes as many RGB stacks as MNIST's split has digits, each of three drawn at random.

    An image's label is the number that its red, green and blue digits read, 0 to 999: its mode.

    Args:
        size: (height, width) to resize to, or None for 28x28.
        data_dir: The folder of TFDS; None for TFDS_DATA_DIR, or else `~/tensorflow_datasets`.
        split: `train` or `test`.

    Returns:
        The source of the images.

    Raises:
        InputError: MNIST cannot be had.

    Reference:
        Metz et al. 2017 (arXiv 1611.02163), section 3.3.1.
    """
    mnist = tfds.source("mnist", size, data_dir, False, split)

    def decode(image_shape):
        height, width, _ = image_shape
        images, annotations = zip(*mnist.decode((height, width, 1)))
        digits = [annotation.label for annotation in annotations]
        choice = np.random.default_rng(_CHOICE_SEED).integers(len(images), size=(len(images), 3))
        for red, green, blue in choice:
            stack = np.concatenate([images[red], images[green], images[blue]], axis=-1)
            mode = 100 * digits[red] + 10 * digits[green] + digits[blue]
            yield stack, Annotation(mode)

    return Source(
        name="stacked_mnist",
        fingerprint=["stacked_mnist", _CHOICE_SEED, mnist.fingerprint],
        num_images=mnist.num_images,
        class_names=tuple(f"{mode:03d}" for mode in range(1000)),
        survey=lambda: (*(size or (28, 28)), 3),
        decode=decode,
        license=mnist.license,
    )
