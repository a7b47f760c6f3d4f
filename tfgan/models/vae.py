"""The variational autoencoder (变分自编码器) of Kingma and Welling 2013."""

import keras
import tensorflow as tf

from tfgan.arguments import require_at_least
from tfgan.elbo import LIKELIHOODS, kl_divergence, require_likelihood
from tfgan.errors import InputError
from tfgan.models.base import GenerativeModel, float32_twin, require_finite
from tfgan.networks.functional import functional
from tfgan.noise import latents_from_seeds
from tfgan.serving.latents import served_vae


@keras.saving.register_keras_serializable("tfgan")
class VAE(GenerativeModel):
    """An encoder from images to latents and a generator back, trained on the ELBO.

    The generator is that of a GAN: its last tanh, moved from [-1, 1] to [0, 1], is the sigmoid of
    twice what goes in, and that is the logit of a pixel here.

    Args:
        encoder: functional model, float [N, H, W, C] in [-1, 1] -> `[mean, log_variance]`, each
            float [N, D], such as `tfgan.networks.encoder_of` makes.
        generator: functional model, float [N, D] -> float [N, H, W, C] in [-1, 1], whose last
            layer is the activation tanh.
        **kwargs: `ema_decay` and `seed`, as in `EMAModel`. The encoder has an EMA
            like the generator.

    Raises:
        InputError: the networks do not agree on the image's or the latents' shape, or the
            generator's last layer is another one.

    Example:
        >>> from tfgan import data
        >>> digits = data.load("digits", batch_size=64)
        >>> vae = tfgan.VAE(
        ...     tfgan.encoder_of(tfgan.convolutional_discriminator(digits.image_shape)),
        ...     tfgan.convolutional_generator(digits.image_shape),
        ... )
        >>> vae.compile()
        >>> vae.fit(
        ...     digits.batches(), epochs=50, steps_per_epoch=digits.steps_per_epoch, shuffle=False
        ... )
        >>> images = vae.generate([0, 1, 2])

    Reference:
        Kingma and Welling 2013 (arXiv 1312.6114), algorithm 1; Higgins et al. 2017 for beta.
    """

    networks = ("encoder", "generator")
    ema_networks = networks
    optimizers = ("optimizer",)
    panels = dict.fromkeys(("negative_elbo", "log_likelihood", "kl"), "nats per image")

    def __init__(self, encoder, generator, **kwargs):
        encoder = functional(encoder, "encoder", num_inputs=1, num_outputs=2)
        # Its logits are taken before its last layer.
        generator = functional(generator, "generator", num_inputs=1, float32=False)
        super().__init__(generator, **kwargs)
        if (
            encoder.input_shape != generator.output_shape
            or [*encoder.output_shape] != [generator.input_shape] * 2
        ):
            raise InputError(
                "the encoder must take what the generator makes, and give the mean and the log "
                f"variance of what it takes. Received: an encoder of {encoder.input_shape} to "
                f"{encoder.output_shape}, a generator of {generator.input_shape} to "
                f"{generator.output_shape}"
            )
        last = generator.layers[-1]
        if getattr(last, "activation", None) is not keras.activations.tanh:
            raise InputError(
                f"the generator's last layer must be the activation tanh. Received: {last.name}"
            )
        self.encoder = encoder
        self.average_encoder = float32_twin(encoder)
        self.negative_elbo_mean = keras.metrics.Mean(name="negative_elbo")
        self.log_likelihood_mean = keras.metrics.Mean(name="log_likelihood")
        self.kl_mean = keras.metrics.Mean(name="kl")
        # All networks are functional, so nothing is left to build.
        self.built = True

    @property
    def metrics(self):
        return [self.negative_elbo_mean, self.log_likelihood_mean, self.kl_mean]

    def compile(self, optimizer=None, likelihood="bernoulli", beta=1.0, **kwargs):
        """Chooses the optimizer and what it minimizes.

        Args:
            optimizer: a Keras optimizer, by default Adam at a rate of 0.001.
            likelihood: "bernoulli": a pixel is black or white, and drawn anew at each step with
                its intensity as the probability of white (Salakhutdinov and Murray 2008), which
                leaves images that are black and white as they are. "gaussian": a pixel's
                intensity in [0, 1] is normal with a standard deviation of 0.1.
            beta: weight of the KL divergence in what is minimized, at least 0. What is reported is
                the negative ELBO itself, with a weight of 1.
            **kwargs: as in `EMAModel.compile`.

        Raises:
            InputError: an unknown likelihood, a negative beta.
        """
        require_likelihood(likelihood)
        require_at_least(0, beta=beta)
        super().compile(**kwargs)
        self.likelihood = likelihood
        self.beta = beta
        self.set_optimizers(
            optimizer=(optimizer or keras.optimizers.Adam(1e-3), self.trained_variables)
        )

    def signatures(self):
        """What its SavedModel answers, a `tfgan.serving.served.Served`."""
        return served_vae(self)

    @property
    def trained_variables(self):
        """The weights of the encoder, then of the generator."""
        return self.encoder.trainable_variables + self.generator.trainable_variables

    @tf.function
    def train_step(self, batch):
        """One update of encoder and generator together.

        Args:
            batch: dict with `image`, float32 [N, H, W, C] in [-1, 1]; other keys are ignored.

        Returns:
            dict of scalars in nats per image, averaged since the metrics' reset: the negative
            ELBO, the log likelihood of a reconstruction, and the KL divergence from the prior.

        Raises:
            tf.errors.InvalidArgumentError: the loss or a gradient is not finite; the message names
                it.
            InputError: a batch of another structure or out of range, or a weight that the loss
                does not reach.
        """
        noise = self.training_latents(tf.shape(batch["image"])[0])
        pixels = self.binarize((batch["image"] + 1.0) / 2.0, self.step_seed(purpose=1))

        # Forward.
        with tf.GradientTape() as tape:
            mean, log_variance = self.encoder(2.0 * pixels - 1.0, training=True)
            latents = mean + tf.exp(0.5 * log_variance) * noise
            logits = pixel_logits(self.generator, latents, training=True)
            log_likelihood = tf.reduce_mean(LIKELIHOODS[self.likelihood](pixels, logits))
            kl = tf.reduce_mean(kl_divergence(mean, log_variance))
            loss = require_finite(self.beta * kl - log_likelihood, "loss")

        # Update.
        weights = self.trained_variables
        gradients = self.gradients(tape, loss, weights, self.optimizer)
        self.apply_gradients(self.optimizer, gradients, weights)
        self.update_ema()
        self.step.assign_add(1)

        # Report.
        self.negative_elbo_mean.update_state(kl - log_likelihood)
        self.log_likelihood_mean.update_state(log_likelihood)
        self.kl_mean.update_state(kl)
        return {metric.name: metric.result() for metric in self.metrics}

    def binarize(self, images, seed):
        """The pixels whose likelihood counts.

        Args:
            images: float32 [N, H, W, C] in [0, 1].
            seed: int64 [2].

        Returns:
            float32 of the same shape: 0 and 1 under "bernoulli", the images under "gaussian".
        """
        if self.likelihood == "gaussian":
            return images
        return tf.cast(tf.random.stateless_uniform(tf.shape(images), seed) < images, tf.float32)

    def negative_elbo(self, images, seeds):
        """The negative ELBO of each image, a bound on -log p(x), by one draw of its latents.

        Args:
            images: float32 [N, H, W, C] in [0, 1].
            seeds: int64 [N], of the draws.

        Returns:
            float32 [N], in nats.
        """
        pixels = self.binarize(images, tf.stack([seeds[0], tf.size(seeds, tf.int64)]))
        mean, log_variance = self.ema_encoder(2.0 * pixels - 1.0, training=False)
        noise = latents_from_seeds(seeds, self.latent_dim)
        latents = mean + tf.exp(0.5 * log_variance) * noise
        logits = pixel_logits(self.ema_generator, latents, training=False)
        log_likelihood = LIKELIHOODS[self.likelihood](pixels, logits)
        return kl_divergence(mean, log_variance) - log_likelihood

    def test_step(self, batch):
        """What `evaluate` reports: the negative ELBO of the EMA networks, in nats."""
        images = (batch["image"] + 1.0) / 2.0
        size = tf.shape(images, tf.int64)[0]
        # Batches of one size and one evaluation: the batches so far tell the draws apart.
        first = tf.cast(self.negative_elbo_mean.count, tf.int64) * size
        self.negative_elbo_mean.update_state(
            tf.reduce_mean(self.negative_elbo(images, first + tf.range(size)))
        )
        return {"negative_elbo": self.negative_elbo_mean.result()}

    def encode(self, images):
        """The mean latents of images: float [N, H, W, C] in [0, 1] -> float32 [N, D]."""
        mean, _ = self.ema_encoder(2.0 * images - 1.0, training=False)
        return mean

    def reconstruct(self, images):
        """Reconstructions of images from their mean latents, float [N, H, W, C] in [0, 1] both."""
        return (self.ema_generator(self.encode(images), training=False) + 1.0) / 2.0

    def compile_arguments(self):
        return super().compile_arguments() | {
            "likelihood": self.likelihood,
            "beta": self.beta,
        }


def pixel_logits(generator, latents, training):
    """Logits of the pixels that a generator's tanh makes of them: (tanh(a) + 1) / 2 = s(2 a)."""
    before_tanh = keras.Model(generator.inputs, generator.layers[-1].input)
    return 2.0 * tf.cast(before_tanh(latents, training=training), tf.float32)
