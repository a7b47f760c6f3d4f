"""Two domains without pairs: folders, data sets, classes and variants."""

from itertools import islice

import numpy as np
import pytest
from data_fixtures import save_random

from tfgan.data import load
from tfgan.data.unpaired import load_unpaired, load_unpaired_folder
from tfgan.errors import InputError


@pytest.mark.parametrize(
    "epoch", [1, *(pytest.param(epoch, marks=pytest.mark.slow) for epoch in (2, 5))]
)
def test_a_batch_is_a_function_of_seed_and_step(epoch):
    domains = load_unpaired("digits:colored", "digits:3", batch_size=8, seed=4, jitter=True)
    assert domains.b.steps_per_epoch < domains.a.steps_per_epoch == domains.steps_per_epoch
    # Of two batches the second is of another epoch of the smaller domain.
    start = epoch * domains.b.steps_per_epoch - 1
    skipped = islice(domains.batches().skip(start), 2)
    for first, second in zip(skipped, domains.batches(start)):
        assert first.keys() == second.keys() == {"image_a", "image_b"}
        for key in first:
            np.testing.assert_array_equal(first[key], second[key])
    spec = domains.batches().element_spec
    assert spec["image_a"].shape == spec["image_b"].shape == (8, 8, 8, 3)


def test_two_domains_of_one_data_set_do_not_come_in_pairs():
    domains = load_unpaired("digits", "digits:inverted", batch_size=100)
    assert domains.name == "digits_to_digits_inverted"
    batch = next(iter(domains))
    assert not np.allclose(batch["image_b"], -batch["image_a"])
    found = domains.examples(50)
    np.testing.assert_array_equal(found["image_b"], -found["image_a"])
    np.testing.assert_array_equal(found["label_b"], found["label_a"])


def test_every_image_comes_once_an_epoch_of_its_domain():
    domains = load_unpaired("digits:0", "digits", batch_size=20)
    images = np.concatenate([b["image_a"] for b in islice(domains, 2 * domains.a.steps_per_epoch)])
    for epoch in np.split(images, 2):
        # Two of the images may be equal.
        assert len(np.unique(epoch, axis=0)) > len(epoch) - 3


def test_classes_categories_and_variants_in_any_number():
    domains = load_unpaired(
        "shapes:striped:red_circle:thick:inverted", "shapes:dotted", 10, split="test"
    )
    chosen = domains.a.dataset
    assert {chosen.class_names[label] for label in chosen.labels} == {"red circle"}
    assert set(chosen.attributes[:, 2]) == {1}
    assert len(chosen.captions.rows) == chosen.num_images
    assert domains.a.name == "shapes_striped_red_circle_thick_inverted"
    # The page was white.
    np.testing.assert_array_equal(domains.examples(3)["image_a"][:, 0, 0], -np.ones((3, 3)))


def test_the_poorer_domain_gets_the_channels_of_the_richer(tmp_path):
    save_random(tmp_path / "rgba", 4, 8, 8, 4)
    domains = load_unpaired("digits", tmp_path / "rgba", batch_size=2)
    assert domains.image_shape == (8, 8, 4)
    image = domains.examples(1)["image_a"][0]
    np.testing.assert_array_equal(image[..., 0], image[..., 2])
    assert np.all(image[..., 3] == 1)
    assert load_unpaired("digits:colored", "digits", 2).image_shape == (8, 8, 3)


def test_folders_of_two_domains(tmp_path):
    for name, count, size in [("trainA", 5, 9), ("trainB", 3, 12), ("testA", 2, 9)]:
        save_random(tmp_path / name, count, size, size, 3)
    with pytest.raises(InputError, match=r"different sizes.*9x9.*12x12.*--image-size"):
        load_unpaired_folder(tmp_path, batch_size=2)
    domains = load_unpaired_folder(tmp_path, batch_size=2, image_size=8)
    assert domains.name == tmp_path.name
    assert (domains.a.num_images, domains.b.num_images, domains.steps_per_epoch) == (5, 3, 2)
    np.testing.assert_array_equal(
        domains.examples(9)["image_b"],
        load(tmp_path / "trainB", 1, 8).images / np.float32(127.5) - 1,
    )
    with pytest.raises(
        InputError, match=r"no subfolder 'testB', but testA, trainA, trainB\..*testB"
    ):
        load_unpaired_folder(tmp_path, batch_size=1, image_size=8, split="test")
    (tmp_path / "testB").mkdir()
    with pytest.raises(InputError, match=r"no images.*testB") as error:
        load_unpaired_folder(tmp_path, batch_size=1, image_size=8, split="test")
    assert "\n" not in str(error.value)


def test_a_folder_with_a_colon_in_its_name(tmp_path):
    save_random(tmp_path / "12:30", 3, 8, 8)
    folder = str(tmp_path / "12:30")
    assert load_unpaired(folder, f"{tmp_path}/12:30", batch_size=1).num_images == 6


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ("digits:thik", r"'digits:thik' has no variant, class or category 'thik'.*mean thick\?"),
        ("digits:12", r"or what it shows: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\."),
        ("digits:", r"no variant, class or category ''"),
        ("digits:3:4", r"'digits:3:4' has 0 images, fewer than a batch of 4"),
        ("dgits:thick", r"no data set 'dgits'"),
        ("shapes", r"different sizes .*8x8.*32x32.*--image-size"),
        pytest.param(
            "shapes:brown",
            r"one of inverted, .*: circle, square, .*, \.\.\.\.",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_mistakes_are_told_in_one_line(domain, message):
    with pytest.raises(InputError, match=message) as error:
        load_unpaired("digits", domain, batch_size=4)
    assert "\n" not in str(error.value)


@pytest.mark.mnist
def test_a_version_of_tfds_is_no_variant(mnist_data_dir):
    domains = load_unpaired(
        "mnist:3.0.1:7:thick", "digits", 50, 16, data_dir=mnist_data_dir, split="test"
    )
    assert domains.image_shape == (16, 16, 1)
    assert set(domains.examples(20)["label_a"]) == {7}
