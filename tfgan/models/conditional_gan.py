"""The conditional GAN (条件生成对抗网络) of Mirza and Osindero 2014."""

import keras
import numpy as np
import tensorflow as tf

from tfgan.errors import InputError
from tfgan.models.adversarial import AdversarialModel
from tfgan.models.base import require_finite
from tfgan.noise import latents_from_seeds


@keras.saving.register_keras_serializable("tfgan")
class ConditionalGAN(AdversarialModel):
    """A GAN whose two networks are both conditioned on what the image shows.

    Args:
        generator: functional model, `[latents, condition]` -> float [N, H, W, C] in [-1, 1].
        discriminator: functional model, `[images, condition]` -> logits.
        condition: what both take, such as `tfgan.LabelCondition(10)` or a
            `tfgan.TextCondition`.
        **kwargs: as in `AdversarialModel`.

    Example:
        >>> from tfgan import data
        >>> digits = data.load("digits", batch_size=64)
        >>> condition = tfgan.LabelCondition(10)
        >>> gan = tfgan.ConditionalGAN(
        ...     tfgan.convolutional_generator(digits.image_shape, condition=condition.encoder()),
        ...     tfgan.convolutional_discriminator(
        ...         digits.image_shape, condition=condition.encoder()
        ...     ),
        ...     condition,
        ... )
        >>> gan.compile()
        >>> gan.fit(
        ...     digits.batches(), epochs=50, steps_per_epoch=digits.steps_per_epoch, shuffle=False
        ... )
        >>> sevens = gan.generate([0, 1, 2], [7, 7, 7])

    Reference:
        Mirza and Osindero 2014 (arXiv 1411.1784), equation 2.
    """

    num_inputs = 2

    def __init__(self, generator, discriminator, condition, **kwargs):
        if not hasattr(condition, "encoded_spec"):
            raise InputError(
                "condition must be a LabelCondition, a TextCondition or the like. "
                f"Received: {type(condition).__name__}"
            )
        super().__init__(generator, discriminator, **kwargs)
        for name in self.networks:
            received = getattr(self, name).inputs[1]
            if not condition.encoded_spec.shape.is_compatible_with(received.shape):
                raise InputError(
                    f"the {name} must take the condition, of shape "
                    f"{condition.encoded_spec.shape}. Received: an input of {received.shape}"
                )
        self.condition = condition
        # In a graph of its own, since conditions differ from model to model.
        seeds_spec = tf.TensorSpec([None], tf.int64, name="seeds")
        self.generate = tf.function(self.generate, input_signature=[seeds_spec, condition.spec])

    @property
    def batch_spec(self):
        return super().batch_spec | {self.condition.batch_key: self.condition.spec}

    @tf.function
    def train_step(self, batch):
        """One update of both networks, both from the weights before the step.

        The generated images are conditioned on the labels of the real batch, so that the
        discriminator meets every condition equally often among real and generated ones.

        Args:
            batch: dict with `image`, float32 [N, H, W, C] in [-1, 1], and the condition's
                `batch_key`, such as `label`: int32 [N].

        Returns:
            dict of scalars: both losses and mean logits, averaged since the metrics' reset.

        Raises:
            tf.errors.InvalidArgumentError: a loss or a gradient is not finite; the message names
                it.
            InputError: a batch of another structure or out of range, a condition that there is
                none, or a weight that no loss reaches.
        """
        condition = self.condition.checked(batch[self.condition.batch_key])
        latents = self.training_latents(tf.shape(batch["image"])[0])
        real_images = self.augmented(batch["image"], purpose=1)

        def discriminate(images, training=True):
            return self.discriminator([images, condition], training=training)

        # Forward.
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake_images = self.generator([latents, condition], training=True)
            fake_images = self.augmented(fake_images, purpose=2)
            real_logits = discriminate(real_images)
            fake_logits = discriminate(fake_images)
            generator_loss = self.adversarial_loss.generator(real_logits, fake_logits)
            discriminator_loss = self.adversarial_loss.discriminator(real_logits, fake_logits)
            generator_loss = require_finite(generator_loss, "generator loss")
            discriminator_loss = require_finite(discriminator_loss, "discriminator loss")
            penalty = 0.0
            if self.penalized and self.step % self.penalty_interval == 0:
                penalty = self.penalty(discriminate, real_images, fake_images)
            discriminator_objective = discriminator_loss + self.penalty_interval * penalty

        # Updates, both of the gradients at the weights before the step.
        discriminator_weights = self.discriminator.trainable_variables
        discriminator_gradients = self.gradients(
            discriminator_tape,
            discriminator_objective,
            discriminator_weights,
            self.discriminator_optimizer,
        )
        if self.discriminator_steps == 1 or (self.step + 1) % self.discriminator_steps == 0:
            generator_weights = self.generator.trainable_variables
            generator_gradients = self.gradients(
                generator_tape, generator_loss, generator_weights, self.generator_optimizer
            )
            self.apply_gradients(self.generator_optimizer, generator_gradients, generator_weights)
        self.apply_gradients(
            self.discriminator_optimizer, discriminator_gradients, discriminator_weights
        )
        self.update_ema()
        self.step.assign_add(1)

        # Report.
        self.generator_loss_mean.update_state(generator_loss)
        self.discriminator_loss_mean.update_state(discriminator_loss)
        self.real_logit_mean.update_state(real_logits)
        self.fake_logit_mean.update_state(fake_logits)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, batch):
        """What `evaluate` reports: losses and logits of the EMA generator's images."""
        condition = self.condition.checked(batch[self.condition.batch_key])
        latents = self.test_latents(tf.shape(batch["image"])[0])
        fake_images = self.ema_generator([latents, condition], training=False)
        return self.report(
            self.discriminator([batch["image"], condition], training=False),
            self.discriminator([fake_images, condition], training=False),
        )

    def generate(self, seeds, condition):
        """Images of the EMA generator, one per seed, of the requested condition.

        Args:
            seeds: int64 [N]. The same seed and condition give the same image in any batch, and
                from the exported model.
            condition: of the shape and dtype of the condition's `spec`, such as int32 [N] labels or
                N texts.

        Returns:
            float32 [N, H, W, C] in [0, 1].

        Raises:
            tf.errors.InvalidArgumentError: a condition is none that there is: a label out of
                range, a word that the model does not know. The message names both.
        """
        condition = self.condition.checked(condition)
        latents = latents_from_seeds(seeds, self.latent_dim)
        return (self.ema_generator([latents, condition], training=False) + 1.0) / 2.0

    def examples(self, num):
        """As `AdversarialModel.examples`: the condition changes from column to column."""
        condition, columns = self.condition.examples(num)
        # One seed per row, which shows what the condition alone changes.
        seeds = np.arange(num, dtype=np.int64) // columns
        return (seeds, condition), columns

    def get_config(self):
        condition = keras.saving.serialize_keras_object(self.condition)
        return super().get_config() | {"condition": condition}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config["condition"] = keras.saving.deserialize_keras_object(
            config["condition"], custom_objects
        )
        return super().from_config(config, custom_objects)
