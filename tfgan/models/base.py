"""What every adversarial family shares: two networks, two optimizers, an averaged generator.

Plumbing alone: no loss and no order of updates is decided here. A family's mathematics stands in
its own `train_step`.
"""

import types

import keras
import numpy as np
import tensorflow as tf

from tfgan import losses
from tfgan.augment import augment, checked_policies
from tfgan.errors import InputError
from tfgan.latent.sampling import latents_for_step, latents_from_seeds
from tfgan.penalties import gradient_penalty, r1, r2


def adam(learning_rate=1e-3, beta_1=0.0, beta_2=0.99):
    """Adam without momentum, which both players of a game regularised by R1 do best with.

    Reference: Karras et al. 2018 (arXiv 1710.10196), appendix A.1: beta 0 / 0.99, epsilon 1e-8.
    """
    return keras.optimizers.Adam(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=1e-8)


def normalized(gradients):
    """Gradients divided by their global norm, so that only their direction counts.

    The remedy for instability that feature_vectors.txt calls gradient normalisation (梯度归一化).
    The epsilon keeps a gradient of zero at zero.
    """
    norm = tf.linalg.global_norm(gradients) + 1e-12
    return [gradient / norm for gradient in gradients]


def float32_twin(network):
    """A functional network of the same layers and weights that computes in float32.

    What a network trained in mixed precision is sampled, measured and exported as: rounding to
    bfloat16 shows in pictures, and other runtimes refuse its operations.
    """

    def in_float32(layer):
        config = layer.get_config()
        # A graph holds bare operations too, which follow the dtype of what goes in.
        is_layer = isinstance(layer, keras.layers.Layer)
        if is_layer and layer.compute_dtype != layer.variable_dtype:
            config["dtype"] = layer.variable_dtype
        return layer.from_config(config)

    twin = keras.models.clone_model(network, clone_function=in_float32, recursive=True)
    twin.set_weights(network.get_weights())
    return twin


def require_finite(tensor, name):
    """The tensor itself; an InvalidArgumentError that says `name` where it holds a NaN or Inf."""
    return tf.debugging.check_numerics(tensor, f"non-finite {name}")


class AdversarialModel(keras.Model):
    """A generator and a discriminator with an optimizer each, and the generator's average.

    The average is what is sampled, called and exported. Its every variable follows the
    generator's as `average += (1 - decay) (value - average)`, the moving statistics of batch
    normalisation like the weights: both average over the same steps, so they belong together.
    The decay grows as min(decay, (1 + step) / (10 + step)), which keeps the initial weights from
    lingering. It computes in float32, whatever the dtype policy the networks were built under.

    Args:
        generator: functional model, float [N, D] -> float [N, H, W, C] in [-1, 1]. Where it has
            more inputs than one, the latents are the first.
        discriminator: functional model, float [N, H, W, C] -> logits. Where it has more inputs than
            one, the pictures are the first.
        averaging_decay: of the averaged generator, in [0, 1); 0 follows the generator at once.
        seed: of the training noise, which is a pure function of (seed, step).
    """

    # What both networks are told beside their input: a family's own.
    condition = None

    def __init__(self, generator, discriminator, *, averaging_decay=0.999, seed=0, **kwargs):
        super().__init__(**kwargs)
        judged_shape = discriminator.inputs[0].shape
        if generator.output_shape != judged_shape:
            raise InputError(
                "generator and discriminator must agree on the picture's shape. Received: "
                f"{generator.output_shape[1:]} out of the generator, {judged_shape[1:]} into the "
                "discriminator"
            )
        if not 0 <= averaging_decay < 1:
            raise InputError(f"averaging_decay must be in [0, 1). Received: {averaging_decay}")
        self.generator = generator
        self.discriminator = discriminator
        self.average_generator = float32_twin(generator)
        self.averaging_decay = averaging_decay
        self.seed = seed
        self.step = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False, name="step"
        )
        self.generator_loss_mean = keras.metrics.Mean(name="generator_loss")
        self.discriminator_loss_mean = keras.metrics.Mean(name="discriminator_loss")
        self.real_logit_mean = keras.metrics.Mean(name="real_logit")
        self.fake_logit_mean = keras.metrics.Mean(name="fake_logit")
        # Both networks are functional, so nothing is left to build.
        self.built = True

    @property
    def latent_dim(self):
        """Length of the latent vector."""
        return self.generator.inputs[0].shape[-1]

    @property
    def image_shape(self):
        """`(height, width, channels)` of a picture."""
        return self.generator.output_shape[1:]

    @property
    def metrics(self):
        return [
            self.generator_loss_mean,
            self.discriminator_loss_mean,
            self.real_logit_mean,
            self.fake_logit_mean,
        ]

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
        normalize_gradients=False,
        jit_compile=False,
        **kwargs,
    ):
        """Chooses the optimizers and what they minimise.

        Args:
            generator_optimizer, discriminator_optimizer: Keras optimizers, by default `adam()`.
                Gradients are clipped by norm with the optimizers' own `global_clipnorm`.
            loss: a name from `tfgan.losses.LOSSES` or an `AdversarialLoss`.
            discriminator_steps: the generator moves at every so manieth step only (Goodfellow et
                al. 2014, algorithm 1: k).
            r1_gamma: weight of the R1 penalty on the discriminator, at least 0; 0 leaves it out.
                By default 1 at 28x28 and proportional to the number of pixels, over which the
                penalty sums (Karras et al. 2020, arXiv 2006.06676, appendix C).
            r2_gamma: weight of the R2 penalty, likewise; off by default.
            gradient_penalty_weight: lambda of the gradient penalty of WGAN-GP, at least 0; off by
                default.
            penalty_interval: steps from one evaluation of the penalties to the next. Each counts
                this many times, so the mean does not change (Karras et al. 2020, arXiv 1912.04958,
                appendix B: lazy regularisation).
            augmentation: what real and generated pictures go through before the discriminator sees
                them: a sequence of names from `tfgan.augment.POLICIES`. For small data sets.
            normalize_gradients: divide each player's gradients by their global norm.
            jit_compile: compile with XLA under `fit`. Keras' "auto" would turn it on by itself
                where a GPU is seen, and change the results.
            **kwargs: `steps_per_execution`, `run_eagerly` and so on, as in `keras.Model.compile`.

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
        for minimum, numbers in ((0, weights), (1, counts)):
            for name, number in numbers.items():
                if number < minimum:
                    raise InputError(f"{name} must be at least {minimum}. Received: {number}")
        # Keras would otherwise create an RMSprop that nobody uses.
        super().compile(optimizer=None, jit_compile=jit_compile, **kwargs)
        self.adversarial_loss = losses.get(loss)
        self.discriminator_steps = discriminator_steps
        self.r1_gamma = r1_gamma
        self.r2_gamma = r2_gamma
        self.gradient_penalty_weight = gradient_penalty_weight
        self.penalised = any(weights.values())
        self.penalty_interval = penalty_interval
        self.augmentation = checked_policies(augmentation)
        self.normalize_gradients = normalize_gradients
        self.generator_optimizer = keras.optimizers.get(generator_optimizer or adam())
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer or adam())
        # A graph of its own for each compilation: that of the class's function, once traced, would
        # go on with the loss and the optimizers of the first.
        step = type(self).train_step.python_function
        self.train_step = tf.function(types.MethodType(step, self))
        # Built here: an optimizer that is built by its first step restores from nothing.
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def call(self, inputs, training=False):
        """The averaged generator: its inputs -> float [N, H, W, C] in [-1, 1]."""
        return self.average_generator(inputs, training=training)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="seeds")])
    def generate(self, seeds):
        """Pictures of the averaged generator, one a seed.

        Args:
            seeds: int64 [N]. The same seed gives the same picture in any batch, and from the
                exported model.

        Returns:
            float32 [N, H, W, C] in [0, 1].
        """
        latents = latents_from_seeds(seeds, self.latent_dim)
        return (self.average_generator(latents, training=False) + 1.0) / 2.0

    def examples(self, num):
        """What to `generate` for a sheet of pictures.

        Args:
            num: of pictures.

        Returns:
            `(inputs, columns)`: the arguments of `generate`, a tuple, and how many pictures stand
            in a row, or None for about as many as there are rows.
        """
        return (np.arange(num, dtype=np.int64),), None

    def training_latents(self, batch_size):
        """Noise of the present step, float32 [batch_size, D]: a pure function of (seed, step)."""
        return latents_for_step(self.seed, self.step, batch_size, self.latent_dim)

    def step_seed(self, purpose):
        """A seed for stateless randomness, int64 [2]: another one for every step and purpose.

        Args:
            purpose: an integer that tells the draws of one step apart.
        """
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(self.step, tf.int64)])
        return tf.random.fold_in(seed, purpose, alg="philox")

    def augmented(self, images, purpose):
        """Pictures as the discriminator is shown them; see `augmentation` in `compile`."""
        return augment(images, self.augmentation, self.step_seed(purpose))

    def penalty(self, discriminator, real_images, fake_images):
        """The weighted sum of the penalties that `compile` asked for, a scalar.

        Args:
            discriminator: function of pictures and `training`, to logits.
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

    def apply_gradients(self, optimizer, gradients, variables):
        """One update of `variables`, and of them alone; refuses gradients that are not finite."""
        gradients = [
            require_finite(gradient, f"gradient of {variable.path}")
            for gradient, variable in zip(gradients, variables)
        ]
        if self.normalize_gradients:
            gradients = normalized(gradients)
        optimizer.apply(gradients, variables)

    def update_average(self):
        """Moves every variable of the averaged generator towards the generator's."""
        step = tf.cast(self.step, tf.float32)
        decay = tf.minimum(self.averaging_decay, (1.0 + step) / (10.0 + step))
        for average, value in zip(self.average_generator.variables, self.generator.variables):
            average.assign_add((1.0 - decay) * (value - average))

    def get_config(self):
        return {
            "name": self.name,
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "averaging_decay": self.averaging_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        for network in ("generator", "discriminator"):
            config[network] = keras.saving.deserialize_keras_object(config[network], custom_objects)
        return cls(**config)

    def get_compile_config(self):
        return {
            "generator_optimizer": keras.saving.serialize_keras_object(self.generator_optimizer),
            "discriminator_optimizer": keras.saving.serialize_keras_object(
                self.discriminator_optimizer
            ),
            "loss": losses.name_of(self.adversarial_loss),
            "discriminator_steps": self.discriminator_steps,
            "r1_gamma": self.r1_gamma,
            "r2_gamma": self.r2_gamma,
            "gradient_penalty_weight": self.gradient_penalty_weight,
            "penalty_interval": self.penalty_interval,
            "augmentation": self.augmentation,
            "normalize_gradients": self.normalize_gradients,
            "jit_compile": self.jit_compile,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config):
        for player in ("generator_optimizer", "discriminator_optimizer"):
            config[player] = keras.saving.deserialize_keras_object(config[player])
        self.compile(**config)
