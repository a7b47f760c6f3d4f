"""What stands on the sheets of pictures that a run leaves."""

import numpy as np

from tfgan.data.variants import with_channels
from tfgan.export.saved_model import named_inputs
from tfgan.models import CycleGAN, Pix2Pix

NUM_SHOWN = 64
# Of pictures that are shown with what becomes of them, three in a row each.
NUM_TRANSLATED = 20
GROUPS_IN_A_ROW = 4


class Samples:
    """Pictures out of latents, always of the same seeds."""

    def __init__(self, model):
        self.model = model

    def live(self):
        """Pictures of the live model, float [N, H, W, C] in [0, 1], and how many are in a row."""
        inputs, columns = self.model.examples(NUM_SHOWN)
        return self.model.generate(*inputs), columns

    def served(self, exported):
        """The same of an `ExportedModel`."""
        inputs, columns = self.model.examples(NUM_SHOWN)
        seeds, told = named_inputs(self.model, inputs)
        return exported.generate(seeds, **told), columns


class Pairs:
    """Condition | output | target, of the first pairs of a data set.

    Args:
        model: a `Pix2Pix`.
        dataset: the `TransformedDataset`.
    """

    def __init__(self, model, dataset):
        self.model = model
        examples = dataset.examples(NUM_TRANSLATED)
        self.target, self.condition = (
            (examples[key] + 1.0) / 2.0 for key in ("image", "condition")
        )
        self.masks = examples.get("mask")

    def live(self):
        return self.beside(self.model.translate(self.condition, self.masks))

    def served(self, exported):
        return self.beside(exported.translate(self.condition, self.masks))

    def beside(self, output):
        return groups(self.condition, output, self.target)


class Cycles:
    """A | B' | A'' and B | A' | B'', of the first pictures of two domains.

    Args:
        model: a `CycleGAN`.
        dataset: the `UnpairedDataset`.
    """

    def __init__(self, model, dataset):
        self.model = model
        examples = dataset.examples(NUM_TRANSLATED // 2)
        self.a, self.b = ((examples[key] + 1.0) / 2.0 for key in ("image_a", "image_b"))

    def live(self):
        return self.there_and_back(self.model.a_to_b, self.model.b_to_a)

    def served(self, exported):
        def b_to_a(images):
            return exported.translate(images, direction="BtoA")

        return self.there_and_back(exported.translate, b_to_a)

    def there_and_back(self, a_to_b, b_to_a):
        made_b, made_a = a_to_b(self.a), b_to_a(self.b)
        from_a, _ = groups(self.a, made_b, b_to_a(made_b))
        from_b, columns = groups(self.b, made_a, a_to_b(made_a))
        return np.concatenate([from_a, from_b]), columns


def contents_of(model, dataset):
    """What stands on the sheets of a model that learns from a data set."""
    if isinstance(model, Pix2Pix):
        return Pairs(model, dataset)
    if isinstance(model, CycleGAN):
        return Cycles(model, dataset)
    return Samples(model)


def groups(*columns):
    """Pictures side by side that belong together.

    Args:
        *columns: float [N, H, W, C] each; where some have more channels, the grey ones are shown in
            as many.

    Returns:
        `(pictures, columns)`: float [M, H, W, C], and how many stand in a row.
    """
    channels = max(images.shape[-1] for images in columns)
    pictures = np.stack([with_channels(images, channels) for images in columns], axis=1)
    return pictures.reshape(-1, *pictures.shape[2:]), len(columns) * GROUPS_IN_A_ROW
