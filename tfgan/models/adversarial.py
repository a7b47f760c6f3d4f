"""What every adversarial family shares: a discriminator, two optimizers, a loss and penalties.

Plumbing alone, as in `tfgan.models.base`.
"""

import keras
import tensorflow as tf

from tfgan import losses
from tfgan.arguments import require_at_least, require_integers
from tfgan.augment import augment, checked_policies
from tfgan.errors import InputError
from tfgan.models.base import GenerativeModel
from tfgan.networks.functional import checked_discriminator, checked_generator
from tfgan.noise import latents_from_seeds
from tfgan.optimizers import adam
from tfgan.penalties import gradient_penalty, r1, r2


class AdversarialModel(GenerativeModel):
    """A generator and a discriminator with an optimizer each, and the generator's EMA.

    Args:
        generator: as in `GenerativeModel`.
        discriminator: functional model, float [N, H, W, C] -> logits. Where it has more inputs than
            one, the images are the first.
        **kwargs: `ema_decay` and `seed`, as in `EMAModel`.

    Raises:
        InputError: networks that are not functional, give something else than images and logits,
            or do not agree on the image's shape.
    """

    networks = ("generator", "discriminator")
    optimizers = ("generator_optimizer", "discriminator_optimizer")
    # Of each network: its own, and the condition where there is one.
    num_inputs = 1

    def __init__(self, generator, discriminator, **kwargs):
        generator = checked_generator(generator, "generator", num_inputs=self.num_inputs)
        discriminator = checked_discriminator(
            discriminator, "discriminator", num_inputs=self.num_inputs
        )
        super().__init__(generator, **kwargs)
        input_shape = discriminator.inputs[0].shape
        if generator.output_shape != input_shape:
            raise InputError(
                "generator and discriminator must agree on the image's shape. Received: "
                f"{generator.output_shape[1:]} out of the generator, {input_shape[1:]} into the "
                "discriminator"
            )
        self.discriminator = discriminator
        self.generator_loss_mean = keras.metrics.Mean(name="generator_loss")
        self.discriminator_loss_mean = keras.metrics.Mean(name="discriminator_loss")
        self.real_logit_mean = keras.metrics.Mean(name="real_logit")
        self.fake_logit_mean = keras.metrics.Mean(name="fake_logit")
        # Both networks are functional, so nothing is left to build.
        self.built = True

    @property
    def metrics(self):
        return [
            self.generator_loss_mean,
            self.discriminator_loss_mean,
            self.real_logit_mean,
            self.fake_logit_mean,
        ]

    def discriminate(self, images, latents=None, condition=None):
        """The discriminator's opinion as it is in training, less its randomness.

        Args:
            images: float32 [N, H, W, C] in [-1, 1].
            latents: what they were generated from, float32 [N, D]; None for real ones. A family
                whose discriminator sees them, too, overrides this.
            condition: what the discriminator takes besides, or None.

        Returns:
            Logits of any shape [N, ...].
        """
        return self.discriminator(
            images if condition is None else [images, condition], training=False
        )

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss="non_saturating",
        discriminator_steps=1,
        r1_gamma=None,
        r2_gamma=0.0,
        gradient_penalty_weight=0.0,
        penalty_interval=16,
        augmentation=(),
        **kwargs,
    ):
        """Chooses the optimizers and what they minimize.

        Args:
            generator_optimizer, discriminator_optimizer: Keras optimizers, by default `adam()`.
                Gradients are clipped by norm with the optimizers' own `global_clipnorm`.
            loss: a name from `tfgan.losses.LOSSES` or an `AdversarialLoss`.
            discriminator_steps: the generator is updated at every k-th step only, k being this
                number (Goodfellow et al. 2014, algorithm 1).
            r1_gamma: weight of the R1 penalty on the discriminator, at least 0; 0 leaves it out.
                By default 1 at 28x28 and proportional to the number of pixels, over which the
                penalty sums (Karras et al. 2020, arXiv 2006.06676, appendix C).
            r2_gamma: weight of the R2 penalty, likewise; off by default.
            gradient_penalty_weight: lambda of the gradient penalty of WGAN-GP, at least 0; off by
                default.
            penalty_interval: steps from one evaluation of the penalties to the next. Each counts
                this many times, so the mean does not change (Karras et al. 2020, arXiv 1912.04958,
                appendix B: lazy regularization).
            augmentation: what real and generated images go through before the discriminator sees
                them: a sequence of names from `tfgan.augment.POLICIES`. For small data sets.
            **kwargs: as in `EMAModel.compile`.

        Raises:
            InputError: an unknown loss or augmentation, a negative weight, an interval or a number
                of steps below 1.
        """
        if r1_gamma is None:
            height, width, _ = self.image_shape
            r1_gamma = height * width / 28**2
        weights = {
            "r1_gamma": r1_gamma,
            "r2_gamma": r2_gamma,
            "gradient_penalty_weight": gradient_penalty_weight,
        }
        counts = {"discriminator_steps": discriminator_steps, "penalty_interval": penalty_interval}
        require_at_least(0, **weights)
        require_integers(1, **counts)
        super().compile(**kwargs)
        self.adversarial_loss = losses.get(loss)
        self.discriminator_steps = discriminator_steps
        self.r1_gamma = r1_gamma
        self.r2_gamma = r2_gamma
        self.gradient_penalty_weight = gradient_penalty_weight
        self.penalized = any(weights.values())
        self.penalty_interval = penalty_interval
        self.augmentation = checked_policies(augmentation)
        self.set_optimizers(
            generator_optimizer=(
                generator_optimizer or adam(),
                self.generator.trainable_variables,
            ),
            discriminator_optimizer=(
                discriminator_optimizer or adam(),
                self.discriminator.trainable_variables,
            ),
        )

    def report(self, real_logits, fake_logits):
        """Both losses and mean logits of images, averaged since the metrics' reset, as a dict.

        Args:
            real_logits, fake_logits: float32 [N, ...].
        """
        loss, size = self.adversarial_loss, tf.shape(real_logits)[0]
        self.generator_loss_mean.update_state(loss.generator(real_logits, fake_logits), size)
        self.discriminator_loss_mean.update_state(
            loss.discriminator(real_logits, fake_logits), size
        )
        self.real_logit_mean.update_state(real_logits)
        self.fake_logit_mean.update_state(fake_logits)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_latents(self, batch_size):
        """Noise for a batch of `evaluate`, float32 [batch_size, D]: each image has its own.

        The same at each evaluation: it follows from the number of images so far.
        """
        first = tf.cast(self.generator_loss_mean.count, tf.int64)
        seeds = first + tf.range(tf.cast(batch_size, tf.int64))
        return latents_from_seeds(seeds, self.latent_dim)

    def augmented(self, images, purpose):
        """Images as the discriminator sees them; see `augmentation` in `compile`."""
        return augment(images, self.augmentation, self.step_seed(purpose))

    def penalty(self, discriminator, real_images, fake_images):
        """The weighted sum of the penalties chosen in `compile`, a scalar.

        Args:
            discriminator: function of images and `training`, to logits.
            real_images, fake_images: float [N, H, W, C].
        """
        total = 0.0
        if self.r1_gamma:
            total += 0.5 * self.r1_gamma * r1(discriminator, real_images)
        if self.r2_gamma:
            total += 0.5 * self.r2_gamma * r2(discriminator, fake_images)
        if self.gradient_penalty_weight:
            total += self.gradient_penalty_weight * gradient_penalty(
                discriminator, real_images, fake_images, self.step_seed(purpose=3)
            )
        return total

    def compile_arguments(self):
        return super().compile_arguments() | {
            "loss": losses.name_of(self.adversarial_loss),
            "discriminator_steps": self.discriminator_steps,
            "r1_gamma": self.r1_gamma,
            "r2_gamma": self.r2_gamma,
            "gradient_penalty_weight": self.gradient_penalty_weight,
            "penalty_interval": self.penalty_interval,
            "augmentation": self.augmentation,
        }
