"""Pictures out of and into files, within the graph of a signature."""

import itertools

import tensorflow as tf

# In how many parts a batch is encoded, at the same time where there are cores.
PNG_PARTS = 8
# Brightness as Pillow and JPEG have it: ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)
WHITE, BLACK = 255.0, 0.0


def encode_pngs(images):
    """Pictures float32 [N, H, W, C] in [0, 1] as PNGs, string [N]."""
    pixels = tf.cast(tf.round(images * 255.0), tf.uint8)
    # A call encodes its pictures one after another, so there are several calls for several cores.
    bounds = [tf.shape(pixels)[0] * part // PNG_PARTS for part in range(PNG_PARTS + 1)]
    parts = [pixels[start:stop] for start, stop in itertools.pairwise(bounds)]
    # zlib's fastest level: the default makes somewhat smaller files, and a batch much slower.
    return tf.concat([tf.io.encode_png(part, compression=1) for part in parts], axis=0)


def decode_pictures(files, image_shape, background=WHITE):
    """Pictures in files of any size and colour, brought to those of a model.

    As `tfgan.data.pictures.to_array` brings pictures to a size, but that a JPEG's orientation is
    not seen here, and that where a model knows no transparency it lies on a background.

    Args:
        files: string [N], each a PNG, JPEG, GIF or BMP.
        image_shape: `(height, width, channels)`, of 1, 3 or 4 channels.
        background: what shows through transparency, from 0 to 255.

    Returns:
        float32 [N, H, W, C] in [0, 1], in steps of 1/255 like the pictures of a training set.
    """

    def decoded(file):
        pixels = tf.io.decode_image(file, expand_animations=False)
        pixels = tf.cast(tf.ensure_shape(pixels, (None, None, None)), tf.float32)
        return _of_channels(_resized(_premultiplied(pixels), image_shape), image_shape, background)

    spec = tf.TensorSpec(image_shape, tf.float32)
    return tf.map_fn(decoded, tf.convert_to_tensor(files, tf.string), fn_output_signature=spec)


def _premultiplied(pixels):
    """Grey or colour, with opacity or without, [H, W, 1 to 4], as [H, W, 4] in [0, 255].

    The colours are multiplied by the opacity: what is invisible must not bleed into what is seen.
    """
    channels = tf.shape(pixels)[-1]
    has_opacity = channels % 2 == 0
    opacity = tf.where(has_opacity, pixels[..., -1:], 255.0)
    colour = pixels[..., : channels - tf.cast(has_opacity, tf.int32)]
    return tf.concat([colour * tf.ones(3) * opacity / 255.0, opacity], axis=-1)


def _resized(pixels, image_shape):
    """Cropped about the centre to the aspect ratio, and resized with an antialiasing filter."""
    wanted = tf.constant(image_shape[:2], tf.float32)
    size = tf.cast(tf.shape(pixels)[:2], tf.float32)
    scale = tf.reduce_max(wanted / size)
    pixels = tf.raw_ops.ScaleAndTranslate(
        images=pixels[None],
        size=image_shape[:2],
        scale=tf.stack([scale, scale]),
        translation=(wanted - scale * size) / 2.0,
        kernel_type="lanczos3",
        antialias=True,
    )[0]
    # The filter overshoots at edges.
    return tf.clip_by_value(pixels, 0.0, 255.0)


def _of_channels(pixels, image_shape, background):
    """Premultiplied pixels [H, W, 4] in [0, 255] as a picture [H, W, C] in [0, 1]."""
    colour, opacity = pixels[..., :3], pixels[..., 3:]
    channels = image_shape[-1]
    if channels == 4:
        seen = tf.concat([tf.math.divide_no_nan(255.0 * colour, opacity), opacity], axis=-1)
    else:
        seen = colour + background * (1.0 - opacity / 255.0)
    if channels == 1:
        seen = tf.reduce_sum(seen * LUMA, axis=-1, keepdims=True)
    return tf.round(tf.clip_by_value(seen, 0.0, 255.0)) / 255.0
