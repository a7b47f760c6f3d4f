"""Decoded pictures, held in memory, or memory-mapped from a cache on disk where they don't fit."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
from filelock import FileLock

from tfgan.data.source import ImageShape, Source
from tfgan.errors import InputError
from tfgan.user_cache import user_cache

# Decoded data sets up to this size are held in memory.
MEMORY_LIMIT_BYTES = 2**29

# Part of the key: raise it when the same pictures are decoded to other values than before.
_CONTENT_VERSION = 1


def materialise(source: Source) -> tuple[np.ndarray, np.ndarray | None, Path | None]:
    """Decodes all pictures of a source, or finds them decoded.

    Args:
        source: The pictures.

    Returns:
        The pictures, uint8 [N, H, W, C], in memory or as a read-only memory map; their labels,
        int32 [N], or None; the folder of the memory map, or None.

    Raises:
        InputError: A picture is corrupt, or the cache cannot be written.
    """
    folder = user_cache() / f"{source.name}-{key_of(source)}"
    if folder.exists():
        return *_open(folder), folder
    image_shape = source.survey()
    num_bytes = source.num_images * int(np.prod(image_shape))
    if num_bytes <= MEMORY_LIMIT_BYTES:
        return *_in_memory(source, image_shape), None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not folder.exists():
                _check_free_disk(folder.parent, num_bytes)
                _write(source, image_shape, folder)
    except OSError as error:
        raise InputError(
            f"Cannot write the cache of decoded pictures to {str(folder.parent)!r} ({error}). "
            "Make room there, or set XDG_CACHE_HOME to a folder elsewhere."
        ) from error
    return *_open(folder), folder


def key_of(source: Source) -> str:
    """Returns a hash of everything that decides the decoded content of a source."""
    content = json.dumps([_CONTENT_VERSION, source.fingerprint])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _in_memory(source: Source, image_shape: ImageShape) -> tuple[np.ndarray, np.ndarray | None]:
    images = np.empty((source.num_images, *image_shape), np.uint8)
    labels = []
    for image, label in source.decode(image_shape):
        images[len(labels)] = image
        labels.append(label)
    return images[: len(labels)], _label_array(labels)


def _label_array(labels: list[int | None]) -> np.ndarray | None:
    return np.array(labels, np.int32) if labels and labels[0] is not None else None


def _check_free_disk(root: Path, num_bytes: int) -> None:
    free = shutil.disk_usage(root).free
    if free < num_bytes:
        raise InputError(
            f"The decoded pictures need {num_bytes / 2**30:.2f} GiB on disk, and {str(root)!r} has "
            f"{free / 2**30:.2f} GiB free. Make room, set XDG_CACHE_HOME to a folder elsewhere, or "
            "pass a smaller --image-size."
        )


def _write(source: Source, image_shape: ImageShape, folder: Path) -> None:
    """Decodes into a temporary folder, which gets its name only when it is complete."""
    # The caller holds the lock, so what lies here was left behind by a process that was killed.
    incomplete = folder.with_name(f"{folder.name}.incomplete")
    shutil.rmtree(incomplete, ignore_errors=True)
    incomplete.mkdir()
    try:
        labels = []
        # Written as a file, because a memory map that outgrows the disk kills the process.
        with (incomplete / "images.npy").open("wb") as file:
            _write_npy_header(file, (source.num_images, *image_shape))
            for image, label in source.decode(image_shape):
                file.write(image.tobytes())
                labels.append(label)
            # numpy pads the header, so that a shorter first dimension fits into the same bytes.
            file.seek(0)
            _write_npy_header(file, (len(labels), *image_shape))
            file.flush()
            os.fsync(file.fileno())
        if (label_array := _label_array(labels)) is not None:
            np.save(incomplete / "labels.npy", label_array)
        incomplete.rename(folder)
    finally:
        shutil.rmtree(incomplete, ignore_errors=True)


def _write_npy_header(file, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )


def _open(folder: Path) -> tuple[np.ndarray, np.ndarray | None]:
    labels = folder / "labels.npy"
    images = np.load(folder / "images.npy", mmap_mode="r")
    return images, np.load(labels) if labels.exists() else None
