"""The confidence risk with all that stands beside it: what a report shows."""

import dataclasses

import numpy as np

from tfgan.metrics.card import Measurement
from tfgan.metrics.classifier_set import DESCRIPTION
from tfgan.metrics.comparison import Comparison
from tfgan.metrics.duplicates import Duplicates, find_duplicates
from tfgan.metrics.report import Report, measure_comparison
from tfgan.metrics.risk import ConfidenceRisk, confidence_risk

# The second line costs as many pixels per image; classifiers need no more to see noise.
_MOST_PIXELS = 1024
_MOST_PIXEL_ROWS = 2000


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything that is known of one set of generated images.

    Attributes:
        comparison: What was compared.
        report: All metrics, the confidence risk and its readings first.
        risk: On the card's features: each image's own risk, too.
        floor_risk: The same of real training images in place of the generated ones.
        pixel_risk: By the same classifiers on raw pixels.
        pixel_floor_risk: Its floor.
        duplicates: Generated images that are also real ones, or each other.
    """

    comparison: Comparison
    report: Report
    risk: ConfidenceRisk
    floor_risk: ConfidenceRisk
    pixel_risk: ConfidenceRisk
    pixel_floor_risk: ConfidenceRisk
    duplicates: Duplicates

    def as_dict(self):
        """For JSON: each metric at the top level, the duplicates, and the card."""
        metrics = self.report.as_dict()["metrics"]
        for name, risk, floor in (
            ("confidence_risk", self.risk, self.floor_risk),
            ("pixel_risk", self.pixel_risk, self.pixel_floor_risk),
        ):
            metrics[name] |= {
                "p_value": risk.p_value,
                "value_unclipped": risk.unclipped.value,
                "low_unclipped": risk.unclipped.low,
                "high_unclipped": risk.unclipped.high,
                "floor_low": floor.low,
                "floor_high": floor.high,
                "floor_p_value": floor.p_value,
                "num_real": len(risk.real_probabilities),
                "num_generated": len(risk.fake_probabilities),
                "num_floor": len(floor.fake_probabilities),
                "classifiers": DESCRIPTION,
            }
        return {
            **metrics,
            "duplicates": {
                "shared_with_real": self.duplicates.shared,
                "repeated": self.duplicates.repeated,
            },
            "card": dataclasses.asdict(self.report.card),
        }


def evaluate_comparison(comparison, progress=True, floor_of=None):
    """Measures the confidence risk, its other readings, and every metric of `measure`.

    Args:
        comparison: What `tfgan.metrics.comparison.prepare` gave.
        progress: Shows bars.
        floor_of: An `Evaluation` of other generated images under the same conditions, whose
            floors are taken over: they are most of the work, and no concern of the images.

    Returns:
        An `Evaluation`.

    Raises:
        InputError: Fewer than 40 images per side.
    """
    card = comparison.card
    risk = _risk(comparison, comparison.fake, progress)
    pixel_risk = _pixel_risk(comparison, comparison.fake, progress)
    if floor_of is None:
        floor_risk = _risk(comparison, comparison.floor, progress)
        pixel_floor_risk = _pixel_risk(comparison, comparison.floor, progress)
        report = measure_comparison(comparison, progress)
    else:
        floor_risk, pixel_floor_risk = floor_of.floor_risk, floor_of.pixel_floor_risk
        report = measure_comparison(comparison, progress, floor_of.report)
    precision = report["precision"]
    taken = risk.taken_for_fake

    first = [
        Measurement(
            "confidence_risk", risk.value, risk.low, risk.high, floor_risk.value, card
        ),
        Measurement(
            "taken_for_fake", taken.value, taken.low, taken.high,
            floor_risk.taken_for_fake.value, card,
        ),
        Measurement(
            "off_manifold", 1 - precision.value, 1 - precision.high, 1 - precision.low,
            1 - precision.floor, card,
        ),
        Measurement(
            "pixel_risk", pixel_risk.value, pixel_risk.low, pixel_risk.high,
            pixel_floor_risk.value, card,
        ),
    ]  # fmt: skip
    measurements = {one.metric: one for one in first} | report.measurements
    return Evaluation(
        comparison=comparison,
        report=dataclasses.replace(report, measurements=measurements),
        risk=risk,
        floor_risk=floor_risk,
        pixel_risk=pixel_risk,
        pixel_floor_risk=pixel_floor_risk,
        duplicates=find_duplicates(comparison.real.images, comparison.fake.images),
    )


def _risk(comparison, other, progress):
    """The risk of some images by their features."""
    return confidence_risk(
        comparison.real.features,
        other.features,
        groups=find_duplicates(comparison.real.images, other.images).groups,
        seed=comparison.card.seed,
        progress=progress,
    )


def _pixel_risk(comparison, other, progress):
    """The risk of some images by at most 1,024 of their pixels, the same places in all."""
    seed = comparison.card.seed
    images = [each.images[each.subset[:_MOST_PIXEL_ROWS]] for each in (comparison.real, other)]
    flat = [each.reshape(len(each), -1) / 255.0 for each in images]
    places = np.random.default_rng(seed).permutation(flat[0].shape[1])[:_MOST_PIXELS]
    return confidence_risk(
        *(each[:, places] for each in flat),
        groups=find_duplicates(*images).groups,
        seed=seed,
        progress=progress,
    )
