"""What every family shares: networks, their EMAs, and randomness that follows from the step.

Plumbing alone: no loss and no order of updates is decided here. A family's mathematics stands in
its own `train_step`.
"""

import operator
from numbers import Real
from types import FunctionType
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfgan.arguments import checked_seed
from tfgan.errors import InputError
from tfgan.models.fitted import FittedModel
from tfgan.networks.precision import MIXED_POLICIES, computing_in
from tfgan.networks.spectral import SpectralNorm
from tfgan.noise import latents_for_step, latents_from_seeds
from tfgan.serving.latents import served_from_latents


def normalized(gradients):
    """Gradients divided by their global norm, so that only their direction counts.

    The remedy for instability that feature_vectors.txt calls gradient normalization (梯度归一化).
    The epsilon keeps a gradient of zero at zero.
    """
    norm = tf.linalg.global_norm(gradients) + 1e-12
    return [gradient / norm for gradient in gradients]


def float32_twin(network):
    """A functional network of the same layers and weights that computes in float32.

    What a network trained in mixed precision is sampled, measured and exported as: rounding to
    bfloat16 shows in images, and other runtimes refuse its operations.

    Raises:
        InputError: a layer cannot be made again from its config.
    """

    def in_float32(value):
        return "float32" if isinstance(value, str) and value in MIXED_POLICIES else value

    def copy(layer):
        # A config has the policies of what a layer holds, too: a wrapped layer, an RNN's cell, an
        # activation. Bare operations have none: they follow the dtype of what goes in.
        config = keras.tree.map_structure(in_float32, layer.get_config())
        functions = unnamed_functions(layer, config)
        try:
            return type(layer)(**config | functions) if functions else layer.from_config(config)
        except Exception as error:
            raise InputError(
                f"the layer {layer.name} ({type(layer).__name__}) cannot be made again from its "
                "`get_config`, as its EMA is: give it a `get_config`, and what it holds "
                "functions that are registered with `keras.saving.register_keras_serializable` in "
                f"place of lambdas ({type(error).__name__})"
            ) from error

    with computing_in("float32"):
        twin = keras.models.clone_model(network, clone_function=copy, recursive=True)
    twin.set_weights(network.get_weights())
    return twin


def unnamed_functions(layer, config):
    """The functions that a layer was given and that cannot be found again by a name in its config.

    Such as a lambda, or a function of another function: Keras refuses to read their code, rightly
    so from a file, and it would lack the names that it uses.

    Args:
        layer: a Keras layer.
        config: what its `get_config` returned.

    Returns:
        A dict from the arguments' names to the functions.
    """
    given = {key: getattr(layer, key, None) for key, value in config.items() if type(value) is dict}
    return {key: each for key, each in given.items() if isinstance(each, FunctionType)}


def require_finite(tensor, name):
    """The tensor itself; an InvalidArgumentError that says `name` where it holds a NaN or Inf.

    Or numbers of which the squares overflow: Adam's second moment would.
    """
    # The sum of squares stands for its terms: it is taken on all cores, a look at each on one.
    sum_of_squares = tf.nn.l2_loss(tensor)
    with tf.control_dependencies(
        [tf.debugging.check_numerics(sum_of_squares, f"non-finite {name}")]
    ):
        return tf.identity(tensor)


def image_spec(shape):
    """The `tf.TensorSpec` of a batch of images of `(height, width, channels)`."""
    return tf.TensorSpec([None, *shape], tf.float32)


class EMAModel(FittedModel):
    """Networks, and the exponential moving average (EMA) of some, which is called and exported.

    Every weight of an EMA follows its network's as `ema += (1 - decay) (value - ema)`, the moving
    statistics of batch normalization like the weights: both average over the same steps, so they
    belong together. The decay grows as min(decay, (1 + step) / (10 + step)), which keeps the
    initial weights from lingering. An EMA computes in float32, whatever the dtype policy the
    networks were built under.

    Args:
        ema_decay: per step, in [0, 1); 0 follows the networks at once.
        seed: of all randomness in training, which is a pure function of (seed, step).
    """

    # Those of the networks that have an EMA, which a family keeps as `average_<name>`: checkpoints
    # and files know it by that name. `ema_<name>` is what it is called.
    ema_networks = ()
    # The label of the panel in which a metric is plotted; see `tfgan.plotting.save_curves`.
    panels: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in cls.ema_networks:
            setattr(cls, f"ema_{name}", property(operator.attrgetter(f"average_{name}")))

    def __init__(self, *, ema_decay=0.999, seed=0, **kwargs):
        # Under a mixed dtype policy Keras would round what the model is called with.
        super().__init__(dtype="float32", **kwargs)
        if not isinstance(ema_decay, Real) or not 0 <= ema_decay < 1:
            raise InputError(f"ema_decay must be in [0, 1). Received: {ema_decay!r}")
        self.ema_decay = ema_decay
        self.seed = checked_seed(seed)
        self.step = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False, name="step"
        )

    def step_seed(self, purpose):
        """A seed for stateless randomness, int64 [2]: another one for every step and purpose.

        Args:
            purpose: an integer that tells the draws of one step apart.
        """
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(self.step, tf.int64)])
        return tf.random.fold_in(seed, purpose, alg="philox")

    def gradients(self, tape, objective, variables, optimizer):
        """Gradients times the optimizer's loss scale, by which it divides them again.

        Args:
            tape: that has recorded the objective.
            objective: a scalar.
            variables: what to differentiate it by.
            optimizer: of the variables. Only a `LossScaleOptimizer`, or one with a
                `loss_scale_factor`, has a scale other than 1.
        """
        # Scaling where the chain rule starts is scaling the loss.
        scale = optimizer.scale_loss(tf.ones_like(objective))
        return tape.gradient(objective, variables, output_gradients=scale)

    def apply_gradients(self, optimizer, gradients, variables):
        """One update of `variables`, and of them alone; refuses gradients that are not finite.

        Args:
            optimizer: one of the model's.
            gradients: as `gradients` makes them for this optimizer.
            variables: the weights, in the same order.
        """
        unreached = [v.path for v, gradient in zip(variables, gradients) if gradient is None]
        if unreached:
            raise InputError(
                "every trainable weight must count in the loss: leave its layer out, or set its "
                f"trainable to False before compile. Received: {', '.join(unreached)}"
            )
        gradients = [
            self._finite(optimizer, gradient, f"gradient of {variable.path}")
            for gradient, variable in zip(gradients, variables)
        ]
        if self.normalize_gradients:
            gradients = [optimizer.scale_loss(gradient) for gradient in normalized(gradients)]
        optimizer.apply(gradients, variables)

    def _finite(self, optimizer, gradient, name):
        """The gradient, where it is finite or the optimizer knows better."""
        if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            return require_finite(gradient, name)
        # It leaves out a step that overflows, and halves the scale. A scale below 1 means that the
        # gradient itself is not finite.
        is_excused = optimizer.dynamic_scale >= 1.0
        gradient = tf.convert_to_tensor(gradient)
        finite = require_finite(tf.where(is_excused, tf.zeros_like(gradient), gradient), name)
        return tf.where(is_excused, gradient, finite)

    def update_ema(self):
        """Moves every weight of the EMAs towards its network's; integers are taken over.

        Weights are not all of its variables: dropout and GRUs keep a random state.
        """
        step = tf.cast(self.step, tf.float32)
        decay = tf.minimum(self.ema_decay, (1.0 + step) / (10.0 + step))
        for ema_network, network in self.ema_pairs():
            for ema, value in zip(ema_network.weights, network.weights):
                if keras.backend.is_float_dtype(ema.dtype):
                    ema.assign_add((1.0 - decay) * (value - ema))
                else:
                    ema.assign(value)
            for layer in ema_network._flatten_layers():
                # A mean of unit vectors belongs to no kernel, but nears that of the EMA.
                if isinstance(layer, SpectralNorm):
                    layer.iterate()

    def ema_pairs(self):
        """Pairs of an EMA and the network that it follows."""
        return [(getattr(self, f"ema_{name}"), getattr(self, name)) for name in self.ema_networks]

    def get_config(self):
        return {
            "name": self.name,
            **{
                name: keras.saving.serialize_keras_object(getattr(self, name))
                for name in self.networks
            },
            "ema_decay": self.ema_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        for network in cls.networks:
            config[network] = keras.saving.deserialize_keras_object(config[network], custom_objects)
        # What files of before call it.
        if "averaging_decay" in config:
            config["ema_decay"] = config.pop("averaging_decay")
        return cls(**config)

    def get_compile_config(self):
        return self.compile_arguments() if self.compiled else {}

    def compile_arguments(self):
        """What `compile` was given, as a file of the model has it: a family's own is added."""
        return {
            **{
                name: keras.saving.serialize_keras_object(getattr(self, name))
                for name in self.optimizers
            },
            "normalize_gradients": self.normalize_gradients,
            "jit_compile": self.jit_compile,
            "steps_per_execution": self.steps_per_execution,
            "auto_scale_loss": self.auto_scale_loss,
        }

    def compile_from_config(self, config):
        for name in self.optimizers:
            config[name] = keras.saving.deserialize_keras_object(config[name])
        # Files of older versions may have it.
        config["jit_compile"] = False
        self.compile(**config)


class GenerativeModel(EMAModel):
    """A generator that draws images from latents, and its EMA.

    Args:
        generator: functional model, float [N, D] -> float [N, H, W, C] in [-1, 1]. Where it has
            more inputs than one, the latents are the first.
        **kwargs: `ema_decay` and `seed`, as in `EMAModel`.
    """

    networks = ("generator",)
    ema_networks = ("generator",)
    # What the networks take beside their input: a family's own.
    condition = None
    # Logits of images, of a family that has a discriminator; see `AdversarialModel`.
    discriminate = None

    def __init__(self, generator, **kwargs):
        super().__init__(**kwargs)
        self.generator = generator
        self.average_generator = float32_twin(generator)

    @property
    def batch_spec(self):
        return {"image": image_spec(self.image_shape)}

    @property
    def latent_dim(self):
        """Length of the latent vector."""
        return self.generator.inputs[0].shape[-1]

    @property
    def image_shape(self):
        """`(height, width, channels)` of an image."""
        return self.generator.output_shape[1:]

    def call(self, inputs, training=False):
        """The EMA generator: its inputs -> float [N, H, W, C] in [-1, 1]."""
        return self.ema_generator(inputs, training=training)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="seeds")])
    def generate(self, seeds):
        """Images of the EMA generator, one per seed.

        Args:
            seeds: int64 [N]. The same seed gives the same image in any batch, and from the
                exported model.

        Returns:
            float32 [N, H, W, C] in [0, 1].
        """
        latents = latents_from_seeds(seeds, self.latent_dim)
        return (self.ema_generator(latents, training=False) + 1.0) / 2.0

    def examples(self, num):
        """What to `generate` for a grid of images.

        Args:
            num: of images.

        Returns:
            `(inputs, columns)`: the arguments of `generate`, a tuple, and how many images stand
            in a row, or None for about as many as there are rows.
        """
        return (np.arange(num, dtype=np.int64),), None

    def signatures(self):
        """What its SavedModel answers, a `tfgan.serving.served.Served`."""
        return served_from_latents(self)

    def probe(self):
        """An image, to see whether the EMA generator can draw: float32 [1, H, W, C]."""
        inputs, _ = self.examples(1)
        return self.generate(*inputs)

    def training_latents(self, batch_size):
        """Noise of the present step, float32 [batch_size, D]: a pure function of (seed, step)."""
        return latents_for_step(self.seed, self.step, batch_size, self.latent_dim)
