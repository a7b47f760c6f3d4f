"""What a run reads of its own quality: the numbers themselves, and that nothing changes by it."""

import dataclasses
import math

import numpy as np
import pytest
from conftest import dense_gan, make_gan, random_batch, step_by_operation
from scipy.spatial.distance import cdist

import tfgan
from benchmarks.alarms import collapsing
from tfgan import data
from tfgan.metrics import frechet_distance, frechet_error
from tfgan.metrics.frechet import GaussianStatistics
from tfgan.training.loop import NotFiniteError
from tfgan.training.monitor import curve
from tfgan.training.monitor.alarms import has_collapsed, is_diverse
from tfgan.training.monitor.curve import FEWEST_IMAGES, QualityEvaluator, evaluator_for, interval_of


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", 32), data.load("digits", 1, split="test")


def pixels(images):
    """Images in [0, 1] as rounded to 256 levels, float64 [N, D]."""
    return np.round(255.0 * np.asarray(images)).reshape(len(images), -1) / 255.0


def test_the_numbers_are_those_of_the_pixels(digits):
    # 64 principal components of 64 pixels turn them, which no distance minds.
    gan = dense_gan()
    gan.step.assign(1)
    for weight in gan.ema_generator.weights:
        weight.assign(0.5 * weight)
    evaluator = QualityEvaluator(gan, *digits, "held-out")
    reading = evaluator.evaluate()
    real = pixels(digits[1].images / 255.0)
    assert evaluator.compared_with == "299 held-out images"
    drawn = pixels(gan.generate(np.arange(250)))
    assert reading.step == 1
    assert reading.frechet_distance == pytest.approx(frechet_distance(real, drawn), rel=1e-3)
    error = frechet_error(GaussianStatistics.from_features(real), drawn)
    assert reading.error == pytest.approx(error, rel=1e-2)

    # The generator as it is trained, not its average.
    latents = tfgan.noise.latents_from_seeds(np.arange(100), 6)
    images = gan.generator(latents, training=False)
    live = pixels((images + 1.0) / 2.0)
    diversity = live.var(axis=0, ddof=1).sum() / real.var(axis=0, ddof=1).sum()
    assert reading.diversity == pytest.approx(diversity, rel=1e-3)
    distances = cdist(live, live) + np.diag(np.full(100, np.inf))
    nearest = np.median(distances.min(axis=1))
    assert reading.nearest_pair * evaluator.real_nearest == pytest.approx(nearest, rel=1e-3)
    fakes, reals = (
        np.ravel(gan.discriminator(each, training=False))
        for each in (images, evaluator.training_images)
    )
    wins = [(real > fake) + 0.5 * (real == fake) for real in reals for fake in fakes]
    assert reading.discriminator_auc == pytest.approx(np.mean(wins), abs=1e-3)


def test_what_is_read_follows_from_the_weights(digits):
    gan = dense_gan()
    first = QualityEvaluator(gan, *digits, "held-out")
    assert first.evaluate() == first.evaluate()
    # As in a process that resumes.
    assert QualityEvaluator(gan, *digits, "held-out").evaluate() == first.evaluate()


def weights_of(gan):
    variables = [*gan.variables, *gan.generator_optimizer.variables]
    variables += [*gan.discriminator_optimizer.variables]
    return [np.array(variable) for variable in variables]


@pytest.mark.parametrize(
    "normalization", [pytest.param("batch", marks=pytest.mark.slow), "spectral"]
)
def test_reading_changes_no_bit_of_the_training(normalization, digits):
    results = []
    for is_read in (False, True):
        discriminator = tfgan.convolutional_discriminator(
            (8, 8, 1), width=4, depth=2, normalization=normalization
        )
        discriminator.set_weights(
            [np.random.default_rng(0).normal(size=w.shape) for w in discriminator.get_weights()]
        )
        gan = make_gan(discriminator=discriminator, r1_gamma=0.0)
        evaluator = QualityEvaluator(gan, *digits, "held-out") if is_read else None
        with step_by_operation():
            for seed in range(2):
                gan.train_step(random_batch(seed=seed))
                if evaluator:
                    before = weights_of(gan)
                    evaluator.evaluate()
                    for value, expected in zip(weights_of(gan), before, strict=True):
                        np.testing.assert_array_equal(value, expected)
        results.append(weights_of(gan))
    for value, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("outputs", [1, 3, 10])
def test_a_frozen_generator_reads_as_collapsed(outputs, digits):
    gan = dense_gan()
    gan.generator = collapsing(gan.generator, outputs, 5, gan.step)
    evaluator = QualityEvaluator(gan, *digits, "held-out")
    healthy = evaluator.evaluate()
    gan.step.assign(5)
    collapsed = evaluator.evaluate()
    assert collapsed.nearest_pair == 0.0
    assert (collapsed.diversity < 1e-9) == (outputs == 1)
    assert has_collapsed(collapsed) and is_diverse(healthy)
    # The average has not learned of it yet.
    assert collapsed.frechet_distance == healthy.frechet_distance


def test_latents_that_shrink_read_as_collapsed(digits):
    gan = dense_gan()
    gan.generator = collapsing(gan.generator, None, 100, gan.step)
    evaluator = QualityEvaluator(gan, *digits, "held-out")
    readings = []
    for step in (100, 150, 200, 600):
        gan.step.assign(step)
        readings.append(evaluator.evaluate())
    diversities = [reading.diversity for reading in readings]
    assert diversities == sorted(diversities, reverse=True)
    assert has_collapsed(readings[-1]) and is_diverse(readings[0])


def test_a_discriminator_that_knows_is_read_as_one(digits):
    for factor, expected in ((1.0, 1.0), (-1.0, 0.0), (0.0, 0.5)):
        gan = dense_gan(factor=factor)
        # Black images: no digit is as dark.
        gan.generator.set_weights([np.zeros((6, 64)), np.full(64, -10.0)])
        assert QualityEvaluator(gan, *digits, "held-out").evaluate().discriminator_auc == expected


def test_a_conditional_generator_is_asked_for_what_training_images_show(digits, monkeypatch):
    condition = tfgan.LabelCondition(10)
    networks = [
        build((8, 8, 1), width=4, depth=2, condition=condition.encoder())
        for build in (tfgan.convolutional_generator, tfgan.convolutional_discriminator)
    ]
    gan = tfgan.ConditionalGAN(*networks, condition)
    asked = []
    generate = gan.generate
    monkeypatch.setattr(
        gan, "generate", lambda seeds, labels: asked.extend(labels) or generate(seeds, labels)
    )
    evaluator = QualityEvaluator(gan, *digits, "held-out")
    reading = evaluator.evaluate()
    assert 0.0 <= reading.discriminator_auc <= 1.0
    counts = np.bincount(asked, minlength=10)
    assert len(asked) == 250 and counts.min() > 10


def test_the_components_were_not_fitted_to_the_images_of_the_floor(digits, monkeypatch):
    train, test = digits
    monkeypatch.setattr(curve, "_NUM_FITTED", 500)
    evaluator = QualityEvaluator(dense_gan(), train, test, "held-out")
    order = np.random.default_rng(0).permutation(train.num_images)
    real, floor = (
        evaluator.extractor(each)[0] for each in (test.images, train.images[order[500:750]])
    )
    assert evaluator.floor == pytest.approx(frechet_distance(real, floor))


def test_an_autoencoder_has_nobody_to_tell_apart(digits):
    discriminator = tfgan.convolutional_discriminator((8, 8, 1), width=4, depth=2)
    generator = tfgan.convolutional_generator((8, 8, 1), 6, width=4, depth=2)
    vae = tfgan.VAE(tfgan.encoder_of(discriminator, 6), generator)
    reading = QualityEvaluator(vae, *digits, "held-out").evaluate()
    assert math.isnan(reading.discriminator_auc) and reading.frechet_distance > reading.floor


def test_where_there_is_no_test_split_other_training_images_are_compared_with(tmp_path):
    from PIL import Image

    random = np.random.default_rng(0)
    for index in range(41):
        image = random.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / f"{index}.png")
    dataset = data.load(tmp_path, 8)
    evaluator = evaluator_for(dense_gan(), dataset, None)()
    assert evaluator.compared_with == "20 training images"
    # None of them stands on both sides.
    assert evaluator.floor > 0
    assert np.isfinite(dataclasses.astuple(evaluator.evaluate())).all()


def test_a_data_set_with_a_test_split_is_compared_with_it(digits):
    evaluator = evaluator_for(dense_gan(), *digits)()
    assert evaluator.compared_with == "299 held-out images"


@pytest.mark.parametrize(("shape", "size"), [((40, 80), (16, 32)), ((32, 9), (32, 9))])
def test_large_images_are_made_small(shape, size):
    images = np.random.default_rng(0).integers(0, 256, (30, *shape, 3), np.uint8)
    images[:, : shape[0] // 2] = 0
    dataset = data.ImageDataset("noise", images, None, None, 10, 0)
    gan = make_gan((*shape, 3), width=2)
    evaluator = QualityEvaluator(gan, dataset, dataset, "training")
    assert evaluator.size == size
    small = evaluator.small_images_of(dataset)
    assert small.shape == (30, *size, 3) and small.dtype == np.uint8
    # The mean of what a small pixel covers: a black half stays black, and the other as bright.
    assert small[:, : size[0] // 2].max() == 0
    assert small[:, size[0] // 2 :].mean() == pytest.approx(images.mean() * 2, rel=0.01)
    if size == shape:
        np.testing.assert_array_equal(small, images)
    assert np.isfinite(dataclasses.astuple(evaluator.evaluate())[:-1]).all()


def test_images_that_are_not_finite_stop_the_run(digits):
    gan = dense_gan()
    evaluator = QualityEvaluator(gan, *digits, "held-out")
    gan.step.assign(7)
    gan.generator.set_weights([np.full((6, 64), math.nan), np.zeros(64)])
    with pytest.raises(NotFiniteError, match="images became infinite or NaN at step 7"):
        evaluator.evaluate()


def test_the_interval_is_so_many_images():
    assert [interval_of(size) for size in (1, 16, 64, 4096)] == [4000, 250, 62, 50]
    assert FEWEST_IMAGES >= 4
