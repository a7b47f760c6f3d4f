"""The published recipes of docs/recipes.md: every command there is one that trains."""

import re
import shlex
from pathlib import Path

import pytest

from tfgan import train

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
COMMANDS = [
    shlex.split(line)[3:]
    for line in re.findall(r"^    (python -m tfgan\.train .*)$", PAGE.read_text(), re.MULTILINE)
]


def name_of(command):
    return command[command.index("--name") + 1]


def test_the_page_has_its_recipes():
    assert [name_of(command) for command in COMMANDS] == [
        "mnist_dcgan",
        "mnist_lsgan",
        "mnist_wgan_gp",
        "mnist_sngan",
        "mnist_relativistic",
    ]


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_500_steps_without_a_non_finite_value(
    command, precision, tmp_path, monkeypatch, mnist_data_dir
):
    monkeypatch.chdir(tmp_path)
    # Narrower networks, for time. A loss or a gradient that is not finite ends with status 3.
    short = ["--steps", "500", "--width", "8", "--data-dir", str(mnist_data_dir)]
    short += ["--precision", precision]
    assert train.main([*command, *short]) == 0
    assert (tmp_path / "saved_models" / name_of(command) / "1" / "saved_model.pb").exists()
