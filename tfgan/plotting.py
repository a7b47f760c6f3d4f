"""Images of results: grids of samples, and curves."""

import math

import numpy as np
from PIL import Image

from tfgan.files import CsvLog, atomic_file

# Small images are enlarged to about this many pixels per side, so that a person can read them.
READABLE_SIDE = 64
GAP = 4
BACKGROUND = 128


def to_uint8(images):
    """Images float in [0, 1] as uint8 in [0, 255], rounded as the `png` signature rounds.

    What lies outside is clipped.
    """
    return np.round(np.clip(images, 0.0, 1.0) * 255.0).astype(np.uint8)


def to_pil(pixels):
    """uint8 [H, W, C] as a Pillow image: gray, RGB or RGBA for 1, 3 or 4 channels."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def image_grid(images, columns=None):
    """Images side by side in rows, enlarged by a whole factor without smoothing.

    Args:
        images: float [N, H, W, C] in [0, 1], or uint8.
        columns: images per row; by default about as many as there are rows.

    Returns:
        A Pillow image, gray or RGB. Transparent images lie on the grid's gray.
    """
    pixels = images if np.asarray(images).dtype == np.uint8 else to_uint8(images)
    columns = columns or math.ceil(math.sqrt(len(pixels)))
    height, width, channels = pixels.shape[1:]
    factor = max(1, round(READABLE_SIDE / max(height, width)))
    cell = (width * factor + GAP, height * factor + GAP)
    rows = math.ceil(len(pixels) / columns)
    mode = "L" if channels == 1 else "RGB"
    background = BACKGROUND if channels == 1 else (BACKGROUND,) * 3
    grid = Image.new(mode, (columns * cell[0] + GAP, rows * cell[1] + GAP), background)
    for index, image in enumerate(map(to_pil, pixels)):
        image = image.resize((width * factor, height * factor), Image.Resampling.NEAREST)
        row, column = divmod(index, columns)
        place = (GAP + column * cell[0], GAP + row * cell[1])
        grid.paste(image, place, mask=image if channels == 4 else None)
    return grid


def save_curves(history_file, image_file, quality_file=None, panels=()):
    """Draws the losses and other reports of a `history.csv` against the step.

    Args:
        history_file: CSV with the columns `epoch`, `step`, `seconds`, and those of the family.
        image_file: PNG to write.
        quality_file: CSV of the quality curve, drawn below where there is one; its columns are
            those of `tfgan.training.monitor.reading.Reading`.
        panels: dict from columns to the label of the panel that they are drawn in. Losses and
            logits have one each; of others each has its own unless it is named here.
    """
    from matplotlib.figure import Figure

    rows = CsvLog(history_file).rows()
    if not rows:
        return
    columns = [name for name in rows[0] if name not in ("epoch", "step", "seconds")]
    panels = dict(panels)
    labels = {name: panels.get(name) or label_of(name) for name in columns}
    panels = {
        label: [name for name in columns if labels[name] == label]
        for label in dict.fromkeys(labels.values())
    }
    quality = CsvLog(quality_file).rows() if quality_file else []
    num_panels = len(panels) + 2 * bool(quality)
    figure = Figure(figsize=(8, 3 * num_panels), layout="constrained")
    all_axes = figure.subplots(num_panels, 1, sharex=True, squeeze=False)[:, 0]
    for axes, (label, names) in zip(all_axes, panels.items()):
        draw_columns(axes, rows, names)
        axes.set_ylabel(label)
    if quality:
        *_, distance, shares = all_axes
        draw_columns(distance, quality, ["frechet_distance"])
        distance.axhline(quality[0]["floor"], color="black", linestyle=":", label="real images")
        distance.set(ylabel="distance to held-out images", yscale="log")
        draw_columns(shares, quality, ["diversity", "nearest_pair", "discriminator_auc"])
        shares.set(ylabel="share", ylim=(0.0, None))
    for axes in all_axes:
        axes.grid(alpha=0.3)
        axes.legend()
    all_axes[-1].set_xlabel("step")
    with atomic_file(image_file) as temporary:
        figure.savefig(temporary, dpi=100)


def label_of(name):
    """The label of the panel that a column is drawn in unless its family says otherwise."""
    if name.endswith("_loss"):
        return "loss"
    return "mean logit" if name.endswith("_logit") else name.replace("_", " ")


def draw_columns(axes, rows, names):
    """Draws columns against the step, less those that have no number at all."""
    for name in names:
        values = [row[name] for row in rows]
        if np.isnan(values).all():
            continue
        title = name.removesuffix("_loss").removesuffix("_logit").replace("_", " ")
        steps = [row["step"] for row in rows]
        axes.plot(steps, values, label=title, marker="." * (len(rows) < 30))
