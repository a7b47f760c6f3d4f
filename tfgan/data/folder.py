"""A folder of images: flat, or one subfolder per class; with captions and attributes."""

import csv
import re
import warnings
from collections import Counter
from pathlib import Path

from tfgan.data import image_files
from tfgan.data.captions import caption_table
from tfgan.data.contents import hashes_of
from tfgan.data.listing import files_below, images_in, is_image, visible, warn_of_left_out
from tfgan.data.source import Annotation, Source, slug
from tfgan.errors import InputError, InputWarning

_TABLES = ("captions.csv", "attributes.csv")

# What subfolders are called that are parts of a data set, of two domains too, and no classes.
_SPLIT = re.compile(r"(train|training|test|testing|val|valid|validation|dev)[ab]?", re.IGNORECASE)


def source(
    path: str | Path,
    size: tuple[int, int] | None,
    skip_corrupt: bool,
    split: str,
    channels: int | None = None,
) -> Source:
    """Describes the images of a folder.

    The images lie directly in the folder, without labels, or in one subfolder per class.
    Images and classes are ordered by name, by code point. Hidden files are ignored; a warning
    names what else is left out.

    Two CSV files in UTF-8 may lie beside them, whose column `file` has paths relative to the
    folder and which name every image. `captions.csv` has a column `caption`; several rows of a
    file are several phrasings. `attributes.csv` has one column per attribute, whose values are
    names of categories, and one row per file; categories are ordered by name.

    Args:
        path: The folder.
        size: (height, width) to resize to, or None for their own size.
        skip_corrupt: Whether to leave out images that cannot be read.
        split: `train`: a folder is one part.
        channels: 1, 3 or 4; None for as many as the colors of the images need.

    Returns:
        The source of the images.

    Raises:
        InputError: There is no such folder, it has no images, or has them both at its top
            level and in subfolders; a subfolder has files and no image of its own, or is a split;
            another split is requested; or a CSV file is not as above.
    """
    if split != "train":
        raise InputError(
            f"The folder {str(path)!r} has no split {split!r}: its images are one part."
        )
    folder = Path(path).expanduser().resolve()
    classes, found = _scan(folder)
    files = [image.file.relative_to(folder).as_posix() for image in found]
    captions = _read_captions(folder / "captions.csv", files)
    attribute_names, attributes = _read_attributes(folder / "attributes.csv", files)
    for index, image in enumerate(found):
        annotation = image.annotation._replace(
            attributes=attributes[index] if attributes else None,
            caption=index if captions else None,
        )
        found[index] = image._replace(annotation=annotation)

    def survey_folder():
        found_channels, sizes = survey(folder, found, skip_corrupt, channels)
        return *(size or image_files.one_size(sizes, repr(str(folder)))), found_channels

    tables = [folder / name for name in _TABLES]
    content = [image.file for image in found] + [file for file in tables if file.exists()]
    hashes = hashes_of(folder, content)

    return Source(
        name=slug(folder.name),
        fingerprint=["folder", hashes],
        options=[size, skip_corrupt, channels],
        contents=hashes,
        former_fingerprint=["folder", str(folder), size, skip_corrupt, *map(state_of, content)],
        num_images=len(found),
        class_names=classes,
        survey=survey_folder,
        decode=lambda image_shape: image_files.decode(found, len(found), image_shape, skip_corrupt),
        attribute_names=attribute_names,
        caption_table=caption_table(captions) if captions else None,
    )


def survey(
    folder: Path, found: list[image_files.Encoded], skip_corrupt: bool, channels: int | None
) -> tuple[int, Counter[tuple[int, int]]]:
    """Finds the channels that a folder's images need, and counts their sizes.

    Args:
        folder: For error messages.
        found: The images.
        skip_corrupt: Whether to leave out what cannot be read.
        channels: What is returned in place of what they need, or None.

    Raises:
        InputError: An image cannot be read and `skip_corrupt` is False, or none can be.
    """
    modes, sizes = image_files.survey(found, len(found), skip_corrupt, channels is not None)
    if not modes:
        raise InputError(f"None of the {len(found)} images in {str(folder)!r} can be read.")
    return channels or max(image_files.CHANNELS[mode] for mode in modes), sizes


def state_of(file: Path) -> list:
    """Returns a file's path, size and time, by which earlier versions distinguished files."""
    try:
        status = file.stat()
    except OSError:
        return [str(file), None, None]
    return [str(file), status.st_size, status.st_mtime_ns]


def subfolder(folder: Path, name: str, layout: str) -> Path:
    """Returns a subfolder that has images.

    Args:
        folder: The folder.
        name: Of the subfolder.
        layout: What belongs where, for error messages.

    Raises:
        InputError: There is no such folder, or no subfolder of this name, or no image in it.
    """
    check_is_folder(folder)
    chosen = folder / name
    if not chosen.is_dir():
        found = [child.name for child in visible(folder) if child.is_dir()]
        raise InputError(
            f"The folder {str(folder)!r} has no subfolder {name!r}, but "
            f"{', '.join(found) or 'none at all'}. {layout}."
        )
    if not images_in(chosen):
        raise InputError(f"There are no images in {str(chosen)!r}. Put them there.")
    return chosen


def _read_captions(file: Path, images: list[str]) -> list[list[str]] | None:
    """Returns the phrasings for each image, in their order, or None if there is no such file."""
    if not file.exists():
        return None
    _, rows = _read_csv(file, images, "caption")
    return [[row["caption"] for row in rows[image]] for image in images]


def _read_attributes(
    file: Path, images: list[str]
) -> tuple[dict[str, tuple[str, ...]] | None, list[tuple[int, ...]] | None]:
    """Returns the categories of each attribute, and the indices of each image's; or Nones."""
    if not file.exists():
        return None, None
    columns, rows = _read_csv(file, images)
    if twice := next((image for image in images if len(rows[image]) > 1), None):
        raise InputError(
            f"{str(file)!r} has {len(rows[twice])} rows for the image {twice!r}. Leave one."
        )
    first = [rows[image][0] for image in images]
    names = {column: tuple(sorted({row[column] for row in first})) for column in columns}
    index_of = {
        column: {category: index for index, category in enumerate(categories)}
        for column, categories in names.items()
    }
    return names, [tuple(index_of[column][row[column]] for column in columns) for row in first]


def _read_csv(
    file: Path, images: list[str], *required: str
) -> tuple[list[str], dict[str, list[dict[str, str]]]]:
    """Returns a table's columns besides `file`, and its rows by image, stripped.

    Raises:
        InputError: It is not UTF-8 or no CSV, a column is missing, a value is empty, or it does
            not name the images, all of them and no others.
    """
    try:
        # Spreadsheets put a mark at the beginning of UTF-8.
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, restval="", strict=True)
            columns = list(reader.fieldnames or [])
            table = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise InputError(
            f"{str(file)!r} is not UTF-8 (byte {error.start}: {error.reason}). Save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise InputError(f"{str(file)!r} is not a CSV file ({error}). Correct it.") from error
    if not {"file", *required} <= set(columns) or len(columns) < 2 or "" in columns:
        expected = ["file", *(required or ["an attribute's name"])]
        raise InputError(
            f"{str(file)!r} needs a first row with the columns {', '.join(expected)}. Received: "
            f"{', '.join(columns) or 'an empty file'}."
        )
    columns = list(required) or [column for column in columns if column != "file"]
    rows = {image: [] for image in images}
    for line, row in table:
        # The reader keeps what is beyond the last column under None.
        if None in row:
            raise InputError(
                f"{str(file)!r} has more values than columns in line {line}. Put a value that has "
                "a comma between double quotes."
            )
        row = {column: row[column].strip() for column in ("file", *columns)}
        if row["file"] not in rows:
            raise InputError(
                f"{str(file)!r} names {row['file']!r} in line {line}, which is no image in "
                f"{str(file.parent)!r}. Correct the path, which is relative to that folder, or "
                "remove the row."
            )
        if empty := next((column for column in columns if not row[column]), None):
            raise InputError(
                f"{str(file)!r} has an empty {empty} in line {line}, for {row['file']!r}. Fill it "
                "in, or remove the row."
            )
        rows[row["file"]].append(row)
    missing = [image for image in images if not rows[image]]
    if missing:
        raise InputError(
            f"{str(file)!r} has no row for {len(missing)} of {len(images)} images (first: "
            f"{missing[0]!r}). Add rows, or move these images elsewhere."
        )
    return columns, rows


def _scan(folder: Path) -> tuple[tuple[str, ...] | None, list[image_files.Encoded]]:
    """Returns the names of the classes, or None, and the images in order."""
    check_is_folder(folder)
    children = visible(folder)
    flat = [child for child in children if is_image(child)]
    subfolders = [child for child in children if child.is_dir()]
    nested = {child.name: images_in(child) for child in subfolders}
    nested = {name: files for name, files in nested.items() if files}
    if flat and nested:
        raise InputError(
            f"The folder {str(folder)!r} has images both at its top level ({flat[0].name!r}) and "
            f"in subfolders ({next(iter(nested))!r}). Use either a flat folder, or one subfolder "
            "per class."
        )
    if not flat:
        _check_are_classes(folder, subfolders, nested)
    kept = {folder / name for name in _TABLES}.union(flat, *nested.values())
    left_out = [file for file in files_below(folder) if file not in kept]
    if not flat and not nested:
        others = f", but files such as {left_out[0].name!r}" if left_out else ""
        raise InputError(
            f"There are no images in {str(folder)!r}{others}. Put images there, or into one "
            "subfolder per class: PNG, JPEG, WebP or what else Pillow reads."
        )
    warn_of_left_out(
        folder,
        deeper=filter(is_image, left_out),
        others=[file for file in left_out if not is_image(file)],
        empty=[
            each for each in subfolders if each.name not in nested and not any(files_below(each))
        ],
    )
    if flat:
        return None, [image_files.Encoded(str(file), file, Annotation()) for file in flat]
    return tuple(nested), [
        image_files.Encoded(str(file), file, Annotation(label))
        for label, files in enumerate(nested.values())
        for file in files
    ]


def _check_are_classes(folder: Path, subfolders: list[Path], nested: dict[str, list[Path]]) -> None:
    """Refuses subfolders that are parts of a data set, or classes whose images are not found."""
    splits = [each.name for each in subfolders if _SPLIT.fullmatch(each.name)]
    if len(splits) > 1:
        raise InputError(
            f"The folder {str(folder)!r} has subfolders {', '.join(map(repr, splits))}, which are "
            f"parts of a data set and no classes. Give the folder {str(folder / splits[0])!r} or "
            "another of them; rename them, if they are classes."
        )
    for name in splits:
        if name in nested:
            warnings.warn(
                f"{str(folder)!r}: {name!r} is taken for a class. If it is a part of the data set, "
                "give the folder of the part that is meant",
                InputWarning,
                stacklevel=2,
            )
    for subfolder in subfolders:
        inside = [] if subfolder.name in nested else list(files_below(subfolder))
        if inside:
            first = min(file.relative_to(folder).as_posix() for file in inside)
            raise InputError(
                f"The folder {str(subfolder)!r} has no image of its own, and so is no class, but "
                f"{len(inside)} files that lie deeper or are no images ({first!r}). Move its "
                f"images into it, give {str(subfolder)!r} itself, or move it elsewhere."
            )


def check_is_folder(folder: Path) -> None:
    """Raises InputError where there is no folder, and says what is there instead."""
    if folder.is_file():
        raise InputError(
            f"{str(folder)!r} is a file, not a folder of images. If it is an archive, unpack it, "
            "and give the folder."
        )
    if not folder.is_dir():
        raise InputError(f"There is no folder {str(folder)!r}. Give an existing one.")
