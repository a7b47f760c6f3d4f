"""What directions in the latent space change, and what else they move.

For each attribute that can be read off the images, the best direction of every kind: a supervised
one, at right angles to the other attributes' or as it was fitted; of the closed form (SeFa); of the
principal components (GANSpace); and a random one. A direction is chosen, and its strength set so
that it moves its attribute by half of its span, on other latents than those that it is measured on.
"""

import sys

from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.startup import start_tensorflow

EPILOG = """\
examples:
  python -m benchmarks.directions saved_models/shapes_gan
  python -m benchmarks.directions saved_models/mnist_gan --classes
  python -m benchmarks.directions saved_models/shapes_cgan --text "a red circle"
"""

FITTED, CHOSEN = 10_000, 100
CANDIDATES = 10
# At which strength candidates are compared before the best one's is found.
STRENGTH = 2.0


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.directions", description=__doc__.splitlines()[0], epilog=EPILOG
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a SavedModel's folder, or one that holds its versions"
    )
    parser.add_argument(
        "--num", type=number(int, 1), default=1000, metavar="N", help="latents (default: 1000)"
    )
    parser.add_argument(
        "--classes",
        action="store_true",
        help="read the class as well, by the classifier of the model's data set",
    )
    parser.add_argument(
        "--attributes",
        nargs="+",
        metavar="NAME",
        help="rows of the table (default: all that are read)",
    )
    parser.add_argument(
        "--text",
        action="append",
        metavar="TEXT",
        help="what a model of texts shall draw; where it is repeated, each image takes the next "
        "(default: those of its card)",
    )
    return parser.parse_args(argv)


def reader_of(generator, classes):
    """How the model's images are read, with their class where that is asked for."""
    from tfgan.latent.attributes import reader_for

    read = reader_for(generator.data_name, generator.image_shape)
    if not classes:
        return read

    from tfgan import data
    from tfgan.metrics import extractor_for

    splits = [data.load(generator.data_name, 1, split=split) for split in ("train", "test")]
    extractor = extractor_for("classifier", *splits)
    return lambda images: read(images) | {"class": extractor(images)[1].argmax(axis=1)}


def supervised(latents, values):
    """Probes of all the attributes: dict of a name to float [K, D]; prints their scores."""
    from tfgan.latent.directions import supervised_directions

    found = {}
    for name, attribute in values.items():
        found[name], score = supervised_directions(latents, attribute)
        kind = "R^2" if attribute.dtype.kind == "f" else "accuracy"
        print(f"probe of {name}: {kind} {score:.2f} on unseen latents", flush=True)
    return found


def apart(name, probes):
    """An attribute's directions at right angles to those of all the others."""
    import numpy as np

    from tfgan.latent.directions import orthogonalized

    others = np.concatenate([rows for other, rows in probes.items() if other != name])
    return np.stack([orthogonalized(row, others) for row in probes[name]])


def best(candidates, effects, name):
    """Of some directions that which moves an attribute most beyond what else it moves.

    Args:
        candidates: float [K, D].
        effects: their `Effect`s.
        name: the attribute.
    """
    merits = [abs(effect.change[name]) - effect.leakage(name)[1] for effect in effects]
    return max(zip(merits, candidates), key=lambda pair: pair[0])[1]


def bench(arguments):
    """Prints a Markdown table: a row for each attribute and kind of direction."""
    import numpy as np

    from tfgan.errors import InputError
    from tfgan.latent import directions
    from tfgan.latent.effects import (
        effect_of,
        only,
        read_latents,
        spans,
        strength_for,
        varying,
    )
    from tfgan.latent.generator import LatentGenerator

    generator = LatentGenerator.load(arguments.model)
    read = reader_of(generator, arguments.classes)
    sizes = (FITTED, CHOSEN, arguments.num)
    seeds = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    fitted, chosen, measured = (generator.latents(part) for part in seeds)
    conditions = [
        np.resize(np.array(arguments.text), size)
        if arguments.text
        else generator.example_conditions(size)
        for size in sizes
    ]

    everything = read_latents(generator, read, fitted, conditions[0])
    # A generator of plain shapes, say, has no direction of texture.
    values = varying(everything)
    constant = [name for name in everything if name not in values]
    if constant:
        print(f"the same in all images: {', '.join(constant)}", flush=True)
    absent = [name for name in arguments.attributes or () if name not in values]
    if absent:
        raise InputError(
            f"--attributes must be of those that vary, {', '.join(values)}. Received: "
            f"{', '.join(absent)}"
        )
    read = only(read, values)
    ranges = spans(values)
    probes = supervised(fitted, values)
    num = min(CANDIDATES, generator.latent_dim)
    features = generator.activations(fitted, conditions[0])
    found = {
        "supervised, orthogonalized": {name: apart(name, probes) for name in values},
        "supervised": probes,
        "closed form": directions.closed_form_directions(
            directions.first_kernel(generator.network), num
        ),
        "components": directions.component_directions(features, fitted, num),
        "random": directions.random_directions(1, generator.latent_dim),
    }

    def effects_of(candidates):
        at = (generator, read, chosen)
        return [effect_of(*at, row, STRENGTH, ranges, conditions[1]) for row in candidates]

    # Those that were found without labels are the same for every attribute.
    effects = {kind: effects_of(rows) for kind, rows in found.items() if not isinstance(rows, dict)}

    print(f"| attribute | direction | strength | {' | '.join(values)} | unreadable |")
    print("|" + " --- |" * (len(values) + 4))
    for name in arguments.attributes or values:
        for kind, candidates in found.items():
            if isinstance(candidates, dict):
                candidates = candidates[name]
            tried = effects[kind] if kind in effects else effects_of(candidates)
            direction = best(candidates, tried, name)
            strength = strength_for(
                generator, read, chosen, direction, name, ranges, condition=conditions[1]
            )
            effect = effect_of(
                generator, read, measured, direction, strength, ranges, conditions[2]
            )
            shares = {
                other: abs(effect.change[other]) if other == name else effect.total[other]
                for other in values
            }
            cells = [
                f"**{share:.0%}**" if other == name else f"{share:.0%}"
                for other, share in shares.items()
            ]
            print(
                f"| {name} | {kind} | {strength:g} | {' | '.join(cells)} | {effect.lost:.0%} |",
                flush=True,
            )
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    start_tensorflow()
    return run(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
