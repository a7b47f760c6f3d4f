"""A generator seen from its latents: live, or out of a SavedModel."""

import keras
import numpy as np
import tensorflow as tf

from tfgan.errors import InputError
from tfgan.export import model_card, saved_models
from tfgan.export.formats import keras_network
from tfgan.inference.exported_model import ExportedModel
from tfgan.latent.directions import activations
from tfgan.noise import latents_from_seeds
from tfgan.startup import quiet_stderr

# Images drawn at once.
BATCH_SIZE = 256


class LatentGenerator:
    """What everything in `tfgan.latent` draws with; `of` and `load` make one.

    Attributes:
        name: what it is called.
        latent_dim: length of a latent vector, D.
        image_shape: `(height, width, channels)`.
        condition_spec: a `tf.TensorSpec` of its condition, `labels` or `texts`; None where it is no
            conditional model.
        condition: what checks and encodes that, such as a `tfgan.LabelCondition`; None where there
            is none, or where a SavedModel's card does not tell.
        network: the functional Keras model, float [N, D] (and an encoded condition) -> float
            [N, H, W, C] in [-1, 1]; None for a SavedModel whose folder does not tell its layers.
        card: a SavedModel's model card, a dict; an empty one where there is none.
    """

    def __init__(
        self, name, images, latent_dim, image_shape, condition_spec, condition, network, card
    ):
        self.name = name
        self._images = images
        self.latent_dim = latent_dim
        self.image_shape = image_shape
        self.condition_spec = condition_spec
        self.condition = condition
        self.network = network
        self.card = card

    @property
    def data_name(self):
        """The name of the data set that a SavedModel was trained on, or None."""
        training = self.card.get("training") or {}
        return training.get("data", {}).get("name")

    @classmethod
    def of(cls, model):
        """A live model's EMA generator.

        Args:
            model: a `tfgan.GAN`, `tfgan.ConditionalGAN`, `tfgan.VAE` or another `GenerativeModel`.
        """
        condition = model.condition

        def images(latents, *given):
            inputs = [latents, condition.checked(*given)] if given else latents
            return (model.ema_generator(inputs, training=False) + 1.0) / 2.0

        return cls(
            model.name,
            tf.function(images),
            model.latent_dim,
            tuple(model.image_shape),
            condition and condition.spec,
            condition,
            model.ema_generator,
            {},
        )

    @classmethod
    def load(cls, path):
        """A SavedModel's generator.

        Args:
            path: a SavedModel's folder, or one that holds its versions.

        Raises:
            InputError: there is none, or its images come from something else than latents.
        """
        return cls.of_exported(ExportedModel.load(path))

    @classmethod
    def of_exported(cls, model):
        """The generator of a SavedModel that is loaded already.

        Args:
            model: a `tfgan.inference.exported_model.ExportedModel` of a folder.

        Raises:
            InputError: it is at a server, or its images come from something else than latents.
        """
        if model.saved_model is None:
            raise InputError(f"{model.path} is at a server: pass the model's folder")
        signature = model.saved_model.signatures.get("serving_default")
        specs = signature.structured_input_signature[1] if signature else {}
        rest = specs.keys() - {"latents"}
        if "latents" not in specs or not rest <= {"labels", "texts"} or len(rest) > 1:
            raise InputError(
                f"{model.path} has no latent space: its images come from "
                f"{', '.join(specs) or 'no serving_default'}. Pass a model that draws from latents"
            )

        most = model.signatures["serving_default"].max_images

        def images(*inputs):
            # TensorFlow's own function, through which gradients flow; by the model, which is held
            # on to: a loaded object's functions die with it.
            signature = model.saved_model.signatures["serving_default"]
            # In as many requests as it takes.
            starts = range(0, inputs[0].shape[0], most) or [0]
            parts = [[each[start : start + most] for each in inputs] for start in starts]
            names = ["latents", *rest]
            answers = [signature(**dict(zip(names, part)))["images"] for part in parts]
            return tf.concat(answers, axis=0)

        return cls(
            model.name,
            images,
            model.latent_dim,
            model.image_shape,
            next((specs[name] for name in rest), None),
            model.condition,
            _rebuilt(model),
            model.card,
        )

    def images(self, latents, condition=None):
        """Images as a tensor, through which gradients flow to the latents.

        Args:
            latents: float32 [N, D].
            condition: what a conditional model takes, of the shape and dtype of `condition_spec`.

        Returns:
            float32 [N, H, W, C] in [0, 1].

        Raises:
            InputError: the latents are of another size; a condition is missing, one too many, or
                of another shape.
            tf.errors.InvalidArgumentError: a condition is none that there is.
        """
        if (condition is None) != (self.condition_spec is None):
            taken = "no condition" if self.condition_spec is None else self.condition_spec.name
            raise InputError(f"{self.name} takes {taken}. Received: {condition!r}")
        latents = tf.convert_to_tensor(latents, tf.float32)
        if not latents.shape.is_compatible_with((None, self.latent_dim)):
            raise InputError(
                f"{self.name} takes latents (None, {self.latent_dim}). Received: {latents.shape}"
            )
        if condition is None:
            return self._images(latents)
        if not self.condition_spec.shape.is_compatible_with(np.shape(condition)):
            raise InputError(
                f"{self.name} takes {self.condition_spec.name} {self.condition_spec.shape}. "
                f"Received: {np.shape(condition)}"
            )
        return self._images(latents, tf.convert_to_tensor(condition, self.condition_spec.dtype))

    def draw(self, latents, condition=None):
        """Images as an array, in batches of `BATCH_SIZE`.

        Args:
            latents: float [N, D].
            condition: as in `images`.

        Returns:
            float32 [N, H, W, C] in [0, 1].

        Raises:
            InputError: a condition is missing, one too many, or none that there is.
        """
        batches = [slice(start, start + BATCH_SIZE) for start in range(0, len(latents), BATCH_SIZE)]
        return np.concatenate(
            [
                # TensorFlow writes a failed check to the terminal besides raising it.
                self._quietly(latents[batch], None if condition is None else condition[batch])
                for batch in batches
            ]
            or [np.zeros((0, *self.image_shape), np.float32)]
        )

    def _quietly(self, latents, condition):
        try:
            with quiet_stderr():
                return self.images(latents, condition).numpy()
        except tf.errors.InvalidArgumentError as error:
            raise InputError(f"{self.name}: {saved_models.asserted(error.message)}") from error

    def conditions_by_name(self, condition):
        """What a conditional model takes, out of a dict as signatures take it.

        Args:
            condition: such as `{"labels": int32 [N]}`; an empty dict for other models.

        Returns:
            What `images` takes.

        Raises:
            InputError: the model takes another condition.
        """
        names = [] if self.condition_spec is None else [self.condition_spec.name]
        if [*condition] != names:
            wanted, given = (", ".join(each) or "nothing" for each in (names, condition))
            raise InputError(f"{self.name} takes {wanted}. Received: {given}")
        return next(iter(condition.values()), None)

    def example_conditions(self, num):
        """Conditions for images of all kinds.

        Returns:
            An array [num] or [num, A] as `images` takes it; None for other models.

        Raises:
            InputError: a SavedModel has no model card that tells what it takes.
        """
        if self.condition_spec is None:
            return None
        if self.condition is None:
            raise InputError(
                f"{self.name} takes {self.condition_spec.name}, and has no {model_card.CARD_FILE} "
                "that tells which there are"
            )
        return self.condition.examples(num)[0]

    def activations(self, latents, condition=None, layer=None):
        """What a layer of the network gives; see `tfgan.latent.directions.activations`.

        Raises:
            InputError: there is no network, or no such layer.
        """
        if self.network is None:
            raise InputError(f"{self.name} does not tell its layers, or they are not known here")
        inputs = latents if condition is None else [latents, self.condition.checked(condition)]
        return activations(self.network, inputs, layer)

    def latents(self, seeds):
        """The latents that `python -m tfgan.generate` draws these seeds from.

        Args:
            seeds: int64 [N].

        Returns:
            float32 [N, D].
        """
        return latents_from_seeds(np.asarray(seeds, np.int64), self.latent_dim).numpy()


def _rebuilt(model):
    """The Keras model of a SavedModel, or None where its layers are not given or not known here."""
    try:
        network = keras_network(model.saved_model, model.path)
    except InputError:
        return None
    # Without the last layer, which brings what is exported from [-1, 1] to [0, 1].
    return keras.Model(network.input, network.layers[-1].input, name=network.name)
