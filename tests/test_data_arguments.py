"""What the public functions of `tfgan.data` refuse, by the argument's name."""

import numpy as np
import pytest
from data_fixtures import save_random

from tfgan.data import load
from tfgan.data.pairs import load_pairs, pairs_of
from tfgan.data.unpaired import load_unpaired, load_unpaired_folder
from tfgan.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    for name in ("train", "trainA", "trainB"):
        save_random(root / name, 2, 4, 8)
    return root


LOADERS = {
    "load": lambda folder, batch_size=1, **kwargs: load("digits", batch_size, **kwargs),
    "load_pairs": load_pairs,
    "load_unpaired": lambda folder, batch_size=1, **kwargs: load_unpaired(
        "digits", "digits:inverted", batch_size, **kwargs
    ),
    "load_unpaired_folder": load_unpaired_folder,
}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("image_size", each) for each in [(5, 7, 3), (5,), (), "32", 8.0, (8, 8.5), True, {8}]),
        *(("image_size", each) for each in [(None, 8), np.zeros((2, 2)), b"ab"]),
        *(("batch_size", each) for each in [0, -1, 2.0, "2", None, True]),
        *(("channels", each) for each in [0, 2, 5, 3.0, "3", True, (3,)]),
        *(("seed", each) for each in ["0", 0.5, None, 2**64, True]),
        *(("split", each) for each in [None, 0, ["train"]]),
    ],
)
def test_a_wrong_argument_is_named(folder, loader, argument, value):
    arguments = {"batch_size": 1, argument: value}
    name = "batch.size" if argument == "batch_size" else argument
    with pytest.raises(InputError, match=rf"{name} must be .*Received: ") as error:
        LOADERS[loader](folder, **arguments)
    assert "\n" not in str(error.value)


def test_an_empty_text_is_not_the_current_folder():
    for call in (
        lambda: load("", 1),
        lambda: load_pairs("", 1),
        lambda: load_unpaired_folder("", 1),
        lambda: load_unpaired("digits", ":inverted", 1),
    ):
        with pytest.raises(InputError, match=r"is empty\. Give a name or a folder"):
            call()


@pytest.mark.parametrize("path", [None, 3, b"digits", ["digits"], np.zeros(3)])
def test_what_is_no_path_is_refused(path):
    for function, names in (
        (load, "name_or_folder"),
        (load_pairs, "path"),
        (load_unpaired_folder, "path"),
    ):
        with pytest.raises(InputError, match=rf"{names} must be a text or a path"):
            function(path, 1)
    with pytest.raises(InputError, match="domain_b must be a text or a path"):
        load_unpaired("digits", path, 1)
    if path is not None:
        with pytest.raises(InputError, match="data_dir must be a text or a path"):
            load("mnist", 1, data_dir=path)


@pytest.mark.parametrize("size", [8, np.int64(8), (8, 8), [8, 8], (np.int32(8), 8)])
def test_whole_numbers_of_every_kind_are_sizes(size):
    assert load("digits", np.int64(4), image_size=size).image_shape == (8, 8, 1)


@pytest.mark.parametrize("step", [-1, 0.5, "0", None])
def test_what_is_no_step_is_refused(step):
    with pytest.raises(InputError, match="start_step must be"):
        load("digits", 4).batches(step)


@pytest.mark.parametrize("dataset", ["digits", None, np.zeros((4, 8, 8, 1))])
def test_pairs_are_made_of_a_data_set(dataset):
    with pytest.raises(InputError, match="dataset must be an ImageDataset"):
        pairs_of(dataset, "inpaint")
