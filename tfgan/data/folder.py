"""A folder of pictures: flat, or one subfolder for each class."""

from pathlib import Path

from tfgan.data import pictures
from tfgan.data.source import Annotation, Source, slug
from tfgan.errors import InputError

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"})


def source(
    path: str | Path, size: tuple[int, int] | None, skip_corrupt: bool, split: str
) -> Source:
    """Describes the pictures of a folder.

    The pictures lie directly in the folder, without labels, or in one subfolder for each class.
    Pictures and classes are ordered by name, by code point. Hidden files are ignored.

    Args:
        path: The folder.
        size: (height, width) to resize to, or None for their own size.
        skip_corrupt: Whether to leave out pictures that cannot be read.
        split: `train`: a folder is one part.

    Returns:
        The source of the pictures.

    Raises:
        InputError: There is no such folder, it has no pictures, or has them both at its top
            level and in subfolders; or another split is asked for.
    """
    if split != "train":
        raise InputError(
            f"The folder {str(path)!r} has no split {split!r}. Give the folder that holds it."
        )
    folder = Path(path).expanduser().resolve()
    classes, found = _scan(folder)

    def survey():
        modes, sizes = pictures.survey(found, len(found), skip_corrupt)
        if not modes:
            raise InputError(f"None of the {len(found)} pictures in {str(folder)!r} can be read.")
        channels = max(pictures.CHANNELS[mode] for mode in modes)
        return *(size or pictures.one_size(sizes, repr(str(folder)))), channels

    def fingerprint(picture):
        status = picture.file.stat()
        return [picture.origin, status.st_size, status.st_mtime_ns]

    return Source(
        name=slug(folder.name),
        fingerprint=["folder", str(folder), size, skip_corrupt, *map(fingerprint, found)],
        num_images=len(found),
        class_names=classes,
        survey=survey,
        decode=lambda image_shape: pictures.decode(found, len(found), image_shape, skip_corrupt),
    )


def _scan(folder: Path) -> tuple[tuple[str, ...] | None, list[pictures.Encoded]]:
    """Returns the names of the classes, or None, and the pictures in order."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {str(folder)!r}. Give --dataset an existing one.")
    flat = _picture_files(folder)
    nested = {child.name: _picture_files(child) for child in _visible(folder) if child.is_dir()}
    nested = {name: files for name, files in nested.items() if files}
    if flat and nested:
        raise InputError(
            f"The folder {str(folder)!r} has pictures both at its top level ({flat[0].name!r}) and "
            f"in subfolders ({next(iter(nested))!r}). Use either a flat folder, or one subfolder "
            "for each class."
        )
    if not flat and not nested:
        raise InputError(
            f"There are no pictures ({', '.join(sorted(EXTENSIONS))}) in {str(folder)!r}. Put them "
            "there, or into one subfolder for each class."
        )
    if flat:
        return None, [pictures.Encoded(str(file), file, Annotation()) for file in flat]
    return tuple(nested), [
        pictures.Encoded(str(file), file, Annotation(label))
        for label, files in enumerate(nested.values())
        for file in files
    ]


def _visible(folder: Path) -> list[Path]:
    return sorted(
        (child for child in folder.iterdir() if not child.name.startswith(".")),
        key=lambda child: child.name,
    )


def _picture_files(folder: Path) -> list[Path]:
    return [
        child
        for child in _visible(folder)
        if child.suffix.lower() in EXTENSIONS and child.is_file()
    ]
