"""The folder of one run: its configuration, its lock, its history and its result."""

import contextlib
import csv
import json
import os
import shutil
from pathlib import Path

import filelock

from tfgan.errors import InputError
from tfgan.versions import package_versions


class RunFolder:
    """`config.json`, `history.csv`, `samples/`, `checkpoints/`, `tensorboard/`, `result.json`.

    Args:
        path: the folder, which need not exist.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.config_file = self.path / "config.json"
        self.history_file = self.path / "history.csv"
        self.curves_file = self.path / "curves.png"
        self.contact_sheet_file = self.path / "contact_sheet.png"
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self._result_file = self.path / "result.json"

    @contextlib.contextmanager
    def locked(self):
        """Keeps other processes out of the folder.

        The operating system holds the lock and lets go of it when the process dies, however it
        dies, so that what a kill leaves behind blocks nobody.

        Raises:
            InputError: another process that is alive trains in this folder, or the folder is not
                a run's.
        """
        if self.path.exists() and not self._is_ours():
            raise InputError(
                f"{self.path} exists and is not the folder of a run. Pass another --name or --out"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(self.path / ".lock", timeout=0):
                yield
        except filelock.Timeout:
            raise InputError(
                f"another process is training in {self.path}. Wait for it, or pass another --name"
            ) from None

    def _is_ours(self):
        if not self.path.is_dir():
            return False
        names = {entry.name for entry in self.path.iterdir()}
        return not names or bool(names & {".lock", "config.json"})

    def clear(self):
        """Removes what an earlier run left here, the lock excepted."""
        for entry in self.path.iterdir():
            if entry.name == ".lock":
                continue
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def claim(self, settings, arguments):
        """Writes `config.json`, or compares with the one that is there.

        Args:
            settings: what decides the run's results; a run is resumed under equal settings only.
            arguments: all that the command was given, to repeat it: a dict for JSON. What is not
                among the settings may differ from one sitting to the next.

        Raises:
            InputError: the folder holds a run of other settings; the message prints what differs.
        """
        if self.config_file.exists():
            earlier = json.loads(self.config_file.read_text())["settings"]
            differences = [
                f"{name} {earlier.get(name)!r} -> {settings.get(name)!r}"
                for name in sorted(earlier.keys() | settings.keys())
                if earlier.get(name) != settings.get(name)
            ]
            if differences:
                raise InputError(
                    f"{self.path} holds a run with other settings ({'; '.join(differences)}). "
                    "Pass another --name, or --fresh to delete that run and start anew"
                )
        _write_json(
            self.config_file,
            {"settings": settings, "arguments": arguments, "versions": package_versions()},
        )

    def cut_history(self, step):
        """Drops the rows of `history.csv` after a step: they will be written again."""
        if not self.history_file.exists():
            return
        with open(self.history_file, newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames
            # A kill can leave half a row at the end.
            rows = [row for row in reader if None not in row.values() and int(row["step"]) <= step]
        temporary = self.history_file.with_suffix(".csv.writing")
        with open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, columns or [], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(temporary, self.history_file)

    @property
    def result(self):
        """What a finished run wrote down, a dict, or None while it is not finished."""
        return json.loads(self._result_file.read_text()) if self._result_file.exists() else None

    def finish(self, result):
        """Writes down that the run is finished and what came of it, a dict for JSON."""
        _write_json(self._result_file, result)


def _write_json(path, content):
    temporary = path.with_suffix(".json.writing")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(temporary, path)
