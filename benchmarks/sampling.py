"""How fast images are drawn, beside a bare `tf.function` over the same generator.

Every contender draws from one exported model in one process, in turn, so that a change of the
machine's speed meets all of them:

  generator        a tf.function over the generator, fed with latents: the baseline
  GAN.generate     the live model, seeds in
  serving_default  the SavedModel, latents in
  from_seeds       the SavedModel, seeds in
  png              the SavedModel, seeds in, encoded images out
"""

import statistics
import sys
import tempfile
import time

from tqdm import tqdm

from benchmarks.timing_arguments import parse_timing
from tfgan.cli.parser import run
from tfgan.startup import start_tensorflow

EPILOG = """\
examples:
  python -m benchmarks.sampling
  python -m benchmarks.sampling --batch-sizes 1 8 64 --rounds 50
"""


def parse(argv=None):
    """Parses the command line."""
    return parse_timing(argv, "sampling", __doc__, EPILOG, batch_sizes=[64, 1], rounds=30, calls=10)


def contenders(gan, folder):
    """The functions to time: names to `function(seeds, latents)`, the baseline first."""
    import tensorflow as tf

    from tfgan.export.saved_model import export_saved_model

    version_folder, _ = export_saved_model(gan, folder)
    model = tf.saved_model.load(str(version_folder))
    generator = tf.function(
        lambda latents: gan.ema_generator(latents, training=False),
        input_signature=[tf.TensorSpec([None, gan.latent_dim])],
    )
    signatures = model.signatures
    return {
        "generator": lambda seeds, latents: generator(latents),
        "GAN.generate": lambda seeds, latents: gan.generate(seeds),
        "serving_default": lambda seeds, latents: signatures["serving_default"](latents=latents),
        # The loaded object goes with its signatures if nobody holds it.
        "from_seeds": lambda seeds, latents, model=model: signatures["from_seeds"](seeds=seeds),
        "png": lambda seeds, latents: signatures["png"](seeds=seeds),
    }


def images_per_second(functions, latent_dim, batch_size, rounds, calls, bar):
    """Names to a list of images/s, one for each round."""
    import tensorflow as tf

    seeds = tf.range(batch_size, dtype=tf.int64)
    latents = tf.random.stateless_normal((batch_size, latent_dim), (0, 0))
    rates = {name: [] for name in functions}
    for function in functions.values():
        function(seeds, latents)
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            for _ in range(calls):
                function(seeds, latents)
            rates[name].append(calls * batch_size / (time.perf_counter() - start))
        bar.update()
    return rates


def bench(arguments):
    """Prints a Markdown table of medians, with the spread of the ratios over the rounds."""
    import tfgan

    gan = tfgan.GAN(
        tfgan.convolutional_generator((28, 28, 1)), tfgan.convolutional_discriminator((28, 28, 1))
    )
    rows = ["| batch | contender | images/s | ratio to the generator |", "|" + " --- |" * 4]
    total = arguments.rounds * len(arguments.batch_sizes)
    with tempfile.TemporaryDirectory() as folder, tqdm(total=total) as bar:
        functions = contenders(gan, folder)
        for batch_size in arguments.batch_sizes:
            rates = images_per_second(
                functions, gan.latent_dim, batch_size, arguments.rounds, arguments.calls, bar
            )
            for name, values in rates.items():
                ratios = [value / base for value, base in zip(values, rates["generator"])]
                low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
                rows.append(
                    f"| {batch_size} | {name} | {statistics.median(values):,.0f} "
                    f"| {statistics.median(ratios):.2f} (quartiles {low:.2f} to {high:.2f}) |"
                )
    print("\n".join(rows))
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    start_tensorflow()
    return run(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
