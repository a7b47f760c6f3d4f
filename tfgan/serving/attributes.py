"""Where a SavedModel keeps what other formats are made from: names of attributes and files."""

from pathlib import Path


def weights_name(signature):
    """The attribute of a SavedModel that holds the variables of a signature's network, a list."""
    return f"weights{_suffix(signature)}"


def plain_function_name(signature, first_input):
    """The attribute of a SavedModel that holds a signature's function without its checks.

    Args:
        signature: its name.
        first_input: the name of what it takes: "latents" or "images".
    """
    return f"images_from_{first_input}{_suffix(signature)}"


def layers_file(signature):
    """The file in a SavedModel's folder that tells the layers of a signature's network."""
    return Path("assets.extra", f"generator{_suffix(signature)}.json")


def _suffix(signature):
    return "" if signature == "serving_default" else f"_{signature}"
