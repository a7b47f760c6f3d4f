"""Files of images within a graph: their sizes by their headers, and their pixels as Pillow's.

A few hundred kilobytes can hold an image of gigabytes. So a size is read from the header alone,
before anything is decoded. TensorFlow's decoders by themselves would read every frame of an
animation, the numbers of a palette as gray, and nothing of what a key color makes transparent.
"""

import tensorflow as tf

# Zeros behind a file, so that a header can be read of one that ends within it.
_PADDING = 1024
# A color table in which each entry's color is its index.
_RAMP = bytes(index for index in range(256) for _ in range(3))
_UNKNOWN = "Unknown image file format: PNG, JPEG, GIF or BMP is needed. It begins with:"

# A graph holds each once, however many inputs of files it has.
_ONCE = tf.function(input_signature=[tf.TensorSpec([], tf.string)])


@_ONCE
def pixels_in(file):
    """How many pixels a file's header tells of, int64 [].

    Args:
        file: string [], a PNG, JPEG, GIF or BMP.

    Raises:
        tf.errors.InvalidArgumentError: it is none.
    """
    content = _content(file)
    readers = (_size_of_png, lambda *_: _size_of_jpeg(file), _size_of_gif, _size_of_bmp)
    size = tf.switch_case(_kind(content), [lambda read=read: read(content) for read in readers])
    # Each side is at most 2**32: nothing overflows that is not beyond every bound.
    return tf.reduce_prod(tf.minimum(size, 2**31 - 1))


@_ONCE
def decode(file):
    """A file's pixels, uint8 [H, W, 4]: red, green, blue and opacity, of an animation the first.

    Args:
        file: string [], a PNG, JPEG, GIF or BMP.
    """
    content = _content(file)
    decoders = (_decode_png, _decode_jpeg, _decode_gif, _decode_bmp)
    pixels = tf.switch_case(
        _kind(content), [lambda decoder=decoder: decoder(file, content) for decoder in decoders]
    )
    return tf.ensure_shape(pixels, (None, None, 4))


def _content(file):
    """A file's bytes and zeros behind them, uint8 [N]."""
    return tf.concat([tf.io.decode_raw(file, tf.uint8), tf.zeros(_PADDING, tf.uint8)], axis=0)


def _kind(content):
    """0 for PNG, 1 for JPEG, 2 for GIF, 3 for BMP, int32 []."""
    marks = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM")
    begins = [tf.reduce_all(content[: len(mark)] == [*mark]) for mark in marks]
    is_known = tf.debugging.Assert(tf.reduce_any(begins), [_UNKNOWN, content[:8]])
    with tf.control_dependencies([is_known]):
        return tf.argmax(begins, output_type=tf.int32)


def _number(content, place, count, big_endian=False):
    """The unsigned number in some bytes, int64 []."""
    digits = tf.cast(content[place : place + count], tf.int64)
    powers = [256**index for index in range(count)]
    return tf.reduce_sum(digits * (powers[::-1] if big_endian else powers))


def _with_opacity(colors, opacity=None):
    """uint8 [H, W, 3] with an opacity uint8 [H, W, 1], or with none, as [H, W, 4]."""
    if opacity is None:
        opacity = tf.fill([*tf.unstack(tf.shape(colors)[:2]), 1], tf.constant(255, tf.uint8))
    return tf.concat([colors, opacity], axis=-1)


def _size_of_png(content):
    return [_number(content, place, 4, big_endian=True) for place in (16, 20)]


def _decode_png(file, content):
    is_deep_gray = (content[24] == 16) & (content[25] == 0)

    def deep_gray():
        # To the nearest level, as 65,535 becomes 255; what is deep in color loses its lower byte.
        gray = tf.cast(tf.io.decode_png(file, channels=1, dtype=tf.uint16), tf.int32)
        gray = (gray + 128) // 257
        return _with_opacity(tf.repeat(tf.cast(gray, tf.uint8), 3, axis=-1))

    def other():
        pixels = tf.io.decode_png(file, channels=4)
        # Where a file of fewer bits than 8 has no opacity, libpng fills in ones of as many bits.
        depth = tf.cast(content[24], tf.int32)
        ones = tf.cast(2 ** tf.minimum(depth, 8) - 1, tf.uint8)
        is_filled = (depth < 8) & tf.reduce_all(pixels[..., 3] == ones)
        return tf.cond(is_filled, lambda: _with_opacity(pixels[..., :3]), lambda: pixels)

    return tf.cond(is_deep_gray, deep_gray, other)


def _size_of_jpeg(file):
    return tf.unstack(tf.io.extract_jpeg_shape(file, output_type=tf.int64)[:2])


def _decode_jpeg(file, content):
    # The transform that Pillow uses; TensorFlow's own choice is faster and less exact.
    return _with_opacity(tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE"))


def _after_blocks(content, place):
    """Where a chain of a GIF's blocks ends, each of which begins with its length."""
    last = tf.size(content) - 1
    place = tf.while_loop(
        lambda place: content[tf.minimum(place, last)] > 0,
        lambda place: [place + 1 + tf.cast(content[place], tf.int32)],
        [place],
    )[0]
    return tf.minimum(place, last) + 1


def _first_frame(content):
    """Where a GIF's first frame begins, and the index that is transparent, -1 where none is."""
    flags = tf.cast(content[10], tf.int32)
    place = 13 + tf.where(flags >= 128, 3 * 2 ** (flags % 8 + 1), 0)

    def extension(place, transparent):
        is_control = content[place + 1] == 0xF9
        has_key = is_control & (content[place + 3] % 2 == 1)
        key = tf.cast(content[place + 6], tf.int32)
        return _after_blocks(content, place + 2), tf.where(has_key, key, transparent)

    last = tf.size(content) - _PADDING
    place, transparent = tf.while_loop(
        lambda place, _: (place < last) & (content[tf.minimum(place, last)] == ord("!")),
        extension,
        [place, -1],
    )
    is_frame = content[tf.minimum(place, last)] == ord(",")
    with tf.control_dependencies([tf.debugging.Assert(is_frame, ["the GIF has no frame"])]):
        return tf.identity(place), transparent


def _size_of_gif(content):
    place, _ = _first_frame(content)
    screen = [_number(content, at, 2) for at in (6, 8)]
    corner, size = ([_number(content, place + at, 2) for at in ats] for ats in ((1, 3), (5, 7)))
    return [tf.maximum(screen[axis], corner[axis] + size[axis]) for axis in (0, 1)]


def _decode_gif(file, content):
    """The first frame alone, as the indices of its colors, laid on the screen and then colored."""
    place, transparent = _first_frame(content)
    flags = tf.cast(content[place + 9], tf.int32)
    table_size = tf.where(flags >= 128, 3 * 2 ** (flags % 8 + 1), 0)
    data = place + 10 + table_size
    end = _after_blocks(content, data + 1)
    length = tf.strings.length(file)
    sides = tf.strings.substr(file, place + 5, 4)
    indices = tf.io.decode_gif(
        tf.strings.join(
            [
                tf.constant(b"GIF89a"),
                sides,
                tf.constant(b"\xf7\0\0" + _RAMP + b",\0\0\0\0"),
                sides,
                # Whether the rows are interlaced.
                tf.where(flags // 64 % 2 == 1, b"\x40", b"\0"),
                tf.strings.substr(file, tf.minimum(data, length), end - data),
                tf.constant(b";"),
            ]
        )
    )[0, :, :, 0]
    width, height = (tf.cast(side, tf.int32) for side in _size_of_gif(content))
    left, top = (tf.cast(_number(content, place + at, 2), tf.int32) for at in (1, 3))
    rows, columns = tf.unstack(tf.shape(indices))
    around = [[top, height - top - rows], [left, width - left - columns]]
    background = tf.cast(tf.maximum(transparent, 0), tf.uint8)
    indices = tf.cast(tf.pad(indices, around, constant_values=background), tf.int32)
    # The frame's own table, or that of all frames, or none: gray.
    screen_flags = tf.cast(content[10], tf.int32)
    screen_size = tf.where(screen_flags >= 128, 3 * 2 ** (screen_flags % 8 + 1), 0)
    is_own = table_size > 0
    start, size = tf.where(is_own, place + 10, 13), tf.where(is_own, table_size, screen_size)
    table = tf.pad(content[start : start + size], [[0, 768 - size]])
    colors = tf.reshape(tf.where(size > 0, table, [*_RAMP]), (256, 3))
    opacity = tf.cast(tf.where(tf.range(256) == transparent, 0, 255), tf.uint8)
    return tf.gather(tf.concat([colors, opacity[:, None]], axis=1), indices)


def _size_of_bmp(content):
    return [_sign_less(_number(content, place, 4)) for place in (18, 22)]


def _sign_less(number):
    """The absolute value of a signed number of 32 bits, given as an unsigned one."""
    return tf.minimum(number, 2**32 - number)


def _decode_bmp(file, content):
    header, bits = _number(content, 14, 4), _number(content, 28, 2)
    compression = _number(content, 30, 4)
    red, blue = _number(content, 54, 4), _number(content, 62, 4)
    has_fields = (compression == 3) & (bits == 32) & (red == 0xFF0000) & (blue == 0xFF)
    is_plain = (compression == 0) & tf.reduce_any(bits == [8, 24, 32])
    message = "a BMP of this kind cannot be read: save it as PNG. Bits per pixel, compression:"
    is_known = (header >= 40) & (is_plain | has_fields)
    with tf.control_dependencies([tf.debugging.Assert(is_known, [message, bits, compression])]):
        pixels = tf.ensure_shape(tf.io.decode_bmp(file), (None, None, None))

    def of_palette():
        place = tf.cast(header, tf.int32) + 14
        # Blue, green, red and nothing.
        table = tf.reverse(tf.reshape(content[place : place + 1024], (256, 4))[:, :3], [1])
        return _with_opacity(tf.gather(table, tf.cast(pixels[..., 0], tf.int32)))

    # The fourth byte is opacity only where the header says so.
    has_opacity = has_fields & (header >= 56) & (_number(content, 66, 4) > 0)
    return tf.case(
        [(bits == 8, of_palette), (has_opacity, lambda: pixels)],
        default=lambda: _with_opacity(pixels[..., :3]),
    )
