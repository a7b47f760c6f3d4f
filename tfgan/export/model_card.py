"""The model card: what an exported model is, where it comes from, and how it was measured."""

import datetime
from pathlib import Path

from tfgan.files import read_json, write_json
from tfgan.versions import package_versions

# Within a version's folder. TensorFlow Serving ignores both.
CARD_FILE = Path("assets.extra", "model_card.json")
CONTACT_SHEET_FILE = Path("assets.extra", "contact_sheet.png")


def model_card(name, family, signatures, condition, training):
    """A card without metrics, which `add_metrics` adds.

    Args:
        name: under which the model is exported.
        family: the name of its class.
        signatures: dict from a name to its concrete function, as a loaded SavedModel has them.
        condition: of a conditional model, such as a `LabelCondition`, or None.
        training: what the model was trained on and how, a dict for JSON, or None where that is not
            known.

    Returns:
        A dict for JSON.
    """
    return {
        "name": name,
        "family": family,
        "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "signatures": {
            signature: {
                "inputs": _shapes_and_dtypes(function.structured_input_signature[1]),
                "outputs": _shapes_and_dtypes(function.structured_outputs),
            }
            for signature, function in signatures.items()
        },
        "condition": condition and {"kind": condition.kind, **condition.get_config()},
        "training": training,
        "versions": package_versions(),
        "metrics": None,
    }


def _shapes_and_dtypes(specs):
    return {
        name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
        for name, spec in specs.items()
    }


def read(version_folder):
    """The card of an exported version, a dict."""
    return read_json(Path(version_folder) / CARD_FILE)


def read_if_any(version_folder):
    """The card of an exported version; an empty dict where there is none that can be read."""
    try:
        card = read(version_folder)
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def inputs_of_seeds(card):
    """What a card tells of the inputs of the signature `from_seeds`.

    Returns:
        A dict from each input to its dtype and shape, and of a conditional model's labels or texts
        to what the card tells of its condition (`names`, `num_classes`; `vocabulary`, `length`);
        empty where the card does not tell.
    """
    try:
        inputs = card["signatures"]["from_seeds"]["inputs"]
    except (KeyError, TypeError):
        return {}
    condition = card.get("condition") or {}
    return {name: one if name == "seeds" else condition | one for name, one in inputs.items()}


def write(version_folder, card):
    """Writes the card of a version: whole or, where that fails, not at all."""
    write_json(Path(version_folder) / CARD_FILE, card)


def add_metrics(version_folder, report):
    """Writes what was measured into the card.

    Args:
        version_folder: of the model that was measured.
        report: a `tfgan.metrics.Report` or `TranslationReport`.
    """
    write(version_folder, read(version_folder) | {"metrics": report.as_dict()})
