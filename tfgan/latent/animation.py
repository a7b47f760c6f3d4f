"""Images of latents rather than of seeds: of some vectors, and of a walk among them as a GIF."""

import numpy as np
from PIL import Image

from tfgan.latent.paths import closed_path
from tfgan.plotting import BACKGROUND, to_pil, to_uint8

# From one seed's image to the next: 0.8 seconds at 20 images per second.
FRAMES = 16
MILLISECONDS = 50
# Small images are enlarged to about this many pixels per side.
SIDE = 160


def drawn(generator, latents, condition):
    """Images of some latents.

    Args:
        generator: a `LatentGenerator`.
        latents: float [N, D].
        condition: what a conditional model takes, a dict such as `{"labels": int32 [N]}`.

    Returns:
        uint8 [N, H, W, C].

    Raises:
        InputError: the model has other latents, or takes another condition.
    """
    return to_uint8(generator.draw(latents, generator.conditions_by_name(condition)))


def walk(generator, seeds, condition, frames=FRAMES):
    """Images along the arcs from each seed's latents to the next one's, and back to the first.

    Args:
        generator: a `LatentGenerator`.
        seeds: int64 [K].
        condition: what a conditional model takes on the way from each seed to the next, a dict
            such as `{"labels": int32 [K]}`.
        frames: images from one seed to the next.

    Returns:
        uint8 [K * frames, H, W, C].

    Raises:
        InputError: the model takes another condition.
    """
    repeated = {name: np.repeat(values, frames, axis=0) for name, values in condition.items()}
    latents = closed_path(generator.latents(seeds), frames)
    return to_uint8(generator.draw(latents, generator.conditions_by_name(repeated)))


def write_gif(pixels, path):
    """Writes images uint8 [N, H, W, C] as a GIF that repeats for ever."""
    first, *rest = map(_frame, pixels)
    first.save(path, save_all=True, append_images=rest, duration=MILLISECONDS, loop=0)


def _frame(pixels):
    image = to_pil(pixels)
    factor = max(1, round(SIDE / max(image.size)))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    if image.mode != "RGBA":
        return image
    page = Image.new("RGB", image.size, (BACKGROUND,) * 3)
    page.paste(image, mask=image)
    return page
