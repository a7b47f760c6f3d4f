"""The benchmark that counts alarms: its table, and a run of either kind."""

import json

import pytest

from benchmarks import alarms


def row(case, seed, at=None, raised=()):
    found = [{"name": "mode collapse", "raised": step} for step in raised]
    return {"case": case, "seed": seed, "at": at, "seconds": 20.0 + seed, "alarms": found}


def cells_of(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines()]


def test_the_table_counts_what_came_in_time_with_exact_bounds():
    rows = [row("healthy", seed) for seed in range(20)]
    frozen, shrunk = "frozen to 1 output", "latents that shrink"
    # In time, in time, late, before the collapse, never.
    rows += [
        row(frozen, 0, 500, [1000]),
        row(frozen, 1, 600, [1350]),
        row(frozen, 2, 600, [1351]),
        row(shrunk, 3, 600, [500]),
        row(shrunk, 4, 600),
    ]
    titles, _, *body = cells_of(alarms.table(rows, interval=250))
    assert "750 steps" in titles[2]
    # None of 20: 1 - 0.025^(1/20) = 0.17.
    assert body[0] == ["healthy", "20", "0", "0.00 to 0.17", "-", "30 (at most 39)"]
    assert body[1][:5] == ["all that collapse", "5", "2", "0.05 to 0.85", "750 (500 to 751)"]
    assert body[2][:3] == [frozen, "3", "2"]
    assert body[3][:5] == [shrunk, "2", "0", "0.00 to 0.84", "-"]


def test_an_alarm_of_a_healthy_run_counts_whatever_it_is():
    rows = [row("healthy", 0), row("healthy", 1)]
    rows[1]["alarms"] = [{"name": "stagnation", "raised": 1000}]
    assert cells_of(alarms.table(rows, 250))[2][2] == "1"


@pytest.mark.slow
def test_one_healthy_run_and_one_that_freezes(tmp_path, capsys):
    flags = ["--runs", "1", "--steps", "1500", "--out", str(tmp_path)]
    assert alarms.main(flags) == 0
    healthy, frozen = json.loads((tmp_path / "results.json").read_text())
    assert healthy["alarms"] == []
    assert frozen["case"] == "frozen to 1 output" and 0 < alarms.delay_of(frozen) <= 750
    assert cells_of(capsys.readouterr().out)[2][:3] == ["healthy", "1", "0"]


def test_a_run_that_fails_is_named(tmp_path, capsys):
    assert alarms.main(["--dataset", "none_such", "--runs", "1", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "healthy0" in error and "none_such" in error
