"""The kinds of networks of models that draw from latents, as `--networks` chooses them."""

import dataclasses
from typing import ClassVar

from tfgan.arguments import given
from tfgan.cli.flags import flag
from tfgan.cli.parser import number
from tfgan.names import ACTIVATIONS, NORMALIZATIONS

COUNT = number(int, 1)
WIDTH = number(int, 1, maximum=1024)


@dataclasses.dataclass(frozen=True)
class Convolutional:
    """A stack of strided convolutions in both networks, from feature_vectors.txt."""

    name: ClassVar[str] = "convolutional"

    width: int | None = flag(
        None,
        "channels at the image's end of both networks; the others follow",
        WIDTH,
        metavar="N",
        shown="16 in the generator and 32 in the discriminator; as published 64",
    )
    depth: int | None = flag(
        None,
        "halvings, or convolutions of another --stride",
        COUNT,
        metavar="N",
        shown="down to about 4 pixels; as published 4",
    )
    kernel_size: int | None = flag(
        None, "of the convolutions of both networks", COUNT, metavar="N", shown="4"
    )
    stride: int | None = flag(
        None, "of those, by which each shrinks or enlarges", COUNT, metavar="N", shown="2"
    )
    output_kernel_size: int | None = flag(
        None,
        "of the generator's last convolution",
        COUNT,
        metavar="N",
        shown="3; as published 7",
    )
    normalization: str = flag(
        "none", "of the discriminator or encoder", choices=("none", *NORMALIZATIONS)
    )
    activation: str | None = flag(
        None, "between the layers of both networks", choices=ACTIVATIONS, shown="leaky_relu"
    )

    def build(self, image_shape, latent_dim, generator_condition=(), discriminator_condition=()):
        """A generator and a discriminator.

        Args:
            image_shape: `(height, width, channels)`.
            latent_dim: length of the latent vector.
            generator_condition, discriminator_condition: their builders' arguments on a condition.
        """
        from tfgan import networks

        shared = given(
            width=self.width,
            depth=self.depth,
            kernel_size=self.kernel_size,
            stride=self.stride,
            activation=self.activation,
        )
        generator = networks.convolutional_generator(
            image_shape,
            latent_dim,
            **shared,
            **given(output_kernel_size=self.output_kernel_size),
            **dict(generator_condition),
        )
        discriminator = networks.convolutional_discriminator(
            image_shape,
            **shared,
            normalization=None if self.normalization == "none" else self.normalization,
            **dict(discriminator_condition),
        )
        return generator, discriminator


@dataclasses.dataclass(frozen=True)
class Dense:
    """Transposed convolutions against a dense discriminator, from confidence_risk.txt."""

    name: ClassVar[str] = "dense"

    width: int | None = flag(
        None,
        "channels at the image's end of the generator; the others follow",
        WIDTH,
        metavar="N",
        shown="32; as published 64",
    )

    def build(self, image_shape, latent_dim, generator_condition=(), discriminator_condition=()):
        """As `Convolutional.build`."""
        from tfgan import networks

        width = given(width=self.width)
        return (
            networks.dense_generator(image_shape, latent_dim, **width, **dict(generator_condition)),
            networks.dense_discriminator(image_shape, **width, **dict(discriminator_condition)),
        )


@dataclasses.dataclass(frozen=True)
class Recurrent:
    """A GRU in both networks, which writes and reads one row per step."""

    name: ClassVar[str] = "recurrent"

    width: int | None = flag(None, "units of both networks' cells", WIDTH, metavar="N", shown="128")

    def build(self, image_shape, latent_dim, generator_condition=(), discriminator_condition=()):
        """As `Convolutional.build`."""
        from tfgan import networks

        width = given(width=self.width)
        return (
            networks.recurrent_generator(
                image_shape, latent_dim, **width, **dict(generator_condition)
            ),
            networks.recurrent_discriminator(image_shape, **width, **dict(discriminator_condition)),
        )


NETWORKS = {kind.name: kind for kind in (Convolutional, Dense, Recurrent)}
