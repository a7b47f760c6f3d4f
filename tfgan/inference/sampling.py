"""Many images of a trained model, under a progress bar."""

import numpy as np
from tqdm import tqdm

BATCH_SIZE = 64


def sample(model, seeds, condition=None, truncation=1.0):
    """Draws the images of seeds.

    Args:
        model: an `ExportedModel`.
        seeds: int64 [N].
        condition: what a conditional model shall draw, a dict such as `{"labels": int32 [N]}`.
        truncation: see `ExportedModel.generate`.

    Returns:
        uint8 [N, H, W, C].

    Raises:
        InputError: the model cannot be reached, or takes something else.
    """
    batches = []
    with tqdm(total=len(seeds), unit="image", delay=1) as progress:
        for start in range(0, len(seeds), BATCH_SIZE):
            batch = slice(start, start + BATCH_SIZE)
            part = {name: values[batch] for name, values in (condition or {}).items()}
            batches.append(model.pixels(seeds[batch], truncation=truncation, **part))
            progress.update(len(batches[-1]))
    return np.concatenate(batches)
