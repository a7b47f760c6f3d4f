"""Pictures of latents rather than of seeds: of some vectors, and of a walk among them as a GIF."""

import numpy as np
from PIL import Image

from tfgan.latent.paths import closed_path
from tfgan.plotting import BACKGROUND, to_picture, to_uint8

# From one seed's picture to the next: 0.8 seconds at 20 pictures a second.
FRAMES = 16
MILLISECONDS = 50
# Small pictures are enlarged to about this many pixels a side.
SIDE = 160


def drawn(generator, latents, told):
    """Pictures of some latents.

    Args:
        generator: a `LatentGenerator`.
        latents: float [N, D].
        told: what a conditional model is told, a dict such as `{"labels": int32 [N]}`.

    Returns:
        uint8 [N, H, W, C].

    Raises:
        InputError: the model has other latents, or is told something else.
    """
    return to_uint8(generator.draw(latents, generator.conditions_by_name(told)))


def walk(generator, seeds, told, frames=FRAMES):
    """Pictures along the arcs from each seed's latents to the next one's, and back to the first.

    Args:
        generator: a `LatentGenerator`.
        seeds: int64 [K].
        told: what a conditional model is told on the way from each seed to the next, a dict such as
            `{"labels": int32 [K]}`.
        frames: pictures from one seed to the next.

    Returns:
        uint8 [K * frames, H, W, C].

    Raises:
        InputError: the model is told something else.
    """
    repeated = {name: np.repeat(values, frames, axis=0) for name, values in told.items()}
    latents = closed_path(generator.latents(seeds), frames)
    return to_uint8(generator.draw(latents, generator.conditions_by_name(repeated)))


def write_gif(pixels, path):
    """Writes pictures uint8 [N, H, W, C] as a GIF that repeats for ever."""
    first, *rest = map(_frame, pixels)
    first.save(path, save_all=True, append_images=rest, duration=MILLISECONDS, loop=0)


def _frame(pixels):
    picture = to_picture(pixels)
    factor = max(1, round(SIDE / max(picture.size)))
    picture = picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.NEAREST
    )
    if picture.mode != "RGBA":
        return picture
    page = Image.new("RGB", picture.size, (BACKGROUND,) * 3)
    page.paste(picture, mask=picture)
    return page
