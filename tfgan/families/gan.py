"""`--model gan`: images from noise; see `tfgan.models.gan`."""

import dataclasses
from typing import ClassVar

from tfgan.cli.flags import flag
from tfgan.cli.parser import names_of, number, number_or_none
from tfgan.families.base import COUNT, WEIGHT
from tfgan.families.from_latents import FromLatents
from tfgan.names import LOSSES, POLICIES

# Published recipes, each a set of flags; their sources stand in docs/recipes.md.
_DCGAN = {
    "--normalization": "batch",
    "--r1-gamma": "0",
    "--learning-rate": "2e-4",
    "--constant-steps": "none",
    "--beta-1": "0.5",
    "--beta-2": "0.999",
}
_UNPENALIZED = {
    "--r1-gamma": "0",
    "--constant-steps": "none",
    "--beta-1": "0",
    "--batch-size": "64",
}
PRESETS = {
    "dcgan": {**_DCGAN, "--batch-size": "128", "--latent-dim": "100"},
    "lsgan": {**_DCGAN, "--loss": "least_squares", "--batch-size": "64"},
    "wgan-gp": {
        **_UNPENALIZED,
        "--loss": "wasserstein",
        "--gradient-penalty": "10",
        "--penalty-interval": "1",
        "--discriminator-steps": "5",
        "--learning-rate": "1e-4",
        "--beta-2": "0.9",
    },
    "sngan": {
        **_UNPENALIZED,
        "--loss": "hinge",
        "--normalization": "spectral",
        "--discriminator-steps": "5",
        "--learning-rate": "2e-4",
        "--beta-2": "0.9",
    },
    "relativistic": {
        "--loss": "relativistic",
        "--r1-gamma": "1",
        "--r2-gamma": "1",
        "--penalty-interval": "1",
        "--learning-rate": "2e-4",
        "--constant-steps": "none",
        "--beta-1": "0",
        "--beta-2": "0.99",
        "--batch-size": "64",
    },
    # The networks of the two documents at their published sizes.
    "feature-vectors": {"--width": "64", "--depth": "4", "--output-kernel-size": "7"},
    "confidence-risk": {"--networks": "dense", "--width": "64"},
}


@dataclasses.dataclass(frozen=True)
class Adversarial(FromLatents):
    """What the families share that are trained against a discriminator."""

    advice: ClassVar[dict[str, str]] = FromLatents.advice | {
        "mode collapse": "Try a lower --learning-rate, a larger --r1-gamma, --augment "
        "translation,cutout",
        "overpowering discriminator": "Try a larger --r1-gamma, --augment translation,cutout, a "
        "lower --learning-rate",
    }

    loss: str = flag("non_saturating", "what generator and discriminator minimize", choices=LOSSES)
    discriminator_steps: int = flag(
        1, "update the generator at every K-th step only", COUNT, metavar="K"
    )
    r1_gamma: float | None = flag(
        None,
        "weight of the gradient penalty on real images, 0 for none",
        WEIGHT,
        metavar="GAMMA",
        shown="in proportion to the pixels, 1 at 28x28",
    )
    r2_gamma: float = flag(
        0.0, "weight of the gradient penalty on generated images", WEIGHT, metavar="GAMMA"
    )
    gradient_penalty: float = flag(
        0.0, "weight of WGAN-GP's gradient penalty", WEIGHT, metavar="LAMBDA"
    )
    penalty_interval: int = flag(
        16, "evaluate the penalties at every N-th step, N times as strongly", COUNT, metavar="N"
    )
    augment: tuple = flag(
        (),
        f"show the discriminator images changed at random: {', '.join(POLICIES)}, separated by "
        "commas; for small data sets",
        names_of(POLICIES),
        metavar="LIST",
        shown="none",
    )
    batch_size: int = flag(16, "images in a batch", COUNT, metavar="N")
    learning_rate: float = flag(
        1e-3, "of Adam, for both networks", number(float, 0, exclusive=True), metavar="RATE"
    )
    constant_steps: int | None = flag(
        3000,
        "after so many steps the rate falls with the square root of the steps; none: it stays",
        number_or_none(int, 1),
        metavar="N|none",
    )
    beta_1: float = flag(0.0, "of Adam", number(float, 0, maximum=0.999999), metavar="BETA")
    beta_2: float = flag(0.99, "of Adam", number(float, 0, maximum=0.999999), metavar="BETA")

    def compile(self, model, total_steps):
        from tfgan.optimizers import InverseSquareRootDecay

        rate = self.learning_rate
        if self.constant_steps is not None:
            rate = InverseSquareRootDecay(rate, self.constant_steps)
        model.compile(
            self.adam(rate),
            self.adam(rate),
            loss=self.loss,
            discriminator_steps=self.discriminator_steps,
            r1_gamma=self.r1_gamma,
            r2_gamma=self.r2_gamma,
            gradient_penalty_weight=self.gradient_penalty,
            penalty_interval=self.penalty_interval,
            augmentation=self.augment,
        )

    def describe(self, model):
        weights = {
            "R1": model.r1_gamma,
            "R2": model.r2_gamma,
            "gradient penalty": model.gradient_penalty_weight,
        }
        terms = [f"{name} {weight:g}" for name, weight in weights.items() if weight]
        penalties = " + ".join(terms)
        every = f"{penalties} every {model.penalty_interval} steps" if terms else "no penalty"
        return f"{self.loss} loss, {every}"


@dataclasses.dataclass(frozen=True)
class GAN(Adversarial):
    """The flags of `--model gan`."""

    name = "gan"
    summary = "images from noise"

    def build(self, dataset, seed):
        from tfgan.models import GAN

        return GAN(*self.networks.build(dataset.image_shape, self.latent_dim), seed=seed)
