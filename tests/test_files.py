"""Files that appear whole or not at all, and logs of rows."""

import errno
import json
import math
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tfgan import files
from tfgan.files import (
    CsvLog,
    atomic_file,
    atomic_folder,
    left_behind,
    read_json,
    remove_left_behind,
    write_json,
    write_text,
)


def write_file(path, text):
    with atomic_file(path) as temporary:
        temporary.write_text(text)


def write_folder(path, text, **keywords):
    with atomic_folder(path, **keywords) as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "a.txt").write_text(text)


def text_of(path):
    return (path / "inner" / "a.txt" if path.is_dir() else path).read_text()


WRITE = pytest.mark.parametrize("write", [write_file, write_folder])
ATOMIC = pytest.mark.parametrize("atomic", [atomic_file, atomic_folder])


@WRITE
def test_it_appears_when_it_is_written_and_alone(write, tmp_path):
    # Folders above it are made.
    path = tmp_path / "new" / "newer" / "name"
    write(path, "content")
    assert text_of(path) == "content"
    assert os.listdir(path.parent) == ["name"]


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    with atomic_file(str(path)) as temporary:
        # On the same file system, and of the same suffix, which is a format to many writers.
        assert temporary.parent == tmp_path and temporary.suffix == ".png"
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@ATOMIC
def test_a_path_may_be_relative_and_the_working_folder_change(atomic, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic("name") as temporary:
        assert temporary.is_absolute() and temporary.parent == tmp_path
        (temporary / "a.txt" if temporary.is_dir() else temporary).write_text("")
    assert os.listdir() == ["name"]


@ATOMIC
@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_after_an_exception_nothing_is_left(atomic, error, tmp_path):
    (tmp_path / "other").write_text("precious")
    with pytest.raises(error, match="inside"), atomic(tmp_path / "name") as temporary:
        (temporary / "a.txt" if temporary.is_dir() else temporary).write_text("half")
        raise error("inside")
    assert os.listdir(tmp_path) == ["other"]


def test_after_an_exception_the_old_file_stays(tmp_path):
    (tmp_path / "name").write_text("old")
    with pytest.raises(ValueError), atomic_file(tmp_path / "name") as temporary:
        temporary.write_text("half")
        raise ValueError
    assert os.listdir(tmp_path) == ["name"] and (tmp_path / "name").read_text() == "old"


def test_a_file_that_was_not_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "name"):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize(
    ("umask", "file", "folder"), [(0o022, 0o644, 0o755), (0o007, 0o660, 0o770)]
)
def test_permissions_are_those_of_any_new_file(umask, file, folder, tmp_path):
    before = os.umask(umask)
    try:
        write_file(tmp_path / "file", "")
        write_folder(tmp_path / "folder", "")
    finally:
        os.umask(before)
    modes = [
        stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ("file", "folder", "folder/inner", "folder/inner/a.txt")
    ]
    assert modes == [file, folder, folder, file]


@WRITE
def test_all_is_on_the_disk_before_it_gets_its_name(write, tmp_path, monkeypatch):
    events = []
    fsync = os.fsync

    def recorded(rename):
        def call(source, target):
            events.append(("renamed", os.path.basename(target)))
            rename(source, target)

        return call

    def flushed(descriptor):
        events.append(("flushed", os.fstat(descriptor).st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flushed)
    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, recorded(getattr(os, name)))
    write(tmp_path / "name", "12345")
    assert events == [("flushed", 5), ("renamed", "name")]


@WRITE
def test_a_disk_that_is_full_when_it_is_flushed(write, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "name", "content")
    assert os.listdir(tmp_path) == []


def test_a_folder_takes_the_place_of_an_empty_one(tmp_path):
    (tmp_path / "name").mkdir()
    write_folder(tmp_path / "name", "new")
    assert text_of(tmp_path / "name") == "new"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_folder_does_not_take_the_place_of_anything(kind, tmp_path):
    if kind == "folder":
        write_folder(tmp_path / "name", "old")
    else:
        write_file(tmp_path / "name", "old")
    with pytest.raises(OSError):
        write_folder(tmp_path / "name", "new")
    assert os.listdir(tmp_path) == ["name"] and text_of(tmp_path / "name") == "old"


def test_a_folder_that_another_process_has_made_meanwhile_may_stay(tmp_path):
    with atomic_folder(tmp_path / "name", exist_ok=True):
        write_folder(tmp_path / "name", "first")
    assert os.listdir(tmp_path) == ["name"] and text_of(tmp_path / "name") == "first"
    # A file in its place is no such folder.
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        write_folder(tmp_path / "file", "new", exist_ok=True)


def test_two_who_write_one_file_do_not_meet(tmp_path):
    path = tmp_path / "name"
    with atomic_file(path) as first, atomic_file(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    # The one who ends last.
    assert os.listdir(tmp_path) == ["name"] and path.read_text() == "first"


def test_a_file_that_many_write_is_whole_at_any_time(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, [0] * 10_000)

    def write_many(value):
        for _ in range(20):
            write_json(path, [value] * 10_000)

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(write_many, value) for value in range(4)]
        while not all(each.done() for each in done):
            values = read_json(path)
            assert len(values) == 10_000 and len(set(values)) == 1
        for each in done:
            each.result()
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_what_a_kill_leaves_is_known_and_removed(tmp_path):
    program = (
        "import os, signal, sys\n"
        "from tfgan.files import write_text\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_text(sys.argv[1], 'new')\n"
    )
    path = tmp_path / "a[b].txt"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", program, path])
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    (left,) = left_behind(tmp_path)
    assert left_behind(tmp_path, path.name) == [left]
    assert left_behind(tmp_path, "b].txt") == left_behind(tmp_path / "absent") == []
    # It may be of a process that is alive.
    write_text(path, "new")
    assert left_behind(tmp_path) == [left]
    remove_left_behind(tmp_path, "other")
    assert left_behind(tmp_path) == [left]
    remove_left_behind(tmp_path)
    assert os.listdir(tmp_path) == [path.name] and path.read_text() == "new"


def test_the_next_who_writes_the_same_removes_what_is_old(tmp_path):
    names = [f".writing-0000000{index}-{name}" for index, name in enumerate(["a", "a", "b"])]
    for name, age in zip(names, (2, 0.5, 2)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age * 24 * 60 * 60,) * 2)
    write_file(tmp_path / "a", "")
    assert sorted(os.listdir(tmp_path)) == [*names[1:], "a"]


def test_json_is_indented_ends_with_a_line_and_comes_back(tmp_path):
    value = {"name": "é", "values": [1, None, 0.1], "nan": math.inf}
    write_json(tmp_path / "a.json", value)
    assert (tmp_path / "a.json").read_text() == json.dumps(value, indent=2) + "\n"
    assert read_json(tmp_path / "a.json") == value
    write_json(tmp_path / "a.json", value, indent=None)
    assert (tmp_path / "a.json").read_text() == json.dumps(value) + "\n"


def test_what_is_no_json_leaves_the_file_as_it_was(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert os.listdir(tmp_path) == ["a.json"] and read_json(tmp_path / "a.json") == 1
    with pytest.raises(OSError):
        read_json(tmp_path / "absent.json")
    write_text(tmp_path / "b.json", "{")
    with pytest.raises(ValueError):
        read_json(tmp_path / "b.json")


def test_texts_are_utf8_wherever_they_are_written(tmp_path):
    write_text(tmp_path / "a.txt", "置信风险")
    assert (tmp_path / "a.txt").read_bytes() == "置信风险".encode()


@pytest.fixture
def log(tmp_path):
    return CsvLog(tmp_path / "log.csv")


def test_a_log_grows_by_a_row_at_a_time(log):
    assert log.rows() == []
    log.append({"step": 1, "seconds": "1.50", "loss": 0.125})
    CsvLog(log.path).append({"step": 2, "seconds": "2.00", "loss": math.nan})
    assert log.path.read_text() == "step,seconds,loss\n1,1.50,0.125\n2,2.00,nan\n"
    first, second = log.rows()
    assert first == {"step": 1.0, "seconds": 1.5, "loss": 0.125}
    assert second["step"] == 2.0 and math.isnan(second["loss"])


def test_a_row_is_on_the_disk_when_it_is_appended(log, monkeypatch):
    sizes = []
    monkeypatch.setattr(
        files.os, "fsync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size)
    )
    log.append({"step": 1})
    log.append({"step": 2})
    assert sizes == [len("step\n1\n"), len("step\n1\n2\n")]


def test_rows_are_cut_and_the_others_stay_as_they_were_written(log):
    for step in (1, 2, 3):
        log.append({"step": step, "seconds": f"{step:.2f}"})
    log.keep(lambda row: row["step"] <= 2)
    assert log.path.read_text() == "step,seconds\n1,1.00\n2,2.00\n"
    assert os.listdir(log.path.parent) == ["log.csv"]
    # Without rows it begins anew, with whatever columns.
    log.keep(lambda row: False)
    assert not log.path.exists()
    log.keep(lambda row: True)
    log.append({"step": 1, "loss": 2})
    assert log.path.read_text() == "step,loss\n1,2\n"


@pytest.mark.parametrize("half", ["2", "2,", "2,0.5e-", "2,0.5,7"])
def test_half_a_row_is_none(half, log):
    log.path.write_text(f"step,loss\n1,0.25\n{half}")
    assert log.rows() == [{"step": 1.0, "loss": 0.25}]
    log.keep(lambda row: True)
    assert log.path.read_text() == "step,loss\n1,0.25\n"


@pytest.mark.parametrize("header", ["", "ste", "step,loss\n"])
def test_a_log_that_was_not_begun_begins_anew(header, log):
    log.path.write_text(header)
    assert log.rows() == []
    log.keep(lambda row: True)
    log.append({"step": 1, "loss": 2})
    assert log.rows() == [{"step": 1.0, "loss": 2.0}]


def test_an_empty_log_gets_its_header(log):
    # As a power cut leaves it.
    log.path.write_text("")
    log.append({"step": 1})
    assert log.path.read_text() == "step\n1\n"


def test_columns_of_earlier_versions_are_read_and_written_by_their_names_of_now(tmp_path):
    log = CsvLog(tmp_path / "quality.csv")
    log.path.write_text("step,told_apart\n1,0.5\n2,0.75\n")
    assert log.rows() == [
        {"step": 1.0, "discriminator_auc": 0.5},
        {"step": 2.0, "discriminator_auc": 0.75},
    ]
    log.keep(lambda row: row["step"] < 2)
    log.append({"step": 3, "discriminator_auc": 0.9})
    assert log.path.read_text() == "step,discriminator_auc\n1,0.5\n3,0.9\n"
