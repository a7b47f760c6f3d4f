"""The plots of an evaluation, as SVGs that a page holds in itself.

Each is a function of a `tfgan.metrics.evaluation.Evaluation` that returns a `data:` address.
"""

import base64
import io

import numpy as np

# Legible on white and on black.
_GRAY, REAL, GENERATED = "#808080", "#2f8fd0", "#e0702a"


def _plot(num_panels, height, draw):
    """An SVG of panels side by side, its text gray and its ground clear, for light and dark."""
    import matplotlib
    from matplotlib.figure import Figure

    colors = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    style = dict.fromkeys(colors, _GRAY) | {"svg.hashsalt": "tfgan", "font.size": 10}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(9, height), layout="constrained")
        draw(*figure.subplots(1, num_panels, squeeze=False)[0])
        for axes in figure.axes:
            axes.patch.set_alpha(0)
            axes.spines[["top", "right"]].set_visible(False)
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()


def risk_plot(evaluation):
    """The risk and its other readings with their intervals and floors."""
    names = ["confidence_risk", "taken_for_fake", "off_manifold", "pixel_risk"]
    shown = [evaluation.report[name] for name in names]

    def draw(axes):
        for row, one in enumerate(shown):
            axes.plot([one.low, one.high], [row, row], color=GENERATED, linewidth=3)
            axes.plot(one.value, row, "o", color=GENERATED, label="generated" if not row else None)
            axes.plot(one.floor, row, "|", color=REAL, markersize=16, markeredgewidth=3,
                      label="real against real" if not row else None)  # fmt: skip
        axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        axes.invert_yaxis()
        axes.set_xlim(-0.02, 1.02)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    return _plot(1, 2.6, draw)


def image_plot(evaluation):
    """How the images' own risks are distributed, and how true they are."""
    real, fake = evaluation.risk.real_probabilities, evaluation.risk.fake_probabilities
    edges = np.linspace(0, 1, 21)

    def draw(histogram, calibration):
        for side, label, color in ((real, "real", REAL), (fake, "generated", GENERATED)):
            weights = np.full(len(side), 1 / len(side))
            histogram.hist(side, edges, weights=weights, alpha=0.6, color=color, label=label)
        histogram.set_xlabel("risk of an image")
        histogram.set_ylabel("share")
        histogram.legend(frameon=False)
        shares = [np.histogram(side, edges)[0] / len(side) for side in (real, fake)]
        # Where there are enough images to say anything.
        counted = np.histogram(np.concatenate([real, fake]), edges)[0] >= 20
        middle = (edges[1:] + edges[:-1]) / 2
        calibration.plot([0, 1], [0, 1], color=_GRAY, linewidth=1)
        rates = shares[1][counted] / (shares[0] + shares[1])[counted]
        calibration.plot(middle[counted], rates, "o-", color=GENERATED)
        calibration.set(xlabel="risk of an image", ylabel="share that is generated",
                        xlim=(0, 1), ylim=(0, 1))  # fmt: skip

    return _plot(2, 3, draw)


def class_plot(evaluation):
    """How often each class occurs."""
    real, fake = (
        np.bincount(side.probabilities.argmax(axis=1), minlength=side.probabilities.shape[1])
        / len(side.probabilities)
        for side in (evaluation.comparison.real, evaluation.comparison.fake)
    )
    classes = np.arange(len(real))

    def draw(axes):
        axes.bar(classes - 0.2, real, 0.4, color=REAL, label="real")
        axes.bar(classes + 0.2, fake, 0.4, color=GENERATED, label="generated")
        if len(classes) <= 20:
            axes.set_xticks(classes, evaluation.comparison.class_names)
        axes.set_ylabel("share")
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    return _plot(1, 2.6, draw)
