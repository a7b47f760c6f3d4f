"""What the commands share: an argument parser that answers in one line, and exit statuses."""

import argparse
import math
import re
import sys
import warnings

from tfgan import __version__
from tfgan.errors import InputError, InputWarning
from tfgan.startup import keep_logs_quiet

EXIT_BAD_INPUT = 2
EXIT_FAULT = 1
EXIT_INTERRUPTED = 130


class ArgumentParser(argparse.ArgumentParser):
    """Long options in full, help with defaults, and an error in one line."""

    def __init__(self, **kwargs):
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs
        )
        self.add_argument("--version", action="version", version=f"tfgan {__version__}")

    def error(self, message):
        self.exit(EXIT_BAD_INPUT, f"error: {message} (see --help)\n")


def number(kind, minimum, exclusive=False, maximum=math.inf):
    """An argparse type: a finite int or float between two bounds.

    Args:
        kind: int or float.
        minimum: the lower bound.
        exclusive: whether the lower bound itself is refused.
        maximum: the upper bound.
    """
    wanted = "a whole number" if kind is int else "a number"
    bounds = f"above {minimum}" if exclusive else f"of at least {minimum}"
    if maximum < math.inf:
        bounds += f" and at most {maximum}"

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        # Written so that it refuses a NaN as well.
        is_inside = (minimum < value if exclusive else minimum <= value) and value <= maximum
        if not is_inside or value == math.inf:
            raise argparse.ArgumentTypeError(f"expected {wanted} {bounds}. Received: {text!r}")
        return value

    return parse


def number_or_none(kind, minimum):
    """An argparse type: a number of at least `minimum`, or `none`, which is None."""
    parse = number(kind, minimum)
    return lambda text: None if text == "none" else parse(text)


def names_of(known):
    """An argparse type: one or several of some names, separated by commas, as a tuple."""

    def parse(text):
        names = tuple(name for name in text.split(",") if name)
        if not names or {*names} - {*known}:
            raise argparse.ArgumentTypeError(
                f"expected {', '.join(known)} or several of them, separated by commas. "
                f"Received: {text!r}"
            )
        return names

    return parse


def image_size(text):
    """An argparse type: `32` is 32x32 pixels, `32x48` is height x width."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    height, width = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if min(height, width) < 1:
        raise argparse.ArgumentTypeError(
            f"expected a size in pixels such as 32, or 32x48 for height x width. Received: {text!r}"
        )
    return height, width


def show_as_notes():
    """Has each `InputWarning` printed in one line; call it inside `warnings.catch_warnings`."""
    shown = warnings.showwarning

    def show(message, category, *rest, **keywords):
        if issubclass(category, InputWarning):
            print(f"note: {message}", file=sys.stderr)
        else:
            shown(message, category, *rest, **keywords)

    warnings.showwarning = show


def run(command, arguments):
    """Runs a command and turns a user's mistake into one line and an exit status.

    Args:
        command: function of the parsed arguments that returns an exit status.
        arguments: what the parser returned.

    Returns:
        The exit status: what the command returned, 2 after an `InputError`, 1 after an
        `OSError`, 130 after Ctrl-C.
    """
    keep_logs_quiet()
    try:
        with warnings.catch_warnings():
            show_as_notes()
            return command(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as error:
        # The machine's fault (a full disk, a folder that cannot be written), not a defect.
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAULT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
