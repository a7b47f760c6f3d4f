"""What the families have in common whose generator draws images from latents."""

import dataclasses
from typing import ClassVar

from tfgan import data
from tfgan.cli.flags import chosen_flags, flag
from tfgan.cli.parser import number
from tfgan.families.base import NUM_MEASURED, Family, loading
from tfgan.families.networks import NETWORKS


@dataclasses.dataclass(frozen=True)
class FromLatents(Family):
    """A family whose generator draws images from latents."""

    is_monitored: ClassVar[bool] = True
    advice: ClassVar[dict[str, str]] = {
        "stagnation": "Try a lower --learning-rate, a larger --width",
    }

    networks: object = chosen_flags("convolutional", "kind of networks", NETWORKS)
    latent_dim: int = flag(
        100, "length of the latent vector", number(int, 1, maximum=65536), metavar="N"
    )

    def load(self, run, split="train"):
        options = loading(run, self.batch_size, split)
        return data.load(run.dataset, data_dir=run.data_dir, **options)

    def samples(self, model, dataset):
        from tfgan.families.samples import SeedSamples

        return SeedSamples(model)

    def usage(self, model):
        return "--num 64 --seed 0 --out grid.png"

    def measure(self, exported, train, held_out):
        import numpy as np

        from tfgan import metrics
        from tfgan.conditions.sampling import (
            classes_in,
            conditions_for,
            images_by_class,
            notes_on,
        )
        from tfgan.export import model_card
        from tfgan.inference.sampling import sample

        inputs = model_card.inputs_of_seeds(exported.card)
        for note in notes_on(inputs, held_out):
            print(f"note: {note}")

        def draw(condition):
            return sample(exported, np.arange(NUM_MEASURED), condition)

        # Classes as often as among the held-out images, so that their shares tell nothing.
        condition = conditions_for(inputs, held_out, NUM_MEASURED)
        return metrics.measure(
            draw(condition),
            (train, held_out),
            labels=classes_in(condition, inputs, train),
            by_class=images_by_class(draw, inputs, train, NUM_MEASURED),
        )
