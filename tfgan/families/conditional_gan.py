"""`--model cgan`: images of a class or a text; see `tfgan.models.conditional_gan`."""

import dataclasses
import hashlib
import shlex

from tfgan.cli.flags import flag
from tfgan.errors import InputError
from tfgan.families.gan import Adversarial
from tfgan.names import CONDITIONINGS


@dataclasses.dataclass(frozen=True)
class ConditionalGAN(Adversarial):
    """The flags of `--model cgan`."""

    name = "cgan"
    summary = "images of a requested class, of attributes or of a text"

    condition: str = flag(
        "label",
        "a class, one category of each of several attributes, or a caption",
        choices=("label", "attributes", "text"),
    )
    conditioning: str = flag(
        "projection",
        "how the networks take it: into normalization and logit, or beside latents and images",
        choices=CONDITIONINGS,
    )

    def load(self, run, split="train"):
        dataset = super().load(run, split)
        if self.condition == "text":
            return dataset.with_captions()
        if self.condition == "attributes" and dataset.attribute_names is None:
            raise InputError(
                f"--condition attributes needs attributes, and {dataset.name} has none. Give "
                "--dataset a folder with an attributes.csv or shapes, or take --condition label"
            )
        if self.condition == "label" and dataset.class_names is None:
            raise InputError(
                f"--model cgan needs labels, and {dataset.name} has none. Give --dataset a folder "
                "with one subfolder per class or a labeled data set, or take --model gan"
            )
        return dataset

    def settings(self, dataset):
        return super().settings(dataset) | {"categories": self.categories_of(dataset)}

    def categories_of(self, dataset):
        """What can be requested, as JSON has it."""
        import numpy as np

        if self.condition == "label":
            return list(dataset.class_names)
        if self.condition == "attributes":
            return [[name, *values] for name, values in dataset.attribute_names.items()]
        # The texts themselves may be many.
        captions = np.unique(dataset.captions.table)
        return f"{len(captions)} captions, {hashlib.sha256(captions.tobytes()).hexdigest()[:16]}"

    def build(self, dataset, seed):
        from tfgan.models import ConditionalGAN

        condition = self.condition_of(dataset)
        # Each network has an encoder of its own.
        encoded = [
            {"condition": condition.encoder(), "conditioning": self.conditioning} for _ in range(2)
        ]
        networks = self.networks.build(dataset.image_shape, self.latent_dim, *encoded)
        return ConditionalGAN(*networks, condition, seed=seed)

    def condition_of(self, dataset):
        """What a model of a data set is conditioned on: a `LabelCondition` or `TextCondition`."""
        from tfgan.conditions import LabelCondition, TextCondition

        if self.condition == "text":
            return TextCondition.of(dataset.captions.table)
        return LabelCondition.of(dataset, attributes=self.condition == "attributes")

    def describe(self, model):
        return f"{super().describe(model)}, conditioned on {self.condition}"

    def usage(self, model):
        (_, (example, *_)), _ = model.examples(1)
        if self.condition == "text":
            flag = f"--text {shlex.quote(example)}"
        elif self.condition == "attributes":
            flag = f"--label {':'.join(map(str, example))}"
        else:
            flag = f"--label {example}"
        return f"{flag} {super().usage(model)}"
