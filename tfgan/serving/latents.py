"""The signatures of models that draw images from latents."""

import keras
import tensorflow as tf

from tfgan.noise import latents_from_seeds
from tfgan.serving.checks import checked_batch, checked_images, of_one_number
from tfgan.serving.files import encode_pngs
from tfgan.serving.limits import most_images
from tfgan.serving.served import Served, clipped, in_range, require_channels, track

NUM_EXAMPLES = 3


def named_inputs(model, inputs):
    """The arguments of a model's `generate` as its signatures take them.

    Args:
        model: has `condition`.
        inputs: seeds int64 [N], and where the model has a condition, that.

    Returns:
        `(seeds, condition)`: a tensor, and a dict of a tensor by its name, or an empty one.
    """
    seeds, *condition = inputs
    specs = [] if model.condition is None else [model.condition.spec]
    named = {spec.name: tf.constant(values, spec.dtype) for spec, values in zip(specs, condition)}
    return tf.constant(seeds, tf.int64), named


def served_from_latents(model):
    """What a model answers that draws its images from latents.

    Its signatures are `serving_default` (`latents` float32 [None, D] -> `images` float32
    [None, H, W, C] in [0, 1]), `from_seeds` (`seeds` int64 [None] -> `images`) and `png` (`seeds`
    -> `image_bytes` string [None]). With a condition each takes it besides, as `labels` int32
    [None] or `texts` string [None]; the plain function `images_from_latents` takes it as the
    networks do.

    Args:
        model: a `GenerativeModel`.

    Returns:
        A `Served`.

    Raises:
        InputError: the images have another number of channels than 1, 3 and 4.
    """
    generator, condition = model.ema_generator, model.condition
    require_channels(model.image_shape)
    # From the generator's [-1, 1].
    zero_to_one = keras.layers.Rescaling(
        0.5, offset=0.5, dtype="float32", name="images_from_0_to_1"
    )
    images = zero_to_one(in_range(generator.outputs[0], generator))
    # A Sequential has no `input` before it is called.
    inputs = generator.inputs if len(generator.inputs) > 1 else generator.inputs[0]
    network = keras.Model(inputs, images, name=generator.name)
    module = tf.Module()
    # What checking a condition takes, such as a vocabulary, has to be stored as well.
    module.condition = condition and condition.resources
    condition_specs = [] if condition is None else [condition.spec]
    images_from_latents = track(
        module, network, ["latents", *(spec.name for spec in condition_specs)]
    )

    latents_spec = tf.TensorSpec([None, model.latent_dim], tf.float32, name="latents")
    seeds_spec = tf.TensorSpec([None], tf.int64, name="seeds")
    most = most_images(model.image_shape)

    def checked(*inputs, spec):
        """Seeds or latents, whose `spec` is given, and the condition where there is one."""
        specs = [spec, *condition_specs]
        inputs = [checked_batch(*pair, most) for pair in zip(inputs, specs)]
        if condition_specs:
            # Some networks would take one label for all images; others would not say why not.
            inputs = of_one_number(inputs, specs)
        return inputs[0], *(condition.checked(each) for each in inputs[1:])

    def images_from_seeds(*inputs):
        seeds, *conditions = checked(*inputs, spec=seeds_spec)
        return images_from_latents(latents_from_seeds(seeds, model.latent_dim), *conditions)

    @tf.function(input_signature=[latents_spec, *condition_specs])
    def serving_default(latents, *conditions):
        latents, *conditions = checked(latents, *conditions, spec=latents_spec)
        latents = tf.debugging.assert_all_finite(latents, "latents must be finite numbers")
        return {"images": images_from_latents(latents, *conditions)}

    @tf.function(input_signature=[seeds_spec, *condition_specs])
    def from_seeds(seeds, *conditions):
        return {"images": images_from_seeds(seeds, *conditions)}

    @tf.function(input_signature=[seeds_spec, *condition_specs])
    def png(seeds, *conditions):
        # The _bytes suffix makes Serving's REST interface answer in base64.
        return {"image_bytes": encode_pngs(images_from_seeds(seeds, *conditions))}

    inputs, _ = model.examples(NUM_EXAMPLES)
    live = clipped(model.generate(*inputs))
    seeds, named = named_inputs(model, inputs)
    latents = latents_from_seeds(seeds, model.latent_dim)
    return Served(
        module,
        signatures={"serving_default": serving_default, "from_seeds": from_seeds, "png": png},
        networks={"serving_default": network},
        examples={
            "serving_default": ({"latents": latents, **named}, {"images": live}),
            "from_seeds": ({"seeds": seeds, **named}, {"images": live}),
            "png": ({"seeds": seeds, **named}, {"image_bytes": live}),
        },
        condition=condition,
    )


def add_encoder(served, model):
    """Adds what a model answers that finds the latents of images.

    The signatures `encode` (`images` float32 [None, H, W, C] in [0, 1] -> `latents` float32
    [None, D]) and `reconstruct` (`images` -> `images`).

    Args:
        served: what `served_from_latents` returned.
        model: has `encode` and `reconstruct`, and `ema_encoder`.
    """
    served.module.encoder_weights = [variable.value for variable in model.ema_encoder.variables]
    images_spec = tf.TensorSpec([None, *model.image_shape], tf.float32, name="images")
    most = most_images(model.image_shape)

    @tf.function(input_signature=[images_spec])
    def encode(images):
        return {"latents": model.encode(checked_images(images, images_spec, most))}

    @tf.function(input_signature=[images_spec])
    def reconstruct(images):
        images = checked_images(images, images_spec, most)
        return {"images": clipped(model.reconstruct(images))}

    _, answer = served.examples["from_seeds"]
    served.signatures |= {"encode": encode, "reconstruct": reconstruct}
    served.examples |= {
        "encode": (answer, {"latents": model.encode(answer["images"])}),
        "reconstruct": (answer, {"images": clipped(model.reconstruct(answer["images"]))}),
    }


def served_vae(model):
    """What a variational autoencoder answers.

    Besides what `served_from_latents` and `add_encoder` tell there is the plain function
    `negative_elbo` (images, and seeds int64 [None], -> float32 [None], in nats).

    Args:
        model: a `VAE`.

    Returns:
        A `Served`.
    """
    served = served_from_latents(model)
    add_encoder(served, model)
    served.module.negative_elbo = tf.function(
        model.negative_elbo,
        input_signature=[
            tf.TensorSpec([None, *model.image_shape], tf.float32, name="images"),
            tf.TensorSpec([None], tf.int64, name="seeds"),
        ],
    )
    return served
