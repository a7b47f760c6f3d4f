"""The folder of one run: its configuration, its lock, its history and its result."""

import contextlib
import csv
import json
import os
import shutil
import tempfile
from pathlib import Path

import filelock

from tfgan.errors import InputError
from tfgan.versions import package_versions


class RunFolder:
    """What a run leaves, beside its model.

    `config.json`, `history.csv`, `quality.csv`, `alarms.json`, `samples/`, `checkpoints/`,
    `tensorboard/`, `curves.png`, `contact_sheet.png` and `result.json`.

    Args:
        path: the folder, which need not exist.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.config_file = self.path / "config.json"
        self.history_file = self.path / "history.csv"
        self.quality_file = self.path / "quality.csv"
        self.curves_file = self.path / "curves.png"
        self.contact_sheet_file = self.path / "contact_sheet.png"
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self._alarms_file = self.path / "alarms.json"
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
        require_writable(self.path, "--out")
        try:
            with filelock.FileLock(self.path / ".lock", timeout=0):
                yield
        except filelock.Timeout:
            raise InputError(
                f"another process is training in {self.path}. Wait for it, or pass another --name"
            ) from None

    def _own_entries(self):
        return [
            self.config_file,
            self.history_file,
            self.quality_file,
            self.curves_file,
            self.contact_sheet_file,
            self.samples,
            self.checkpoints,
            self.tensorboard,
            self._alarms_file,
            self._result_file,
        ]

    def _is_ours(self):
        if not self.path.is_dir():
            return False
        config = _read_json(self.config_file)
        if isinstance(config, dict) and "settings" in config:
            return True
        # What a full disk or a kill leaves of the configuration is ours as well.
        ours = {*self._own_entries(), self.path / ".lock", _temporary_of(self.config_file)}
        return {*self.path.iterdir()} <= ours

    def clear(self):
        """Removes what an earlier run left here, and nothing else."""
        for entry in self._own_entries():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)

    @property
    def settings(self):
        """The settings of the run that is here, a dict, or None where there is none."""
        config = _read_json(self.config_file)
        return config["settings"] if config else None

    def check(self, settings):
        """Compares with the run that is there, if any.

        Args:
            settings: what decides a run's results; a run is resumed under equal settings only.

        Returns:
            How the packages' versions differ from those of the sitting before, for a person; ""
            where they do not.

        Raises:
            InputError: the folder holds a run of other settings; the message prints what differs.
        """
        if not self.config_file.exists():
            return ""
        config = _read_json(self.config_file)
        if config is None:
            raise InputError(
                f"{self.config_file} is damaged. Restore it from a copy, pass another --name, or "
                "--fresh to delete that run and start anew"
            )
        if differences := differences_of(config["settings"], settings):
            raise InputError(
                f"{self.path} holds a run with other settings ({differences}). "
                "Pass another --name, or --fresh to delete that run and start anew"
            )
        return differences_of(config["versions"], package_versions())

    def record(self, settings, arguments):
        """Writes `config.json`.

        Args:
            settings: as for `check`.
            arguments: all that the command was given, to repeat it: a dict for JSON.
        """
        write_json(
            self.config_file,
            {"settings": settings, "arguments": arguments, "versions": package_versions()},
        )

    def cut_history(self, epochs):
        """Drops the rows of `history.csv` but those of so many epochs: they are written again."""
        _keep_rows(self.history_file, "epoch", lambda epoch: epoch < epochs)

    def cut_quality(self, step, interval):
        """Drops the rows of `quality.csv` that a run which stands at a step would not have.

        Args:
            step: the last whose row may stay.
            interval: steps from one row to the next. Where a run has ended there is one besides,
                which a run that trains on without an end has not.
        """
        _keep_rows(self.quality_file, "step", lambda at: at <= step and at % interval == 0)

    def record_alarms(self, alarms):
        """Writes `alarms.json`: all alarms so far, a list of dicts for JSON."""
        write_json(self._alarms_file, alarms)

    @property
    def result(self):
        """What a finished run wrote down, a dict, or None while it is not finished."""
        return _read_json(self._result_file)

    def finish(self, result):
        """Writes down that the run is finished and what came of it, a dict for JSON."""
        write_json(self._result_file, result)


def _keep_rows(path, column, is_kept):
    """Drops the rows of a CSV whose whole number in a column is not to be kept."""
    if not path.exists():
        return
    with open(path, newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        # A kill can leave half a row at the end.
        rows = [row for row in reader if None not in row.values()]
    if column not in columns:
        # A power cut can leave an empty file.
        path.unlink()
        return
    rows = [row for row in rows if is_kept(int(row[column]))]
    temporary = path.with_suffix(".csv.writing")
    with open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(temporary, path)


def require_writable(folder, flag):
    """Makes a folder where there is none.

    Args:
        folder: its path.
        flag: the flag that named it, for the message.

    Raises:
        InputError: it cannot be made or written.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({error.strerror}). Pass another {flag}"
        ) from error


def differences_of(earlier, now):
    """What differs between two dicts of settings, for a person; "" where nothing does."""
    return "; ".join(
        f"{name} {earlier.get(name)!r} -> {now.get(name)!r}"
        for name in sorted(earlier.keys() | now.keys())
        if earlier.get(name) != now.get(name)
    )


def _read_json(path):
    """The file's content, or None where there is none that can be read."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _temporary_of(path):
    """Under what name a JSON file is written before it gets its own."""
    return path.with_suffix(".json.writing")


def write_json(path, content):
    """Writes JSON, whole or not at all, and to the disk."""
    temporary = _temporary_of(path)
    with open(temporary, "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
