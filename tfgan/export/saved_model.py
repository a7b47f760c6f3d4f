"""Trained models as SavedModels that TensorFlow Serving takes as they are."""

import contextlib
import dataclasses
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan.export import model_card
from tfgan.export.saved_models import versions
from tfgan.export.warm_up import write_warm_up
from tfgan.files import flush_to_disk, unfinished, write_text
from tfgan.serving.attributes import layers_file
from tfgan.serving.latents import named_inputs

__all__ = ["export_saved_model", "named_inputs"]

# The reloaded model runs the same operations on the same weights; what is left is rounding.
SELF_CHECK_TOLERANCE = 1e-5


def signatures_of(model):
    """What a model's SavedModel is to answer, a `tfgan.serving.served.Served`.

    Raises:
        TypeError: the model does not tell.
    """
    if not hasattr(model, "signatures"):
        raise TypeError(
            f"a {type(model).__name__} has no method signatures, which tells what it serves"
        )
    return model.signatures()


def self_check(examples, reloaded):
    """Compares a reloaded SavedModel with the live model it was made from.

    Args:
        examples: a request and the live model's answer for each signature; see `Served`.
        reloaded: what `tf.saved_model.load` returned.

    Returns:
        The largest absolute difference of any number, such as a pixel in [0, 1], over all
        signatures that answer in numbers.

    Raises:
        RuntimeError: the difference exceeds `SELF_CHECK_TOLERANCE`, or PNGs do not decode to the
            same images.
    """
    difference = 0.0
    for name, (inputs, expected) in examples.items():
        answer = reloaded.signatures[name](**inputs)
        for key, live in expected.items():
            if key == "image_bytes":
                require_same_images(answer[key], live)
            else:
                difference = np.maximum(difference, np.abs(answer[key] - live).max())
    # Written so that it refuses a NaN as well.
    if not difference <= SELF_CHECK_TOLERANCE:
        raise RuntimeError(
            f"the exported model differs from the live one by {difference:.3g}, more than "
            f"{SELF_CHECK_TOLERANCE:g}: nothing is exported"
        )
    return float(difference)


def require_same_images(pngs, images):
    """Refuses PNGs that decode to other images than float32 [N, H, W, C] in [0, 1].

    Raises:
        RuntimeError: a pixel differs by more than the rounding to whole levels.
    """
    pixels = np.stack([tf.io.decode_png(png) for png in pngs])
    if not np.abs(pixels - 255.0 * images).max() <= 0.5 + 255.0 * SELF_CHECK_TOLERANCE:
        raise RuntimeError("the PNGs do not decode to the images: nothing is exported")


@dataclasses.dataclass
class Draft:
    """A version that has been written and checked, and does not appear yet.

    Attributes:
        folder: where it lies, under a temporary name.
        saved_model: what was loaded from there.
        card: its model card, a dict.
        difference: what `self_check` found.
        version_folder: where it appears, once it has; None before.
    """

    folder: Path
    saved_model: object
    card: dict
    difference: float
    version_folder: Path | None = None


def export_saved_model(model, model_folder, training=None):
    """Exports a model's EMA networks as its next version.

    Beside the weights and the signatures lie warm-up requests (see `warm_up`), the model card (see
    `model_card`) and the generators' layers (see `formats.write_keras`).

    The version appears whole or not at all: it is written and checked under a temporary name,
    which Serving ignores, and then renamed. Several processes may export into one folder.

    Args:
        model: a trained model of any family.
        model_folder: the model's folder, which holds its versions 1, 2, ...
        training: what the model was trained on and how, for its card: a dict for JSON, or None.

    Returns:
        `(version_folder, difference)`: the new version's path and what `self_check` found.

    Raises:
        RuntimeError: the reloaded model does not match the live one.
        OSError: the disk is full or the folder cannot be written.
    """
    with exporting(model, model_folder, training) as draft:
        pass
    return draft.version_folder, draft.difference


@contextlib.contextmanager
def exporting(model, model_folder, training=None):
    """As `export_saved_model`; the version appears when the block ends, with what it has added.

    Args:
        model, model_folder, training: as there.

    Yields:
        A `Draft`. Where the block raises, nothing appears.
    """
    served = signatures_of(model)
    model_folder = Path(model_folder)
    # Its number is not known before it is written: other processes may take theirs meanwhile.
    with unfinished(model_folder / "version") as written:
        with _failures_to_write(model_folder):
            tf.saved_model.save(served.module, str(written), signatures=served.signatures)
        reloaded = tf.saved_model.load(str(written))
        difference = self_check(served.examples, reloaded)
        # One image runs every operation; another batch size costs nothing more afterwards.
        warm_up = {
            signature: {name: values[:1] for name, values in inputs.items()}
            for signature, (inputs, _) in served.examples.items()
        }
        with _failures_to_write(model_folder):
            write_warm_up(written, model_folder.name, warm_up)
        card = model_card.model_card(
            model_folder.name,
            type(model).__name__,
            reloaded.signatures,
            served.condition,
            training,
        )
        model_card.write(written, card)
        for signature, network in served.networks.items():
            write_text(written / layers_file(signature), network.to_json(indent=2) + "\n")
        draft = Draft(written, reloaded, card, difference)
        yield draft
        flush_to_disk(written)
        draft.version_folder = renamed_to_next_version(written, model_folder)


@contextlib.contextmanager
def _failures_to_write(model_folder):
    """Turns TensorFlow's exceptions, which are of its own kinds, into an OSError."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"cannot write to {model_folder}: {error.message}") from error


def renamed_to_next_version(written, model_folder):
    """Renames a folder to the version after the last, whose path it returns."""
    while True:
        version_folder = model_folder / str(max(versions(model_folder), default=0) + 1)
        try:
            os.rename(written, version_folder)
            return version_folder
        except OSError:
            # Another process may have taken the number meanwhile; anything else is an error.
            if not version_folder.exists():
                raise
