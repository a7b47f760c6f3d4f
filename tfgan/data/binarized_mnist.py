"""Binarized MNIST: every pixel black or white, drawn once with its intensity as probability."""

from pathlib import Path

import numpy as np

from tfgan.data import tfds
from tfgan.data.source import Source

# The draw is part of the data set: it does not follow the training seed.
_DRAW_SEED = 0


def source(size: tuple[int, int] | None, data_dir: str | Path | None, split: str) -> Source:
    """Describes MNIST with pixels that are 0 or 255.

    A pixel is white with its intensity as probability, drawn once and for all (static
    binarization, as log-likelihoods of MNIST are compared on). The draw is our own: it is not the
    one that Larochelle and Murray published.

    Args:
        size: (height, width) that MNIST is resized to before the draw, or None for 28x28.
        data_dir: The folder of TFDS; None for TFDS_DATA_DIR, or else `~/tensorflow_datasets`.
        split: `train` or `test`.

    Returns:
        The source of the images.

    Raises:
        InputError: MNIST cannot be had.

    Reference:
        Salakhutdinov and Murray 2008, On the quantitative analysis of deep belief networks;
        Larochelle and Murray 2011, The neural autoregressive distribution estimator.
    """
    mnist = tfds.source("mnist", size, data_dir, False, split)

    def decode(image_shape):
        random = np.random.default_rng(_DRAW_SEED)
        for image, annotation in mnist.decode(image_shape):
            is_white = random.integers(255, size=image.shape) < image
            yield np.where(is_white, np.uint8(255), np.uint8(0)), annotation

    return Source(
        name="binarized_mnist",
        fingerprint=["binarized_mnist", _DRAW_SEED, mnist.fingerprint],
        num_images=mnist.num_images,
        class_names=mnist.class_names,
        survey=mnist.survey,
        decode=decode,
        license=mnist.license,
    )
