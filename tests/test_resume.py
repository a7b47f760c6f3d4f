"""Runs that are stopped at any moment, and go on as if they had not been."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_gan, random_batch, step_by_operation

from tfgan import train
from tfgan.errors import InputError
from tfgan.training.checkpoint import Checkpoints
from tfgan.training.run_folder import RunFolder

TRAINING = ["--width", "4", "--batch-size", "32", "--steps", "130", "--checkpoint-every", "0.02"]
LATENTS = ["--latent-dim", "8"]
FLOAT32 = ["--precision", "float32"]
ARGUMENTS = [*TRAINING, *LATENTS, *FLOAT32]

# Each kills its own process with SIGKILL, which nothing can catch, once step 60 is past: in the
# middle of an epoch (one has 46 steps).
KILL_AT = {
    "after the last checkpoint": """
import tfgan.training.checkpoint as module
original = module.Checkpoints.save
def patched(self, seconds):
    original(self, seconds)
    if int(self.model.step) == 130:
        kill()
module.Checkpoints.save = patched
""",
    "between two steps": """
import tfgan.training.callbacks as module
original = module.RunProgress.on_train_batch_end
def patched(self, batch, logs=None):
    original(self, batch, logs)
    if int(self.model.step) == 70:
        kill()
module.RunProgress.on_train_batch_end = patched
""",
    "inside a checkpoint write": """
import tfgan.files as module
original = module.flush_to_disk
def patched(path):
    name, _, step = path.name.rpartition("-")
    if path.is_dir() and name.endswith("-step") and int(step) >= 60:
        kill()
    original(path)
module.flush_to_disk = patched
""",
    "after a row of the history": """
import tfgan.training.callbacks as module
original = module.History.on_epoch_end
def patched(self, epoch, logs=None):
    original(self, epoch, logs)
    if epoch == 1:
        kill()
module.History.on_epoch_end = patched
""",
}


# The curve has many rows and alarms: a narrow generator's images stay alike for long.
WATCHED = """
import tfgan.training.monitor.alarms, tfgan.training.monitor.curve
tfgan.training.monitor.curve.interval_of = lambda batch_size: 15
tfgan.training.monitor.alarms.READINGS_OF_YOUTH = 3
tfgan.training.monitor.alarms.LEAST_DIVERSITY = 0.9
"""
KILL_AT_READING = {
    "none": "",
    "between two steps": KILL_AT["between two steps"],
    "after a row of the quality": """
import tfgan.training.monitor.quality_monitor as module
original = module.write_reading
def patched(file, reading, seconds):
    original(file, reading, seconds)
    if reading.step == 75:
        kill()
module.write_reading = patched
""",
    "after a checkpoint with a row": """
import tfgan.training.checkpoint as module
original = module.Checkpoints.save
def patched(self, seconds):
    original(self, seconds)
    if int(self.model.step) >= 75:
        kill()
module.Checkpoints.save = patched
""",
}


def run_script(patches, arguments):
    """Trains in a process of its own with patches, code that may call `kill()`."""
    script = (
        "import os, signal, sys\n"
        "from tfgan.startup import start_tensorflow\n"
        "start_tensorflow()\n"
        "def kill():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"{patches}\n"
        "from tfgan import train\n"
        "sys.exit(train.main(sys.argv[1:]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=300
    )


def run_killed(moment, arguments=ARGUMENTS):
    """Trains in a process of its own that is killed at the given moment."""
    return run_script(KILL_AT[moment], arguments)


def run(arguments=ARGUMENTS):
    return subprocess.run(
        [sys.executable, "-m", "tfgan.train", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


def final_tensors(folder, model="gan"):
    """All tensors of the newest checkpoint: networks, average, slots, step, metrics."""
    newest = max((folder / f"runs/digits_{model}/checkpoints").glob("step-*"))
    reader = tf.train.load_checkpoint(str(newest / "state"))
    return newest.name, {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith(("seconds", "_CHECKPOINTABLE"))
    }


def history_without_times(folder):
    lines = (folder / "runs/digits_gan/history.csv").read_text().splitlines()
    return [re.sub(r"^(\d+,\d+),[\d.]+", r"\1", line) for line in lines[1:]]


@pytest.fixture(scope="module")
def straight_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        finished = run()
    assert finished.returncode == 0, finished.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("moment", KILL_AT)
def test_a_killed_run_ends_like_one_that_was_never_killed(
    moment, straight_run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    killed = run_killed(moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "saved_models/digits_gan").exists()

    resumed = run()
    assert resumed.returncode == 0, resumed.stderr
    step = int(re.search(r"^resumed at step (\d+)$", resumed.stdout, re.MULTILINE)[1])
    assert 0 < step <= (130 if moment == "after the last checkpoint" else 92)
    assert step == 130 or f"{130 - step}/{130 - step}" in resumed.stdout

    (name, expected), (resumed_name, tensors) = final_tensors(straight_run), final_tensors(tmp_path)
    assert name == resumed_name == "step-000000130"
    assert expected.keys() == tensors.keys()
    # Both optimizers have their momentum slots in it, and the EMA, by the name that files have, its
    # weights.
    assert sum("optimizer" in name for name in tensors) > 20
    assert sum("average_generator" in name for name in tensors) > 5
    different = [name for name in tensors if not np.array_equal(tensors[name], expected[name])]
    assert different == []
    assert history_without_times(tmp_path) == history_without_times(straight_run)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("model", "flags"),
    [
        ("cgan", LATENTS),
        ("cgan", [*LATENTS, "--condition", "text"]),
        ("vae", LATENTS),
        ("gan", [*LATENTS, "--networks", "recurrent"]),
        ("pix2pix", ["--task", "inpaint"]),
        ("cyclegan", ["--domain-a", "digits", "--domain-b", "digits:inverted"]),
    ],
)
def test_every_other_family_resumes_as_exactly(model, flags, precision, tmp_path, monkeypatch):
    arguments = [*TRAINING, "--model", model, "--name", f"digits_{model}", *flags]
    arguments += ["--precision", precision]
    results = []
    for folder in (tmp_path / "straight", tmp_path / "killed"):
        folder.mkdir()
        monkeypatch.chdir(folder)
        if folder.name == "killed":
            assert run_killed("between two steps", arguments).returncode == -signal.SIGKILL
        finished = run(arguments)
        assert finished.returncode == 0, finished.stderr
        assert ("resumed at step" in finished.stdout) == (folder.name == "killed")
        results.append(final_tensors(folder, model)[1])
    expected, tensors = results
    assert expected.keys() == tensors.keys()
    assert [name for name in tensors if not np.array_equal(tensors[name], expected[name])] == []


def quality_without_times(folder):
    """What a run knows of its quality: the curve, the alarms, and what it decided."""
    run_folder = folder / "runs/digits_gan"
    lines = (run_folder / "quality.csv").read_text().splitlines()
    curve = [re.sub(r"^(\d+),[\d.]+", r"\1", line) for line in lines]
    alarms = json.loads((run_folder / "alarms.json").read_text())
    return curve, alarms, json.loads((run_folder / "result.json").read_text())["quality"]


@pytest.mark.slow
def test_the_quality_of_a_killed_run_is_that_of_one_that_was_never_killed(tmp_path, monkeypatch):
    results = {}
    for moment, patch in KILL_AT_READING.items():
        folder = tmp_path / moment
        folder.mkdir()
        monkeypatch.chdir(folder)
        if patch:
            killed = run_script(WATCHED + patch, ARGUMENTS)
            assert killed.returncode == -signal.SIGKILL, killed.stderr
        finished = run_script(WATCHED, ARGUMENTS)
        assert finished.returncode == 0, finished.stderr
        assert ("resumed at step" in finished.stdout) == bool(patch)
        results[moment] = (*quality_without_times(folder), final_tensors(folder))
    curve, alarms, quality, (name, tensors) = results.pop("none")
    assert len(curve) == 1 + 8 + 1 and curve[-1].startswith("130,")
    assert [alarm["raised"] for alarm in alarms] == [45]
    assert sum(key.startswith("best/") for key in tensors) > 5
    for resumed in results.values():
        assert resumed[:3] == (curve, alarms, quality)
        assert resumed[3][0] == name and resumed[3][1].keys() == tensors.keys()
        for key, value in resumed[3][1].items():
            np.testing.assert_array_equal(value, tensors[key], err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_saves_and_says_how_to_resume(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # No checkpoint is due before the signal.
    endless = [*ARGUMENTS, "--steps", "1000000", "--checkpoint-every", "1000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tfgan.train", *endless],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(tmp_path / "runs/digits_gan/history.csv")
    process.send_signal(number)
    signalled = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert time.monotonic() - signalled < 10
    assert process.returncode == 128 + number
    assert errors == ""
    step = int(re.search(rf"stopped by {number.name} at step (\d+)", output)[1])
    assert "The same command resumes it" in output

    resumed = run([*ARGUMENTS, "--steps", str(step + 1)])
    assert f"resumed at step {step}\n" in resumed.stdout
    assert resumed.returncode == 0


def wait_for(file, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} did not appear"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def three_checkpoints(tmp_path_factory):
    """Three checkpoints, of the steps 1 to 3, and the values of the model at each."""
    folder = tmp_path_factory.mktemp("trained") / "checkpoints"
    gan = make_gan()
    checkpoints = Checkpoints(folder, gan, keep=3)
    weights = {}
    with step_by_operation():
        for step in (1, 2, 3):
            gan.train_step(random_batch())
            checkpoints.save(seconds=10.0 * step)
            weights[step] = gan.get_weights()
    return folder, weights


@pytest.fixture
def trained_checkpoints(three_checkpoints, tmp_path):
    """The same in a copy to be damaged."""
    folder, weights = three_checkpoints
    return shutil.copytree(folder, tmp_path / "checkpoints"), weights


def restored(folder, report=lambda line: None):
    gan = make_gan()
    checkpoints = Checkpoints(folder, gan)
    return checkpoints.restore(report), gan, checkpoints


def test_restoring_brings_back_everything(trained_checkpoints):
    folder, weights = trained_checkpoints
    step, gan, checkpoints = restored(folder)
    assert step == int(gan.step) == 3
    assert float(checkpoints.seconds) == 30.0
    assert int(gan.generator_optimizer.iterations) == 3
    for value, expected in zip(gan.get_weights(), weights[3], strict=True):
        np.testing.assert_array_equal(value, expected)


def test_no_checkpoint_is_no_step(tmp_path):
    assert restored(tmp_path / "none")[0] is None


@pytest.mark.parametrize("damage", ["truncated", "flipped bit", "missing index", "empty folder"])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(damage, trained_checkpoints):
    folder, weights = trained_checkpoints
    newest = folder / "step-000000003"
    data_file, index = newest / "state.data-00000-of-00001", newest / "state.index"
    content = bytearray(data_file.read_bytes())
    if damage == "truncated":
        data_file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped bit":
        content[len(content) // 2] ^= 1
        data_file.write_bytes(content)
    elif damage == "missing index":
        index.unlink()
    else:
        data_file.unlink()
        index.unlink()
    said = []
    step, gan, _ = restored(folder, said.append)
    assert step == int(gan.step) == 2
    for value, expected in zip(gan.get_weights(), weights[2], strict=True):
        np.testing.assert_array_equal(value, expected)
    assert len(said) == 1 and "step-000000003" in said[0]
    # The damaged one is set aside, so that it cannot push out the good ones.
    assert sorted(os.listdir(folder)) == [
        ".damaged-step-000000003",
        "step-000000001",
        "step-000000002",
    ]


def test_nothing_readable_is_an_error_that_says_what_to_do(trained_checkpoints):
    folder, _ = trained_checkpoints
    for checkpoint in folder.iterdir():
        (checkpoint / "state.index").unlink()
    with pytest.raises(OSError, match=r"none of the 3 checkpoints .* --fresh"):
        restored(folder)
    assert len(list(folder.iterdir())) == 3


def test_a_half_written_checkpoint_does_not_count(trained_checkpoints):
    folder, _ = trained_checkpoints
    half_written = folder / ".writing-0123abcd-step-000000004"
    shutil.copytree(folder / "step-000000003", half_written)
    assert restored(folder)[0] == 3
    assert not half_written.exists()


def test_a_copy_beside_them_does_not_count(trained_checkpoints):
    folder, _ = trained_checkpoints
    shutil.copytree(folder / "step-000000003", folder / "step-000000003 copy")
    assert restored(folder)[0] == 3


@pytest.mark.usefixtures("eagerly")
def test_only_the_newest_are_kept(tmp_path, batch):
    gan = make_gan()
    checkpoints = Checkpoints(tmp_path, gan, keep=2)
    for _ in range(4):
        gan.train_step(batch)
        checkpoints.save(seconds=0.0)
    assert checkpoints.steps() == [3, 4]


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_written_leaves_those_that_were(trained_checkpoints):
    folder, _ = trained_checkpoints
    # A limit on file sizes stands in for a full disk: the write fails half-way through.
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from conftest import make_gan, random_batch\n"
        "from tfgan.training.checkpoint import Checkpoints\n"
        "gan = make_gan()\n"
        "checkpoints = Checkpoints(sys.argv[1], gan)\n"
        "assert checkpoints.restore() == 3\n"
        "gan.train_step(random_batch())\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    checkpoints.save(40.0)\n"
        "except OSError as error:\n    print('refused:', error)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script, str(folder), os.path.dirname(__file__)],
        capture_output=True,
        text=True,
    )
    assert "refused: cannot write a checkpoint" in finished.stdout, finished.stderr
    assert sorted(os.listdir(folder)) == [f"step-{step:09d}" for step in (1, 2, 3)]


@pytest.mark.parametrize("end", ["2,30,0.125\n3,4", "2,25,0.125\n"])
def test_history_is_cut_back_to_the_restored_epoch(end, tmp_path):
    folder = RunFolder(tmp_path)
    folder.history_file.write_text(f"epoch,step,loss\n0,10,0.5\n1,20,0.25\n{end}")
    folder.cut_history(2)
    assert folder.history_file.read_text() == "epoch,step,loss\n0,10,0.5\n1,20,0.25\n"


def test_an_empty_history_begins_anew(tmp_path):
    folder = RunFolder(tmp_path)
    folder.history_file.write_text("")
    folder.cut_history(2)
    assert not folder.history_file.exists()


def test_a_lock_file_left_behind_blocks_nobody(tmp_path):
    (tmp_path / ".lock").write_text("")
    with RunFolder(tmp_path).locked():
        pass


def test_a_configuration_that_was_not_written_to_its_end_blocks_nobody(tmp_path, monkeypatch):
    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    folder = RunFolder(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full_disk)
        with pytest.raises(OSError), folder.locked():
            folder.record({"seed": 0}, {})
    with folder.locked():
        folder.record({"seed": 0}, {})
    assert folder.settings == {"seed": 0}


def test_what_a_kill_left_of_a_run_folder_is_removed(tmp_path):
    folder = RunFolder(tmp_path / "run")
    left = [folder.path / f".writing-0123abcd-{name}" for name in ("config.json", "pictures.json")]
    folder.path.mkdir()
    for file in left:
        file.write_text("half")
    with folder.locked():
        folder.record({"seed": 0}, {})
        assert not any(file.exists() for file in left)
    left = [folder.samples / ".writing-0123abcd-step-000000001.png", *left]
    folder.samples.mkdir()
    for file in left:
        file.write_text("half")
    with folder.locked():
        assert not any(file.exists() for file in left)
    assert folder.settings == {"seed": 0}


def test_a_folder_with_what_others_did_not_finish_is_no_run(tmp_path):
    (tmp_path / ".writing-0123abcd-version").mkdir()
    with pytest.raises(InputError, match="not the folder of a run"), RunFolder(tmp_path).locked():
        pass
    assert len(os.listdir(tmp_path)) == 1


@pytest.mark.slow
def test_a_damaged_checkpoint_is_reported_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert train.main([*ARGUMENTS, "--steps", "2", "--checkpoint-every", "1e-6"]) == 0
    newest = tmp_path / "runs/digits_gan/checkpoints/step-000000002"
    (newest / "state.index").write_bytes(b"rubbish")
    assert train.main([*ARGUMENTS, "--steps", "3"]) == 0
    output = capsys.readouterr().out
    assert "damaged checkpoint" in output and "resumed at step 1\n" in output
