"""What the flags of a family make of data sets and folders."""

import numpy as np
import pytest
from data_fixtures import save_random

from tfgan.data import tasks
from tfgan.errors import InputError
from tfgan.families import samples
from tfgan.names import TASKS
from tfgan.optimizers import LinearDecay
from tfgan.train import parse
from tfgan.training.plan import plan_of
from tfgan.training.session import compiled_model

PIX2PIX = ["--model", "pix2pix", "--width", "2", "--batch-size", "8"]
CYCLEGAN = ["--model", "cyclegan", "--width", "2", "--batch-size", "8"]
INVERTED = [*CYCLEGAN, "--domain-a", "digits", "--domain-b", "digits:inverted"]


def of(*flags):
    """The data set and the model, not yet trained, that flags of training ask for."""
    plan = plan_of(*parse([*map(str, flags)]))
    return plan.dataset, compiled_model(plan, "float32")


def grid_of(*flags):
    """The data set, the model, and the grid of images that flags of training ask for."""
    plan = plan_of(*parse([*map(str, flags)]))
    model = compiled_model(plan, "float32")
    return plan.dataset, model, *plan.family.samples(model, plan.dataset).live()


def load(*flags, split="train"):
    run, family = parse([*map(str, flags)])
    return family.load(run, split)


def test_the_tasks_of_the_command_line_are_all_there_are():
    assert list(TASKS) == list(tasks.TASKS)


def test_a_task_makes_pairs_of_any_data_set():
    flags = [*PIX2PIX, "--task", "super_resolution", "--scale", "2"]
    train = load(*flags)
    assert train.name == "digits_super_resolution_x2"
    assert train.batch_size == 8 and train.num_images == 1498
    test = load(*flags, split="test")
    assert test.batch_size == 1 and test.num_images == 299
    with pytest.raises(InputError, match="color"):
        load(*PIX2PIX, "--task", "colorize")
    with pytest.raises(InputError, match=r"needs a folder of pairs A\|B, and mnist is none"):
        load(*PIX2PIX, "--dataset", "mnist")


def test_pairs_and_domains_lie_in_folders(tmp_path):
    save_random(tmp_path / "pairs" / "train", 9, 8, 20, 3)
    save_random(tmp_path / "pairs" / "test", 2, 8, 20, 3)
    flags = [*PIX2PIX, "--dataset", tmp_path / "pairs", "--direction", "BtoA", "--jitter"]
    dataset, model = of(*flags)
    assert dataset.name == "pairs_BtoA" and dataset.jitter
    assert dataset.image_shape == dataset.condition_shape == model.image_shape == (8, 10, 3)
    test = load(*flags, split="test")
    assert test.num_images == 2 and not test.jitter

    save_random(tmp_path / "domains" / "trainA", 9, 9, 8, 3)
    save_random(tmp_path / "domains" / "trainB", 8, 12, 10)
    flags = [*CYCLEGAN, "--dataset", tmp_path / "domains"]
    with pytest.raises(InputError, match="--image-size"):
        load(*flags)
    dataset, model = of(*flags, "--image-size", "8")
    assert dataset.num_images == 17 and model.shape_a == model.shape_b == (8, 8, 3)


def test_the_rate_falls_over_the_last_steps():
    flags = [*PIX2PIX, "--task", "inpaint", "--decay-steps", "4"]
    _, model = of(*flags, "--steps", "10")
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        rate = optimizer.get_config()["learning_rate"]
        assert float(LinearDecay.from_config(rate["config"])(6)) == pytest.approx(2e-4)
        assert float(LinearDecay.from_config(rate["config"])(8)) == pytest.approx(1e-4)
        assert LinearDecay.from_config(rate["config"])(10) == 0.0
    with pytest.raises(InputError, match="at most the 3 steps"):
        of(*flags, "--steps", "3")


def test_a_grid_of_pairs_shows_condition_output_and_target():
    dataset, _, images, columns = grid_of(*PIX2PIX, "--task", "inpaint")
    assert images.shape == (3 * samples.NUM_TRANSLATED, 8, 8, 1) and columns == 12
    examples = dataset.examples(samples.NUM_TRANSLATED)
    np.testing.assert_allclose(images[0::3], (examples["condition"] + 1) / 2, atol=1e-6)
    np.testing.assert_allclose(images[2::3], (examples["image"] + 1) / 2, atol=1e-6)
    known = np.broadcast_to(examples["mask"] == 0, images[1::3].shape)
    np.testing.assert_allclose(images[1::3][known], images[2::3][known], atol=1e-6)
    assert not np.allclose(images[1::3], images[2::3])


def test_a_grid_of_two_domains_goes_there_and_back_from_both():
    dataset, model, images, columns = grid_of(*INVERTED)
    assert len(images) == 3 * samples.NUM_TRANSLATED and columns == 12
    from_a, from_b = np.split(images, 2)
    examples = dataset.examples(samples.NUM_TRANSLATED // 2)
    for part, key, there, back in (
        (from_a, "image_a", model.a_to_b, model.b_to_a),
        (from_b, "image_b", model.b_to_a, model.a_to_b),
    ):
        np.testing.assert_allclose(part[0::3], (examples[key] + 1) / 2, atol=1e-6)
        np.testing.assert_allclose(part[1::3], there(part[0::3]), atol=1e-5)
        np.testing.assert_allclose(part[2::3], back(part[1::3]), atol=1e-5)


def test_gray_images_stand_beside_colored_ones():
    gray, colors = np.full((2, 4, 4, 1), 0.5), np.zeros((2, 4, 4, 4))
    images, columns = samples.groups(gray, colors)
    assert images.shape == (4, 4, 4, 4) and columns == 8
    np.testing.assert_array_equal(images[0::2, ..., :3], 0.5)
    np.testing.assert_array_equal(images[0::2, ..., 3], 1.0)


@pytest.mark.parametrize("flags", [[*PIX2PIX, "--task", "inpaint"], INVERTED])
def test_a_probe_finds_weights_that_overflow(flags):
    _, model = of(*flags)
    assert np.isfinite(model.probe()).all()
    for average, _ in model.ema_pairs():
        average.weights[0].assign(average.weights[0] * np.inf)
    assert not np.isfinite(model.probe()).all()
