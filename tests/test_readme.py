"""The README's lines for a pretrained model, run as they stand."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import requests
from PIL import Image
from server_process import STAND_IN, running, shell_environment

ROOT = Path(__file__).parents[1]
NAME = "mnist_gan"
SECTION = "## Pretrained models"


def commands():
    """The commands of the section, each whole."""
    _, _, behind = (ROOT / "README.md").read_text().partition(f"{SECTION}\n")
    section, _, _ = behind.partition("\n## ")
    lines = re.findall(r"^    (.*)$", section.replace("\\\n", ""), re.MULTILINE)
    assert len(lines) == 5
    return lines


def command_of(word):
    """The one command that has a word."""
    (command,) = [line for line in commands() if word in line]
    return command


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder with the model that the commands name."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "saved_models" / NAME / "1", folder / "saved_models" / NAME / "1")
    return folder


def in_a_shell(clone, command, **environment):
    """How `subprocess` starts a command in the clone."""
    return {
        "args": ["bash", "-c", command],
        "cwd": clone,
        "env": shell_environment(**environment),
        "text": True,
    }


def run(clone, command, **environment):
    """What a command prints; it has to end well."""
    finished = subprocess.run(
        **in_a_shell(clone, command, **environment), capture_output=True, timeout=900
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_there_is_a_command_of_each_kind():
    for word in ("generate", "explore", "evaluate", "docker run", "curl"):
        assert f"{NAME}" in command_of(word)


@pytest.mark.slow
def test_the_model_is_sampled(clone):
    run(clone, command_of("generate"))
    # 28x28 pixels are enlarged twice, with gaps of 4 pixels.
    assert Image.open(clone / "grid.png").size == (8 * (56 + 4) + 4,) * 2


@pytest.mark.slow
@pytest.mark.mnist
def test_the_model_is_evaluated(clone, mnist_data_dir):
    printed = run(clone, command_of("evaluate"), TFDS_DATA_DIR=str(mnist_data_dir))
    assert "risk" in printed
    assert list(clone.glob("**/*.html"))


@contextlib.contextmanager
def until_interrupted(clone, command):
    """A command that runs until Ctrl-C, as its process; it has to end well then."""
    process = subprocess.Popen(
        **in_a_shell(clone, f"exec {command}", BROWSER="true"),
        stdout=subprocess.PIPE,
        # Where the tests run in the background, Ctrl-C is ignored by all that they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_the_model_is_explored(clone):
    with until_interrupted(clone, command_of("explore")) as process:
        (address,) = next(filter(None, (re.findall(r"http\S+", line) for line in process.stdout)))
        page = requests.get(address, timeout=60)
        assert page.ok and NAME in requests.get(f"{address}model", timeout=60).text


@pytest.mark.slow
def test_the_model_is_served(clone):
    # What the docker line starts, with the model's folder where its -v puts it.
    assert f'"$PWD/saved_models/{NAME}:/models/{NAME}"' in command_of("docker run")
    flags = [f"--model_name={NAME}", f"--model_base_path={clone / 'saved_models' / NAME}"]
    with running(STAND_IN, NAME, *flags, port=8500, rest_port=8501):
        answer = json.loads(run(clone, command_of("curl")))
    assert len(answer["predictions"]) == 3 and len(answer["predictions"][0]) == 28
