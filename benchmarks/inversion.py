"""How near a generator comes to real images of the test split, which it never saw.

Beside gradient descent from random latents stand the nearest of as many random latents as the
descent draws images, and, of a variational autoencoder, its encoder.
"""

import sys

from tfgan import data
from tfgan.cli.parser import ArgumentParser, number, run
from tfgan.startup import start_tensorflow

EPILOG = """\
examples:
  python -m benchmarks.inversion saved_models/mnist_gan
  python -m benchmarks.inversion saved_models/mnist_vae --num 100 --out inversions.npz
"""


def parse(argv=None):
    """Parses the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.inversion", description=__doc__.splitlines()[0], epilog=EPILOG
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a SavedModel's folder, or one that holds its versions"
    )
    parser.add_argument(
        "--num", type=number(int, 1), default=100, metavar="N", help="images (default: 100)"
    )
    parser.add_argument(
        "--restarts",
        type=number(int, 1),
        default=8,
        metavar="N",
        help="random latents that each descent begins from (default: 8)",
    )
    parser.add_argument(
        "--steps", type=number(int, 1), default=200, metavar="N", help="of each (default: 200)"
    )
    parser.add_argument(
        "--out", metavar="FILE", help="an .npz of latents, images and errors of the descent"
    )
    return parser.parse_args(argv)


def encoded(generator, path, images):
    """The latents that a SavedModel's encoder gives, or None where it has none."""
    from tfgan.inference.exported_model import ExportedModel

    model = ExportedModel.load(path)
    return model.encode(images) if "encode" in model.signatures else None


def bench(arguments):
    """Prints a Markdown table of mean square errors a pixel, a row for each way."""
    import numpy as np

    from tfgan.latent.generator import LatentGenerator
    from tfgan.latent.inversion import invert, random_search

    generator = LatentGenerator.load(arguments.model)
    dataset = data.load(generator.data_name, 1, split="test")
    images = dataset.images[: arguments.num].astype(np.float32) / 255
    candidates = arguments.restarts * arguments.steps
    found = invert(
        generator, images, restarts=arguments.restarts, steps=arguments.steps, progress=True
    )
    errors = {
        f"descent, {arguments.restarts} restarts of {arguments.steps} steps": found.errors,
        "the same, 1 restart": invert(
            generator, images, restarts=1, steps=arguments.steps, progress=True
        ).errors,
        f"nearest of {candidates:,} random": random_search(generator, images, candidates).errors,
    }
    latents = encoded(generator, arguments.model, images)
    if latents is not None:
        drawn = generator.draw(latents)
        errors["encoder"] = np.mean((drawn - images) ** 2, axis=(1, 2, 3))
    print(f"{arguments.num} test images of {dataset.name}, {generator.name}")
    print("| latents by | median error | quartiles | worst |\n| --- | --- | --- | --- |")
    for name, values in errors.items():
        low, median, high = np.percentile(values, [25, 50, 75])
        print(f"| {name} | {median:.4f} | {low:.4f} to {high:.4f} | {values.max():.4f} |")
    if arguments.out:
        np.savez_compressed(
            arguments.out, latents=found.latents, images=found.images, errors=found.errors
        )
        saved = np.load(arguments.out)
        again = generator.draw(saved["latents"])
        difference = np.abs(again - saved["images"]).max()
        print(f"drawn again from {arguments.out}: differs by {difference:g}")
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    start_tensorflow()
    return run(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
