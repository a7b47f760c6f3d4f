"""What the image-to-image families share: two optimizers, and checks of images.

Plumbing alone, as in `tfgan.models.base`.
"""

import tensorflow as tf

from tfgan.errors import InputError
from tfgan.models.base import EMAModel
from tfgan.optimizers import adam


def checked_images(images, shape, name="images"):
    """Images as float32 [N, H, W, C].

    Args:
        images: numbers, [N, H, W, C].
        shape: `(height, width, channels)` that they must have.
        name: what the message calls them.

    Raises:
        InputError: they have another shape.
    """
    images = tf.convert_to_tensor(images, tf.float32)
    if images.shape.rank != 4 or tuple(images.shape[1:]) != tuple(shape):
        expected = ", ".join(map(str, shape))
        raise InputError(f"{name} must be of shape [N, {expected}]. Received: {images.shape}")
    return images


def noise(shape):
    """An image of noise, float32 [1, *shape] in [0, 1), always the same."""
    return tf.random.stateless_uniform([1, *shape], [0, 0], alg="philox")


def shape_between(network):
    """What goes in and what comes out, as a message says it: "8x8x3 -> 8x8x1"."""
    shapes = (network.inputs[0].shape[1:], network.outputs[0].shape[1:])
    return " -> ".join("x".join(map(str, shape)) for shape in shapes)


class TranslationModel(EMAModel):
    """Generators from images to images and discriminators, an optimizer for each.

    The generators are the networks that have an EMA.
    """

    optimizers = ("generator_optimizer", "discriminator_optimizer")

    def compile(self, generator_optimizer=None, discriminator_optimizer=None, **kwargs):
        """Chooses the optimizers, by default Adam at a rate of 0.0002 with beta 0.5 / 0.999.

        Args:
            generator_optimizer, discriminator_optimizer: Keras optimizers. Gradients are clipped by
                norm with the optimizers' own `global_clipnorm`.
            **kwargs: as in `EMAModel.compile`.
        """
        super().compile(**kwargs)
        published = {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999}
        self.set_optimizers(
            generator_optimizer=(
                generator_optimizer or adam(**published),
                self.generator_variables,
            ),
            discriminator_optimizer=(
                discriminator_optimizer or adam(**published),
                self.discriminator_variables,
            ),
        )

    @property
    def generator_variables(self):
        """What the generators' optimizer updates."""
        return self._trained_weights_of(self.ema_networks)

    @property
    def discriminator_variables(self):
        """What the discriminators' optimizer updates."""
        return self._trained_weights_of(
            name for name in self.networks if name not in self.ema_networks
        )

    def _trained_weights_of(self, names):
        return [variable for name in names for variable in getattr(self, name).trainable_variables]
