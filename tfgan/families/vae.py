"""`--model vae`: images from noise, and noise from images; see `tfgan.models.vae`."""

import dataclasses
from typing import ClassVar

from tfgan.cli.flags import flag
from tfgan.families.base import COUNT, WEIGHT
from tfgan.families.from_latents import FromLatents
from tfgan.names import LIKELIHOODS

# Images whose ELBO is evaluated at once.
_ELBO_BATCH = 200


@dataclasses.dataclass(frozen=True)
class VAE(FromLatents):
    """The flags of `--model vae`."""

    name = "vae"
    summary = "the variational autoencoder: images from noise, and noise from images"
    advice: ClassVar[dict[str, str]] = FromLatents.advice | {
        "mode collapse": "Try a smaller --beta, a larger --latent-dim",
    }

    likelihood: str = flag(
        "bernoulli",
        "of a pixel: black or white, drawn anew at each step with its intensity as probability; or "
        "its intensity with a standard deviation of 0.1",
        choices=LIKELIHOODS,
    )
    beta: float = flag(1.0, "weight of the Kullback-Leibler divergence", WEIGHT, metavar="BETA")
    batch_size: int = flag(64, "images in a batch", COUNT, metavar="N")

    def build(self, dataset, seed):
        from tfgan.models import VAE
        from tfgan.networks import encoder_of

        generator, discriminator = self.networks.build(dataset.image_shape, self.latent_dim)
        return VAE(encoder_of(discriminator, self.latent_dim), generator, seed=seed)

    def compile(self, model, total_steps):
        model.compile(self.adam(), likelihood=self.likelihood, beta=self.beta)

    def describe(self, model):
        return f"{self.likelihood} likelihood, beta {self.beta:g}"

    def samples(self, model, dataset):
        from tfgan.families.samples import NUM_SHOWN, PAIRS_IN_A_ROW, SeedSamples

        class Samples(SeedSamples):
            """The seeds' images, and real images each beside its reconstruction."""

            def further(self):
                import numpy as np

                images = dataset.images[:NUM_SHOWN] / np.float32(255.0)
                pairs = np.stack([images, self.model.reconstruct(images)], axis=1)
                images = pairs.reshape(-1, *images.shape[1:])
                return {"reconstructions": (images, 2 * PAIRS_IN_A_ROW)}

        return Samples(model)

    def measure(self, exported, train, held_out):
        from tfgan.metrics.card import Measurement
        from tfgan.metrics.uncertainty import mean_interval

        report = super().measure(exported, train, held_out)
        mean = mean_interval(negative_elbos(exported, held_out.images))
        elbo = Measurement("negative_elbo", mean.value, mean.low, mean.high, None, report.card)
        measurements = report.measurements | {"negative_elbo": elbo}
        return dataclasses.replace(report, measurements=measurements)


def negative_elbos(exported, images):
    """An exported autoencoder's negative ELBO, in nats.

    Args:
        exported: the `ExportedModel`.
        images: uint8 [N, H, W, C].

    Returns:
        float32 [N].
    """
    import numpy as np
    import tensorflow as tf

    starts = range(0, len(images), _ELBO_BATCH)
    return np.concatenate(
        [
            exported.saved_model.negative_elbo(
                tf.constant(images[start : start + _ELBO_BATCH] / 255.0, tf.float32),
                tf.range(start, min(start + _ELBO_BATCH, len(images)), dtype=tf.int64),
            )
            for start in starts
        ]
    )
