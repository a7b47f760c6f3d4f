"""Unpaired image-to-image translation (循环生成对抗网络): CycleGAN, of Zhu et al. 2017."""

import keras
import tensorflow as tf

from tfgan import losses
from tfgan.arguments import require_at_least, require_integers
from tfgan.errors import InputError
from tfgan.models.base import float32_twin, image_spec, require_finite
from tfgan.models.translation import (
    TranslationModel,
    checked_images,
    noise,
    shape_between,
)
from tfgan.networks.functional import checked_discriminator, checked_generator
from tfgan.serving.translation import served_cyclegan


@keras.saving.register_keras_serializable("tfgan")
class CycleGAN(TranslationModel):
    """Two generators between two domains of images, of which no two belong together.

    What keeps an image's content is cycle-consistency: translated to the other domain and back, it
    must come out as it was.

    Args:
        generator_ab: functional model, images of domain A -> images of domain B, float
            [N, H, W, C] in [-1, 1], such as `tfgan.residual_generator` makes; the paper's G.
        generator_ba: the same from B to A; the paper's F.
        discriminator_a: functional model, images of domain A -> logits of any shape [N, ...], such
            as `tfgan.patch_discriminator` makes.
        discriminator_b: the same for B.
        pool_size: of the generated images that are kept for either discriminator; see
            `ImagePool`.
        **kwargs: `ema_decay` and `seed`, as in `EMAModel`. Both generators have an EMA.

    Raises:
        InputError: the networks do not fit together, a pool of no images.

    Example:
        >>> shape = (64, 64, 3)
        >>> gan = tfgan.CycleGAN(
        ...     tfgan.residual_generator(shape),
        ...     tfgan.residual_generator(shape),
        ...     tfgan.patch_discriminator(shape),
        ...     tfgan.patch_discriminator(shape),
        ... )
        >>> rate = tfgan.LinearDecay(2e-4, constant_steps=10_000, decay_steps=10_000)
        >>> gan.compile(*(keras.optimizers.Adam(rate, beta_1=0.5) for _ in range(2)))
        >>> gan.fit(batches, epochs=20, steps_per_epoch=1000, shuffle=False)
        >>> zebras = gan.a_to_b(horses)

    Reference:
        Zhu et al. 2017 (arXiv 1703.10593).
    """

    networks = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
    ema_networks = ("generator_ab", "generator_ba")

    def __init__(
        self, generator_ab, generator_ba, discriminator_a, discriminator_b, pool_size=50, **kwargs
    ):
        super().__init__(**kwargs)
        generator_ab = checked_generator(generator_ab, "generator_ab", num_inputs=1)
        generator_ba = checked_generator(generator_ba, "generator_ba", num_inputs=1)
        discriminator_a = checked_discriminator(discriminator_a, "discriminator_a", num_inputs=1)
        discriminator_b = checked_discriminator(discriminator_b, "discriminator_b", num_inputs=1)
        shape_a, shape_b = generator_ab.input_shape, generator_ab.output_shape
        if (
            (generator_ba.input_shape, generator_ba.output_shape) != (shape_b, shape_a)
            or discriminator_a.input_shape != shape_a
            or discriminator_b.input_shape != shape_b
        ):
            raise InputError(
                "the generators must undo each other's change of shape, and each discriminator "
                f"take its own domain. Received: A to B {shape_between(generator_ab)}, B to A "
                f"{shape_between(generator_ba)}, discriminator of A "
                f"{shape_between(discriminator_a)}, of B {shape_between(discriminator_b)}"
            )
        if None in (*shape_a[1:], *shape_b[1:]):
            raise InputError(
                "the networks must know the height and the width of the images, of which some "
                f"are kept. Received: A to B {shape_between(generator_ab)}"
            )
        self.generator_ab = generator_ab
        self.generator_ba = generator_ba
        self.discriminator_a = discriminator_a
        self.discriminator_b = discriminator_b
        self.average_generator_ab = float32_twin(generator_ab)
        self.average_generator_ba = float32_twin(generator_ba)
        self.pool_size = pool_size
        self.pool_a = ImagePool(shape_a[1:], pool_size, name="pool_a")
        self.pool_b = ImagePool(shape_b[1:], pool_size, name="pool_b")
        self.generator_loss_mean = keras.metrics.Mean(name="generator_loss")
        self.cycle_loss_mean = keras.metrics.Mean(name="cycle_loss")
        self.identity_loss_mean = keras.metrics.Mean(name="identity_loss")
        self.discriminator_loss_mean = keras.metrics.Mean(name="discriminator_loss")
        # All networks are functional, so nothing is left to build.
        self.built = True

    @property
    def metrics(self):
        return [
            self.generator_loss_mean,
            self.cycle_loss_mean,
            self.identity_loss_mean,
            self.discriminator_loss_mean,
        ]

    @property
    def shape_a(self):
        """`(height, width, channels)` of an image of domain A."""
        return self.generator_ab.input_shape[1:]

    @property
    def shape_b(self):
        """`(height, width, channels)` of an image of domain B."""
        return self.generator_ab.output_shape[1:]

    def compile(self, *args, cycle_weight=10.0, identity_weight=None, **kwargs):
        """Chooses the optimizers and what they minimize.

        Args:
            cycle_weight: lambda, of both cycle losses, at least 0.
            identity_weight: of both identity losses, at least 0; 0 leaves them out. By default
                half of `cycle_weight` where A and B are of one shape, else 0. They ask a generator
                to leave images as they are that are of its target domain already, which keeps
                colors (section 5.2). Where the domains differ in just these, such as black on
                white and white on black, leave them out.
            *args, **kwargs: the optimizers, which each update two networks, and the rest, as in
                `TranslationModel.compile`.

        Raises:
            InputError: a negative weight, an identity loss between images of different shapes.
        """
        if identity_weight is None:
            identity_weight = 0.5 * cycle_weight if self.shape_a == self.shape_b else 0.0
        require_at_least(0, cycle_weight=cycle_weight, identity_weight=identity_weight)
        if identity_weight and self.shape_a != self.shape_b:
            raise InputError(
                "identity_weight must be 0 between images of different shapes. "
                f"Received: {identity_weight} for {shape_between(self.generator_ab)}"
            )
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        super().compile(*args, **kwargs)

    @property
    def batch_spec(self):
        return {"image_a": image_spec(self.shape_a), "image_b": image_spec(self.shape_b)}

    @tf.function
    def train_step(self, batch):
        """One update of all four networks, all from the weights before the step.

        That is the published order too, the generators first: the discriminators see images
        that were made before the generators' update.

        Args:
            batch: dict with `image_a` and `image_b`, float32 [N, H, W, C] in [-1, 1] of the shapes
                of A and B; other keys are ignored.

        Returns:
            dict of scalars, averaged since the metrics' reset: the adversarial losses of the
            generators and of the discriminators, the cycle losses and the identity losses, each
            the sum of both directions, without weights.

        Raises:
            tf.errors.InvalidArgumentError: a loss or a gradient is not finite; the message names
                it.
            InputError: a batch of another structure or out of range, or a weight that no loss
                reaches.
        """
        real_a, real_b = batch["image_a"], batch["image_b"]
        g, f = self.generator_ab, self.generator_ba
        d_a, d_b = self.discriminator_a, self.discriminator_b

        # The generators, against the discriminators as they are.
        with tf.GradientTape() as generator_tape:
            fake_b, fake_a = g(real_a, training=True), f(real_b, training=True)
            reconstructed_a, reconstructed_b = f(fake_b, training=True), g(fake_a, training=True)
            logits_a, logits_b = d_a(fake_a, training=True), d_b(fake_b, training=True)
            generator_loss = adversarial_loss(logits_a) + adversarial_loss(logits_b)
            cycle_loss = losses.l1(reconstructed_a, real_a) + losses.l1(reconstructed_b, real_b)
            generator_objective = generator_loss + self.cycle_weight * cycle_loss
            identity_loss = 0.0
            if self.identity_weight:
                identity_a, identity_b = f(real_a, training=True), g(real_b, training=True)
                identity_loss = losses.l1(identity_a, real_a) + losses.l1(identity_b, real_b)
                generator_objective += self.identity_weight * identity_loss
            generator_objective = require_finite(generator_objective, "generator loss")

        # The discriminators, on real images and on generated ones of this step and earlier ones.
        pooled_a = self.pool_a.exchange(fake_a, self.step_seed(purpose=1))
        pooled_b = self.pool_b.exchange(fake_b, self.step_seed(purpose=2))
        with tf.GradientTape() as discriminator_tape:
            real_logits_a, fake_logits_a = d_a(real_a, training=True), d_a(pooled_a, training=True)
            real_logits_b, fake_logits_b = d_b(real_b, training=True), d_b(pooled_b, training=True)
            discriminator_loss = require_finite(
                losses.least_squares_discriminator(real_logits_a, fake_logits_a)
                + losses.least_squares_discriminator(real_logits_b, fake_logits_b),
                "discriminator loss",
            )

        # Updates.
        generator_gradients = self.gradients(
            generator_tape, generator_objective, self.generator_variables, self.generator_optimizer
        )
        discriminator_gradients = self.gradients(
            discriminator_tape,
            discriminator_loss,
            self.discriminator_variables,
            self.discriminator_optimizer,
        )
        self.apply_gradients(
            self.generator_optimizer, generator_gradients, self.generator_variables
        )
        self.apply_gradients(
            self.discriminator_optimizer, discriminator_gradients, self.discriminator_variables
        )
        self.update_ema()
        self.step.assign_add(1)

        # Report.
        self.generator_loss_mean.update_state(generator_loss)
        self.cycle_loss_mean.update_state(cycle_loss)
        self.identity_loss_mean.update_state(identity_loss)
        self.discriminator_loss_mean.update_state(discriminator_loss)
        return {metric.name: metric.result() for metric in self.metrics}

    def call(self, inputs, training=False):
        """The EMA generator from A to B: float32 [N, H, W, C] in [-1, 1] both."""
        return self.ema_generator_ab(inputs, training=training)

    def test_step(self, batch):
        """What `evaluate` reports: both cycle losses of the EMA generators, summed."""
        ab, ba = self.ema_generator_ab, self.ema_generator_ba
        real_a, real_b = batch["image_a"], batch["image_b"]
        reconstructed_a = ba(ab(real_a, training=False), training=False)
        reconstructed_b = ab(ba(real_b, training=False), training=False)
        self.cycle_loss_mean.update_state(
            losses.l1(reconstructed_a, real_a) + losses.l1(reconstructed_b, real_b)
        )
        return {"cycle_loss": self.cycle_loss_mean.result()}

    def a_to_b(self, images):
        """What the EMA generator from A to B makes of images, each on its own.

        Args:
            images: float [N, H, W, C] in [0, 1], of A's shape.

        Returns:
            float32 [N, H, W, C] in [0, 1], of B's shape.

        Raises:
            InputError: images of another shape.
        """
        return translate(self.ema_generator_ab, checked_images(images, self.shape_a))

    def b_to_a(self, images):
        """The same from B to A; see `a_to_b`."""
        return translate(self.ema_generator_ba, checked_images(images, self.shape_b))

    def probe(self):
        """An image of domain A from one of domain B from noise: float32 [1, H, W, C]."""
        return self.b_to_a(self.a_to_b(noise(self.shape_a)))

    def signatures(self):
        """What its SavedModel answers, a `tfgan.serving.served.Served`."""
        return served_cyclegan(self)

    def get_config(self):
        return super().get_config() | {"pool_size": self.pool_size}

    def compile_arguments(self):
        return super().compile_arguments() | {
            "cycle_weight": self.cycle_weight,
            "identity_weight": self.identity_weight,
        }


def adversarial_loss(fake_logits):
    """E[(D(G(x)) - 1)^2], which the paper does not halve, unlike Mao et al. and `tfgan.losses`.

    The discriminator's it does halve, which makes that one theirs.
    """
    return 2.0 * losses.least_squares_generator(None, fake_logits)


def translate(generator, images):
    """A generator's translation of images, both float32 [N, H, W, C] in [0, 1]."""
    return (generator(2.0 * images - 1.0, training=False) + 1.0) / 2.0


class ImagePool(keras.layers.Layer):
    """Generated images of earlier steps, for a discriminator not to forget what it has seen.

    The first `size` images are kept and come back at once. From then on each image comes back
    itself with a chance of one half; else it takes a place drawn at random, and what was kept there
    comes back. Images of one batch are exchanged one after another. What is kept is a weight, and
    so part of checkpoints and `.keras` files.

    Args:
        image_shape: `(height, width, channels)`.
        size: images kept, at least 1.

    Reference:
        Shrivastava et al. 2016 (arXiv 1612.07828), section 2.3; Zhu et al. 2017
        (arXiv 1703.10593), section 4, for 50 images.
    """

    def __init__(self, image_shape, size=50, **kwargs):
        super().__init__(dtype="float32", trainable=False, **kwargs)
        require_integers(1, pool_size=size)
        self.size = size
        self.images = self.add_weight(
            shape=(size, *image_shape), initializer="zeros", trainable=False, name="images"
        )
        self.count = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="count"
        )
        self.built = True

    def exchange(self, images, seed):
        """What the discriminator sees in place of new images.

        Args:
            images: float32 [N, *image_shape].
            seed: int64 [2], of the draws.

        Returns:
            float32 [N, *image_shape], without a gradient.
        """
        num = tf.shape(images)[0]
        place_seed, chance_seed = tf.unstack(tf.random.split(seed, 2, alg="philox"))
        places = tf.random.stateless_uniform(
            [num], place_seed, maxval=self.size, dtype=tf.int32, alg="philox"
        )
        chances = tf.random.stateless_uniform([num], chance_seed, alg="philox")
        pool, count = self.images.value, self.count.value
        exchanged_images = tf.TensorArray(tf.float32, num, element_shape=images.shape[1:])
        for index in tf.range(num):
            new = images[index]
            filling = count < self.size
            place = tf.where(filling, count, places[index])
            exchanged = ~filling & (chances[index] < 0.5)
            # Gathered and scattered: a slice would copy the whole pool for each image.
            kept = tf.gather(pool, place)
            exchanged_images = exchanged_images.write(index, tf.where(exchanged, kept, new))
            keep = tf.where(filling | exchanged, new, kept)
            pool.scatter_update(tf.IndexedSlices(keep[None], place[None]))
            count.assign_add(tf.cast(filling, tf.int32))
        return tf.stop_gradient(exchanged_images.stack())
