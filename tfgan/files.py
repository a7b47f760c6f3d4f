"""Files and folders that appear whole or not at all, logs, and the user's cache folder."""

import contextlib
import csv
import glob
import json
import os
import shutil
import time
from pathlib import Path

_PREFIX = ".writing-"
# Hexadecimal digits: no two writers have the same.
_DIGITS = 8
# Writing takes minutes. What is older was left behind by a process that was killed.
_LEFT_BEHIND_SECONDS = 24 * 60 * 60


def user_cache():
    """`$XDG_CACHE_HOME/tfgan`, by default `~/.cache/tfgan`; it need not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfgan"


@contextlib.contextmanager
def atomic_file(path):
    """A path to write a file to, which replaces `path` if the block ends without an exception.

    The file appears whole or not at all, whatever happens meanwhile: an exception, a kill, a full
    disk, a power cut, another process that writes the same. It has the permissions of any new file.

    Args:
        path: of the file; folders above it that are missing are made.

    Yields:
        A `Path` beside it, of the same suffix, by which many writers choose a format.

    Raises:
        OSError: the disk is full or the folder cannot be written; what was at `path` is still
            there.
    """
    with unfinished(path) as temporary:
        yield temporary
        flush_to_disk(temporary)
        os.replace(temporary, path)


@contextlib.contextmanager
def atomic_folder(path, exist_ok=False):
    """A new folder to fill, which becomes `path` if the block ends without an exception.

    Args:
        path: of a folder that is not there, or is empty; folders above it that are missing are
            made.
        exist_ok: whether it does not matter that another process was first, because it wrote the
            same: that one's stays, and this one is dropped.

    Yields:
        The `Path` of an empty folder beside it.

    Raises:
        OSError: there is something at `path`, which stays; the disk is full; or the folder above
            cannot be written.
    """
    with unfinished(path) as temporary:
        temporary.mkdir()
        yield temporary
        flush_to_disk(temporary)
        with contextlib.suppress(OSError):
            # Windows renames to nothing that exists, not even to an empty folder.
            os.rmdir(path)
        try:
            os.rename(temporary, path)
        except OSError:
            if not (exist_ok and os.path.isdir(path)):
                raise


@contextlib.contextmanager
def unfinished(path):
    """The temporary name of one writer of `path`, for what gets its own name in the block.

    It is beside `path`, on the same file system, and no other writer's. What has it when the block
    ends is removed; so is what a writer of `path` left behind that was killed a day ago.

    Args:
        path: of a file or a folder; folders above it that are missing are made.

    Yields:
        A `Path` at which nothing is.
    """
    path = Path(os.path.abspath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_left_behind(path.parent, path.name, _LEFT_BEHIND_SECONDS)
    temporary = path.with_name(f"{_PREFIX}{os.urandom(_DIGITS // 2).hex()}-{path.name}")
    try:
        yield temporary
    finally:
        _remove(temporary)


def left_behind(folder, name=None):
    """What writers have not finished, or never will: a list of paths in a folder.

    Args:
        folder: where they write.
        name: of the file or folder that they write; by default any.
    """
    ending = "*" if name is None else glob.escape(name)
    return list(Path(folder).glob(f"{_PREFIX}{'?' * _DIGITS}-{ending}"))


def remove_left_behind(folder, name=None, seconds=0.0):
    """Removes what writers left behind that were killed.

    Args:
        folder, name: as in `left_behind`.
        seconds: for how long it must not have changed. Of 0 under a lock alone, which keeps writers
            out that are alive.
    """
    for entry in left_behind(folder, name):
        # Another process may remove it meanwhile.
        with contextlib.suppress(OSError):
            if not seconds or time.time() - entry.stat().st_mtime > seconds:
                _remove(entry)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def flush_to_disk(path):
    """Has a file, or all files in a folder, written to the disk: a rename may get there sooner."""
    for file in [path] if path.is_file() else path.rglob("*"):
        if file.is_file():
            # Windows flushes only what is open for writing.
            with open(file, "r+b") as opened:
                os.fsync(opened.fileno())


def write_text(path, text):
    """Writes a text in UTF-8, as `atomic_file` does."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, value, indent=2):
    """Writes a value as JSON, as `atomic_file` does; `indent` None puts it all on one line."""
    write_text(path, json.dumps(value, indent=indent) + "\n")


def read_json(path):
    """The value that a file holds as JSON.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it holds no JSON.
    """
    return json.loads(Path(path).read_text(encoding="utf-8"))


# What columns are called in logs of earlier versions.
_EARLIER_COLUMNS = {"told_apart": "discriminator_auc", "divergence": "kl"}


class CsvLog:
    """A table of numbers in a CSV file, which grows by a row at a time.

    Half a row, as a kill or a full disk leaves it at the end, is none.

    Args:
        path: of the file, which is made with the first row.
    """

    def __init__(self, path):
        self.path = Path(path)

    def append(self, row):
        """Adds a row, a dict by the columns' names, and has it written to the disk."""
        with open(self.path, "a", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            if not file.tell():
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            os.fsync(file.fileno())

    def rows(self):
        """All rows, a list of dicts of floats by the columns' names."""
        return [numbers for _, numbers in self._read()]

    def keep(self, is_kept):
        """Drops rows, each number of the others being written as it was; without rows, the file.

        Args:
            is_kept: function of a row, a dict of floats, that returns whether it stays.
        """
        rows = [row for row, numbers in self._read() if is_kept(numbers)]
        if not rows:
            self.path.unlink(missing_ok=True)
            return
        with atomic_file(self.path) as temporary, open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def _read(self):
        """Each row as it is written, and as numbers: pairs of dicts."""
        if not self.path.exists():
            return
        with open(self.path, newline="") as file:
            for row in csv.DictReader(file):
                row = {_EARLIER_COLUMNS.get(name, name): value for name, value in row.items()}
                try:
                    numbers = {name: float(value) for name, value in row.items()}
                except (TypeError, ValueError):
                    continue
                yield row, numbers
