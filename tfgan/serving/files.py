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

    As `tfgan.data.pictures.to_array` brings pictures to a size, pass by pass, but that a JPEG's
    orientation is not seen here, and that where a model knows no transparency it lies on a
    background.

    Args:
        files: string [N], each a PNG, JPEG, GIF or BMP.
        image_shape: `(height, width, channels)`, of 1, 3 or 4 channels.
        background: what shows through transparency, from 0 to 255.

    Returns:
        float32 [N, H, W, C] in [0, 1], in steps of 1/255 like the pictures of a training set.
    """
    height, width, channels = image_shape

    def decoded(file):
        pixels = tf.io.decode_image(file, expand_animations=False)
        pixels = tf.cast(tf.ensure_shape(pixels, (None, None, None)), tf.float32)
        pixels = _resized(_of_channels(pixels, channels, background), height, width)
        if channels == 4:
            colour, opacity = pixels[..., :3], pixels[..., 3:]
            colour = _in_levels(tf.math.divide_no_nan(255.0 * colour, opacity))
            pixels = tf.concat([colour, opacity], axis=-1)
        return pixels / 255.0

    spec = tf.TensorSpec(image_shape, tf.float32)
    return tf.map_fn(decoded, tf.convert_to_tensor(files, tf.string), fn_output_signature=spec)


def _of_channels(pixels, channels, background):
    """Grey or colour, with opacity or without, float32 [H, W, 1 to 4], as [H, W, channels].

    Where opacity is kept, the colours are multiplied by it: what is invisible must not bleed into
    what is seen when they are resized.
    """
    count = tf.shape(pixels)[-1]
    has_opacity = count % 2 == 0
    opacity = tf.where(has_opacity, pixels[..., -1:], 255.0)
    colour = pixels[..., : count - tf.cast(has_opacity, tf.int32)] * tf.ones(3)
    seen = colour * opacity / 255.0
    if channels == 4:
        return _in_levels(tf.concat([seen, opacity], axis=-1))
    seen = _in_levels(seen + background * (1.0 - opacity / 255.0))
    if channels == 1:
        seen = _in_levels(tf.reduce_sum(seen * LUMA, axis=-1, keepdims=True))
    return seen


def _resized(pixels, height, width):
    """Cropped about the centre to the aspect ratio, and resized with an antialiasing filter."""
    rows, columns = tf.unstack(tf.shape(pixels)[:2])
    scale = tf.cast(tf.maximum(height / rows, width / columns), tf.float32)
    # Along the rows and then along the columns, with whole levels in between, as Pillow does.
    for size, along in (((rows, width), (0.0, 1.0)), ((height, width), (1.0, 0.0))):
        along = tf.constant(along)
        scales = scale * along + (1.0 - along)
        before = tf.cast(tf.shape(pixels)[:2], tf.float32)
        after = tf.cast(tf.stack(size), tf.float32)
        pixels = tf.raw_ops.ScaleAndTranslate(
            images=pixels[None],
            size=tf.stack(size),
            scale=scales,
            translation=(after - scales * before) / 2.0,
            kernel_type="lanczos3",
            antialias=True,
        )[0]
        pixels = _in_levels(pixels)
    return pixels


def _in_levels(pixels):
    """Whole numbers from 0 to 255; filters overshoot at edges."""
    return tf.clip_by_value(tf.round(pixels), 0.0, 255.0)
