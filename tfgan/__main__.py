"""`python -m tfgan` lists the commands."""

import importlib
import sys

from tfgan.cli.parser import ArgumentParser

COMMANDS = ("train", "generate", "evaluate", "explore", "convert", "latent_study")


def main(argv=None):
    """Entry point; returns the exit status."""
    width = max(map(len, COMMANDS))
    lines = [
        f"  python -m tfgan.{name:{width}}  {importlib.import_module(f'tfgan.{name}').__doc__}"
        for name in COMMANDS
    ]
    parser = ArgumentParser(
        prog="python -m tfgan",
        description="Image GANs in Keras 3 and TensorFlow 2. The commands, each with a --help:",
        epilog="\n".join(lines),
    )
    given = sys.argv[1:] if argv is None else argv
    if given and given[0] in COMMANDS:
        parser.error(f"the command is python -m tfgan.{given[0]}, with a dot")
    parser.parse_args(given)
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
