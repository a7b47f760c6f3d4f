"""The folder of one run: its configuration, its lock, its history and its result."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import filelock

from tfgan.errors import InputError
from tfgan.files import CsvLog, left_behind, read_json, remove_left_behind, write_json
from tfgan.training.changes import FINGERPRINT, Changes, changes_between
from tfgan.versions import package_versions


class RunFolder:
    """What a run leaves, beside its model.

    `config.json`, `pictures.json`, `history.csv`, `quality.csv`, `alarms.json`, `samples/`,
    `checkpoints/`, `tensorboard/`, `curves.png`, `contact_sheet.png` and `result.json`.

    Args:
        path: the folder, which need not exist.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.config_file = self.path / "config.json"
        self._hashes_file = self.path / "pictures.json"
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
                for folder in (self.path, self.samples):
                    remove_left_behind(folder)
                yield
        except filelock.Timeout:
            raise InputError(
                f"another process is training in {self.path}. Wait for it, or pass another --name"
            ) from None

    def _own_entries(self):
        return [
            self.config_file,
            self._hashes_file,
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
        config = _content_of(self.config_file)
        if isinstance(config, dict) and "settings" in config:
            return True
        # What a full disk or a kill leaves of the configuration is ours as well.
        ours = {*self._own_entries(), self.path / ".lock"}
        for file in (self.config_file, self._hashes_file):
            ours |= {*left_behind(self.path, file.name)}
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
        config = _content_of(self.config_file)
        return config["settings"] if config else None

    def check(self, settings, former_fingerprint=None, files=None, anyway=False):
        """Compares with the run that is there, if any.

        Args:
            settings: what decides a run's results; a run is resumed under equal settings only.
            former_fingerprint: what earlier versions took for the fingerprint of the images.
            files: a hash of each of the images' files by its name, or None.
            anyway: whether other settings will do, too, if the weights can go on with them.

        Returns:
            The `Changes` with which the run is to go on.

        Raises:
            InputError: the folder holds a run of other settings; the message says what differs.
        """
        if not self.config_file.exists():
            return Changes()
        config = _content_of(self.config_file)
        if config is None:
            raise InputError(
                f"{self.config_file} is damaged. Restore it from a copy, pass another --name, or "
                "--fresh to delete that run and start anew"
            )
        earlier_files = _content_of(self._hashes_file)
        changes = changes_between(
            config["settings"], settings, former_fingerprint, earlier_files, files
        )
        if changes.impossible:
            before, after = changes.values.get("image_shape", ((), ()))
            differ_in_channels = before[:2] == after[:2] and before[2:] != after[2:]
            raise InputError(
                f"{self.path} holds a run of another model ({changes.impossible}), whose weights "
                "cannot go on in this one. Pass "
                + (f"--channels {before[2]}, " if differ_in_channels else "")
                + "another --name, or --fresh to delete that run and start anew"
            )
        if changes and not anyway:
            raise InputError(
                f"{self.path} holds a run with other settings ({changes}). Pass --continue-anyway "
                "to resume it with these all the same, though not bit for bit as one undisturbed "
                "run; another --name; or --fresh to delete that run and start anew"
            )
        return changes

    def other_versions(self):
        """How the packages' versions differ from those of the session before, in words, or ""."""
        config = _content_of(self.config_file)
        return differences_of(config["versions"], package_versions()) if config else ""

    def record(self, settings, flags, files=None, changes=None, step=0):
        """Writes `config.json`, and `pictures.json` where the images lie in files.

        Args:
            settings: as for `check`.
            flags: all that the command was given, to repeat it: a dict for JSON.
            files: as for `check`.
            changes: the `Changes` with which the run goes on, or None.
            step: where it does.
        """
        continued = self.continued
        if changes:
            continued = [*continued, {"step": step, "changes": changes.values}]
            if changes.images:
                continued[-1]["pictures"] = changes.images
        if files is not None:
            write_json(self._hashes_file, files)
        config = {"settings": settings, "flags": flags, "versions": package_versions()}
        write_json(self.config_file, config | ({"continued": continued} if continued else {}))

    @property
    def continued(self):
        """At which steps the run went on with other settings, and with which: a list of dicts."""
        return (_content_of(self.config_file) or {}).get("continued", [])

    def had_other_images(self, step):
        """Whether the images were others when a checkpoint of that step was written."""
        return any(
            FINGERPRINT in each["changes"] for each in self.continued if each["step"] >= step
        )

    def cut_history(self, epochs, step=0):
        """Drops the rows of `history.csv` but those of so many epochs: they are written again.

        Args:
            epochs: that the run has behind it.
            step: where it stands. Rows of before it went on with other settings stay up to there:
                its epochs may have had another length.
        """
        since = min(step, self._continued_at())
        CsvLog(self.history_file).keep(lambda row: row["epoch"] < epochs or row["step"] <= since)

    def cut_quality(self, step, interval):
        """Drops the rows of `quality.csv` that a run which stands at a step would not have.

        Args:
            step: the last whose row may stay.
            interval: steps from one row to the next. Where a run has ended there is one besides,
                which a run that trains on without an end has not. Rows of before the run went on
                with other settings stay.
        """
        since = min(step, self._continued_at())
        CsvLog(self.quality_file).keep(
            lambda row: (
                row["step"] <= since or (row["step"] <= step and row["step"] % interval == 0)
            )
        )

    def _continued_at(self):
        """The last step at which the run went on with other settings; 0 where there is none."""
        return max((each["step"] for each in self.continued), default=0)

    def record_alarms(self, alarms):
        """Writes `alarms.json`: all alarms so far, a list of dicts for JSON."""
        write_json(self._alarms_file, alarms)

    @property
    def result(self):
        """What a finished run wrote down, a dict, or None while it is not finished."""
        return _content_of(self._result_file)

    @property
    def exported(self):
        """The folder of the version that the finished run exported."""
        return Path(self.result["saved_model"])

    def finish(self, result):
        """Writes down that the run is finished and what came of it, a dict for JSON."""
        write_json(self._result_file, result)


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


def _content_of(path):
    """The file's content, or None where there is none that can be read."""
    try:
        return read_json(path)
    except (OSError, ValueError):
        return None
