"""The way of the GAN examples on keras.io: a model with its own `train_step`, under `fit`."""

import keras
import tensorflow as tf

from benchmarks.contenders import networks
from benchmarks.contenders.task import LATENT_DIM, random_images


class TwoPassGAN(keras.Model):
    """Trains the discriminator first, then the generator on noise of its own.

    So the generator is run forward twice a step, and the discriminator on three batches: on fake
    and real images in one, and on the new fakes. As in the examples, the discriminator's loss is
    the mean over both halves, half of the others' sum; Adam is blind to the factor.
    """

    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        self.generator_loss_mean = keras.metrics.Mean(name="generator_loss")
        self.discriminator_loss_mean = keras.metrics.Mean(name="discriminator_loss")

    @property
    def metrics(self):
        return [self.generator_loss_mean, self.discriminator_loss_mean]

    def compile(self, generator_optimizer, discriminator_optimizer):
        super().compile()
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer

    def train_step(self, images):
        """One update of each player; `images` float32 [N, 28, 28, 1]."""
        size = tf.shape(images)[0]
        real, fake = tf.ones((size, 1)), tf.zeros((size, 1))

        # The discriminator's update.
        fakes = self.generator(tf.random.normal((size, LATENT_DIM)), training=True)
        both = tf.concat([fakes, images], axis=0)
        with tf.GradientTape() as tape:
            logits = self.discriminator(both, training=True)
            discriminator_loss = self.cross_entropy(tf.concat([fake, real], axis=0), logits)
        weights = self.discriminator.trainable_variables
        gradients = tape.gradient(discriminator_loss, weights)
        self.discriminator_optimizer.apply_gradients(zip(gradients, weights))

        # The generator's update.
        noise = tf.random.normal((size, LATENT_DIM))
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.generator(noise, training=True), training=True)
            generator_loss = self.cross_entropy(real, logits)
        weights = self.generator.trainable_variables
        gradients = tape.gradient(generator_loss, weights)
        self.generator_optimizer.apply_gradients(zip(gradients, weights))

        self.generator_loss_mean.update_state(generator_loss)
        self.discriminator_loss_mean.update_state(discriminator_loss)
        return {metric.name: metric.result() for metric in self.metrics}


def build(batch_size):
    """`run` in float32, a call of `fit`."""
    model = TwoPassGAN(networks.generator(), networks.discriminator())
    model.compile(networks.adam(), networks.adam())
    batches = tf.data.Dataset.from_tensors(random_images(batch_size)).repeat()
    # There is nothing to tune, and an idle contender should be idle.
    options = tf.data.Options()
    options.autotune.enabled = False
    batches = batches.with_options(options)

    def run(steps):
        # Ends with the losses as numbers, so the last step is done.
        model.fit(batches, steps_per_epoch=steps, verbose=0)

    return run
