"""The published recipes of docs/recipes.md: every command there is one that trains."""

import re
import shlex
from pathlib import Path

import pytest

from tfgan import train
from tfgan.families import PRESETS

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
COMMANDS = [
    shlex.split(line)[3:]
    for line in re.findall(r"^    (python -m tfgan\.train .*)$", PAGE.read_text(), re.MULTILINE)
]


def name_of(command):
    return command[command.index("--name") + 1]


def preset_of(command):
    return name_of(command).removeprefix("mnist_").replace("_", "-")


def test_the_page_has_each_preset_in_full_and_by_its_name():
    in_full, by_name = COMMANDS[0::2], COMMANDS[1::2]
    assert [preset_of(command) for command in in_full] == [*PRESETS]
    for full, short in zip(in_full, by_name):
        assert short[-2:] == ["--preset", preset_of(full)] and name_of(short) == name_of(full)
        _, written_out = train.parse(full)
        _, of_preset = train.parse(short)
        assert written_out == of_preset
        # Every flag of the preset is written out.
        assert dict(zip(full[4::2], full[5::2])) == PRESETS[preset_of(full)]


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("command", COMMANDS[1:10:2], ids=name_of)
def test_500_steps_without_a_non_finite_value(
    command, precision, tmp_path, monkeypatch, mnist_data_dir
):
    monkeypatch.chdir(tmp_path)
    # Narrower networks, for time. A loss or a gradient that is not finite ends with status 3.
    short = ["--steps", "500", "--width", "8", "--data-dir", str(mnist_data_dir)]
    short += ["--precision", precision]
    assert train.main([*command, *short]) == 0
    assert (tmp_path / "saved_models" / name_of(command) / "1" / "saved_model.pb").exists()
