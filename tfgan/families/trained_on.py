"""What an exported model was trained on, as its card tells."""

import contextlib
import dataclasses
import io
import shlex

from tfgan import data
from tfgan.cli.flags import filled
from tfgan.cli.train_flags import Run, parse
from tfgan.errors import InputError
from tfgan.families import FAMILIES, PRESETS


def trained_on(model, dataset=None, data_dir=None):
    """The images that a model was trained on, as its card tells.

    Args:
        model: an `ExportedModel` of a folder.
        dataset: the name or folder of other images to take in their place, or None.
        data_dir: TFDS' folder, or None.

    Returns:
        An `ImageDataset`, and another of the split `test`, or None where there is no such split.

    Raises:
        InputError: the card does not tell, the images are not there, are others now, or have
            another shape than the model's.
    """
    load = _loader(model, dataset, data_dir)
    train = load("train")
    if train.image_shape != model.image_shape:
        raise InputError(
            f"{model.path} draws images {model.image_shape}, {train.name} has "
            f"{train.image_shape}: pass a --dataset of the same kind"
        )
    try:
        return train, load("test")
    except InputError:
        return train, None


def _loader(model, dataset, data_dir):
    """A function from a split to its images; see `trained_on`."""
    if dataset is not None:
        options = {"batch_size": 1, "image_size": model.image_shape[:2], "data_dir": data_dir}
        return lambda split: data.load(dataset, split=split, **options)
    run, family, fingerprint = training_of(model)
    run = dataclasses.replace(run, data_dir=data_dir or run.data_dir)

    def load(split):
        try:
            loaded = family.load(run, split)
        except InputError as error:
            raise InputError(
                f"what {model.path} was trained on cannot be loaded, so pass --dataset or "
                f"--data-dir: {error}"
            ) from error
        known = (loaded.fingerprint, loaded.former_fingerprint)
        if split == "train" and fingerprint not in known:
            raise InputError(
                f"{run.dataset} has changed since {model.path} was trained on it: pass --dataset "
                f"{shlex.quote(run.dataset)} to take it as it is now"
            )
        return loaded

    return load


def training_of(model):
    """The `Run` and the family that a model card tells of, and the fingerprint of the images.

    Args:
        model: an `ExportedModel` of a folder.

    Raises:
        InputError: the card does not tell.
    """
    try:
        training = model.card["training"]
        fingerprint = training["data"]["fingerprint"]
        if "flags" in training:
            flags = training["flags"]
            return filled(Run, flags), filled(FAMILIES[flags["model"]], flags), fingerprint
        # A card of before there were flags in it has the command alone.
        words = shlex.split(training["command"])
        # What a card of another version has may be refused, in many words.
        with contextlib.redirect_stderr(io.StringIO()):
            parsed = parse(words[words.index("tfgan.train") + 1 :], FAMILIES, PRESETS)
        return *parsed, fingerprint
    except (ValueError, KeyError, TypeError, SystemExit) as error:
        raise InputError(
            f"{model.path} does not tell what it was trained on, and its images have to be "
            "compared with it: pass --dataset"
        ) from error
