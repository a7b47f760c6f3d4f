"""The way of TensorFlow's DCGAN tutorial: a compiled function with a gradient tape a player."""

import keras
import tensorflow as tf

from benchmarks.contenders import networks
from benchmarks.contenders.task import LATENT_DIM, random_images


def make_train_step(generator, discriminator, generator_optimizer, discriminator_optimizer):
    """A function of images float32 [N, 28, 28, 1] that updates both networks.

    Both gradients are taken at the weights before the step, of one forward pass.

    Returns:
        A `tf.function` that returns the two losses, the generator's first.
    """
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def train_step(images):
        noise = tf.random.normal([images.shape[0], LATENT_DIM])
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fakes = generator(noise, training=True)
            real_logits = discriminator(images, training=True)
            fake_logits = discriminator(fakes, training=True)
            generator_loss = cross_entropy(tf.ones_like(fake_logits), fake_logits)
            real_loss = cross_entropy(tf.ones_like(real_logits), real_logits)
            fake_loss = cross_entropy(tf.zeros_like(fake_logits), fake_logits)
            discriminator_loss = real_loss + fake_loss
        for network, optimizer, tape, loss in (
            (generator, generator_optimizer, generator_tape, generator_loss),
            (discriminator, discriminator_optimizer, discriminator_tape, discriminator_loss),
        ):
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables))
        return generator_loss, discriminator_loss

    return train_step


def build(batch_size):
    """`run` in float32."""
    train_step = make_train_step(
        networks.generator(), networks.discriminator(), networks.adam(), networks.adam()
    )
    images = tf.constant(random_images(batch_size))

    def run(steps):
        for _ in range(steps):
            generator_loss, _ = train_step(images)
        float(generator_loss)

    return run
