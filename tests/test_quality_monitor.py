"""What a run does with its quality: rows, alarms, the best kept and exported, and all that resumed.

Readers are stand-ins that say what they are told to; `test_quality_curve.py` has the real one.
"""

import csv
import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from conftest import dense_gan

from tfgan.families import FAMILIES
from tfgan.training.checkpoint import Checkpoints
from tfgan.training.monitor.best_weights import BestWeights
from tfgan.training.monitor.quality_monitor import QualityMonitor, describe_choice
from tfgan.training.monitor.reading import Reading, read_readings
from tfgan.training.run_folder import RunFolder

INTERVAL = 5
HEALTHY = Reading(0, 10.0, 0.1, 1.0, diversity=0.8, nearest_pair=0.9, discriminator_auc=0.8)
COLLAPSED = {"nearest_pair": 0.0}


class Evaluator:
    """Reads what it is told, a dict of changes a step."""

    compared_with = "299 held-out images"

    def __init__(self, gan, changes):
        self.gan = gan
        self.changes = changes
        self.steps = []

    def evaluate(self):
        self.steps.append(int(self.gan.step))
        return dataclasses.replace(
            HEALTHY, step=self.steps[-1], **self.changes.get(self.steps[-1], {})
        )


class Scalars:
    """Stands for TensorBoard."""

    def __init__(self):
        self.written = []

    def write(self, values):
        self.written.append(values)


def monitor_of(gan, folder, changes, best=None):
    """A monitor, with its evaluator beside it."""
    evaluator = Evaluator(gan, changes)
    best = best or BestWeights(gan)
    monitor = QualityMonitor(
        lambda: evaluator, INTERVAL, folder, best, Scalars(), lambda: 1.5, FAMILIES["gan"].advice
    )
    monitor.set_model(gan)
    return monitor, evaluator


def train(monitor, gan, until):
    """Steps that give every weight of the average the number of the step."""
    monitor.on_train_begin()
    while int(gan.step) < until:
        gan.step.assign_add(1)
        for weight in gan.ema_generator.weights:
            weight.assign(tf.fill(weight.shape, float(gan.step)))
        monitor.on_train_batch_end(0)


def value_of(gan):
    """The one number that all weights of the average have."""
    (value,) = {float(each) for weight in gan.ema_generator.get_weights() for each in weight.flat}
    return value


@pytest.fixture
def gan():
    return dense_gan()


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def rows_of(folder):
    with open(folder.quality_file, newline="") as file:
        return list(csv.DictReader(file))


def test_every_so_many_steps_there_is_a_row(folder, gan):
    monitor, evaluator = monitor_of(gan, folder, {10: {"frechet_distance": 1 / 3}})
    train(monitor, gan, 12)
    assert evaluator.steps == [5, 10]
    rows = rows_of(folder)
    assert [row["step"] for row in rows] == ["5", "10"]
    assert rows[0]["seconds"] == "1.50" and float(rows[1]["frechet_distance"]) == 1 / 3
    assert read_readings(folder.quality_file) == monitor.readings
    assert [len(values) for values in monitor.scalars.written] == [6, 6]
    assert monitor.scalars.written[1]["quality/frechet_distance"] == 1 / 3
    assert not (folder.path / "alarms.json").exists()


def test_a_run_shorter_than_the_interval_reads_nothing(folder, gan):
    def no_evaluator():
        raise AssertionError

    monitor = QualityMonitor(no_evaluator, 5, folder, BestWeights(gan), Scalars(), lambda: 1.0, {})
    monitor.set_model(gan)
    train(monitor, gan, 4)
    assert monitor.choose_weights() is None
    assert not folder.quality_file.exists()


def test_the_last_is_exported_unless_the_best_was_better_beyond_the_noise(folder, gan):
    # Two standard errors of a difference of 0.1 each are 0.28.
    monitor, _ = monitor_of(gan, folder, {10: {"frechet_distance": 9.75}})
    train(monitor, gan, 15)
    quality = monitor.choose_weights()
    assert (quality["exported_step"], quality["best_step"], value_of(gan)) == (15, 10, 15.0)
    assert quality["noise"] == pytest.approx(2 * np.hypot(0.1, 0.1))
    assert describe_choice(quality, 15) == (
        "step 15, Frechet distance 10 to 299 held-out images (1 of real ones)"
    )


def test_the_best_is_exported_where_the_last_are_spoiled(folder, gan):
    monitor, _ = monitor_of(gan, folder, {10: {"frechet_distance": 9.7}})
    train(monitor, gan, 15)
    quality = monitor.choose_weights()
    assert (quality["exported_step"], quality["best_step"], value_of(gan)) == (10, 10, 10.0)
    assert (quality["frechet_distance"], quality["last_frechet_distance"]) == (9.7, 10.0)
    assert describe_choice(quality, 15) == (
        "step 10, not the last: Frechet distance 9.7, and 10 at step 15, beyond the noise of 0.28"
    )
    # What the training goes on with is not touched.
    assert int(gan.step) == 15


def test_where_a_run_ends_between_two_checks_its_last_step_is_read(folder, gan):
    monitor, evaluator = monitor_of(gan, folder, {7: {"frechet_distance": 20.0}})
    train(monitor, gan, 7)
    assert monitor.choose_weights()["exported_step"] == 5
    assert evaluator.steps == [5, 7] and value_of(gan) == 5.0
    # Asked again, it reads again no more.
    assert monitor.choose_weights()["exported_step"] == 5 and evaluator.steps == [5, 7]


def test_rows_of_an_earlier_end_are_dropped(folder, gan):
    monitor, _ = monitor_of(gan, folder, {})
    train(monitor, gan, 12)
    monitor.choose_weights()
    assert [row["step"] for row in rows_of(folder)] == ["5", "10", "12"]
    folder.cut_quality(12, INTERVAL)
    assert [row["step"] for row in rows_of(folder)] == ["5", "10"]
    folder.cut_quality(9, INTERVAL)
    assert [row["step"] for row in rows_of(folder)] == ["5"]


def test_an_alarm_is_said_once_and_written_down(folder, gan, capsys):
    monitor, _ = monitor_of(gan, folder, dict.fromkeys((10, 15, 20), COLLAPSED))
    train(monitor, gan, 12)
    assert capsys.readouterr().out == ""
    train(monitor, gan, 22)
    output = capsys.readouterr().out
    assert output.count("alarm: mode collapse since step 10: ") == 1 and "Try" in output
    (alarm,) = json.loads((folder.path / "alarms.json").read_text())
    assert (alarm["name"], alarm["since"], alarm["raised"], alarm["until"]) == (
        *("mode collapse", 10, 15),
        None,
    )
    assert [found["name"] for found in monitor.choose_weights()["alarms"]] == ["mode collapse"]
    train(monitor, gan, 25)
    assert "is over at step 25" in capsys.readouterr().out
    assert json.loads((folder.path / "alarms.json").read_text())[0]["until"] == 25
    assert monitor.choose_weights()["alarms"] == []


@pytest.mark.parametrize("checkpoint_step", [9, 12, 16])
def test_a_resumed_run_knows_what_an_undisturbed_one_knows(checkpoint_step, tmp_path, capsys):
    # The best comes after some of the checkpoints: what is killed has it and must lose it.
    changes = {15: COLLAPSED | {"frechet_distance": 5.0}, 20: COLLAPSED}
    changes |= {10: {"frechet_distance": 8.0}}
    results = {}
    for kind in ("straight", "killed"):
        folder, gan = RunFolder(tmp_path / kind), dense_gan()
        folder.path.mkdir()
        monitor, _ = monitor_of(gan, folder, changes)
        checkpoints = Checkpoints(folder.checkpoints, gan, best=monitor.best)
        train(monitor, gan, checkpoint_step)
        checkpoints.save(1.0)
        train(monitor, gan, 23)
        if kind == "killed":
            gan = dense_gan()
            best = BestWeights(gan)
            assert Checkpoints(folder.checkpoints, gan, best=best).restore() == checkpoint_step
            assert best.step == {9: 5, 12: 10, 16: 15}[checkpoint_step]
            folder.cut_quality(checkpoint_step, INTERVAL)
            monitor, _ = monitor_of(gan, folder, changes, best)
            train(monitor, gan, 23)
        results[kind] = (
            folder.quality_file.read_text(),
            (folder.path / "alarms.json").read_text(),
            monitor.choose_weights(),
            value_of(gan),
        )
    assert results["killed"] == results["straight"]
    assert results["killed"][3] == 15.0


def test_a_run_folder_clears_what_the_quality_left(folder, gan):
    monitor, _ = monitor_of(gan, folder, {10: COLLAPSED, 15: COLLAPSED})
    train(monitor, gan, 15)
    left = {entry.name for entry in folder.path.iterdir()}
    assert left == {"quality.csv", "alarms.json"}
    folder.clear()
    assert list(folder.path.iterdir()) == []
