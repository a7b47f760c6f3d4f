"""Decoded images, held in memory, or memory-mapped from a cache on disk where they don't fit."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
from filelock import FileLock

from tfgan.data.source import Annotation, ImageShape, Source
from tfgan.errors import InputError
from tfgan.files import atomic_folder, remove_left_behind, user_cache

# Decoded data sets up to this size are held in memory.
MEMORY_LIMIT_BYTES = 2**29

# Part of the key: raise it when the same images are decoded to other values than before.
_CONTENT_VERSION = 1

_FILES = Annotation("labels.npy", "attributes.npy", "captions.npy")


def materialize(source: Source) -> tuple[np.ndarray, Annotation, Path | None]:
    """Decodes all images of a source, or finds them decoded.

    Args:
        source: The images.

    Returns:
        The images, uint8 [N, H, W, C], in memory or as a read-only memory map; their
        annotations, each field an array, int32 [N] or [N, A], or None; the folder of the memory
        map, or None.

    Raises:
        InputError: An image is corrupt, or the cache cannot be written.
    """
    folder = _folder_of(source)
    opened = _open(folder, source)
    if opened is None:
        image_shape = source.survey()
        num_bytes = source.num_images * int(np.prod(image_shape))
        if num_bytes <= MEMORY_LIMIT_BYTES:
            return *_in_memory(source, image_shape), None
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f"{folder.name}.lock")):
                opened = _open(folder, source)
                if opened is None:
                    # Damaged, if it is there; and the lock keeps writers out that are alive.
                    shutil.rmtree(folder, ignore_errors=True)
                    remove_left_behind(folder.parent, folder.name)
                    _check_free_disk(folder.parent, num_bytes)
                    _write(source, image_shape, folder)
                    opened = _open(folder, source)
        except OSError as error:
            raise InputError(
                f"Cannot write the cache of decoded images to {str(folder.parent)!r} ({error}). "
                "Make room there, or set XDG_CACHE_HOME to a folder elsewhere."
            ) from error
    return *opened, folder


def _folder_of(source: Source) -> Path:
    """Returns where the cache of a source lies, or is to lie."""
    key = _hash([key_of(source), *source.options]) if source.options else key_of(source)
    # The name is for people: folders that were moved keep their cache.
    own = user_cache() / f"{source.name}-{key}"
    return next((each for each in user_cache().glob(f"[!.]*-{key}") if each.is_dir()), own)


def key_of(source: Source) -> str:
    """Returns a hash of which images a source has."""
    return _hash([_CONTENT_VERSION, source.fingerprint])


def former_key_of(source: Source) -> str:
    """Returns what `key_of` did in earlier versions, by which older runs know their images."""
    return _hash([1, source.former_fingerprint or source.fingerprint])


def _hash(content: list) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _in_memory(source: Source, image_shape: ImageShape) -> tuple[np.ndarray, Annotation]:
    images = np.empty((source.num_images, *image_shape), np.uint8)
    annotations = []
    for image, annotation in source.decode(image_shape):
        images[len(annotations)] = image
        annotations.append(annotation)
    return images[: len(annotations)], _arrays(annotations)


def _arrays(annotations: list[Annotation]) -> Annotation:
    """Returns one annotation, whose fields are arrays with one row per image, or None."""
    columns = zip(*annotations)
    return Annotation(
        *(None if column[0] is None else np.array(column, np.int32) for column in columns)
    )


def _check_free_disk(root: Path, num_bytes: int) -> None:
    free = shutil.disk_usage(root).free
    if free < num_bytes:
        raise InputError(
            f"The decoded images need {num_bytes / 2**30:.2f} GiB on disk, and {str(root)!r} has "
            f"{free / 2**30:.2f} GiB free. Make room, set XDG_CACHE_HOME to a folder elsewhere, or "
            "pass a smaller image_size (--image-size)."
        )


def _write(source: Source, image_shape: ImageShape, folder: Path) -> None:
    """Decodes into a folder, which appears when it is complete."""
    with atomic_folder(folder) as incomplete:
        annotations = []
        # Written as a file, because a memory map that outgrows the disk kills the process.
        with (incomplete / "images.npy").open("wb") as file:
            _write_npy_header(file, (source.num_images, *image_shape))
            for image, annotation in source.decode(image_shape):
                file.write(image.tobytes())
                annotations.append(annotation)
            # numpy pads the header, so that a shorter first dimension fits into the same bytes.
            file.seek(0)
            _write_npy_header(file, (len(annotations), *image_shape))
        for name, array in zip(_FILES, _arrays(annotations)):
            if array is not None:
                np.save(incomplete / name, array)


def _write_npy_header(file, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )


def _open(folder: Path, source: Source) -> tuple[np.ndarray, Annotation] | None:
    """Opens a cache; None where there is none, or one that is damaged."""
    ends = (source.class_names, source.attribute_names, source.caption_table)
    try:
        images = np.load(folder / "images.npy", mmap_mode="r")
        arrays = [
            None if end is None else np.load(folder / name) for end, name in zip(ends, _FILES)
        ]
    # What cannot be read as an array, by where the damage is: EOFError, ValueError and others.
    except Exception:
        return None
    is_whole = images.dtype == np.uint8 and images.ndim == 4 and len(images) <= source.num_images
    is_whole &= all(
        array is None or (array.dtype == np.int32 and len(array) == len(images)) for array in arrays
    )
    return (images, Annotation(*arrays)) if is_whole else None
