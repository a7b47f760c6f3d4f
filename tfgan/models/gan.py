"""The generative adversarial network (生成对抗网络) of Goodfellow et al. 2014."""

import keras
import tensorflow as tf

from tfgan.models.adversarial import AdversarialModel
from tfgan.models.base import require_finite


@keras.saving.register_keras_serializable("tfgan")
class GAN(AdversarialModel):
    """Two networks against each other: one makes images, the other tells them from real ones.

    Example:
        >>> from tfgan import data
        >>> digits = data.load("digits", batch_size=64)
        >>> gan = tfgan.GAN(
        ...     tfgan.convolutional_generator(digits.image_shape),
        ...     tfgan.convolutional_discriminator(digits.image_shape),
        ... )
        >>> gan.compile(loss="hinge")
        >>> gan.fit(
        ...     digits.batches(), epochs=50, steps_per_epoch=digits.steps_per_epoch, shuffle=False
        ... )
        >>> images = gan.generate([0, 1, 2])

    Reference:
        Goodfellow et al. 2014 (arXiv 1406.2661), algorithm 1, with k = `discriminator_steps`.
    """

    @tf.function
    def train_step(self, batch):
        """One update of both networks, both from the weights before the step.

        Algorithm 1 updates the discriminator first. Here the two gradients share one forward
        pass, which is cheaper, and neither network sees the other's update of the same step.

        Args:
            batch: dict with `image`, float32 [N, H, W, C] in [-1, 1]; other keys are ignored.

        Returns:
            dict of scalars: both losses and mean logits, averaged since the metrics' reset.

        Raises:
            tf.errors.InvalidArgumentError: a loss or a gradient is not finite; the message names
                it.
            InputError: a batch of another structure or out of range, or a weight that no loss
                reaches.
        """
        latents = self.training_latents(tf.shape(batch["image"])[0])
        real_images = self.augmented(batch["image"], purpose=1)

        # Forward.
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake_images = self.augmented(self.generator(latents, training=True), purpose=2)
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            generator_loss = self.adversarial_loss.generator(real_logits, fake_logits)
            discriminator_loss = self.adversarial_loss.discriminator(real_logits, fake_logits)
            generator_loss = require_finite(generator_loss, "generator loss")
            discriminator_loss = require_finite(discriminator_loss, "discriminator loss")
            penalty = 0.0
            if self.penalized and self.step % self.penalty_interval == 0:
                penalty = self.penalty(self.discriminator, real_images, fake_images)
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
        latents = self.test_latents(tf.shape(batch["image"])[0])
        fake_images = self.ema_generator(latents, training=False)
        return self.report(
            self.discriminator(batch["image"], training=False),
            self.discriminator(fake_images, training=False),
        )
