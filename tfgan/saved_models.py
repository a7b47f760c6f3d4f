"""Where SavedModels lie: `<name>/<version>/`, as TensorFlow Serving looks for them."""

from pathlib import Path

from tfgan.errors import InputError


def versions(model_folder):
    """Version numbers under a model's folder, ascending."""
    return sorted(
        int(entry.name) for entry in Path(model_folder).iterdir() if entry.name.isdecimal()
    )


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
        version for version in versions(path) if (path / str(version) / "saved_model.pb").is_file()
    ]
    if not complete:
        raise InputError(
            f"no SavedModel at {path}: it has neither saved_model.pb nor a version such as "
            "1/saved_model.pb"
        )
    return path / str(complete[-1])
