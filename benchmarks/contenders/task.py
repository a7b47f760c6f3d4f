"""What all contenders train on, and how; it needs neither TensorFlow nor PyTorch."""

import numpy as np

IMAGE_SHAPE = (28, 28, 1)
LATENT_DIM = 100
LEAK = 0.3
DROPOUT = 0.3

LEARNING_RATE = 1e-4
BETAS = (0.9, 0.999)
EPSILON = 1e-7


def random_images(batch_size):
    """The one batch that every step is given: float32 [batch_size, 28, 28, 1], uniform in [-1, 1].

    It lies in memory before the clock starts: the training step is measured, not the input
    pipeline.
    """
    generator = np.random.default_rng(0)
    return generator.uniform(-1, 1, (batch_size, *IMAGE_SHAPE)).astype(np.float32)
