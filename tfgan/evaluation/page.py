"""`report.json`, `report.md`, `report.html`: an evaluation for programs, diffs and people."""

import base64
import html
import io

import numpy as np

from tfgan.evaluation.plots import GENERATED, REAL, class_plot, image_plot, risk_plot
from tfgan.files import write_json, write_text
from tfgan.metrics.classifier_set import DESCRIPTION
from tfgan.plotting import image_grid

_ADVICE = (
    "python -m tfgan.generate MODEL --keep-fraction 0.5 draws images that are harder to tell; "
    "python -m tfgan.evaluate with the same flag says by how much, and what it costs in variety."
)
_BY_CLASS = "Of the images conditioned on a class, how many show it (the 20 lowest shares at most)"
_CLASS_COLUMNS = ("class", "label agreement", "95% interval", "images")
_GRID_IMAGES, _GRID_COLUMNS = 48, 12
_NUM_COPIES = 12

# What each metric says, and what a perfect generator has.
MEANINGS = {
    "confidence_risk": ("how often classifiers tell: 0 is guessing, 1 always", "the floor"),
    "taken_for_fake": ("the chance that one generated image is taken for a fake", "the floor"),
    "off_manifold": ("the share unlike any real image: 1 - precision", "the floor"),
    "pixel_risk": ("the same classifiers on raw pixels: they see what no eye does", "the floor"),
    "frechet_distance": ("distance of the features' Gaussians, at this size", "the floor"),
    "frechet_distance_limit": ("the same at unlimited samples", "the floor"),
    "kernel_distance": ("unbiased MMD² with a cubic kernel", "0"),
    "precision": ("generated images that resemble real ones", "the floor"),
    "recall": ("real images that resemble generated ones", "the floor"),
    "density": ("how crowded real neighbourhoods are", "about 1"),
    "coverage": ("real neighbourhoods that hold a generated image", "the floor"),
    "copies_nearer": ("nearer to a training image than a held-out one is", "0.5; 1 is copying"),
    "copies_close_share": ("nearer than 95% of the held-out ones are", "0.05"),
    "classifier_score": ("confident and diverse classes", "the floor"),
    "class_imbalance": ("total variation between the classes' shares", "the floor"),
    "modes": ("classes that occur", "all"),
    "modes_kl": ("unevenness of the classes, in nats", "the floor"),
    "class_diversity": ("distance within a class", "the floor"),
    "label_agreement": ("show the requested class, each class counted once", "the floor"),
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
:root {{ color-scheme: light dark; color: CanvasText; background: Canvas; --pale: #6b6b6b; }}
@media (prefers-color-scheme: dark) {{ :root {{ --pale: #a3a3a3; }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; overflow-wrap: break-word; }}
h1 {{ font-size: 1.4rem; }} h2 {{ font-size: 1.15rem; margin-top: 2.5rem; }}
header p {{ max-width: 46rem; margin: .6rem 0; }}
header .number {{ font-size: 3rem; font-weight: 600; line-height: 1.1; }}
.scale {{ position: relative; max-width: 30rem; height: .5rem; border-radius: .25rem;
  background: linear-gradient(to right, {real}, {generated}); }}
.scale span {{ position: absolute; top: -.35rem; width: .3rem; height: 1.2rem; margin-left: -.15rem;
  border-radius: .15rem; background: CanvasText; }}
.scale .floor {{ top: 0; width: .15rem; height: .5rem; margin-left: -.075rem; }}
header .ends {{ max-width: 30rem; display: flex; justify-content: space-between;
  font-size: .85rem; }}
.beside, .ends, figcaption, footer {{ color: var(--pale); }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #8884; }}
td.n, th.n {{ text-align: right; white-space: nowrap; }}
figure {{ margin: 1rem 0; }} img {{ max-width: 100%; height: auto; }}
.pixels img {{ image-rendering: pixelated; }}
/* Below this the plots' text is too small to read. */
.plot {{ overflow-x: auto; }} .plot img {{ min-width: 36rem; }}
@media (max-width: 40rem) {{ td.n {{ white-space: normal; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def write_report(folder, evaluation, name, risk_reduction=None, notes=()):
    """Writes the three files of an evaluation.

    Args:
        folder: Where; it is made, and reports in it are replaced.
        evaluation: A `tfgan.metrics.evaluation.Evaluation`.
        name: Of the candidate.
        risk_reduction: The `RiskReduction` of `before_and_after` that the evaluation ends, or None.
        notes: Sentences on what was compared.
    """
    numbers = {"name": name, **evaluation.as_dict(), "notes": list(notes)}
    if risk_reduction is not None:
        numbers["risk_reduction"] = risk_reduction.as_dict()
    write_json(folder / "report.json", numbers)
    write_text(folder / "report.md", markdown(evaluation, name, risk_reduction, notes))
    write_text(folder / "report.html", page(evaluation, name, risk_reduction, notes))


def headline(evaluation):
    """The number, what it means and how sure it is, for a newcomer: three texts."""
    risk, floor = evaluation.risk, evaluation.floor_risk
    if risk.low > floor.high:
        verdict = "The generated images can be told from real ones."
    elif risk.low > 0:
        verdict = "The generated images can hardly be told from real ones: the floor is as high."
    else:
        verdict = "The generated images cannot be told from real ones, not by these classifiers."
    meaning = (
        f"{verdict} Shown one image at a time, half of them real and half generated, programs "
        f"that were trained to tell are right {round(100 * (1 + risk.value) / 2)} of 100 times. "
        "Guessing is right 50 of 100 times and has the risk 0. Lower is better."
    )
    beside = (
        f"95% interval {risk.low:.3f} to {risk.high:.3f}. Compare it with the floor, "
        f"{floor.value:.3f} ({floor.low:.3f} to {floor.high:.3f}): what real training images "
        "have in the place of the generated ones. Two sets of real images are not quite alike, "
        "either."
    )
    return f"{risk.value:.3f}", meaning, beside


def sentences(evaluation, risk_reduction=None, notes=()):
    """What the numbers say, in words, a list of paragraphs in plain text."""
    risk, card = evaluation.risk, evaluation.report.card
    fakes, reals = (
        np.mean(each > 0.5) for each in (risk.fake_probabilities, risk.real_probabilities)
    )
    paragraphs = [
        f"{fakes:.2%} of the generated images are taken for fakes, but so are {reals:.2%} of the "
        "real ones; the difference is the risk. If there were no difference to see, so large a "
        f"one would come about by luck with the probability p = {risk.p_value:.4f}.",
        "Take it for a minimum. Other classifiers, or these with more images to learn from, may "
        "tell more: with 97.5% confidence the true distance (total variation) of all generated "
        "from all real images is above the lower end of the interval, how far is not known. Raw "
        f"pixels give the same classifiers a risk of {evaluation.pixel_risk.value:.3f}, because "
        "they show faint noise and shades that no eye sees; so the classifiers are given features "
        "instead.",
        f"The classifiers: {DESCRIPTION}. Features: {card.features}. {card.num_generated:,} "
        f"generated images against {card.num_real:,} of {card.data}, {card.split} split.",
    ]
    if risk_reduction is None:
        paragraphs.insert(2, _ADVICE)
    duplicates = evaluation.duplicates
    if duplicates.shared or duplicates.repeated:
        paragraphs.append(
            f"{duplicates.shared:,} generated images equal a real one of those compared with, "
            f"pixel by pixel; {duplicates.repeated:,} are further copies of another generated one."
        )
    return paragraphs + [f"Note: {note}." for note in notes]


def _rows(evaluation):
    """Name, value, interval, floor, meaning and good value of each metric, as text."""
    for name, *cells in evaluation.report.rows():
        yield name, *cells, *MEANINGS[name]


def markdown(evaluation, name, risk_reduction=None, notes=()):
    """The report as Markdown."""
    number, meaning, beside = headline(evaluation)
    lines = [f"# Confidence risk of {name}: {number}", "", meaning, "", beside, ""]
    for paragraph in sentences(evaluation, risk_reduction, notes):
        lines += [paragraph, ""]
    if risk_reduction is not None:
        lines += ["## Risk reduction", ""]
        for paragraph in risk_reduction.sentences():
            lines += [paragraph, ""]
        lines += ["| metric | before | after | floor |", "| --- " * 4 + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in risk_reduction.rows()]
        lines += ["", "## All numbers", ""]
    lines += [
        "| metric | value | 95% interval | floor | what it says | good |",
        "| --- " * 6 + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in _rows(evaluation)]
    if evaluation.report.by_class:
        lines += ["", f"## {_BY_CLASS}", "", "| " + " | ".join(_CLASS_COLUMNS) + " |"]
        lines += ["| --- " * 4 + "|"]
        rows = (
            (name.replace("|", "\\|"), *cells) for name, *cells in evaluation.report.class_rows()
        )
        lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def page(evaluation, name, risk_reduction=None, notes=()):
    """The report as one HTML page that needs no other file and no network."""
    number, meaning, beside = headline(evaluation)
    paragraphs = sentences(evaluation, risk_reduction, notes)
    body = [
        f"<header><h1>Confidence risk (置信风险) of {html.escape(name)}</h1>",
        f'<p class="number">{number}</p>',
        f'<div class="scale"><span style="left: {100 * evaluation.risk.value:.1f}%"></span>'
        f'<span class="floor" style="left: {100 * evaluation.floor_risk.value:.1f}%"></span></div>',
        '<p class="ends"><span>0: nobody can tell</span><span>1: always told</span></p>',
        f"<p>{html.escape(meaning)}</p>",
        f'<p class="beside">{beside}</p></header>',
        *(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs),
        _figure(
            risk_plot(evaluation),
            "The risk, and beside it: how often one generated image is taken for a fake (0.5 is "
            "guessing), the share that is unlike any real image, and the risk on raw pixels. "
            "Dots with 95% intervals; bars are what real images have in their place.",
        ),
        *(_risk_reduction_section(risk_reduction) if risk_reduction is not None else []),
        "<h2>Image by image</h2>",
        _figure(
            image_plot(evaluation),
            "Left: each image's own risk, the probability of being generated that classifiers "
            "give it which have not seen it; above 0.5 it is taken for a fake. Right: whether "
            "these probabilities are true: on the diagonal, 70% of the images that are given "
            "0.7 are generated.",
        ),
    ]
    order = np.argsort(evaluation.risk.fake_probabilities, kind="stable")
    images = evaluation.comparison.fake.images
    for title, rows in (
        ("Hardest to tell", order[:_GRID_IMAGES]),
        ("Easiest to tell", order[::-1][:_GRID_IMAGES]),
    ):
        risks = evaluation.risk.fake_probabilities[rows]
        body.append(
            _figure(
                _png(image_grid(images[rows], _GRID_COLUMNS)),
                f"{title}: the generated images of risk {risks.min():.2f} to {risks.max():.2f}.",
                "pixels",
            )
        )
    copies = evaluation.report.copies
    nearest = np.argsort(copies.distances, kind="stable")[:_NUM_COPIES]
    pairs = np.concatenate(
        [images[nearest], evaluation.comparison.train_images[copies.nearest[nearest]]]
    )
    body += [
        "<h2>Copies</h2>",
        _figure(
            _png(image_grid(pairs, _NUM_COPIES)),
            "Top: the generated images nearest to a training image, as a rule the simplest "
            "ones. Below each: that training image. A generated image is nearer to the "
            "training images than a real one that was held out with a probability of "
            f"{copies.nearer:.2f}: 0.5 or less is no sign of copying, 1 is copying.",
            "pixels",
        ),
    ]
    if evaluation.comparison.fake.probabilities is not None:
        body += [
            "<h2>Classes</h2>",
            _figure(
                class_plot(evaluation),
                "The share of each class, as a classifier reads the images.",
            ),
        ]
    if evaluation.report.by_class:
        rows = evaluation.report.class_rows()
        body += [f"<p>{_BY_CLASS}:</p>", _table(_CLASS_COLUMNS, rows, ("", "n", "n", "n"))]
    columns = ("metric", "value", "95% interval", "floor", "what it says", "good")
    numbers = _table(columns, _rows(evaluation), ("", "n", "n", "n", "", ""))
    card = evaluation.report.card
    body += [
        "<h2>All numbers</h2>",
        numbers,
        f"<footer><p>Features {html.escape(card.features)} ({card.digest}); neighbours "
        f"{card.num_neighbours:,} per side, k {card.k}; seed {card.seed}; "
        f"{', '.join(' '.join(version) for version in card.versions)}.</p></footer>",
    ]
    return _PAGE.format(
        title=html.escape(f"Confidence risk of {name}"),
        body="\n".join(body),
        real=REAL,
        generated=GENERATED,
    )


def _risk_reduction_section(risk_reduction):
    columns = ("metric", "before", "after", "floor")
    return [
        "<h2>Risk reduction</h2>",
        *(f"<p>{html.escape(paragraph)}</p>" for paragraph in risk_reduction.sentences()),
        _table(columns, risk_reduction.rows(), ("", "n", "n", "n")),
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


def _figure(source, caption, kind="plot"):
    words = html.escape(caption)
    return (
        f'<figure class="{kind}"><img src="{source}" alt="{words}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _png(image):
    file = io.BytesIO()
    image.save(file, format="png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
