"""The 8x8 handwritten digits that come with scikit-learn: no download, no network."""

import numpy as np
from PIL import Image

from tfgan.data.pictures import to_array
from tfgan.data.source import Source


def source(size: tuple[int, int] | None) -> Source:
    """Describes the 1797 grey 8x8 digits in 10 classes.

    Args:
        size: (height, width) to resize to, or None for 8x8.

    Returns:
        The source of the pictures.
    """

    def decode(image_shape):
        # scikit-learn is slow to import.
        from sklearn.datasets import load_digits

        digits = load_digits()
        # Their grey levels run from 0 to 16.
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        for image, label in zip(images, digits.target):
            yield to_array(Image.fromarray(image), image_shape), int(label)

    return Source(
        name="digits",
        fingerprint=["digits", size],
        num_images=1797,
        class_names=tuple("0123456789"),
        survey=lambda: (*(size or (8, 8)), 1),
        decode=decode,
    )
