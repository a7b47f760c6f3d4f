"""The command line of the benchmarks that time calls."""

from tfgan.cli.parser import ArgumentParser, number


def parse_timing(argv, name, doc, epilog, *, batch_sizes, rounds, calls):
    """Parses `--batch-sizes`, `--rounds` and `--calls`.

    Args:
        argv: the arguments, or None for the command line's.
        name: the benchmark's module, within `benchmarks`.
        doc: its docstring, of which the help shows the first line.
        epilog: the help's end.
        batch_sizes, rounds, calls: defaults; a list of integers, and two integers.
    """
    parser = ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=doc.splitlines()[0], epilog=epilog
    )
    parser.add_argument(
        "--batch-sizes",
        type=number(int, 1),
        nargs="+",
        default=batch_sizes,
        metavar="N",
        help=f"(default: {' '.join(map(str, batch_sizes))})",
    )
    parser.add_argument(
        "--rounds", type=number(int, 1), default=rounds, metavar="N", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--calls",
        type=number(int, 1),
        default=calls,
        metavar="N",
        help="of each a round (default: %(default)s)",
    )
    return parser.parse_args(argv)
