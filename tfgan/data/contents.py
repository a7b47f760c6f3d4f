"""What files hold, as hashes: the same wherever they lie and whenever they were written."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from tfgan.files import read_json, user_cache, write_json

# Hexadecimal digits of a hash: no two files of a data set have one by chance.
_DIGITS = 32

# The times of a file that was written more recently may stay when it is written again.
_SETTLED_NS = 2 * 10**9


def hashes_of(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """Hashes files, or remembers their hashes where size and times are as they were.

    What is remembered lies in the user's cache folder. A folder that was moved or copied is read
    again, and has the same hashes.

    Args:
        folder: An absolute path.
        files: Files in it, at any depth.

    Returns:
        A hash of each file's content by its path relative to the folder, in the order of the
        files; of a file that cannot be read "".
    """
    memory = _memory_of(folder)
    known, now = _remembered(memory), time.time_ns()
    files = {file.relative_to(folder).as_posix(): file for file in files}
    states = {name: _state(file) for name, file in files.items()}
    entries = {
        name: known[name] for name in files if name in known and known[name][0] == states[name]
    }
    missing = [name for name in files if name not in entries]
    with (
        ThreadPoolExecutor() as pool,
        tqdm(total=len(missing), desc="Hash", delay=1, disable=not missing) as progress,
    ):
        for name, content in zip(missing, pool.map(_hash, (files[name] for name in missing))):
            entries[name] = [states[name], content]
            progress.update()
    settled = {
        name: entry
        for name, entry in entries.items()
        if entry[0] is not None and max(entry[0][1:]) < now - _SETTLED_NS
    }
    if settled != known:
        _remember(memory, settled)
    return {name: entries[name][1] for name in files}


def _state(file: Path) -> list[int] | None:
    """What changes when a file is written: its size, and the times of its content and its entry."""
    try:
        status = file.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _hash(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()[:_DIGITS]
    except OSError:
        return ""


def _memory_of(folder: Path) -> Path:
    key = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return user_cache() / "hashes" / f"{key}.json"


def _remembered(memory: Path) -> dict[str, list]:
    """By file name [state, hash]; nothing where there is no such memory, or a damaged one."""
    try:
        entries = read_json(memory)
        return {
            str(name): [[int(number) for number in state], str(content)]
            for name, (state, content) in entries.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(memory: Path, entries: dict[str, list]) -> None:
    # Where they cannot be kept they are hashed again another time.
    with contextlib.suppress(OSError):
        write_json(memory, entries, indent=None)
