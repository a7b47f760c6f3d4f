"""The signatures of image-to-image models."""

import keras
import numpy as np
import tensorflow as tf

from tfgan.serving.checks import checked_batch, checked_images, of_one_number
from tfgan.serving.files import BLACK, decode_images, encode_pngs
from tfgan.serving.limits import most_images
from tfgan.serving.served import Served, clipped, in_range, require_channels, track

NUM_EXAMPLES = 3


def served_pix2pix(model):
    """What a model of paired translation answers.

    Its signatures are `serving_default` (`images` float32 [None, H, W, C'] in [0, 1] -> `images`
    float32 [None, H, W, C] in [0, 1]) and `png` (`image_bytes` string [None], images of any size
    and color, -> `image_bytes`, PNGs of the model's size). Where the model fills holes they take
    besides `masks` float32 [None, H, W, 1], 1 where to fill and 0 elsewhere, or `mask_bytes`,
    images that are white where to fill. The plain function `images_from_images` is
    `serving_default` without checks.

    Args:
        model: a `Pix2Pix`.

    Returns:
        A `Served`.

    Raises:
        InputError: the images have another number of channels than 1, 3 and 4.
    """
    shapes = {"images": model.condition_shape}
    if model.masked:
        shapes["masks"] = (*model.condition_shape[:2], 1)
    # Not the model itself, which would be a layer with all that belongs to training.
    network = from_zero_to_one(model.call, model.ema_generator, shapes, model.generator.name)
    module = tf.Module()
    translate = track(module, network, [*shapes])
    inputs = example_inputs(shapes)
    live = clipped(model.translate(*inputs.values()))
    return Served(
        module,
        signatures={
            "serving_default": by_numbers(translate, shapes),
            "png": by_files(translate, shapes),
        },
        networks={"serving_default": network},
        examples={
            "serving_default": (inputs, {"images": live}),
            "png": (as_files(inputs), {"image_bytes": live}),
        },
    )


def served_cyclegan(model):
    """What a model of unpaired translation answers.

    Its signatures are `a_to_b`, which is `serving_default` as well, and `b_to_a` (`images` float32
    [None, H, W, C] in [0, 1] -> `images`), and `png` (`image_bytes` string [None], images of domain
    A of any size and color, -> `image_bytes`, PNGs of domain B). The plain functions are
    `images_from_images` and, from B to A, `images_from_images_b_to_a`.

    Args:
        model: a `CycleGAN`.

    Returns:
        A `Served`.

    Raises:
        InputError: the images have another number of channels than 1, 3 and 4.
    """
    shapes_a, shapes_b = {"images": model.shape_a}, {"images": model.shape_b}
    generator_ab, generator_ba = model.ema_generator_ab, model.ema_generator_ba
    network_ab = from_zero_to_one(generator_ab, generator_ab, shapes_a, "a_to_b")
    network_ba = from_zero_to_one(generator_ba, generator_ba, shapes_b, "b_to_a")
    module = tf.Module()
    a_to_b = track(module, network_ab, [*shapes_a])
    b_to_a = track(module, network_ba, [*shapes_b], "b_to_a")
    inputs_a, inputs_b = example_inputs(shapes_a), example_inputs(shapes_b)
    live_b = clipped(model.a_to_b(inputs_a["images"]))
    live_a = clipped(model.b_to_a(inputs_b["images"]))
    default = by_numbers(a_to_b, shapes_a)
    return Served(
        module,
        signatures={
            "serving_default": default,
            "a_to_b": default,
            "b_to_a": by_numbers(b_to_a, shapes_b),
            "png": by_files(a_to_b, shapes_a),
        },
        networks={"serving_default": network_ab, "b_to_a": network_ba},
        examples={
            "serving_default": (inputs_a, {"images": live_b}),
            "a_to_b": (inputs_a, {"images": live_b}),
            "b_to_a": (inputs_b, {"images": live_a}),
            "png": (as_files(inputs_a), {"image_bytes": live_b}),
        },
    )


def from_zero_to_one(translate, generator, shapes, name):
    """A functional model from images in [0, 1] to images in [0, 1].

    Args:
        translate: function of functional models, images in [-1, 1], or `[images, masks]`, ->
            images in [-1, 1].
        generator: the functional model that it draws them with.
        shapes: `(height, width, channels)` of each input by its name, images first.
        name: the functional model's.

    Raises:
        InputError: images have another number of channels than 1, 3 and 4.
    """
    inputs = [keras.Input(shape, name=key, dtype="float32") for key, shape in shapes.items()]
    images, *masks = inputs
    images = 2.0 * images - 1.0
    outputs = translate([images, *masks] if masks else images)
    outputs = (in_range(outputs, generator) + 1.0) / 2.0
    for shape in (inputs[0].shape, outputs.shape):
        require_channels(shape[1:])
    return keras.Model(inputs if masks else inputs[0], outputs, name=name)


def by_numbers(translate, shapes):
    """The signature that takes and gives images as numbers: a plain function with its checks."""
    specs = [tf.TensorSpec([None, *shape], tf.float32, name=name) for name, shape in shapes.items()]
    most = most_images(shapes["images"])

    @tf.function(input_signature=specs)
    def images_from_images(*inputs):
        inputs = [checked_images(*pair, most) for pair in zip(inputs, specs)]
        return {"images": translate(*of_one_number(inputs, specs))}

    return images_from_images


def by_files(translate, shapes):
    """The signature that takes and gives images as the bytes of files."""
    specs = [tf.TensorSpec([None], tf.string, name=name_of_files(name)) for name in shapes]
    most = most_images(shapes["images"])

    @tf.function(input_signature=specs)
    def png(*files):
        files = [checked_batch(*pair, most) for pair in zip(files, specs)]
        files, *mask_files = of_one_number(files, specs)
        images = decode_images(files, shapes["images"])
        # White is to be filled, and what is not painted is not.
        masks = [
            tf.round(decode_images(mask, shapes["masks"], background=BLACK)) for mask in mask_files
        ]
        # The _bytes suffix makes Serving's REST interface answer in base64.
        return {"image_bytes": encode_pngs(translate(images, *masks))}

    return png


def name_of_files(name):
    """`image_bytes` for `images`, `mask_bytes` for `masks`."""
    return f"{name.removesuffix('s')}_bytes"


def example_inputs(shapes):
    """Noise of as many levels as files have, and masks of every other row."""
    random = np.random.default_rng(0)
    inputs = {
        name: tf.constant(random.integers(0, 256, (NUM_EXAMPLES, *shape)) / 255, tf.float32)
        for name, shape in shapes.items()
    }
    if "masks" in inputs:
        rows = tf.range(shapes["masks"][0])[:, None, None]
        inputs["masks"] = tf.cast(rows % 2 == 0, tf.float32) * tf.ones_like(inputs["masks"])
    return inputs


def as_files(inputs):
    """The same inputs as PNGs."""
    return {name_of_files(name): encode_pngs(values) for name, values in inputs.items()}
