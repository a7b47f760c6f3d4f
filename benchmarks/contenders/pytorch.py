"""Eager PyTorch on all cores: the networks of `networks` in channels-last memory order.

PyTorch pads both sides of an image alike where TensorFlow pads one side more, so that kernels lie
one pixel apart; shapes, parameters and arithmetic are the same.
"""

import os

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.contenders.task import (
    BETAS,
    DROPOUT,
    EPSILON,
    IMAGE_SHAPE,
    LATENT_DIM,
    LEAK,
    LEARNING_RATE,
    random_images,
)

# What Keras calls momentum 0.99 and epsilon 1e-3.
NORMALIZATION = {"momentum": 0.01, "eps": 1e-3}


class Permute(nn.Module):
    """Reorders the axes; memory stays as it is."""

    def __init__(self, *axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return x.permute(self.axes)


def generator():
    """Float [N, 100] -> float [N, 1, 28, 28] in [-1, 1]."""
    return nn.Sequential(
        nn.Linear(LATENT_DIM, 7 * 7 * 256, bias=False),
        nn.BatchNorm1d(7 * 7 * 256, **NORMALIZATION),
        nn.LeakyReLU(LEAK),
        # Channels last from the start: nothing is copied.
        nn.Unflatten(1, (7, 7, 256)),
        Permute(0, 3, 1, 2),
        nn.ConvTranspose2d(256, 128, 5, padding=2, bias=False),
        nn.BatchNorm2d(128, **NORMALIZATION),
        nn.LeakyReLU(LEAK),
        nn.ConvTranspose2d(128, 64, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.BatchNorm2d(64, **NORMALIZATION),
        nn.LeakyReLU(LEAK),
        nn.ConvTranspose2d(
            64, IMAGE_SHAPE[-1], 5, stride=2, padding=2, output_padding=1, bias=False
        ),
        nn.Tanh(),
    ).to(memory_format=torch.channels_last)


def discriminator():
    """Float [N, 1, 28, 28] -> logits [N, 1]."""
    return nn.Sequential(
        nn.Conv2d(IMAGE_SHAPE[-1], 64, 5, stride=2, padding=2),
        nn.LeakyReLU(LEAK),
        nn.Dropout(DROPOUT),
        nn.Conv2d(64, 128, 5, stride=2, padding=2),
        nn.LeakyReLU(LEAK),
        nn.Dropout(DROPOUT),
        Permute(0, 2, 3, 1),
        nn.Flatten(),
        nn.Linear(7 * 7 * 128, 1),
    ).to(memory_format=torch.channels_last)


class Networks:
    """Both networks, their optimizers and the real images, float [N, 1, 28, 28]."""

    def __init__(self, batch_size):
        torch.set_num_threads(os.cpu_count())
        self.generator = generator()
        self.discriminator = discriminator()
        self.generator_optimizer = adam(self.generator)
        self.discriminator_optimizer = adam(self.discriminator)
        images = torch.from_numpy(random_images(batch_size)).permute(0, 3, 1, 2)
        self.images = images.contiguous(memory_format=torch.channels_last)

    def fakes(self):
        """Generated images, as many as real ones."""
        return self.generator(torch.randn(len(self.images), LATENT_DIM))


def adam(network):
    """The optimizer of one network."""
    return torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=BETAS, eps=EPSILON)


def cross_entropy(logits, is_real):
    """Mean cross entropy of logits [N, 1] with one label for all."""
    labels = torch.ones_like(logits) if is_real else torch.zeros_like(logits)
    return binary_cross_entropy_with_logits(logits, labels)


def separate_step(networks):
    """As in PyTorch's DCGAN example: the discriminator is updated first, and sees the fakes anew.

    Returns:
        The generator's loss, a scalar.
    """
    networks.discriminator.zero_grad()
    cross_entropy(networks.discriminator(networks.images), True).backward()
    fakes = networks.fakes()
    cross_entropy(networks.discriminator(fakes.detach()), False).backward()
    networks.discriminator_optimizer.step()

    networks.generator.zero_grad()
    loss = cross_entropy(networks.discriminator(fakes), True)
    loss.backward()
    networks.generator_optimizer.step()
    return loss


def shared_step(networks):
    """Both gradients at the weights before the step, of one forward pass, as `tutorial` takes them.

    Returns:
        The generator's loss, a scalar.
    """
    networks.generator.zero_grad()
    networks.discriminator.zero_grad()
    real_logits = networks.discriminator(networks.images)
    fake_logits = networks.discriminator(networks.fakes())
    discriminator_loss = cross_entropy(real_logits, True) + cross_entropy(fake_logits, False)
    generator_loss = cross_entropy(fake_logits, True)
    discriminator_loss.backward(inputs=list(networks.discriminator.parameters()), retain_graph=True)
    generator_loss.backward(inputs=list(networks.generator.parameters()))
    networks.generator_optimizer.step()
    networks.discriminator_optimizer.step()
    return generator_loss


def runner(step, batch_size):
    """`run` of one of the two steps above, in float32."""
    networks = Networks(batch_size)

    def run(steps):
        for _ in range(steps):
            loss = step(networks)
        loss.item()

    return run


def build(batch_size):
    """`run` of `separate_step`."""
    return runner(separate_step, batch_size)


def build_shared(batch_size):
    """`run` of `shared_step`."""
    return runner(shared_step, batch_size)
