"""The flags that reduce the confidence risk of samples, for the commands that draw."""

from tfgan.cli.parser import number
from tfgan.inference import serving_client

# Seeds from 2**62 on are those that rejection learns from; candidates stay far below.
_MOST_SEED = 2**61


def add_sampling_flags(parser):
    """Adds the flags that reduce the risk of samples, which evaluate has, too."""
    parser.add_argument(
        "--truncation",
        type=number(float, 0, exclusive=True, maximum=1),
        metavar="PSI",
        help="multiply the seeds' latents by it, from above 0 to 1: more typical, less varied",
    )
    parser.add_argument(
        "--keep-fraction",
        type=number(float, 0, exclusive=True, maximum=1),
        metavar="F",
        help="rejection sampling: draw candidates until --num are accepted, about this share of "
        "them, with a probability that grows with the density of real images over generated ones",
    )
    parser.add_argument(
        "--max-risk",
        type=number(float, 0, exclusive=True, maximum=1),
        metavar="R",
        help="draw candidates until --num are accepted whose own risk, the probability that "
        "calibrated classifiers give to their being generated, is at most this",
    )


def given_sampling_flags(arguments):
    """Those of the flags that were given, as text; empty where none was."""
    names = [
        name
        for name in ("truncation", "keep_fraction", "max_risk")
        if getattr(arguments, name) is not None
    ]
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def is_rejecting(arguments):
    """Whether some of the samples are to be rejected."""
    return arguments.keep_fraction is not None or arguments.max_risk is not None


def require_sampling_flags(arguments, parser):
    """Refuses flags that cannot go with each other, or with the model that was named."""
    flags = given_sampling_flags(arguments)
    if flags and (arguments.model is None or serving_client.is_url(arguments.model)):
        parser.error(f"{flags} can only go with a SavedModel's folder")
    if arguments.keep_fraction is not None and arguments.max_risk is not None:
        parser.error("pass one of --keep-fraction and --max-risk")
    if is_rejecting(arguments) and (arguments.seed or 0) > _MOST_SEED:
        parser.error(f"--seed must be at most 2**61 with {flags}. Received: {arguments.seed}")
