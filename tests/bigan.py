"""A family that the package does not know: a small BiGAN (Donahue et al. 2016, arXiv 1605.09782).

Two files of one name in one: the model for the reader of the paper, the family for the command.
docs/contributing.md quotes it.
"""

import dataclasses

import keras
import tensorflow as tf

from tfgan.cli.flags import flag
from tfgan.families.base import COUNT
from tfgan.families.from_latents import FromLatents
from tfgan.losses import LOSSES
from tfgan.models.base import GenerativeModel, float32_twin, require_finite
from tfgan.optimizers import adam
from tfgan.serving.latents import add_encoder, served_from_latents


@keras.saving.register_keras_serializable("bigan")
class BiGAN(GenerativeModel):
    """An encoder and a generator against a discriminator of pairs of images and latents."""

    networks = ("encoder", "generator", "discriminator")
    ema_networks = ("encoder", "generator")
    optimizers = ("generator_optimizer", "discriminator_optimizer")

    def __init__(self, encoder, generator, discriminator, **kwargs):
        super().__init__(generator, **kwargs)
        self.encoder, self.discriminator = encoder, discriminator
        self.average_encoder = float32_twin(encoder)
        self.generator_loss_mean = keras.metrics.Mean(name="generator_loss")
        self.discriminator_loss_mean = keras.metrics.Mean(name="discriminator_loss")
        self.built = True

    @property
    def metrics(self):
        return [self.generator_loss_mean, self.discriminator_loss_mean]

    @property
    def generator_weights(self):
        return self.encoder.trainable_variables + self.generator.trainable_variables

    def compile(self, generator_optimizer=None, discriminator_optimizer=None, **kwargs):
        super().compile(**kwargs)
        self.set_optimizers(
            generator_optimizer=(generator_optimizer or adam(), self.generator_weights),
            discriminator_optimizer=(
                discriminator_optimizer or adam(),
                self.discriminator.trainable_variables,
            ),
        )

    @tf.function
    def train_step(self, batch):
        images = batch["image"]
        latents = self.training_latents(tf.shape(images)[0])
        loss = LOSSES["non_saturating"]

        # Forward: real pairs (x, E(x)) and generated ones (G(z), z); equation 3.
        with tf.GradientTape(persistent=True) as tape:
            real_logits = self.discriminator([images, self.encoder(images, training=True)])
            fake_logits = self.discriminator([self.generator(latents, training=True), latents])
            discriminator_loss = require_finite(
                loss.discriminator(real_logits, fake_logits), "discriminator loss"
            )
            # Encoder and generator each deceive from their own side.
            generator_loss = require_finite(
                loss.generator(real_logits, fake_logits)
                + loss.generator(fake_logits, -real_logits),
                "generator loss",
            )

        # Update.
        weights = self.discriminator.trainable_variables
        updates = (
            (self.discriminator_optimizer, discriminator_loss, weights),
            (self.generator_optimizer, generator_loss, self.generator_weights),
        )
        gradients = [
            self.gradients(tape, objective, variables, optimizer)
            for optimizer, objective, variables in updates
        ]
        for (optimizer, _, variables), each in zip(updates, gradients):
            self.apply_gradients(optimizer, each, variables)
        self.update_ema()
        self.step.assign_add(1)

        # Report.
        self.generator_loss_mean.update_state(generator_loss)
        self.discriminator_loss_mean.update_state(discriminator_loss)
        return {metric.name: metric.result() for metric in self.metrics}

    def discriminate(self, images, latents=None, condition=None):
        if latents is None:
            latents = self.encoder(images, training=False)
        return self.discriminator([images, latents], training=False)

    def encode(self, images):
        return self.ema_encoder(2.0 * images - 1.0, training=False)

    def reconstruct(self, images):
        return (self.ema_generator(self.encode(images), training=False) + 1.0) / 2.0

    def signatures(self):
        served = served_from_latents(self)
        add_encoder(served, self)
        return served


@dataclasses.dataclass(frozen=True)
class BiGANFamily(FromLatents):
    """The flags of `--model bigan`."""

    name = "bigan"
    summary = "images from noise, and noise from images, against a discriminator of both"
    advice = {"overpowering discriminator": "Try a smaller --units"}  # noqa: RUF012

    units: int = flag(32, "units of the discriminator's layer on latents", COUNT, metavar="N")
    beta_1: float = flag(0.5, "of Adam", float, metavar="BETA")

    def build(self, dataset, seed):
        generator, discriminator = self.networks.build(dataset.image_shape, self.latent_dim)
        # The encoder is a discriminator of its own, with latents in place of the logit.
        _, body = self.networks.build(dataset.image_shape, self.latent_dim)
        features = keras.layers.Flatten()(body.layers[-1].input)
        encoder = keras.Model(
            body.input, keras.layers.Dense(self.latent_dim, dtype="float32")(features)
        )
        # The discriminator joins the features of an image and those of latents.
        features_of = keras.Model(discriminator.input, discriminator.layers[-1].input)
        images, latents = keras.Input(dataset.image_shape), keras.Input((self.latent_dim,))
        joint = keras.layers.Concatenate()(
            [
                keras.layers.Flatten()(features_of(images)),
                keras.layers.Dense(self.units, "relu")(latents),
            ]
        )
        logits = keras.layers.Dense(1, dtype="float32")(joint)
        return BiGAN(encoder, generator, keras.Model([images, latents], logits), seed=seed)

    def compile(self, model, total_steps):
        model.compile(self.adam(), self.adam())

    def describe(self, model):
        return "loss of pairs of images and latents"
