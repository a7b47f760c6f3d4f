"""A trained model as an object: what it is, and its answers as NumPy arrays."""

import functools

import numpy as np

from tfgan.arguments import given
from tfgan.errors import InputError
from tfgan.export import model_card, saved_models
from tfgan.inference.serving_client import ServingClient, is_url
from tfgan.inference.signature import loaded_signatures
from tfgan.names import DIRECTIONS
from tfgan.startup import start_tensorflow


def load(path):
    """A trained model, from a folder or at a server.

    Args:
        path: the folder of a SavedModel, or one that holds its versions, of which the newest is
            taken; or the address of a model at a TensorFlow Serving, such as
            `http://localhost:8501/v1/models/mnist_gan`.

    Returns:
        An `ExportedModel`.

    Raises:
        InputError: there is no such model, or it cannot be loaded.
    """
    return ExportedModel.connect(str(path)) if is_url(path) else ExportedModel.load(path)


class ExportedModel:
    """A trained model; `load` and `connect` make one.

    Images are float32 [N, H, W, C] in [0, 1], and masks float32 [N, H, W, 1]. The methods raise
    `tfgan.InputError` where the model has no such ability, refuses what it is given, or does not
    answer.

    Attributes:
        path: the folder of its version, a Path; or its address, a str.
        name: what it is called.
        card: its model card, a dict; empty where there is none, as at a server.
        saved_model: what `tf.saved_model.load` gave, whose functions live as long as it; None at a
            server.
    """

    def __init__(self, path, name, card, saved_model=None, client=None):
        self.path = path
        self.name = name
        self.card = card
        self.saved_model = saved_model
        self._client = client

    @classmethod
    def load(cls, folder):
        """A model of a folder.

        Args:
            folder: of a SavedModel, or one that holds its versions, of which the newest is taken.

        Raises:
            InputError: there is no SavedModel, or it cannot be loaded.
        """
        folder = saved_models.find(folder)
        start_tensorflow()
        card = model_card.read_if_any(folder)
        return cls(folder, saved_models.name_of(folder), card, saved_models.load(folder))

    @classmethod
    def connect(cls, url):
        """A model at a TensorFlow Serving, which is not asked before something is wanted of it.

        Args:
            url: `http://HOST:PORT/v1/models/NAME`, with `/versions/N` or `/labels/LABEL` behind it
                or without.

        Raises:
            InputError: the address is another one.
        """
        client = ServingClient(url)
        return cls(client.url, client.name, {}, client=client)

    def __repr__(self):
        return f"<ExportedModel {self.name}: {self.path}>"

    @functools.cached_property
    def signatures(self):
        """What the model answers: a dict from a name to a function, a `Signature`.

        Such as `model.signatures["from_seeds"](seeds=[0, 1])["images"]`.
        """
        if self._client:
            return self._client.signatures()
        return loaded_signatures(self.saved_model, self.path)

    @functools.cached_property
    def condition(self):
        """What a conditional model can be asked for, as its card tells.

        A `tfgan.LabelCondition` or a `tfgan.TextCondition`; None where there is none.
        """
        config = self.card.get("condition")
        if config is None:
            return None
        from tfgan.conditions import from_config

        return from_config(config)

    @property
    def latent_dim(self):
        """Length of a latent vector, D; None where the model draws from something else."""
        shape = self._shape("serving_default", "inputs", "latents")
        return shape and shape[0]

    @property
    def image_shape(self):
        """`(height, width, channels)` of the images that the model makes, or None.

        A side that another tool's model leaves open is None.
        """
        names = ("from_seeds", "serving_default")
        shapes = (self._shape(name, "outputs", "images") for name in names)
        return next(filter(None, shapes), None)

    def _shape(self, name, side, key):
        """The shape of one example of an input or an output, or None."""
        specs = getattr(self.signatures.get(name), side, {})
        return specs[key].shape and specs[key].shape[1:] if key in specs else None

    def generate(self, seeds, labels=None, texts=None, truncation=1.0):
        """The images of seeds, the same in every call.

        Args:
            seeds: integers [N] from 0 on.
            labels: what a model of classes shall draw, integers [N], or [N, A] of A attributes.
            texts: what a model of texts shall draw, N texts.
            truncation: what the seeds' latents are multiplied by; below 1 images are more typical
                and less varied.

        Returns:
            Images, float32 [N, H, W, C] in [0, 1].
        """
        condition = given(labels=labels, texts=texts)
        if truncation == 1.0:
            return self._signature("from_seeds")(seeds=seeds, **condition)["images"]
        if self.latent_dim is None:
            raise InputError(f"{self.path} has no latents to truncate{self._signatures()}")
        from tfgan.noise import latents_from_seeds

        latents = latents_from_seeds(np.asarray(seeds, np.int64), self.latent_dim).numpy()
        latents = np.float32(truncation) * latents
        return self._signature("serving_default")(latents=latents, **condition)["images"]

    def pixels(self, seeds, labels=None, texts=None, truncation=1.0):
        """The images of seeds as files hold them, uint8 [N, H, W, C]; see `generate`.

        A server sends them as PNG, a fraction of the bytes of numbers.
        """
        if self._client and truncation == 1.0:
            inputs = given(seeds=seeds, labels=labels, texts=texts)
            return self._client.pixels(**{name: np.asarray(each) for name, each in inputs.items()})
        from tfgan.plotting import to_uint8

        return to_uint8(self.generate(seeds, labels, texts, truncation))

    def encode(self, images):
        """The latents of images, by the encoder of an autoencoder.

        Args:
            images: float32 [N, H, W, C] in [0, 1].

        Returns:
            float32 [N, D].
        """
        return self._signature("encode")(images=images)["latents"]

    def reconstruct(self, images):
        """Images, encoded and decoded by an autoencoder.

        Args:
            images: float32 [N, H, W, C] in [0, 1].

        Returns:
            Images, float32 [N, H, W, C] in [0, 1].
        """
        return self._signature("reconstruct")(images=images)["images"]

    def translate(self, images, masks=None, direction=None):
        """Images made out of images.

        Args:
            images: float32 [N, H, W, C'] in [0, 1].
            masks: for a model that fills holes, float32 [N, H, W, 1]: 1 where to fill, 0 elsewhere.
            direction: of a CycleGAN, "AtoB", which is the default, or "BtoA".

        Returns:
            Images, float32 [N, H, W, C] in [0, 1].
        """
        if direction not in (None, *DIRECTIONS):
            raise InputError(f"direction must be AtoB or BtoA. Received: {direction!r}")
        default = self.signatures.get("serving_default")
        if default is None or "images" not in default.inputs:
            raise InputError(f"{self.path} makes no images out of images{self._signatures()}")
        if direction and "b_to_a" not in self.signatures:
            raise InputError(f"{self.path} translates in one direction: leave direction out")
        if masks is None and "masks" in default.inputs:
            raise InputError(f"{self.path} fills holes: pass masks")
        if masks is not None and "masks" not in default.inputs:
            raise InputError(f"{self.path} fills no holes: leave masks out")
        signature = self.signatures["b_to_a"] if direction == "BtoA" else default
        return signature(images=images, **given(masks=masks))["images"]

    def _signature(self, name):
        if name not in self.signatures:
            raise InputError(f"{self.path} has no signature {name}{self._signatures()}")
        return self.signatures[name]

    def _signatures(self):
        return f". Its signatures: {', '.join(self.signatures)}"
