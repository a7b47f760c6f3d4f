"""What stands on the grids of images that a run leaves: the same inputs at every step.

Each of these draws with the live model while it trains, and with the exported one in the end.
"""

import numpy as np

from tfgan.serving.latents import named_inputs

NUM_SHOWN = 64
# Of images that are shown with what becomes of them, some groups in a row.
NUM_TRANSLATED = 20
GROUPS_IN_A_ROW = 4
PAIRS_IN_A_ROW = 8


class SeedSamples:
    """Images out of latents, always of the same seeds.

    Args:
        model: a `GenerativeModel`.
    """

    def __init__(self, model):
        self.model = model

    def live(self):
        """Images of the live model, float [N, H, W, C] in [0, 1], and how many are in a row."""
        inputs, columns = self.model.examples(NUM_SHOWN)
        return self.model.generate(*inputs), columns

    def served(self, exported):
        """The same of an `ExportedModel`."""
        inputs, columns = self.model.examples(NUM_SHOWN)
        seeds, condition = named_inputs(self.model, inputs)
        return exported.generate(seeds, **condition), columns

    def further(self):
        """Other grids of the live model, once a run ends: a dict from their names to the same."""
        return {}


def groups(*columns):
    """Images side by side that belong together.

    Args:
        *columns: float [N, H, W, C] each; where some have more channels, the gray ones are shown in
            as many.

    Returns:
        `(images, columns)`: float [M, H, W, C], and how many stand in a row.
    """
    from tfgan.data.variants import with_channels

    channels = max(images.shape[-1] for images in columns)
    images = np.stack([with_channels(images, channels) for images in columns], axis=1)
    return images.reshape(-1, *images.shape[2:]), len(columns) * GROUPS_IN_A_ROW
