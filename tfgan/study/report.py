"""What a latent study found: tables, curves and a grid of images."""

import numpy as np

from tfgan.metrics.uncertainty import mean_interval

# Of each number its name, a title, and the range that no interval need leave.
AT_LEAST_0, SHARE, COSINE = (0, np.inf), (0, 1), (-1, 1)
QUALITY = [
    ("frechet_distance", "Frechet distance", AT_LEAST_0),
    ("precision", "precision", SHARE),
    ("recall", "recall", SHARE),
    ("coverage", "coverage", SHARE),
    ("diversity", "diversity", AT_LEAST_0),
    ("reconstruction_error", "reconstruction error", AT_LEAST_0),
]
COST = [
    ("step", "steps", AT_LEAST_0),
    ("images_per_second", "images/s", AT_LEAST_0),
    ("mflop", "MFLOP per image", AT_LEAST_0),
    ("parameters", "parameters", AT_LEAST_0),
]
INSIDE = [
    ("generator_dimension", "size in the generator", AT_LEAST_0),
    ("generator_effective_dimension", "effective", AT_LEAST_0),
    ("generator_mean_length", "length", AT_LEAST_0),
    ("generator_mean_cosine", "cosine", COSINE),
    ("real_dimension", "size in the discriminator", AT_LEAST_0),
    ("real_effective_dimension", "effective, real", AT_LEAST_0),
    ("fake_effective_dimension", "effective, generated", AT_LEAST_0),
    ("real_mean_length", "length, real", AT_LEAST_0),
    ("real_mean_cosine", "cosine, real", COSINE),
    ("real_fake_cosine", "real to generated", COSINE),
]
# A grid has a row of images for each variant.
COLUMNS = 12


def tables(rows, floor):
    """Markdown tables of means over the seeds with their 95% intervals.

    Args:
        rows: dicts of numbers, each with its `variant`.
        floor: the scores of real training images, a dict.
    """
    return "\n\n".join(
        [
            table(rows, QUALITY, floor),
            table(rows, COST),
            table(rows, INSIDE),
        ]
    )


def table(rows, columns, floor=None):
    """One Markdown table, a line for each variant."""
    titles = ["variant", *(title for _, title, _ in columns)]
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    for variant, group in grouped(rows).items():
        cells = [cell([row[name] for row in group], limits) for name, _, limits in columns]
        lines.append(f"| {' | '.join([variant, *cells])} |")
    if floor:
        cells = [f"{floor[name]:.3g}" if name in floor else "" for name, _, _ in columns]
        lines.append(f"| {' | '.join(['real training images', *cells])} |")
    return "\n".join(lines)


def grouped(rows):
    """The rows of each variant, one per seed, in order of their first appearance: a dict."""
    groups = {}
    for row in rows:
        groups.setdefault(row["variant"], []).append(row)
    return groups


def cell(values, limits):
    """`mean (low to high)`, of one seed or of equal values the value alone."""
    low, mean, high = interval(values, limits)
    if low == high:
        return digits(mean)
    return f"{digits(mean)} ({digits(low)} to {digits(high)})"


def digits(value):
    """Three digits that mean something, and whole numbers in full."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def interval(values, limits):
    """Mean and 95% interval by Student's t over the seeds, within limits: `(low, mean, high)`."""
    # Where all are equal, the mean would differ from them by a rounding.
    if len(set(values)) == 1:
        return (values[0],) * 3
    found = mean_interval(values)
    return max(found.low, limits[0]), found.value, min(found.high, limits[1])


def plot(rows, floor, file):
    """A panel for each number: a dot a seed, and the mean with its interval; dotted the floor."""
    from matplotlib.figure import Figure

    drawn = [*QUALITY, *COST[1:3], *(INSIDE[index] for index in (1, 3, 6, 8))]
    names = {"effective": "generator's effective size", "cosine": "generator's cosine"}
    names |= {
        "effective, generated": "discriminator's effective size",
        "cosine, real": "discriminator's cosine",
    }
    groups = grouped(rows)
    places = np.arange(len(groups))
    figure = Figure(figsize=(13, 8), layout="constrained")
    for axes, (name, title, limits) in zip(figure.subplots(3, 4, sharex=True).flat, drawn):
        values = [[row[name] for row in group] for group in groups.values()]
        low, mean, high = np.transpose([interval(each, limits) for each in values])
        axes.errorbar(places, mean, [mean - low, high - mean], fmt="o", capsize=3, markersize=4)
        for place, each in zip(places, values):
            axes.plot([place] * len(each), each, ".", color="black", alpha=0.4)
        if name in (floor or {}):
            axes.axhline(floor[name], color="black", linestyle=":")
        axes.set_title(names.get(title, title))
        axes.set_xticks(places, groups, rotation=45 if max(map(len, groups)) > 3 else 0)
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=100)
