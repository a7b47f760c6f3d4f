"""What lies in a folder: its images, and what else, so that nothing is left out in silence."""

import functools
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from tfgan.errors import InputWarning

# What Pillow opens that is no image of pixels, or takes another program to decode.
_NO_IMAGES = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"}

# What systems leave in folders, besides hidden files.
_OF_SYSTEMS = {"__macosx", "@eadir", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}

# An error names this many kinds of files.
_SHOWN = 4


@functools.cache
def extensions() -> frozenset[str]:
    """Returns how the names of images end, in lower case: all that this Pillow reads."""
    return frozenset(
        extension
        for extension, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in _NO_IMAGES
    )


def visible(folder: Path) -> list[Path]:
    """Returns what lies in a folder, ordered by name, less what is hidden or a system's own."""
    return sorted(
        (
            child
            for child in folder.iterdir()
            if not child.name.startswith(".") and child.name.lower() not in _OF_SYSTEMS
        ),
        key=lambda child: child.name,
    )


def is_image(path: Path) -> bool:
    """Tells by its name whether a file is an image; a link that leads nowhere may be one."""
    if path.suffix.lower() not in extensions():
        return False
    return path.is_file() or (path.is_symlink() and not path.exists())


def images_in(folder: Path) -> list[Path]:
    """Returns the images that lie directly in a folder, ordered by name, hidden ones left out."""
    return [child for child in visible(folder) if is_image(child)]


def files_below(folder: Path) -> Iterator[Path]:
    """Yields all visible files of a folder and of its subfolders, through links as well."""
    folders, seen = [folder], set()
    while folders:
        current = folders.pop()
        # A link may lead back to where it lies.
        if (real := os.path.realpath(current)) in seen:
            continue
        seen.add(real)
        for child in visible(current):
            if child.is_dir():
                folders.append(child)
            else:
                yield child


def warn_of_left_out(
    folder: Path,
    deeper: Iterable[Path] = (),
    others: Iterable[Path] = (),
    empty: Iterable[Path] = (),
) -> None:
    """Warns, in one line, of what a folder has and a data set leaves out.

    Args:
        folder: The folder.
        deeper: Images that lie too deep in it.
        others: Files that are no images.
        empty: Subfolders without any file.
    """
    deeper, others, empty = list(deeper), list(others), list(empty)
    parts = []
    if deeper:
        parts.append(f"{_count(deeper, 'image')} deeper in subfolders ({_such_as(deeper, folder)})")
    if others:
        kinds = sorted({path.suffix.lower() or "none" for path in others})
        shown = ", ".join(kinds[:_SHOWN]) + (", ..." if len(kinds) > _SHOWN else "")
        parts.append(
            f"{_count(others, 'file')} of other kinds ({shown}; {_such_as(others, folder)})"
        )
    if empty:
        parts.append(f"{_count(empty, 'empty folder')} ({_such_as(empty, folder)})")
    if parts:
        warnings.warn(f"{str(folder)!r}: left out {', '.join(parts)}", InputWarning, stacklevel=2)


def _count(paths: list[Path], what: str) -> str:
    return f"{len(paths)} {what}{'s' if len(paths) > 1 else ''}"


def _such_as(paths: list[Path], folder: Path) -> str:
    return f"such as {min(path.relative_to(folder).as_posix() for path in paths)!r}"
