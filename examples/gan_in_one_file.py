"""A whole GAN in one file: data, networks, training step, loop and images, without `tfgan`.

    python examples/gan_in_one_file.py

learns to draw the 8x8 handwritten digits that come with scikit-learn, without a GPU or a download,
in about a minute on two CPU cores. Every 500 steps it prints the losses and writes a grid of 64
generated digits, always of the same latents; the last is `one_file/step_05000.png`.

This is what `python -m tfgan.train` does by default, less its checks and its comforts: a test
trains both, on one CPU in float32, and finds every weight equal bit for bit.

Reference: Goodfellow et al. 2014 (arXiv 1406.2661).
"""

import argparse
import itertools
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"  # Before Keras is imported, which reads it.

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from PIL import Image
from sklearn.datasets import load_digits

BATCH_SIZE = 16
LATENT_DIM = 100
LEARNING_RATE, CONSTANT_STEPS = 1e-3, 3000
# No momentum: an old gradient answers an opponent that has changed since (Karras et al. 2018, arXiv
# 1710.10196). In float32, so that 1 - beta is rounded as the weights are.
BETA_1, BETA_2, EPSILON = np.float32(0), np.float32(0.99), np.float32(1e-8)
# R1 sums over pixels, so its weight follows their number: 1 at 28x28.
R1_GAMMA, R1_INTERVAL = 8 * 8 / 28**2, 16
EMA_DECAY = 0.999


def digits():
    """The images to train on, float32 [1498, 8, 8, 1] in [-1, 1]."""
    grays = load_digits().images  # From 0 to 16.
    grays = grays[np.arange(len(grays)) % 6 != 5]  # Every sixth is held out.
    pixels = np.rint(grays * (255 / 16)).astype(np.float32)
    return tf.constant(pixels[..., None] / 127.5 - 1)


def batches(images, seed):
    """Batches without end. An epoch's order is a pure function of (seed, epoch)."""
    for epoch in itertools.count():
        order = tf.random.experimental.stateless_shuffle(tf.range(len(images)), [seed, epoch])
        for start in range(0, len(images) - BATCH_SIZE + 1, BATCH_SIZE):
            yield tf.gather(images, order[start : start + BATCH_SIZE])


def noise(seed, step, num):
    """Latents z ~ N(0, I), float32 [num, LATENT_DIM], a pure function of (seed, step)."""
    key = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
    return tf.random.stateless_normal((num, LATENT_DIM), key, alg="philox")


def normal(stddev):
    return keras.initializers.RandomNormal(stddev=stddev)


def make_generator():
    """Latents -> 2x2 -> 4x4 -> 8x8 images in [-1, 1] (Radford et al. 2015, arXiv 1511.06434)."""

    def activate(x):
        return layers.LeakyReLU(0.2)(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))

    # No biases: batch normalization would subtract them, and adds its own.
    upsampling = {"strides": 2, "padding": "same", "use_bias": False}
    latents = keras.Input((LATENT_DIM,))
    x = layers.Dense(2 * 2 * 32, use_bias=False, kernel_initializer=normal(0.02))(latents)
    x = activate(layers.Reshape((2, 2, 32))(x))
    for filters in (32, 16):
        x = layers.Conv2DTranspose(filters, 4, kernel_initializer=normal(0.02), **upsampling)(x)
        x = activate(x)
    x = layers.Conv2DTranspose(1, 3, padding="same", kernel_initializer=normal(0.02))(x)
    return keras.Model(latents, layers.Activation("tanh")(x))


def make_discriminator():
    """8x8 images -> 4x4 -> 2x2 -> a logit, without batch normalization: R1 is per image."""

    def downsample(x, filters):
        return layers.Conv2D(filters, 4, 2, padding="same", kernel_initializer=normal(0.05))(x)

    images = keras.Input((8, 8, 1))
    x = layers.LeakyReLU(0.2)(downsample(images, 32))
    # Flattened before the activation: otherwise TensorFlow 2.21 tries to fuse the two, and fails.
    x = layers.LeakyReLU(0.2)(layers.Flatten()(downsample(x, 64)))
    return keras.Model(images, layers.Dense(1, kernel_initializer=normal(0.05))(x))


def r1(discriminator, images):
    """E[||grad_x D(x)||^2]: keeps D flat on the data (Mescheder et al. 2018, arXiv 1801.04406)."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = tf.reduce_sum(discriminator(images, training=True))
    squares = tf.square(tape.gradient(logits, images))
    return tf.reduce_mean(tf.reduce_sum(squares, axis=[1, 2, 3]))


class Adam:
    """Kingma and Ba 2015 (arXiv 1412.6980), algorithm 1, at a rate that falls in the end."""

    def __init__(self, weights):
        self.weights = weights
        self.m = [tf.Variable(tf.zeros_like(w)) for w in weights]
        self.v = [tf.Variable(tf.zeros_like(w)) for w in weights]

    def update(self, gradients, step):
        t = tf.cast(step, tf.float32) + 1
        # At a constant rate the networks would go on moving about the equilibrium of their game.
        rate = LEARNING_RATE * tf.minimum(1.0, tf.sqrt(CONSTANT_STEPS / t))
        rate = rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        for w, g, m, v in zip(self.weights, gradients, self.m, self.v):
            m.assign_add((1 - BETA_1) * (g - m))
            v.assign_add((1 - BETA_2) * (g * g - v))
            w.assign_sub(rate * m / (tf.sqrt(v) + EPSILON))


class GAN:
    """Both networks, their optimizers, and the EMA of the generator, which draws the samples."""

    def __init__(self, seed=0):
        keras.utils.set_random_seed(seed)  # Of the initial weights.
        self.seed = seed
        self.step = tf.Variable(0, dtype=tf.int64)
        self.generator = make_generator()
        self.discriminator = make_discriminator()
        self.ema_generator = keras.models.clone_model(self.generator)
        self.ema_generator.set_weights(self.generator.get_weights())
        self.generator_optimizer = Adam(self.generator.trainable_variables)
        self.discriminator_optimizer = Adam(self.discriminator.trainable_variables)

    @tf.function
    def train_step(self, real_images):
        """One update of both networks, by their gradients at the weights before the step."""
        latents = noise(self.seed, self.step, BATCH_SIZE)
        with tf.GradientTape(persistent=True) as tape:
            fake_images = self.generator(latents, training=True)
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            # With D = sigmoid(logit): -E[log D(G(z))], and -E[log D(x)] - E[log(1 - D(G(z)))].
            generator_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
            discriminator_loss = tf.reduce_mean(tf.nn.softplus(-real_logits))
            discriminator_loss += tf.reduce_mean(tf.nn.softplus(fake_logits))
            objective = discriminator_loss
            # Lazily: 16 times as much at every 16th step costs less and comes to the same.
            if self.step % R1_INTERVAL == 0:
                penalty = R1_GAMMA / 2 * r1(self.discriminator, real_images)
                objective += R1_INTERVAL * penalty

        generator_gradients = tape.gradient(generator_loss, self.generator_optimizer.weights)
        discriminator_gradients = tape.gradient(objective, self.discriminator_optimizer.weights)
        self.generator_optimizer.update(generator_gradients, self.step)
        self.discriminator_optimizer.update(discriminator_gradients, self.step)
        self.update_ema()
        self.step.assign_add(1)
        return generator_loss, discriminator_loss

    def update_ema(self):
        """Moving statistics too. The decay grows, so that the initial weights do not linger."""
        step = tf.cast(self.step, tf.float32)
        decay = tf.minimum(EMA_DECAY, (1 + step) / (10 + step))
        for ema, value in zip(self.ema_generator.weights, self.generator.weights):
            ema.assign_add((1 - decay) * (value - ema))

    def save_grid(self, file):
        """Writes 8 x 8 images of the EMA generator, eightfold enlarged."""
        latents = noise(self.seed, -1, 64)  # Of a step that the training does not have.
        images = self.ema_generator(latents, training=False)
        pixels = np.rint((images + 1) * 127.5).astype(np.uint8).reshape(8, 8, 8, 8)
        gaps = np.pad(pixels, [(0, 0), (0, 0), (0, 1), (0, 1)], constant_values=128)
        grid = gaps.swapaxes(1, 2).reshape(72, 72)
        Image.fromarray(grid.repeat(8, axis=0).repeat(8, axis=1)).save(file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("one_file"), help="folder of the grids")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    gan = GAN(arguments.seed)
    for step, real_images in zip(range(1, arguments.steps + 1), batches(digits(), arguments.seed)):
        losses = gan.train_step(real_images)
        if step % 500 == 0 or step == arguments.steps:
            print("step {}: generator loss {:.3f}, discriminator loss {:.3f}".format(step, *losses))
            gan.save_grid(arguments.out / f"step_{step:05d}.png")


if __name__ == "__main__":
    main()
