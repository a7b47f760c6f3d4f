"""`tfgan.plotting`: sheets to the pixel, rounding, and curves out of a CSV."""

import numpy as np
import pytest
from PIL import Image

from tfgan.plotting import image_grid, save_curves, to_pil, to_uint8

GAP = 4
GREY = 128


def random_pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def expected_sheet(cells, columns, factor):
    """Places opaque images uint8 [N, H, W, C] by plain loops over their pixels."""
    count, height, width, channels = cells.shape
    rows = -(-count // columns)
    page = np.full(
        (GAP + rows * (height * factor + GAP), GAP + columns * (width * factor + GAP), channels),
        GREY,
        np.uint8,
    )
    for index in range(count):
        top = GAP + (index // columns) * (height * factor + GAP)
        left = GAP + (index % columns) * (width * factor + GAP)
        for y in range(height * factor):
            for x in range(width * factor):
                page[top + y, left + x] = cells[index, y // factor, x // factor]
    return page


def as_array(page):
    array = np.asarray(page)
    return array[..., None] if array.ndim == 2 else array


def test_what_leaves_the_range_is_clipped():
    values = np.array([-300.0, -0.01, 0.0, 0.5, 1.0, 1.003, 1.54, 3.58], np.float32)
    levels = [0, 0, 0, 128, 255, 255, 255, 255]
    np.testing.assert_array_equal(to_uint8(values), levels)
    page = as_array(image_grid(values[:, None, None, None], columns=8))
    # Each pixel is enlarged 64 times.
    np.testing.assert_array_equal(page[40, 40 :: 64 + GAP, 0], levels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("count", "size", "columns", "used_columns", "factor"),
    [
        (6, (8, 8), 3, 3, 8),
        (5, (8, 8), None, 3, 8),  # Ragged: two rows of three and two.
        (1, (64, 64), None, 1, 1),
        (2, (100, 30), None, 2, 1),  # Never made smaller.
        (3, (20, 33), 2, 2, 2),  # 64 / 33 is 1.9: the longer side decides.
        (4, (28, 5), 1, 1, 2),
        (2, (3, 2), 5, 5, 21),
    ],
)
def test_every_pixel_of_a_sheet(channels, count, size, columns, used_columns, factor):
    cells = random_pixels(count, *size, channels)
    page = image_grid(cells, columns)
    assert page.mode == ("L" if channels == 1 else "RGB")
    np.testing.assert_array_equal(as_array(page), expected_sheet(cells, used_columns, factor))


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (64, 8)])
def test_a_sheet_is_about_square(count, columns):
    cells = random_pixels(count, 64, 64, 1)
    assert image_grid(cells).size[0] == GAP + columns * (64 + GAP)


def test_floats_are_rounded_to_the_same_sheet():
    cells = random_pixels(5, 7, 9, 3)
    np.testing.assert_array_equal(image_grid(cells.astype(np.float32) / 255), image_grid(cells))


def test_transparent_images_lie_on_the_gray():
    cells = random_pixels(3, 16, 16, 4)
    cells[0, ..., 3] = 255
    cells[1, ..., 3] = 0
    page = image_grid(cells, columns=3)
    assert page.mode == "RGB"
    alpha = cells[..., 3:] / 255
    blended = cells[..., :3] * alpha + GREY * (1 - alpha)
    actual = as_array(page).astype(float)
    opaque = expected_sheet(cells[..., :3], 3, 4)
    invisible = np.full((64, 64, 3), GREY)
    np.testing.assert_array_equal(
        actual[GAP:-GAP, GAP : GAP + 64], opaque[GAP:-GAP, GAP : GAP + 64]
    )
    np.testing.assert_array_equal(actual[GAP:-GAP, 2 * GAP + 64 : 2 * GAP + 128], invisible)
    # Half-transparent ones are rounded.
    np.testing.assert_allclose(
        actual[GAP:-GAP, 3 * GAP + 128 : -GAP],
        blended[2].repeat(4, axis=0).repeat(4, axis=1),
        atol=1,
    )


def test_to_uint8_rounds_to_the_nearest():
    pixels = np.array([0.0, 0.49, 0.51, 1.0, 127.4, 127.6, 254.4, 254.6, 255.0])
    expected = [0, 0, 1, 1, 127, 128, 254, 255, 255]
    actual = to_uint8(pixels / 255)
    assert actual.dtype == np.uint8
    np.testing.assert_array_equal(actual, expected)


def test_to_uint8_rounds_as_the_png_signature_does():
    tf = pytest.importorskip("tensorflow")
    # Halves too: both round them to the even neighbor.
    images = np.arange(0, 510, dtype=np.float32) / 510
    np.testing.assert_array_equal(
        to_uint8(images), tf.cast(tf.round(images * 255.0), tf.uint8).numpy()
    )


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_to_pil(channels, mode):
    pixels = random_pixels(3, 5, channels)
    image = to_pil(pixels)
    assert (image.mode, image.size) == (mode, (5, 3))
    np.testing.assert_array_equal(as_array(image), pixels)


HISTORY = """\
step,seconds,generator_loss,discriminator_loss,real_logit,fake_logit
10,1.5,0.7,1.4,0.1,-0.1
20,2.5,0.9,1.2,0.5,-0.4
30,3.5,nan,1.1,0.8,-0.9
"""


def test_curves_are_drawn_from_a_history(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    save_curves(tmp_path / "history.csv", tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert (image.format, image.size) == ("PNG", (800, 600))
        drawn = np.asarray(image.convert("RGB"))
    # Another history gives other curves.
    (tmp_path / "history.csv").write_text(HISTORY.replace("1.2", "2.0"))
    save_curves(tmp_path / "history.csv", tmp_path / "other.png")
    with Image.open(tmp_path / "other.png") as image:
        assert (np.asarray(image.convert("RGB")) != drawn).any()


def drawn_figures(monkeypatch):
    """The list that figures are added to when they are saved."""
    from matplotlib.figure import Figure

    figures, save = [], Figure.savefig

    def saved(figure, *arguments, **keywords):
        figures.append(figure)
        save(figure, *arguments, **keywords)

    monkeypatch.setattr(Figure, "savefig", saved)
    return figures


def test_what_the_curves_show(tmp_path, monkeypatch):
    figures = drawn_figures(monkeypatch)
    (tmp_path / "history.csv").write_text(HISTORY)
    save_curves(tmp_path / "history.csv", tmp_path / "curves.png")
    curves = [
        {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
        for axes in figures[0].axes
    ]
    steps = [10, 20, 30]
    assert [set(axes) for axes in curves] == [{"generator", "discriminator"}, {"real", "fake"}]
    assert curves[0]["discriminator"] == (steps, [1.4, 1.2, 1.1])
    assert curves[1] == {"real": (steps, [0.1, 0.5, 0.8]), "fake": (steps, [-0.1, -0.4, -0.9])}


QUALITY = """\
step,seconds,frechet_distance,error,floor,diversity,nearest_pair,discriminator_auc
15,2.0,9.0,0.1,1.5,0.6,0.7,nan
30,3.6,5.0,0.1,1.5,0.8,0.9,nan
"""


def test_the_quality_stands_below(tmp_path, monkeypatch):
    figures = drawn_figures(monkeypatch)
    (tmp_path / "history.csv").write_text(HISTORY)
    for quality in ("", QUALITY.splitlines()[0], QUALITY):
        if quality:
            (tmp_path / "quality.csv").write_text(quality)
        save_curves(tmp_path / "history.csv", tmp_path / "curves.png", tmp_path / "quality.csv")
    assert [len(figure.axes) for figure in figures] == [2, 2, 4]
    distance, shares = (
        {line.get_label(): list(line.get_ydata()) for line in axes.lines}
        for axes in figures[2].axes[2:]
    )
    assert distance == {"frechet distance": [9.0, 5.0], "real images": [1.5, 1.5]}
    # What an autoencoder has not is not drawn.
    assert shares == {"diversity": [0.6, 0.8], "nearest pair": [0.7, 0.9]}


def test_a_history_without_rows_has_no_curves(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY.splitlines()[0] + "\n")
    save_curves(tmp_path / "history.csv", tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
