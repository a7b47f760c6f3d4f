"""Paired image-to-image translation (成对图像转换): pix2pix, of Isola et al. 2016."""

from typing import ClassVar

import keras
import tensorflow as tf

from tfgan import losses
from tfgan.arguments import require_at_least
from tfgan.errors import InputError
from tfgan.models.base import float32_twin, image_spec, require_finite
from tfgan.models.translation import (
    TranslationModel,
    checked_images,
    noise,
    shape_between,
)
from tfgan.networks.functional import checked_discriminator, checked_generator
from tfgan.serving.translation import served_pix2pix


@keras.saving.register_keras_serializable("tfgan")
class Pix2Pix(TranslationModel):
    """A conditional GAN whose condition is an image, distinguished from real ones patch by patch.

    Where images have holes to fill (inpainting, 图像修复), the generator makes all of an image
    and only the holes are taken: known pixels come out as they went in, and the discriminator
    sees the composite image. Both networks then take the known pixels, and the mask as one
    more channel; what lies in the holes they never see.

    Args:
        generator: functional model, float [N, H, W, C'] -> float [N, H, W, C] in [-1, 1], such as
            `tfgan.unet_generator` makes. C' is the channels of the condition, and one more where
            `masked`.
        discriminator: functional model, `[images, condition]`, float [N, H, W, C] and
            [N, H, W, C'] -> logits of any shape [N, ...], such as `tfgan.patch_discriminator`
            makes.
        masked: whether batches have a `mask`. The condition then has the image's channels.
        **kwargs: `ema_decay` and `seed`, as in `EMAModel`.

    Raises:
        InputError: the networks do not fit together.

    Example:
        >>> gan = tfgan.Pix2Pix(
        ...     tfgan.unet_generator((64, 64, 3), input_channels=1),
        ...     tfgan.patch_discriminator((64, 64, 3), condition_channels=1),
        ... )
        >>> gan.compile()
        >>> gan.fit(batches, epochs=50, steps_per_epoch=100, shuffle=False)
        >>> colored = gan.translate(gray)

    Reference:
        Isola et al. 2016 (arXiv 1611.07004).
    """

    networks = ("generator", "discriminator")
    ema_networks = ("generator",)
    panels: ClassVar[dict[str, str]] = {"l1": "mean absolute error"}

    def __init__(self, generator, discriminator, masked=False, **kwargs):
        super().__init__(**kwargs)
        generator = checked_generator(generator, "generator", num_inputs=1)
        discriminator = checked_discriminator(discriminator, "discriminator")
        received = [(*tensor.shape,) for tensor in discriminator.inputs]
        if received != [generator.output_shape, generator.input_shape]:
            raise InputError(
                "the discriminator must take what the generator makes and what it is made from. "
                f"Received: a generator of {shape_between(generator)}, a discriminator of "
                f"{' and '.join('x'.join(map(str, shape[1:])) for shape in received)}"
            )
        channels, input_channels = generator.output_shape[-1], generator.input_shape[-1]
        if masked and input_channels != channels + 1:
            raise InputError(
                f"a generator that fills holes in images of {channels} channels must take "
                f"{channels + 1}, the last one the mask. Received: {shape_between(generator)}"
            )
        self.generator = generator
        self.discriminator = discriminator
        self.masked = masked
        self.average_generator = float32_twin(generator)
        self.generator_loss_mean = keras.metrics.Mean(name="generator_loss")
        self.l1_mean = keras.metrics.Mean(name="l1")
        self.discriminator_loss_mean = keras.metrics.Mean(name="discriminator_loss")
        self.real_logit_mean = keras.metrics.Mean(name="real_logit")
        self.fake_logit_mean = keras.metrics.Mean(name="fake_logit")
        # Both networks are functional, so nothing is left to build.
        self.built = True

    @property
    def metrics(self):
        return [
            self.generator_loss_mean,
            self.l1_mean,
            self.discriminator_loss_mean,
            self.real_logit_mean,
            self.fake_logit_mean,
        ]

    @property
    def image_shape(self):
        """`(height, width, channels)` of what comes out."""
        return self.generator.output_shape[1:]

    @property
    def condition_shape(self):
        """`(height, width, channels)` of what goes in, without the mask."""
        height, width, channels = self.generator.input_shape[1:]
        return height, width, channels - self.masked

    def compile(self, *args, loss="non_saturating", l1_weight=100.0, **kwargs):
        """Chooses the optimizers and what they minimize.

        Args:
            loss: a name from `tfgan.losses.LOSSES` or an `AdversarialLoss`. The discriminator's is
                halved.
            l1_weight: lambda, at least 0: how much the distance from the target counts beside the
                discriminator's opinion.
            *args, **kwargs: the optimizers and the rest, as in `TranslationModel.compile`.

        Raises:
            InputError: an unknown loss, a negative weight.
        """
        require_at_least(0, l1_weight=l1_weight)
        self.adversarial_loss = losses.get(loss)
        self.l1_weight = l1_weight
        super().compile(*args, **kwargs)

    @property
    def batch_spec(self):
        spec = {
            "condition": image_spec(self.condition_shape),
            "image": image_spec(self.image_shape),
        }
        masks = {"mask": image_spec((*self.condition_shape[:2], 1))} if self.masked else {}
        return spec | masks

    @tf.function
    def train_step(self, batch):
        """One update of both networks, both from the weights before the step.

        The paper updates the discriminator first. Here the two gradients share one forward pass,
        which is cheaper, and neither network sees the other's update of the same step.

        Args:
            batch: dict with `condition`, float32 [N, H, W, C'], and `image`, what it should become,
                float32 [N, H, W, C], both in [-1, 1]; where `masked` also `mask`, float32
                [N, H, W, 1], 1 where pixels are to be filled and 0 elsewhere.

        Returns:
            dict of scalars: both losses, the distance from the target and mean logits, averaged
            since the metrics' reset.

        Raises:
            tf.errors.InvalidArgumentError: a loss or a gradient is not finite; the message names
                it.
            InputError: a batch of another structure or out of range, or a weight that no loss
                reaches.
        """
        source, target = batch["condition"], batch["image"]
        masks = batch["mask"] if self.masked else None
        condition = self.network_input(source, masks)

        # Forward.
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            output = self.composite(self.generator(condition, training=True), source, masks)
            real_logits = self.discriminator([target, condition], training=True)
            fake_logits = self.discriminator([output, condition], training=True)
            generator_loss = self.adversarial_loss.generator(real_logits, fake_logits)
            discriminator_loss = self.adversarial_loss.discriminator(real_logits, fake_logits)
            l1 = losses.l1(output, target)
            generator_objective = require_finite(
                generator_loss + self.l1_weight * l1, "generator loss"
            )
            # Halved, so that the discriminator learns more slowly than the generator.
            discriminator_objective = require_finite(0.5 * discriminator_loss, "discriminator loss")

        # Updates, both of the gradients at the weights before the step.
        generator_gradients = self.gradients(
            generator_tape, generator_objective, self.generator_variables, self.generator_optimizer
        )
        discriminator_gradients = self.gradients(
            discriminator_tape,
            discriminator_objective,
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
        self.l1_mean.update_state(l1)
        self.discriminator_loss_mean.update_state(discriminator_loss)
        self.real_logit_mean.update_state(real_logits)
        self.fake_logit_mean.update_state(fake_logits)
        return {metric.name: metric.result() for metric in self.metrics}

    def network_input(self, source, masks):
        """What both networks take: the condition, its holes at 0 and the masks beside it."""
        if masks is None:
            return source
        return keras.ops.concatenate([source * (1.0 - masks), masks], axis=-1)

    def composite(self, generated, source, masks):
        """The generated images, but where there are masks only in the holes."""
        if masks is None:
            return generated
        return masks * generated + (1.0 - masks) * source

    def call(self, inputs, training=False):
        """The EMA generator's images.

        Args:
            inputs: the condition, float32 [N, H, W, C'] in [-1, 1]; where `masked`,
                `[condition, mask]`.

        Returns:
            float32 [N, H, W, C] in [-1, 1].
        """
        source, masks = inputs if self.masked else (inputs, None)
        generated = self.ema_generator(self.network_input(source, masks), training=training)
        return self.composite(generated, source, masks)

    def test_step(self, batch):
        """What `evaluate` reports: the EMA generator's distance from the target."""
        inputs = [batch["condition"], batch["mask"]] if self.masked else batch["condition"]
        self.l1_mean.update_state(losses.l1(self(inputs), batch["image"]))
        return {"l1": self.l1_mean.result()}

    def translate(self, images, masks=None):
        """What the EMA generator makes of images, each whatever else is in the batch.

        Args:
            images: float [N, H, W, C'] in [0, 1], of the condition's channels.
            masks: float [N, H, W, 1], 1 where pixels are to be filled and 0 elsewhere, which
                `masked` models need and no others take.

        Returns:
            float32 [N, H, W, C] in [0, 1].

        Raises:
            InputError: images or masks of another shape; masks that are missing or not wanted.
        """
        if self.masked == (masks is None):
            wanted = "needs masks beside the images" if self.masked else "takes no masks"
            received = "none" if masks is None else f"masks of shape {tuple(masks.shape)}"
            raise InputError(f"this model {wanted}. Received: {received}")
        images = 2.0 * checked_images(images, self.condition_shape) - 1.0
        if self.masked:
            masks = checked_images(masks, (*self.condition_shape[:2], 1), "masks")
            images = [images, masks]
        return (self(images) + 1.0) / 2.0

    def probe(self):
        """An image, to see whether the EMA generator can draw: float32 [1, H, W, C]."""
        masks = noise((*self.condition_shape[:2], 1)) if self.masked else None
        return self.translate(noise(self.condition_shape), masks)

    def signatures(self):
        """What its SavedModel answers, a `tfgan.serving.served.Served`."""
        return served_pix2pix(self)

    def get_config(self):
        return super().get_config() | {"masked": self.masked}

    def compile_arguments(self):
        return super().compile_arguments() | {
            "loss": losses.name_of(self.adversarial_loss),
            "l1_weight": self.l1_weight,
        }
