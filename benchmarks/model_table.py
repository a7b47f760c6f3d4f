"""Prints what the cards of exported models say of them, as docs/models.md has it.

python -m benchmarks.model_table saved_models/mnist_gan/1
"""

import sys
from pathlib import Path

from tfgan.cli.parser import ArgumentParser, run
from tfgan.export import model_card, saved_models


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.model_table",
        description=__doc__.splitlines()[0],
        epilog=__doc__.split("\n\n")[1],
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="an exported model's folder")
    return parser.parse_args(argv)


def tables(arguments):
    """Prints the tables of the models that were requested."""
    print("\n\n".join(table(saved_models.find(model)) for model in arguments.models))
    return 0


def table(version_folder):
    """The command, the training and the metrics of one model, as Markdown.

    Args:
        version_folder: of a model that was trained with `--measure`.
    """
    card = model_card.read(version_folder)
    training = card["training"]
    size = sum(file.stat().st_size for file in Path(version_folder).rglob("*") if file.is_file())
    versions = card["versions"]
    # Cards of earlier versions do not say.
    precision = f" in {training['precision']}" if training.get("precision") else ""
    lines = [
        f"    {training['command']}",
        "",
        f"{training['step']:,} steps, {training['images']:,} images in "
        f"{training['seconds'] / 60:.0f} minutes{precision}; seed {training['seed']}; "
        f"{size / 1e6:.1f} MB; exported on {card['exported'][:10]} by TensorFlow "
        f"{versions['tensorflow']} and Keras {versions['keras']}.",
        "",
    ]
    rows = [row_of(name, number) for name, number in card["metrics"]["metrics"].items()]
    # A model that makes nothing out of images has nothing untranslated.
    columns = [column for column in rows[0] if any(row[column] for row in rows)]
    lines += ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(row[column] for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def row_of(name, number):
    """What the table says of one metric, as text by its columns."""

    def text(key):
        return "" if number.get(key) is None else f"{number[key]:.4g}"

    interval = "" if number["low"] is None else f"{text('low')} to {text('high')}"
    return {
        "metric": f"`{name}`",
        "value": text("value"),
        "95% interval": interval,
        "real images": text("floor"),
        "untranslated": text("untranslated"),
    }


def main(argv=None):
    """Entry point; returns the exit status."""
    return run(tables, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
