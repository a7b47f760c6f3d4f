"""Runs of `python -m tfgan.train` in a process each, as a person would start them."""

import shlex
import subprocess
import sys
from pathlib import Path

from tfgan.errors import InputError
from tfgan.files import read_json

TRAIN = ("-m", "tfgan.train")


def train_apart(flags, name, folder, program=TRAIN):
    """One run: trains, resumes, or finds that there is nothing left to do.

    Args:
        flags: of `tfgan.train`, but those on where things go.
        name: of the run.
        folder: gets the run folder, in `runs/`, and the SavedModel, in `saved_models/`.
        program: what Python is to start with these flags: the command, or code that trains as it.

    Returns:
        The content of the run's `result.json`.

    Raises:
        InputError: it failed; the message holds the end of what it wrote.
    """
    runs, models = Path(folder) / "runs", Path(folder) / "saved_models"
    command = [sys.executable, *program, *flags]
    command += ["--name", name, "--out", str(runs), "--export-dir", str(models)]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        raise InputError(f"{shlex.join(command)} failed: {finished.stderr.strip()[-300:]}")
    return read_json(runs / name / "result.json")
