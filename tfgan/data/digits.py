"""The 8x8 handwritten digits that come with scikit-learn: no download, no network."""

import numpy as np
from PIL import Image

from tfgan.data.image_files import to_array
from tfgan.data.source import Annotation, Source
from tfgan.errors import InputError

# scikit-learn's 1,797 digits come in one piece. Every sixth is held out, so that writers are
# spread over both parts and both follow one distribution.
_TOTAL = 1797
_HELD_OUT_EVERY = 6
# Of the UCI repository, from which scikit-learn has them.
_LICENSE = "CC BY 4.0 (Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI)"


def source(size: tuple[int, int] | None, split: str) -> Source:
    """Describes the gray 8x8 digits in 10 classes: 1,498 to train on, 299 held out.

    Args:
        size: (height, width) to resize to, or None for 8x8.
        split: `train` or `test`.

    Returns:
        The source of the images.

    Raises:
        InputError: There is no such split.
    """
    if split not in ("train", "test"):
        raise InputError(f"The data set 'digits' has no split {split!r}, but train, test.")
    is_held_out = np.arange(_TOTAL) % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1
    chosen = np.flatnonzero(is_held_out if split == "test" else ~is_held_out)

    def decode(image_shape):
        # scikit-learn is slow to import.
        from sklearn.datasets import load_digits

        digits = load_digits()
        # Their gray levels run from 0 to 16.
        images = np.rint(digits.images[chosen] * (255 / 16)).astype(np.uint8)
        for image, label in zip(images, digits.target[chosen]):
            yield to_array(Image.fromarray(image), image_shape), Annotation(int(label))

    return Source(
        name="digits",
        fingerprint=["digits", split, size],
        num_images=len(chosen),
        class_names=tuple("0123456789"),
        survey=lambda: (*(size or (8, 8)), 1),
        decode=decode,
        license=_LICENSE,
    )
