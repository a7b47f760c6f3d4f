"""What a risk reduction does to a model's images: the same metrics before and after."""

import dataclasses

import numpy as np

from tfgan.conditions.sampling import classes_in, conditions_for, images_by_class
from tfgan.evaluation.inputs import with_channels
from tfgan.export import model_card
from tfgan.inference.rejection import fit_filter, sample_accepted
from tfgan.inference.sampling import sample
from tfgan.metrics.evaluation import Evaluation, evaluate_comparison
from tfgan.metrics.risk import probability_better
from tfgan.metrics.text_table import text_table

# What is promised, and what it may cost.
COMPARED = (
    "confidence_risk",
    "taken_for_fake",
    "pixel_risk",
    "frechet_distance",
    "precision",
    "recall",
    "coverage",
)
_SURE = 0.975


@dataclasses.dataclass(frozen=True, eq=False)
class RiskReduction:
    """Two evaluations of one model under the same card.

    Attributes:
        before: Of its images as they come.
        after: Of those that were drawn with the three that follow, or those of them that are not
            None.
        truncation: What latents were multiplied by.
        keep_fraction, max_risk: What was kept.
        num_candidates: How many images were drawn for it.
    """

    before: Evaluation
    after: Evaluation
    truncation: float | None
    keep_fraction: float | None
    max_risk: float | None
    num_candidates: int

    @property
    def num_kept(self):
        """How many images the second evaluation has."""
        return self.after.report.card.num_generated

    @property
    def probability_lower(self):
        """That the risk is the lower one after it, given what was drawn."""
        return probability_better(self.after.risk, self.before.risk)

    def as_dict(self):
        """For JSON."""
        numbers = self.before.as_dict()
        return {
            "truncation": self.truncation,
            "keep_fraction": self.keep_fraction,
            "max_risk": self.max_risk,
            "num_candidates": self.num_candidates,
            "num_kept": self.num_kept,
            "probability_lower": self.probability_lower,
            "before": {name: numbers[name] for name in COMPARED},
        }

    def rows(self):
        """Name, before, after and floor of each measure, as text."""
        for name in COMPARED:
            before, after = (each.report[name] for each in (self.before, self.after))
            yield name, _with_interval(before), _with_interval(after), f"{after.floor:.3f}"

    def __str__(self):
        head = ("metric", "before", "after", "floor")
        return "\n".join([text_table((head, *self.rows())), *self.sentences()])

    def sentences(self):
        """What was done and what it did, in words, a list of paragraphs in plain text."""
        before, after = self.before.report, self.after.report
        done = []
        if self.truncation is not None:
            done.append(f"latents were multiplied by {self.truncation:g} (truncation)")
        if self.keep_fraction is not None:
            done.append(
                f"of the candidates about {self.keep_fraction:.0%} were to be kept, the likelier "
                "the more real images there are like them (rejection sampling)"
            )
        if self.max_risk is not None:
            done.append(
                "candidates were kept whose own risk, by classifiers fitted for it, is at most "
                f"{self.max_risk:g}"
            )
        method = "The images of this page are not as the model draws them: "
        method += " and ".join(done) + "."
        if self.num_candidates > self.num_kept:
            method += (
                f" {self.num_candidates:,} were drawn, {self.num_kept:,} kept "
                f"({self.num_kept / self.num_candidates:.0%})."
            )
        probability = self.probability_lower
        if probability > _SURE:
            verdict = "That reduced the confidence risk"
        elif probability < 1 - _SURE:
            verdict = "That raised the confidence risk"
        else:
            verdict = "Whether that changed the confidence risk is not known"
        risks = [_with_interval(each["confidence_risk"]) for each in (before, after)]
        effect = f"{verdict}: from {risks[0]} to {risks[1]}. What it cost: "
        effect += (
            f"{1 - before['recall'].value:.1%} of the real images were unlike any generated one, "
            f"and {1 - after['recall'].value:.1%} are now (recall "
            f"{_with_interval(before['recall'])} before, {_with_interval(after['recall'])} after)."
        )
        paragraphs = [method, effect]
        if self.keep_fraction is not None or self.max_risk is not None:
            paragraphs.append(
                "What was kept was decided by other images than these numbers come from: by "
                "training images and by generated ones of other seeds. But it was decided by the "
                "same kind of features; pixel_risk is of others."
            )
        return paragraphs


def _with_interval(one):
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def reduce_risk(
    before, model, train, test, *, num, seed, truncation=None, keep_fraction=None, max_risk=None
):
    """Evaluates a model once more, with what lowers its risk.

    Args:
        before: The `Evaluation` of its images as they come.
        model: The `ExportedModel`, of a folder.
        train, test: `ImageDataset`s: real images that rejection may learn from, and those that
            `before` compares with, whose classes are requested.
        num: Images to draw.
        seed: Of the first.
        truncation: What latents are multiplied by, or None.
        keep_fraction, max_risk: As in `tfgan.inference.rejection.fit_filter`, or None.

    Returns:
        A `RiskReduction`.

    Raises:
        InputError: The model takes no such condition, or has no latents; or of many
            candidates none is kept.
    """
    inputs, num_candidates = model_card.inputs_of_seeds(model.card), num
    factor = 1.0 if truncation is None else truncation
    condition = conditions_for(inputs, test, num)
    channels = test.image_shape[2]
    if keep_fraction is not None or max_risk is not None:

        def draw(seeds, **condition):
            images = model.pixels(seeds, truncation=factor, **condition)
            return with_channels(images, channels, model.path)

        accepts = fit_filter(
            draw,
            inputs,
            train,
            before.comparison.extractor,
            keep_fraction=keep_fraction,
            max_risk=max_risk,
            seed=seed,
        )

        def drawn(condition):
            return sample_accepted(draw, accepts, seed, num, condition)

        accepted = drawn(condition)
        images, num_candidates = accepted.images, accepted.num_candidates
        by_class = images_by_class(lambda condition: drawn(condition).images, inputs, train, num)
    else:
        seeds = np.arange(seed, seed + num, dtype=np.int64)

        def drawn(condition):
            images = sample(model, seeds, condition, factor)
            return with_channels(images, channels, model.path)

        images = drawn(condition)
        by_class = images_by_class(drawn, inputs, train, num)
    comparison = before.comparison.with_generated(
        images, classes_in(condition, inputs, train), by_class
    )
    return RiskReduction(
        before,
        evaluate_comparison(comparison, floor_of=before),
        truncation,
        keep_fraction,
        max_risk,
        num_candidates,
    )
