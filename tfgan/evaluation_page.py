"""`report.json`, `report.md`, `report.html`: an evaluation for programs, diffs and people."""

import base64
import html
import io
import json
import os

import numpy as np

from tfgan.metrics.classifier_set import DESCRIPTION
from tfgan.plotting import sheet

_SHEET_PICTURES, _SHEET_COLUMNS = 48, 12
_NUM_COPIES = 12
# Legible on white and on black.
_GREY, _REAL, _GENERATED = "#808080", "#2f8fd0", "#e0702a"

# What each metric says, and what a perfect generator has.
MEANINGS = {
    "confidence_risk": ("how surely classifiers tell the pictures from real ones", "0, the floor"),
    "taken_for_fake": ("the chance that one generated picture is taken for a fake", "0.5"),
    "off_manifold": ("the share unlike any real picture: 1 - precision", "the floor"),
    "pixel_risk": ("the same classifiers on raw pixels: they see what no eye does", "the floor"),
    "frechet_distance": ("distance of the features' Gaussians, at this size", "the floor"),
    "frechet_distance_limit": ("the same at unlimited samples", "the floor"),
    "kernel_distance": ("unbiased MMD² with a cubic kernel", "0"),
    "precision": ("generated pictures that resemble real ones", "the floor"),
    "recall": ("real pictures that resemble generated ones", "the floor"),
    "density": ("how crowded real neighbourhoods are", "about 1"),
    "coverage": ("real neighbourhoods that hold a generated picture", "the floor"),
    "copies_nearer": ("nearer to a training picture than a held-out one is", "0.5; 1 is copying"),
    "copies_close_share": ("nearer than 95% of the held-out ones are", "0.05"),
    "classifier_score": ("confident and diverse classes", "the floor"),
    "class_imbalance": ("total variation between the classes' shares", "the floor"),
    "modes": ("classes that occur", "all"),
    "modes_kl": ("unevenness of the classes, in nats", "the floor"),
    "class_diversity": ("distance within a class", "the floor"),
    "label_agreement": ("pictures that show what was asked for", "the floor"),
}

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; }} h2 {{ font-size: 1.15rem; margin-top: 2.5rem; }}
.number {{ font-size: 3rem; font-weight: 600; line-height: 1.1; }}
.beside, figcaption, footer {{ color: #767676; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #8884; }}
td.n, th.n {{ text-align: right; white-space: nowrap; }}
figure {{ margin: 1rem 0; }} img {{ max-width: 100%; height: auto; }}
img.pixels {{ image-rendering: pixelated; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def write_report(folder, evaluation, name, lowering=None):
    """Writes the three files of an evaluation.

    Args:
        folder: Where; it is made, and reports in it are replaced.
        evaluation: A `tfgan.metrics.evaluation.Evaluation`.
        name: What was judged.
        lowering: The `tfgan.lowering.Lowering` that the evaluation ends, or None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {"name": name, **evaluation.as_dict()}
    if lowering is not None:
        numbers["lowering"] = lowering.as_dict()
    _replace(folder / "report.json", json.dumps(numbers, indent=2) + "\n")
    _replace(folder / "report.md", markdown(evaluation, name, lowering))
    _replace(folder / "report.html", page(evaluation, name, lowering))


def _replace(path, text):
    temporary = path.with_name(path.name + ".writing")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def sentences(evaluation):
    """What the numbers say, in words, a list of paragraphs in plain text."""
    risk, floor, card = evaluation.risk, evaluation.floor_risk, evaluation.report.card
    right = (1 + risk.value) / 2
    fakes, reals = (
        np.mean(each > 0.5) for each in (risk.fake_probabilities, risk.real_probabilities)
    )
    if risk.low > floor.high:
        verdict = "The pictures can be told from real ones."
    elif risk.low > 0:
        verdict = "The pictures can hardly be told from real ones: the floor is as high."
    else:
        verdict = "These classifiers cannot tell the pictures from real ones."
    paragraphs = [
        f"{verdict} Shown one picture at a time, real or generated at even odds, they judge "
        f"{right:.1%} of them right; guessing gets 50%. {fakes:.1%} of the generated pictures are "
        f"taken for fakes, and {reals:.1%} of the real ones; the difference is the risk.",
        "0 means that nobody of this set of classifiers can tell, 1 that they always can. The true "
        "distance (total variation) of all generated from all real pictures is at least the lower "
        "end of the interval, with 97.5% confidence; it may be larger, since other classifiers, or "
        "the same with more pictures, may see more.",
        f"Real training pictures in place of the generated ones read {floor.value:.3f} "
        f"({floor.low:.3f} to {floor.high:.3f}): the floor, which a perfect generator gets.",
        f"Judged by {DESCRIPTION}. Features: {card.features}. {card.num_generated:,} generated "
        f"pictures against {card.num_real:,} of {card.data}, {card.split}.",
    ]
    duplicates = evaluation.duplicates
    if duplicates.shared or duplicates.repeated:
        paragraphs.append(
            f"{duplicates.shared:,} generated pictures equal a real one of those compared with, "
            f"pixel by pixel; {duplicates.repeated:,} are further copies of another generated one."
        )
    return paragraphs


def _rows(evaluation):
    """Name, value, interval, floor, meaning and healthy value of each metric, as text."""
    for name, one in evaluation.report.measurements.items():
        interval = "" if one.low is None else f"{one.low:.4g} to {one.high:.4g}"
        floor = "" if one.floor is None else f"{one.floor:.4g}"
        yield name, f"{one.value:.4g}", interval, floor, *MEANINGS[name]


def _headline(evaluation):
    risk = evaluation.risk
    beside = (
        f"95% interval {risk.low:.3f} to {risk.high:.3f}; real against real "
        f"{evaluation.floor_risk.value:.3f}; p = {risk.p_value:.4f} that nothing can be told"
    )
    return f"{risk.value:.3f}", beside


def markdown(evaluation, name, lowering=None):
    """The report as Markdown."""
    number, beside = _headline(evaluation)
    lines = [f"# Confidence risk of {name}: {number}", "", beside, ""]
    for paragraph in sentences(evaluation):
        lines += [paragraph, ""]
    if lowering is not None:
        lines += ["## Lowering the risk", ""]
        for paragraph in lowering.sentences():
            lines += [paragraph, ""]
        lines += ["| metric | before | after | floor |", "| --- " * 4 + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in lowering.rows()]
        lines += ["", "## All numbers", ""]
    lines += [
        "| metric | value | 95% interval | floor | what it says | healthy |",
        "| --- " * 6 + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in _rows(evaluation)]
    return "\n".join(lines) + "\n"


def page(evaluation, name, lowering=None):
    """The report as one HTML page that needs no other file and no network."""
    number, beside = _headline(evaluation)
    body = [
        f"<h1>Confidence risk (置信风险) of {html.escape(name)}</h1>",
        f'<p><span class="number">{number}</span> <span class="beside">{beside}</span></p>',
        *(f"<p>{html.escape(paragraph)}</p>" for paragraph in sentences(evaluation)),
        _figure(_risk_plot(evaluation), "Each number with its 95% interval, and its floor."),
        *(_lowering_section(lowering) if lowering is not None else []),
        "<h2>Picture by picture</h2>",
        _figure(
            _picture_plot(evaluation),
            "Left: each picture's own risk, the probability that it is generated, by classifiers "
            "that have not seen it; above 0.5 it is taken for a fake. Right: of the pictures that "
            "are given a probability, the share that is generated: on the diagonal the "
            "probabilities are what they say.",
        ),
    ]
    order = np.argsort(evaluation.risk.fake_probabilities, kind="stable")
    images = evaluation.sides.fake.images
    for title, rows in (
        ("Safest", order[:_SHEET_PICTURES]),
        ("Riskiest", order[::-1][:_SHEET_PICTURES]),
    ):
        risks = evaluation.risk.fake_probabilities[rows]
        body.append(
            _figure(
                _png(sheet(images[rows], _SHEET_COLUMNS)),
                f"{title}: the generated pictures of risk {risks.min():.2f} to {risks.max():.2f}.",
                "pixels",
            )
        )
    copies = evaluation.report.copies
    nearest = np.argsort(copies.distances, kind="stable")[:_NUM_COPIES]
    pairs = np.concatenate(
        [images[nearest], evaluation.sides.train_images[copies.nearest[nearest]]]
    )
    body += [
        "<h2>Copies</h2>",
        _figure(
            _png(sheet(pairs, _NUM_COPIES)),
            "Top: the generated pictures nearest to a training picture. Below each: that training "
            f"picture. A generated picture is nearer to the training pictures than a held-out one "
            f"with a probability of {copies.nearer:.2f} (0.5 is healthy, 1 is copying).",
            "pixels",
        ),
    ]
    if evaluation.sides.fake.probabilities is not None:
        body += [
            "<h2>Classes</h2>",
            _figure(_class_plot(evaluation), "What a classifier takes the pictures for."),
        ]
    columns = ("metric", "value", "95% interval", "floor", "what it says", "healthy")
    numbers = _table(columns, _rows(evaluation), ("", "n", "n", "n", "", ""))
    card = evaluation.report.card
    body += [
        "<h2>All numbers</h2>",
        numbers,
        f"<footer><p>Features {html.escape(card.features)} ({card.digest}); neighbours "
        f"{card.num_neighbours:,} a side, k {card.k}; seed {card.seed}; "
        f"{', '.join(' '.join(version) for version in card.versions)}.</p></footer>",
    ]
    return _PAGE.format(title=html.escape(f"Confidence risk of {name}"), body="\n".join(body))


def _lowering_section(lowering):
    columns = ("metric", "before", "after", "floor")
    return [
        "<h2>Lowering the risk</h2>",
        *(f"<p>{html.escape(paragraph)}</p>" for paragraph in lowering.sentences()),
        _table(columns, lowering.rows(), ("", "n", "n", "n")),
    ]


def _table(columns, rows, kinds):
    """A table, wider than the page or not; a column of the kind `n` is of numbers."""
    head, *body = (
        "".join(
            f'<{tag} class="{kind}">{html.escape(cell)}</{tag}>' for cell, kind in zip(row, kinds)
        )
        for tag, row in (("th", columns), *(("td", row) for row in rows))
    )
    lines = "".join(f"<tr>{row}</tr>" for row in body)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _figure(source, caption, kind=""):
    words = html.escape(caption)
    return (
        f'<figure><img class="{kind}" src="{source}" alt="{words}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _png(picture):
    file = io.BytesIO()
    picture.save(file, format="png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _plot(num_panels, height, draw):
    """An SVG of panels side by side, its text grey and its ground clear, for light and dark."""
    import matplotlib
    from matplotlib.figure import Figure

    colours = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    style = dict.fromkeys(colours, _GREY) | {"svg.hashsalt": "tfgan", "font.size": 10}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(9, height), layout="constrained")
        draw(*figure.subplots(1, num_panels, squeeze=False)[0])
        for axes in figure.axes:
            axes.patch.set_alpha(0)
            axes.spines[["top", "right"]].set_visible(False)
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()


def _risk_plot(evaluation):
    names = ["confidence_risk", "taken_for_fake", "off_manifold", "pixel_risk"]
    shown = [evaluation.report[name] for name in names]

    def draw(axes):
        for row, one in enumerate(shown):
            axes.plot([one.low, one.high], [row, row], color=_GENERATED, linewidth=3)
            axes.plot(one.value, row, "o", color=_GENERATED, label="generated" if not row else None)
            axes.plot(one.floor, row, "|", color=_REAL, markersize=16, markeredgewidth=3,
                      label="real against real" if not row else None)  # fmt: skip
        axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        axes.invert_yaxis()
        axes.set_xlim(-0.02, 1.02)
        axes.legend(frameon=False, loc="lower right")

    return _plot(1, 2.4, draw)


def _picture_plot(evaluation):
    real, fake = evaluation.risk.real_probabilities, evaluation.risk.fake_probabilities
    edges = np.linspace(0, 1, 21)

    def draw(histogram, calibration):
        for side, label, colour in ((real, "real", _REAL), (fake, "generated", _GENERATED)):
            weights = np.full(len(side), 1 / len(side))
            histogram.hist(side, edges, weights=weights, alpha=0.6, color=colour, label=label)
        histogram.set_xlabel("risk of a picture")
        histogram.set_ylabel("share")
        histogram.legend(frameon=False)
        shares = [np.histogram(side, edges)[0] / len(side) for side in (real, fake)]
        # Where there are enough pictures to say anything.
        counted = np.histogram(np.concatenate([real, fake]), edges)[0] >= 20
        middle = (edges[1:] + edges[:-1]) / 2
        calibration.plot([0, 1], [0, 1], color=_GREY, linewidth=1)
        observed = shares[1][counted] / (shares[0] + shares[1])[counted]
        calibration.plot(middle[counted], observed, "o-", color=_GENERATED)
        calibration.set(xlabel="risk that is stated", ylabel="share that is generated",
                        xlim=(0, 1), ylim=(0, 1))  # fmt: skip

    return _plot(2, 3, draw)


def _class_plot(evaluation):
    real, fake = (
        np.bincount(side.probabilities.argmax(axis=1), minlength=side.probabilities.shape[1])
        / len(side.probabilities)
        for side in (evaluation.sides.real, evaluation.sides.fake)
    )
    classes = np.arange(len(real))

    def draw(axes):
        axes.bar(classes - 0.2, real, 0.4, color=_REAL, label="real")
        axes.bar(classes + 0.2, fake, 0.4, color=_GENERATED, label="generated")
        if len(classes) <= 20:
            axes.set_xticks(classes, evaluation.sides.class_names)
        axes.set_ylabel("share")
        axes.legend(frameon=False)

    return _plot(1, 2.6, draw)
