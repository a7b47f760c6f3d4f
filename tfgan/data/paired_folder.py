"""A folder of pairs: A and B side by side in one image each, in subfolders train, val, test."""

from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from tfgan.data import folder, image_files
from tfgan.data.contents import hashes_of
from tfgan.data.listing import files_below, images_in, is_image, warn_of_left_out
from tfgan.data.source import Annotation, ImageShape, Source, slug


def source(
    path: str | Path,
    size: tuple[int, int] | None,
    skip_corrupt: bool,
    split: str,
    channels: int | None = None,
) -> Source:
    """Describes the pairs of a folder.

    Args:
        path: The folder.
        size: (height, width) to resize A and B to, or None for their own size.
        skip_corrupt: Whether to leave out images that cannot be read or halved.
        split: The subfolder: `train`, `val`, `test` or another.
        channels: 1, 3 or 4 of A and of B; None for as many as the colors of the images need.

    Returns:
        The source of the pairs, each an array [height, width, 2 C]: A's channels, then B's.

    Raises:
        InputError: There is no such folder or subfolder, or it has no images.
    """
    root = Path(path).expanduser().resolve()
    part = folder.subfolder(
        root, split, "Pairs A|B lie in train, and if there are any val and test"
    )
    files = images_in(part)
    found = [image_files.Encoded(str(file), file, Annotation()) for file in files]
    left_out = sorted({*files_below(part)} - {*files})
    warn_of_left_out(
        part,
        deeper=filter(is_image, left_out),
        others=[file for file in left_out if not is_image(file)],
    )

    def survey():
        found_channels, sizes = folder.survey(part, found, skip_corrupt, channels)
        halves = Counter()
        for (height, width), count in sizes.items():
            halves[height, width // 2] += count
        return *(size or image_files.one_size(halves, repr(str(part)))), 2 * found_channels

    hashes = hashes_of(part, files)
    return Source(
        name=slug(root.name),
        fingerprint=["pairs", hashes],
        options=[size, skip_corrupt, channels],
        contents=hashes,
        former_fingerprint=["pairs", str(part), size, skip_corrupt, *map(folder.state_of, files)],
        num_images=len(found),
        class_names=None,
        survey=survey,
        decode=lambda shape: image_files.decode(found, len(found), shape, skip_corrupt, _to_array),
    )


def _to_array(image: Image.Image, image_shape: ImageShape) -> np.ndarray:
    """Both halves of an image, cropped and resized alike, one behind the other."""
    height, width, channels = image_shape
    image = image_files.upright(image)
    if image.width % 2:
        raise ValueError(
            f"a pair A|B has an even width, and it is {image.width} wide and {image.height} high"
        )
    middle = image.width // 2
    halves = (
        image.crop((0, 0, middle, image.height)),
        image.crop((middle, 0, image.width, image.height)),
    )
    return np.concatenate(
        [image_files.to_array(half, (height, width, channels // 2)) for half in halves], axis=-1
    )
