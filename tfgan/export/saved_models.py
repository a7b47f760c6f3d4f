"""Where SavedModels lie: `<name>/<version>/`, as TensorFlow Serving looks for them."""

import re
from pathlib import Path

from tfgan.errors import InputError


def versions(model_folder):
    """Folders under a model's folder by their version number, ascending: dict of int to Path.

    As in Serving, any digits are a version, with leading zeros or without.
    """
    entries = Path(model_folder).iterdir()
    numbered = {int(entry.name): entry for entry in entries if re.fullmatch("[0-9]+", entry.name)}
    return dict(sorted(numbered.items()))


def find(path):
    """The SavedModel folder that a path means.

    Args:
        path: a SavedModel's folder, or a model's folder, of which the newest version is taken.

    Raises:
        InputError: there is no SavedModel.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"no SavedModel at {path}: there is no such folder")
    if (path / "saved_model.pb").is_file():
        return path
    complete = [
        folder for folder in versions(path).values() if (folder / "saved_model.pb").is_file()
    ]
    if not complete:
        raise InputError(
            f"no SavedModel at {path}: it has neither saved_model.pb nor a version such as "
            "1/saved_model.pb"
        )
    return complete[-1]


def name_of(folder):
    """A model's name: that of the folder which holds its versions, or of a lone SavedModel's."""
    folder = Path(folder).resolve()
    return folder.parent.name if re.fullmatch("[0-9]+", folder.name) else folder.name


def asserted(message):
    """What a graph's assertion says, without the brackets and names around it."""
    found = re.search(r"assertion failed: \[(.*?)\] \[(.*)\](?=$|\s*\n|\s*\[\[)", message)
    return f"{found[1]} {found[2]}" if found else message.strip().splitlines()[0]


def load(folder):
    """What `tf.saved_model.load` gives for a SavedModel's folder.

    Raises:
        InputError: it cannot be loaded.
    """
    import tensorflow as tf

    try:
        return tf.saved_model.load(str(folder))
    except (OSError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"the SavedModel {folder} cannot be loaded: {reason}") from error
