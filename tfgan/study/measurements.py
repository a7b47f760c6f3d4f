"""What a latent study measures of a run: what it draws, what it cannot draw, and its features."""

import dataclasses

import keras
import numpy as np

from tfgan import data
from tfgan.latent.inversion import invert
from tfgan.metrics.card import MetricCard
from tfgan.metrics.extractors import extractor_for
from tfgan.metrics.frechet import frechet_distance
from tfgan.metrics.geometry import direction_cosine, feature_geometry
from tfgan.metrics.neighbours import neighbour_scores
from tfgan.plotting import to_uint8
from tfgan.study.flop import step_flop
from tfgan.training.checkpoint import Checkpoints
from tfgan.training.monitor.best_weights import BestWeights
from tfgan.training.monitor.curve import is_watched
from tfgan.training.plan import plan_of
from tfgan.training.session import compiled_model
from tfgan.versions import package_versions

NUM_IMAGES = 10_000
# A side of the nearest-neighbour metrics, whose cost grows with the square.
NUM_NEIGHBOURS = 5_000
# Whose features are looked at inside generator and discriminator.
NUM_INSIDE = 2_000
NEIGHBOUR = 5
NUM_INVERTED = 32
INVERSION = {"restarts": 4, "steps": 100}


class Evaluator:
    """The images of a split that no training has seen, and features to compare by.

    Args:
        dataset: the name of a data set with the splits `train` and `test`.
        data_dir: TFDS' folder.
        image_size: the size to which real images are brought, or None.

    Attributes:
        card: the conditions of its numbers, a `MetricCard`.

    Raises:
        InputError: there is no such data set or split.
    """

    def __init__(self, dataset, data_dir=None, image_size=None):
        train = data.load(dataset, 1, image_size, data_dir)
        test = data.load(dataset, 1, image_size, data_dir, split="test")
        self._extractor = extractor_for("auto", train, test)
        unseen = self._extractor.unseen_of(train.num_images)
        random = np.random.default_rng(0)
        self.real = test.images[np.sort(random.permutation(test.num_images)[:NUM_IMAGES])]
        self._floor = train.images[np.sort(random.permutation(unseen)[:NUM_IMAGES])]
        self._random_order = random.permutation(len(self.real))
        self._real_features, _ = self._extractor(self.real)
        self.card = MetricCard(
            features=self._extractor.name,
            digest=self._extractor.digest,
            data=train.name,
            split="test",
            num_real=len(self.real),
            num_generated=NUM_IMAGES,
            num_floor=len(self._floor),
            num_neighbours=min(len(self.real), len(self._floor), NUM_NEIGHBOURS),
            k=NEIGHBOUR,
            image_shape=tuple(test.image_shape),
            resize="none" if image_size is None else "center crop and Lanczos",
            seed=0,
            versions=tuple(package_versions().items()),
        )

    @property
    def targets(self):
        """Images that a generator shall draw again, float32 [N, H, W, C] in [0, 1]."""
        chosen = self._random_order[:NUM_INVERTED]
        return self.real[chosen].astype(np.float32) / 255

    def scores(self, images):
        """How far images uint8 [N, H, W, C] are from the real ones, and how varied: a dict."""
        features, _ = self._extractor(images)
        few = self.card.num_neighbours
        # The first of the generated ones are as good as any: they come in no order.
        real = self._real_features[self._random_order[:few]]
        found = neighbour_scores(real, features[:few], NEIGHBOUR)
        spreads = [np.sqrt(side.var(axis=0).sum()) for side in (features, self._real_features)]
        return {
            "frechet_distance": frechet_distance(self._real_features, features),
            "precision": found.precision,
            "recall": found.recall,
            "coverage": found.coverage,
            "diversity": float(spreads[0] / spreads[1]),
        }

    def floor(self):
        """The scores of real training images, which a perfect generator would have: a dict."""
        return self.scores(np.random.default_rng(0).permutation(self._floor))


def restored(run, family, run_folder):
    """The model of a finished run, as its last checkpoint has it.

    Args:
        run, family: what it was asked for, as `tfgan.cli.train_flags.parse` returned it.
        run_folder: its `RunFolder`.
    """
    plan = plan_of(run, family)
    model = compiled_model(plan, run_folder.settings["precision"])
    best = BestWeights(model) if is_watched(model, plan.dataset) else None
    Checkpoints(run_folder.checkpoints, model, best=best).restore()
    return model


def measured(model, generator, evaluator):
    """All numbers of a model.

    Args:
        model: a `tfgan.GAN`.
        generator: the `LatentGenerator` of what was exported of it: its last weights, or its best.
        evaluator: an `Evaluator`.

    Returns:
        A dict of numbers: `Evaluator.scores`; the mean square `reconstruction_error` of a pixel of
        test images; the `parameters` of both networks and the `mflop` of a training step per image;
        and of the features behind the latents and before the logit what `inside` says.
    """
    seeds = np.arange(NUM_IMAGES)
    drawn = np.clip(generator.draw(generator.latents(seeds)), 0, 1)
    found = invert(generator, evaluator.targets, **INVERSION)
    networks = (model.generator, model.discriminator)
    return {
        **evaluator.scores(to_uint8(drawn)),
        "reconstruction_error": float(found.errors.mean()),
        "parameters": sum(network.count_params() for network in networks),
        "mflop": step_flop(*networks) / 1e6,
        **inside(model, generator, evaluator.real[:NUM_INSIDE] / 127.5 - 1, drawn),
    }


def inside(model, generator, real, drawn):
    """Size and direction of the features at the narrow ends of both networks.

    That is what the generator makes of its latents first, behind the activation, and what the
    discriminator decides by in the end.

    Args:
        model: a `tfgan.GAN`.
        generator: a `LatentGenerator`.
        real: real images, float [N, H, W, C] in [-1, 1].
        drawn: generated ones, float [M, H, W, C] in [0, 1].

    Returns:
        A dict of numbers: the fields of `FeatureGeometry` behind `generator_`, `real_` and `fake_`,
        the last two of the discriminator, and the `real_fake_cosine` of its mean directions.
    """
    head = model.discriminator.get_layer("logits")
    head_input = keras.Model(model.discriminator.input, head.input)
    real_features, fake_features = (
        head_input.predict(images, batch_size=256, verbose=0)
        for images in (real, drawn[:NUM_INSIDE] * 2 - 1)
    )
    first = generator.activations(generator.latents(np.arange(NUM_INSIDE)))
    sets = {
        "generator": first.reshape(len(first), -1),
        "real": real_features,
        "fake": fake_features,
    }
    found = {
        f"{name}_{field}": value
        for name, features in sets.items()
        for field, value in dataclasses.asdict(feature_geometry(features)).items()
    }
    return found | {"real_fake_cosine": direction_cosine(real_features, fake_features)}
