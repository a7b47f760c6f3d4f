"""`tfgan.export.saved_models`: which version a path means."""

import pytest

from tfgan.errors import InputError
from tfgan.export.saved_models import find, name_of, versions


def add(folder, name, complete=True):
    (folder / name).mkdir(parents=True)
    if complete:
        (folder / name / "saved_model.pb").touch()
    return folder / name


def test_versions_are_numbers_in_ascending_order(tmp_path):
    for name in ("10", "1", "2", "tmp", ".writing-01234567-3", "1.5", "-4", "v5", "6 "):
        add(tmp_path, name)
    assert list(versions(tmp_path)) == [1, 2, 10]


def test_an_empty_folder_has_no_versions(tmp_path):
    assert versions(tmp_path) == {}


def test_a_version_may_have_leading_zeros(tmp_path):
    (tmp_path / "0000003").mkdir()
    (tmp_path / "0000003" / "saved_model.pb").touch()
    assert find(tmp_path) == tmp_path / "0000003"


def test_the_newest_version_is_found(tmp_path):
    for name in ("2", "10", "9", "tmp"):
        add(tmp_path, name)
    assert find(tmp_path) == tmp_path / "10"
    assert find(str(tmp_path)) == tmp_path / "10"


def test_an_incomplete_version_is_passed_over(tmp_path):
    add(tmp_path, "3")
    add(tmp_path, "4", complete=False)
    (tmp_path / "5").touch()
    assert find(tmp_path) == tmp_path / "3"


@pytest.mark.parametrize("name", ["1", "tmp"])
def test_a_saved_model_s_own_folder_is_taken_as_it_is(tmp_path, name):
    add(tmp_path, "2")
    folder = add(tmp_path, name)
    add(folder, "7")
    assert find(folder) == folder


def test_a_folder_without_a_complete_version_is_refused(tmp_path):
    add(tmp_path, "1", complete=False)
    add(tmp_path, "tmp")
    with pytest.raises(InputError) as error:
        find(tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "1/saved_model.pb" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(InputError, match="no such folder") as error:
            find(path)
        assert str(path) in str(error.value)


def test_a_models_name_is_its_folders(tmp_path, monkeypatch):
    assert name_of(add(tmp_path / "digits_gan", "12")) == "digits_gan"
    assert name_of(add(tmp_path, "lone")) == "lone"
    monkeypatch.chdir(tmp_path / "digits_gan")
    assert name_of("12") == "digits_gan"
