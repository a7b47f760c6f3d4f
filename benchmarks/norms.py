"""Length and direction of the latent apart: what the images change with either.

A table of how far images of another length of their latents, and of another direction, are from
those of the typical length sqrt(D); and a grid. In its upper half each row has one direction, and
the length grows from left to right; in the lower half the length is the typical one, and the
directions differ.
"""

import sys
from pathlib import Path

from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.startup import start_tensorflow

EPILOG = """\
examples:
  python -m benchmarks.norms saved_models/shapes_gan --out norms.png
"""

FACTORS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
ROWS = 4


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.norms", description=__doc__.splitlines()[0], epilog=EPILOG
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a SavedModel's folder, or one that holds its versions"
    )
    parser.add_argument(
        "--num", type=number(int, 50), default=500, metavar="N", help="latents (default: 500)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="a PNG of the grid")
    return parser.parse_args(argv)


def bench(arguments):
    """Prints a Markdown table, a row for each length, and writes the grid."""
    import numpy as np

    from tfgan.latent.attributes import reader_for
    from tfgan.latent.effects import effect_between, read_latents, spans
    from tfgan.latent.generator import LatentGenerator
    from tfgan.latent.paths import with_norm

    generator = LatentGenerator.load(arguments.model)
    read = reader_for(generator.data_name, generator.image_shape)
    typical = np.sqrt(generator.latent_dim)
    some, others = (
        with_norm(generator.latents(np.arange(start, start + arguments.num)), typical)
        for start in (0, arguments.num)
    )
    conditions = generator.example_conditions(arguments.num)
    values = read_latents(generator, read, some, conditions)
    ranges = spans(values)
    compared = {f"length x {factor:g}": factor * some for factor in FACTORS if factor != 1}
    compared["another direction"] = others

    print(f"| latents | {' | '.join(values)} | unreadable |\n|" + " --- |" * (len(values) + 2))
    for name, latents in compared.items():
        after = read_latents(generator, read, latents, conditions)
        shares = effect_between(values, after, ranges).total.values()
        lost = effect_between(after, after, ranges).lost
        print(f"| {name} | {' | '.join(f'{share:.0%}' for share in shares)} | {lost:.0%} |")
    if arguments.out:
        write_sheet(generator, some, arguments.out)
    return 0


def write_sheet(generator, latents, path):
    """Writes the grid of latents float32 [N, D] of the typical length."""
    import numpy as np

    from tfgan.plotting import image_grid

    columns = len(FACTORS)
    lengths = latents[:ROWS, None] * np.float32(FACTORS)[:, None]
    directions = latents[ROWS : ROWS + ROWS * columns]
    both = np.concatenate([lengths.reshape(-1, generator.latent_dim), directions])
    conditions = generator.example_conditions(len(both))
    if conditions is not None:
        # One condition, so that the latents alone differ.
        conditions = np.repeat(conditions[:1], len(both), axis=0)
    image_grid(np.clip(generator.draw(both, conditions), 0, 1), columns).save(path)


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    start_tensorflow()
    return run(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
