"""Images out of and into files, within the graph of a signature."""

import itertools

import tensorflow as tf

from tfgan.serving.checks import checked_files
from tfgan.serving.decoders import decode, pixels_in

# In how many parts a batch is encoded, at the same time where there are cores.
PNG_PARTS = 8
# Brightness as Pillow has it, in parts of 65,536: ITU-R BT.601.
LUMA = (19595.0, 38470.0, 7471.0)
WHITE, BLACK = 255.0, 0.0
# Of a large image, so many rows at a time are turned into floats.
_ROWS = 64
# How far the resizing filter reaches on either side, in pixels of what is smaller.
_REACH = 3.0


def encode_pngs(images):
    """Images float32 [N, H, W, C] in [0, 1] as PNGs, string [N]; what lies outside is clipped."""
    pixels = tf.cast(_in_levels(images * 255.0), tf.uint8)
    # A call encodes its images one after another, so there are several calls for several cores.
    bounds = [tf.shape(pixels)[0] * part // PNG_PARTS for part in range(PNG_PARTS + 1)]
    parts = [pixels[start:stop] for start, stop in itertools.pairwise(bounds)]
    # zlib's fastest level: the default makes somewhat smaller files, and a batch much slower.
    return tf.concat([tf.io.encode_png(part, compression=1) for part in parts], axis=0)


def decode_images(files, image_shape, background=WHITE):
    """Images in files of any size and color, brought to those of a model.

    As `tfgan.data.image_files.to_array` resizes pictures, pass by pass, and bit for bit where
    they have the size; but that a JPEG's orientation is not seen here, and that where a model knows
    no transparency it lies on a background.

    One file after another is decoded, and none before the sizes of all are known.

    Args:
        files: string [N], each a PNG, JPEG, GIF or BMP.
        image_shape: `(height, width, channels)`, of 1, 3 or 4 channels.
        background: what shows through transparency, from 0 to 255.

    Returns:
        float32 [N, H, W, C] in [0, 1], in steps of 1/255 like the images of a training set.

    Raises:
        tf.errors.InvalidArgumentError: one is too large or is no image.
    """
    height, width, channels = image_shape

    def decoded(file):
        pixels = decode(file)
        is_resized = tf.reduce_any(tf.shape(pixels)[:2] != [height, width])
        pixels = tf.cond(
            is_resized,
            lambda: _resized(pixels, image_shape, background),
            lambda: _of_channels(pixels, channels, background),
        )
        return tf.ensure_shape(pixels, image_shape) / 255.0

    files = tf.convert_to_tensor(files, tf.string)
    sizes = tf.map_fn(pixels_in, files, fn_output_signature=tf.TensorSpec([], tf.int64))
    return tf.map_fn(
        decoded,
        checked_files(files, sizes),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec(image_shape, tf.float32),
    )


def _of_channels(pixels, channels, background):
    """uint8 [H, W, 4] as whole levels, float32 [H, W, channels]."""
    pixels = tf.cast(pixels, tf.float32)
    if channels == 4:
        return pixels
    color, opacity = pixels[..., :3], pixels[..., 3:] / 255.0
    seen = _in_levels(color * opacity + background * (1.0 - opacity))
    if channels == 1:
        # Exact: the sum is below 2**24.
        luma = tf.reduce_sum(seen * LUMA, axis=-1, keepdims=True)
        seen = tf.floor((luma + 32768.0) / 65536.0)
    return seen


def _resized(pixels, image_shape, background):
    """uint8 [H', W', 4] cropped about the center to an aspect ratio and resized.

    Along the rows and then along the columns, with whole levels in between, as Pillow does. Where
    opacity is kept, the colors are multiplied by it meanwhile: what is invisible must not bleed
    into what is seen.

    Returns:
        Whole levels, float32 [*image_shape].
    """
    height, width, channels = image_shape
    rows, columns = tf.unstack(tf.shape(pixels)[:2])
    scale = tf.cast(tf.maximum(height / rows, width / columns), tf.float32)
    pixels = _within_reach(pixels, (height, width), scale)
    num_rows = tf.shape(pixels)[0]

    def along_rows(start):
        # The last part repeats the last row.
        part = tf.gather(pixels, tf.minimum(start + tf.range(at_once), num_rows - 1))
        part = _of_channels(part, channels, background)
        if channels == 4:
            color, opacity = part[..., :3], part[..., 3:]
            part = tf.concat([_in_levels(color * opacity / 255.0), opacity], axis=-1)
        return _pass(part, (at_once, width), (1.0, scale))

    at_once = tf.minimum(num_rows, _ROWS)
    parts = tf.map_fn(
        along_rows,
        tf.range(0, num_rows, at_once),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec((None, width, channels), tf.float32),
    )
    resized = tf.reshape(parts, (-1, width, channels))[:num_rows]
    resized = _pass(resized, (height, width), (scale, 1.0))
    if channels < 4:
        return resized
    color, opacity = resized[..., :3], resized[..., 3:]
    # Pillow leaves what is invisible as it is, and rounds the rest down.
    divided = tf.floor(tf.math.divide_no_nan(255.0 * color, opacity))
    color = tf.where(opacity > 0.0, _in_levels(divided), color)
    return tf.concat([color, opacity], axis=-1)


def _within_reach(pixels, size, scale):
    """Pixels less those, as many on either side, that the crop leaves out."""
    before = tf.cast(tf.shape(pixels)[:2], tf.float32)
    reach = _REACH * tf.maximum(1.0, 1.0 / scale) + 1.0
    cut = tf.cast(tf.floor((before - size / scale) / 2.0 - reach), tf.int32)
    top, left = tf.unstack(tf.maximum(cut, 0))
    return pixels[top : tf.shape(pixels)[0] - top, left : tf.shape(pixels)[1] - left]


def _pass(pixels, size, scales):
    """One pass of an antialiasing filter about the center, in whole levels, float32 [*size, C]."""
    scales = tf.stack(scales)
    before = tf.cast(tf.shape(pixels)[:2], tf.float32)
    return _in_levels(
        tf.raw_ops.ScaleAndTranslate(
            images=pixels[None],
            size=tf.stack(size),
            scale=scales,
            translation=(tf.cast(tf.stack(size), tf.float32) - scales * before) / 2.0,
            kernel_type="lanczos3",
            antialias=True,
        )[0]
    )


def _in_levels(pixels):
    """Whole numbers from 0 to 255; filters overshoot at edges."""
    return tf.clip_by_value(tf.round(pixels), 0.0, 255.0)
