"""The benchmarks of directions and inversion, on generators whose answers are known."""

import keras
import numpy as np
import pytest
from conftest import make_gan
from PIL import Image

import tfgan
from benchmarks import directions, inversion, norms
from tfgan.data.dataset import ImageDataset
from tfgan.latent.generator import LatentGenerator


class Drawn:
    """A generator of shapes: the first latents are how far across and how far down they lie."""

    name, latent_dim, image_shape, data_name = "drawn", 4, (32, 32, 3), "shapes"

    def latents(self, seeds):
        each = [np.random.default_rng(seed).standard_normal(4, np.float32) for seed in seeds]
        return np.stack(each)

    def example_conditions(self, num):
        return None

    def activations(self, latents, condition=None):
        return np.tanh(latents)

    @property
    def network(self):
        latents = keras.Input((4,))
        dense = keras.layers.Dense(4, use_bias=False)
        network = keras.Model(latents, dense(latents))
        dense.set_weights([np.diag([4.0, 3.0, 2.0, 1.0])])
        return network

    def draw(self, latents, condition=None):
        y, x = np.indices((32, 32)) / 32 + 1 / 64
        across, down, size = (0.5 + 0.06 * latents[:, :3].T)[..., None, None]
        cover = np.clip(0.5 - 32 * (np.hypot(x - across, y - down) - 0.36 * size), 0, 1)
        # Red and purple, by the fourth.
        blue = np.where(latents[:, 3] > 0, 0.9, 0.1)[:, None, None]
        ink = np.stack([0.9 + 0 * cover, 0.1 + 0 * cover, blue + 0 * cover], axis=-1)
        return (1 + cover[..., None] * (ink - 1)).astype(np.float32)


@pytest.mark.slow
def test_a_table_of_directions_tells_good_ones_from_bad(monkeypatch, capsys):
    monkeypatch.setattr(directions, "FITTED", 400)
    monkeypatch.setattr(directions, "CHOSEN", 40)
    monkeypatch.setattr(LatentGenerator, "load", lambda path: Drawn())
    arguments = ["a_model", "--num", "100", "--attributes", "horizontal", "vertical"]
    assert directions.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    # All of them are plain circles, of which there is no direction.
    assert "the same in all images: shape, texture" in lines
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[0] == "|"]
    head, _, *rows = rows
    assert head[3:7] == ["size", "vertical", "horizontal", "colour"]
    assert [row[:2] for row in rows[:2]] == [
        ["horizontal", "supervised, orthogonalized"],
        ["horizontal", "supervised"],
    ]
    shares = {(row[0], row[1]): [float(cell.strip("*%")) for cell in row[3:6]] for row in rows}
    for kind in ("supervised, orthogonalized", "supervised", "closed form"):
        assert shares["horizontal", kind][2] >= 50
        assert max(shares["horizontal", kind][:2]) < 25
        assert shares["vertical", kind][1] >= 50
    # The random one is for no attribute in particular.
    assert max(shares["horizontal", "random"][:2]) > 15


@pytest.mark.slow
def test_the_descent_is_nearer_than_random_latents(tmp_path, monkeypatch, capsys):
    gan = make_gan()
    network = gan.ema_generator
    network.set_weights([8 * weight for weight in network.get_weights()])
    folder = tmp_path / "tiny"
    training = {"data": {"name": "drawn"}}
    tfgan.export_saved_model(gan, folder, training)
    images = np.rint(255 * gan.generate([0, 1, 2])).astype(np.uint8)
    drawn = ImageDataset("drawn", images, None, None, batch_size=1, seed=0)
    asked = []
    monkeypatch.setattr(inversion.data, "load", lambda *args, **kw: asked.append(args[0]) or drawn)
    out = tmp_path / "found.npz"
    flags = ["--num", "3", "--restarts", "2", "--steps", "60", "--out", str(out)]
    assert inversion.main([str(folder), *flags]) == 0
    *table, again = capsys.readouterr().out.splitlines()
    assert asked == ["drawn"] and again.endswith("differs by 0")
    medians = {line.split("|")[1].strip(): float(line.split("|")[2]) for line in table[3:]}
    assert list(medians) == [
        "descent, 2 restarts of 60 steps",
        "the same, 1 restart",
        "nearest of 120 random",
    ]
    assert medians["descent, 2 restarts of 60 steps"] < 0.1 * medians["nearest of 120 random"]
    assert np.load(out)["latents"].shape == (3, 6)


def test_another_length_changes_less_than_another_direction(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(LatentGenerator, "load", lambda path: Drawn())
    out = tmp_path / "norms.png"
    assert norms.main(["a_model", "--num", "60", "--out", str(out)]) == 0
    _, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
    )
    table = {row[0]: [float(cell.strip("%")) for cell in row[1:4]] for row in rows}
    # A position of 0.5 + 0.06 z moves in proportion to the change of length.
    assert table["length x 1.5"][1] == pytest.approx(2 * table["length x 1.25"][1], rel=0.1)
    assert table["length x 1.25"][1] < 0.5 * table["another direction"][1]
    # Its color is a sign, which no length changes.
    assert {row[0]: row[5] for row in rows}["length x 0.5"] == "0%"
    with Image.open(out) as page:
        # 8 rows of 7 images, enlarged twice.
        assert page.size == (7 * 68 + 4, 8 * 68 + 4)
