"""This library's `GAN`, as its users get it: EMA generator and checks for NaN included."""

import functools

import tensorflow as tf

import tfgan
from benchmarks.contenders import networks
from benchmarks.contenders.task import BETAS, EPSILON, LEARNING_RATE, random_images
from tfgan.networks.precision import computing_in


def build(batch_size):
    """`run` in float32."""
    return runner(networks.generator(), networks.discriminator(), batch_size)


def build_bfloat16(batch_size):
    """`run` in bfloat16, but for weights, images, logits and the EMA generator."""
    with computing_in("bfloat16"):
        both = networks.generator(), networks.discriminator()
    return runner(*both, batch_size)


def runner(generator, discriminator, batch_size):
    """`run` of a GAN of these two networks."""
    gan = tfgan.GAN(generator, discriminator)
    adam = functools.partial(tfgan.Adam, LEARNING_RATE, *BETAS, epsilon=EPSILON)
    gan.compile(adam(), adam(), loss="non_saturating", r1_gamma=0)
    batch = {"image": tf.constant(random_images(batch_size))}

    def run(steps):
        for _ in range(steps):
            report = gan.train_step(batch)
        # A number that exists once the last step is done.
        float(report["generator_loss"])

    return run
