"""Generators as SavedModels that TensorFlow Serving takes as they are."""

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan import model_card
from tfgan.formats import GENERATOR_CONFIG
from tfgan.latent.sampling import latents_from_seeds
from tfgan.saved_models import versions
from tfgan.warm_up import write_warm_up

# The reloaded model runs the same operations on the same weights; what is left is rounding.
SELF_CHECK_TOLERANCE = 1e-5
# One request must not exhaust a server's memory.
MAX_PICTURES_PER_REQUEST = 4096
# In how many parts a batch is encoded, at the same time where there are cores.
PNG_PARTS = 8


def checked_batch(values, spec):
    """What a request brings, refused where its shape or its size is none of a signature's.

    A session compares what it is fed with no shape that a signature declares.

    Args:
        values: a tensor whose first dimension is the batch.
        spec: the signature's `tf.TensorSpec` of it.
    """
    values = tf.ensure_shape(values, spec.shape)
    size = tf.shape(values)[0]
    message = f"a request may ask for at most {MAX_PICTURES_PER_REQUEST:,} pictures. Received:"
    is_small = tf.debugging.Assert(size <= MAX_PICTURES_PER_REQUEST, [message, size])
    with tf.control_dependencies([is_small]):
        return tf.identity(values)


def encode_pngs(images):
    """Pictures float32 [N, H, W, C] in [0, 1] as PNGs, string [N]."""
    pixels = tf.cast(tf.round(images * 255.0), tf.uint8)
    # A call encodes its pictures one after another, so there are several calls for several cores.
    bounds = [tf.shape(pixels)[0] * part // PNG_PARTS for part in range(PNG_PARTS + 1)]
    parts = [pixels[start:stop] for start, stop in itertools.pairwise(bounds)]
    # zlib's fastest level: the default makes somewhat smaller files, and a batch much slower.
    return tf.concat([tf.io.encode_png(part, compression=1) for part in parts], axis=0)


def serving_module(generator, condition=None):
    """A `tf.Module` that holds a generator's weights once and answers the serving signatures.

    Args:
        generator: functional model, float [N, D] -> float [N, H, W, C] in [-1, 1]; with a condition
            its inputs are `[latents, condition]`.
        condition: what a conditional generator is told, such as a `LabelCondition`, or None.

    Returns:
        A module with the functions `serving_default` (`latents` float32 [None, D] -> `images`
        float32 [None, H, W, C] in [0, 1]), `from_seeds` (`seeds` int64 [None] -> `images`) and
        `png` (`seeds` -> `image_bytes` string [None]), which become the signatures, and
        `images_from_latents` (float32 [None, D] -> float32 [None, H, W, C] in [0, 1]), the plain
        function from which other formats are made. With a condition each takes it besides, as
        `labels` int32 [None] or `texts` string [None], the plain function as the networks do.
    """
    latent_dim = generator.inputs[0].shape[-1]
    module = tf.Module()
    # The variables alone: a tracked Keras model would store each of them a second time.
    module.weights = [variable.value for variable in generator.variables]

    latents_spec = tf.TensorSpec([None, latent_dim], tf.float32, name="latents")
    seeds_spec = tf.TensorSpec([None], tf.int64, name="seeds")
    told_specs = [] if condition is None else [condition.spec]
    encoded_specs = [] if condition is None else [condition.encoded_spec]
    # What checking a condition takes, such as a vocabulary, has to be stored as well.
    module.condition = condition and condition.resources

    @tf.function(input_signature=[latents_spec, *encoded_specs])
    def images_from_latents(latents, *told):
        inputs = [latents, *told] if told else latents
        return (generator(inputs, training=False) + 1.0) / 2.0

    def checked(told):
        return [condition.checked(checked_batch(*pair)) for pair in zip(told, told_specs)]

    def images_from_seeds(seeds, *told):
        seeds = checked_batch(seeds, seeds_spec)
        return images_from_latents(latents_from_seeds(seeds, latent_dim), *checked(told))

    @tf.function(input_signature=[latents_spec, *told_specs])
    def serving_default(latents, *told):
        latents = checked_batch(latents, latents_spec)
        latents = tf.debugging.assert_all_finite(latents, "latents must be finite numbers")
        return {"images": images_from_latents(latents, *checked(told))}

    @tf.function(input_signature=[seeds_spec, *told_specs])
    def from_seeds(seeds, *told):
        return {"images": images_from_seeds(seeds, *told)}

    @tf.function(input_signature=[seeds_spec, *told_specs])
    def png(seeds, *told):
        # The _bytes suffix makes Serving's REST interface answer in base64.
        return {"image_bytes": encode_pngs(images_from_seeds(seeds, *told))}

    module.images_from_latents = images_from_latents
    module.serving_default = serving_default
    module.from_seeds = from_seeds
    module.png = png
    return module


def add_encoding(module, model):
    """Adds what a variational autoencoder answers besides to a serving module.

    Args:
        module: what `serving_module` returned.
        model: a `tfgan.VAE`.

    Returns:
        The functions `encode` (`images` float32 [None, H, W, C] in [0, 1] -> `latents` float32
        [None, D]) and `reconstruct` (`images` -> `images`), which become signatures, a dict. The
        module gets besides the plain function `negative_elbo` (images, and seeds int64 [None], ->
        float32 [None], in nats).
    """
    module.encoder_weights = [variable.value for variable in model.average_encoder.variables]
    images_spec = tf.TensorSpec([None, *model.image_shape], tf.float32, name="images")
    seeds_spec = tf.TensorSpec([None], tf.int64, name="seeds")

    def checked(images):
        images = checked_batch(images, images_spec)
        # Written so that it refuses a NaN as well.
        in_range = tf.reduce_all((images >= 0.0) & (images <= 1.0))
        message = "images must be numbers from 0 to 1. Received up to:"
        is_valid = tf.debugging.Assert(in_range, [message, tf.reduce_max(tf.abs(images))])
        with tf.control_dependencies([is_valid]):
            return tf.identity(images)

    @tf.function(input_signature=[images_spec])
    def encode(images):
        return {"latents": model.encode(checked(images))}

    @tf.function(input_signature=[images_spec])
    def reconstruct(images):
        return {"images": model.reconstruct(checked(images))}

    module.encode = encode
    module.reconstruct = reconstruct
    module.negative_elbo = tf.function(
        model.negative_elbo, input_signature=[images_spec, seeds_spec]
    )
    return {"encode": encode, "reconstruct": reconstruct}


def named_inputs(model, inputs):
    """The arguments of a model's `generate` as its signatures take them.

    Args:
        model: has `condition`.
        inputs: seeds int64 [N], and where the model has a condition, that.

    Returns:
        `(seeds, told)`: a tensor, and a dict of a tensor by its name, or an empty one.
    """
    seeds, *told = inputs
    specs = [] if model.condition is None else [model.condition.spec]
    named = {spec.name: tf.constant(values, spec.dtype) for spec, values in zip(specs, told)}
    return tf.constant(seeds, tf.int64), named


def self_check(model, reloaded):
    """Compares a reloaded SavedModel with the live model it was made from.

    Args:
        model: what was exported: has `average_generator`, `latent_dim`, `condition`, `examples` and
            `generate`.
        reloaded: what `tf.saved_model.load` returned.

    Returns:
        The largest absolute difference of any pixel in [0, 1], over the signatures that give
        `images`.

    Raises:
        RuntimeError: the difference exceeds `SELF_CHECK_TOLERANCE`, or the PNGs of `png` do not
            decode to the same pictures.
    """
    inputs, _ = model.examples(3)
    live = model.generate(*inputs)
    seeds, told = named_inputs(model, inputs)
    served = reloaded.signatures["from_seeds"](seeds=seeds, **told)["images"]
    latents = latents_from_seeds(seeds, model.latent_dim)
    served_default = reloaded.signatures["serving_default"](latents=latents, **told)["images"]
    compared = [(served, live), (served_default, live)]
    if "reconstruct" in reloaded.signatures:
        reconstruct = reloaded.signatures["reconstruct"]
        compared.append((reconstruct(images=live)["images"], model.reconstruct(live)))
    difference = max(float(tf.reduce_max(tf.abs(one - other))) for one, other in compared)
    if not difference <= SELF_CHECK_TOLERANCE:
        raise RuntimeError(
            f"the exported model differs from the live one by {difference:.3g}, more than "
            f"{SELF_CHECK_TOLERANCE:g}: nothing is exported"
        )
    pngs = reloaded.signatures["png"](seeds=seeds, **told)["image_bytes"]
    for png, image in zip(pngs, served):
        pixels = tf.cast(tf.round(image * 255.0), tf.uint8)
        if not np.array_equal(tf.io.decode_png(png), pixels):
            raise RuntimeError("the PNGs do not decode to the pictures: nothing is exported")
    return difference


def export_saved_model(model, model_folder, training=None):
    """Exports the averaged generator as the next version of a model.

    Beside the weights and the signatures lie warm-up requests (see `tfgan.warm_up`), the model
    card (see `tfgan.model_card`) and the generator's layers (see `tfgan.formats.write_keras`).

    The version appears whole or not at all: it is written and checked under a temporary name,
    which Serving ignores, and then renamed.

    Args:
        model: a trained model of any family.
        model_folder: the model's folder, which holds its versions 1, 2, ...
        training: what the model was trained on and how, for its card: a dict for JSON, or None.

    Returns:
        `(version_folder, difference)`: the new version's path and what `self_check` found.

    Raises:
        RuntimeError: the reloaded model does not match the live one.
        OSError: the folder cannot be written.
    """
    model_folder = Path(model_folder)
    model_folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".exporting-", dir=model_folder))
    try:
        module = serving_module(model.average_generator, model.condition)
        signatures = {
            "serving_default": module.serving_default,
            "from_seeds": module.from_seeds,
            "png": module.png,
        }
        encoding = add_encoding(module, model) if hasattr(model, "encode") else {}
        # In a folder of its own: mkdtemp's is closed to other users, such as a server's.
        written = temporary / "model"
        tf.saved_model.save(module, str(written), signatures=signatures | encoding)
        # Held on to: a loaded object's functions die with it.
        reloaded = tf.saved_model.load(str(written))
        difference = self_check(model, reloaded)
        # One picture runs every operation; another batch size costs nothing more afterwards.
        inputs, _ = model.examples(1)
        seeds, told = named_inputs(model, inputs)
        latents = latents_from_seeds(seeds, model.latent_dim)
        warm_up = {
            "serving_default": {"latents": latents, **told},
            "from_seeds": {"seeds": seeds, **told},
            "png": {"seeds": seeds, **told},
        }
        picture = tf.zeros((1, *model.image_shape))
        warm_up |= {name: {"images": picture} for name in encoding}
        write_warm_up(written, model_folder.name, warm_up)
        card = model_card.model_card(
            model_folder.name,
            type(model).__name__,
            reloaded.signatures,
            model.condition,
            training,
        )
        model_card.write(written, card)
        layers = model.average_generator.to_json(indent=2)
        (written / GENERATOR_CONFIG).write_text(layers + "\n")
        version_folder = model_folder / str(max(versions(model_folder), default=0) + 1)
        os.rename(written, version_folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return version_folder, difference
