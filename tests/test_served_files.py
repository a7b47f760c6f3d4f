"""Files within the graph of a signature: Pillow's pixels, and a bound before they are decoded."""

import io
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgan.data.image_files import to_array
from tfgan.serving.decoders import pixels_in
from tfgan.serving.files import decode_images, encode_pngs
from tfgan.serving.limits import MAX_FILE_PIXELS, MAX_FILES_PIXELS, in_parts, most_images

SIZE = (9, 13)
NOISE = np.random.default_rng(0).integers(0, 256, (*SIZE, 4), np.uint8)


def file_of(image, form="png", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def images():
    """An image of each mode, in which every opacity stands."""
    color = Image.fromarray(NOISE[..., :3].copy())
    deep = np.random.default_rng(1).integers(0, 65536, SIZE, np.uint16)
    return {
        "1": color.convert("1"),
        "L": Image.fromarray(NOISE[..., 0]),
        "LA": Image.fromarray(NOISE[..., :2].copy(), "LA"),
        "I;16": Image.fromarray(deep),
        "P": color.quantize(200),
        "RGB": color,
        "RGBA": Image.fromarray(NOISE),
    }


def with_frame_at(gif, left, top):
    """A GIF whose frame is moved on a screen of SIZE."""
    size, frame = gif[6:10], gif.index(b",\0\0\0\0")
    assert gif[frame + 5 : frame + 9] == size
    screen = struct.pack("<HH", *SIZE[::-1])
    return gif[:6] + screen + gif[10 : frame + 1] + struct.pack("<HH", left, top) + gif[frame + 5 :]


def interlaced_png(pixels):
    """A PNG of uint8 [H, W, 4] whose pixels come in Adam7's seven passes."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    parts = [pixels[y::down, x::right] for y, x, down, right in [*passes, (1, 0, 2, 1)]]
    rows = [b"\0" + row.tobytes() for part in parts if part.size for row in part]
    height, width = pixels.shape[:2]
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 1))
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )


def files():
    """Files by what is in them."""
    made, exif = {}, Image.Exif()
    exif[0x010E] = "where it was taken" * 2000
    by_mode = images()
    modes = {
        "png": by_mode,
        "jpeg": ("L", "RGB"),
        "bmp": ("L", "P", "RGB", "RGBA"),
        "gif": ("1", "L", "LA", "P", "RGB", "RGBA"),
    }
    for form, names in modes.items():
        for name in names:
            made[f"{form} of {name}"] = file_of(by_mode[name], form)
    color, palette = by_mode["RGB"], by_mode["P"]
    for bits in (2, 4):
        few = color.quantize(2**bits)
        made[f"png of a palette of {bits} bits"] = file_of(few, bits=bits)
        made[f"png of so few with a key of {bits} bits"] = file_of(few, bits=bits, transparency=1)
    random = np.random.default_rng(3)
    for channels in (3, 4):
        deep = random.integers(0, 65536, (*SIZE, channels), np.uint16)
        made[f"png of {channels} channels of 16 bits"] = tf.io.encode_png(deep).numpy()
    key = tuple(map(int, NOISE[0, 0, :3]))
    made |= {
        "png, interlaced": interlaced_png(NOISE),
        "png of a palette with a key": file_of(palette, transparency=7),
        "png of a palette with opacities": file_of(palette, transparency=bytes(range(200))),
        "png of gray with a key": file_of(by_mode["L"], transparency=key[0]),
        "png of color with a key": file_of(color, transparency=key),
        "gif with a key": file_of(palette, "gif", transparency=7),
        "gif in rows one after another": file_of(palette, "gif", interlace=0),
        "gif in interlaced rows": file_of(palette, "gif", interlace=1),
        "jpeg, progressive": file_of(color, "jpeg", progressive=True),
        "jpeg, fine": file_of(color, "jpeg", quality=95, subsampling=0),
        "jpeg of CMYK": file_of(color.convert("CMYK"), "jpeg"),
        "jpeg behind much else": file_of(color, "jpeg", exif=exif, comment=b"so it is" * 5000),
    }
    frames = [Image.fromarray(np.roll(NOISE[..., :3], move)).quantize(30) for move in range(3)]
    options = {"save_all": True, "append_images": frames[1:], "comment": b"moving" * 100}
    made["gif of several frames"] = file_of(frames[0], "gif", **options)
    part = color.crop((0, 0, 6, 5)).quantize(16)
    made["gif of a part of the screen"] = with_frame_at(file_of(part, "gif"), 3, 2)
    keyed = file_of(part, "gif", transparency=2)
    made["gif of a part of the screen with a key"] = with_frame_at(keyed, 3, 2)
    return made


def opened(file, channels):
    """What training sees, uint8 [*SIZE, channels]; on white where opacity is not kept."""
    image = Image.open(io.BytesIO(file))
    if channels < 4 and image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, "white")
        canvas.alpha_composite(image.convert("RGBA"))
        image = canvas.convert("RGB")
    return to_array(image, (*SIZE, channels))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_file_of_the_size_is_what_training_sees_bit_for_bit(channels):
    made = files()
    decoded = 255 * decode_images([*made.values()], (*SIZE, channels))
    for name, file, pixels in zip(made, made.values(), decoded.numpy()):
        np.testing.assert_array_equal(pixels, opened(file, channels), err_msg=name)


def test_every_opacity_comes_through_a_file_as_it_is():
    level = np.arange(256, dtype=np.float32) / 255
    color, opacity = np.meshgrid(level, level)
    images = np.stack([color, color[:, ::-1], opacity[::-1], opacity], axis=-1)[None]
    np.testing.assert_array_equal(decode_images(encode_pngs(images), (256, 256, 4)), images)


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (200, 70), (3, 2), (9, 300)])
def test_the_crop_and_its_surroundings_are_all_that_is_resized(size):
    """Images of which most is left out, and parts of more rows than are taken at a time."""
    shape = (*size, 4)
    image = Image.fromarray(np.random.default_rng(2).integers(0, 256, shape, np.uint8))
    for channels in (1, 3, 4):
        (decoded,) = decode_images([file_of(image)], (*SIZE, channels)).numpy()
        expected = opened(file_of(image), channels)
        opacity = expected[..., 3:] / 255 if channels == 4 else 1
        difference = np.abs(255 * decoded - expected)
        if channels == 4:
            assert difference[..., 3].max() <= 2
            difference = difference[..., :3]
        # A level of what is hardly opaque is many of its color.
        assert (difference * opacity).max() <= 3


def test_what_leaves_the_range_is_clipped_in_a_file():
    values = tf.constant([-9.0, -0.5, -1e-7, 0.0, 0.5, 1.0, 1.003, 1.54, 300.0])
    (file,) = encode_pngs(values[None, None, :, None]).numpy()
    pixels = np.asarray(Image.open(io.BytesIO(file)))
    np.testing.assert_array_equal(pixels, [[0, 0, 0, 0, 128, 255, 255, 255, 255]])


def header_of(form, width, height):
    """A small file whose header tells of other sides."""
    file = bytearray(file_of(Image.new("RGB", (8, 8)), form))
    if form == "png":
        file[16:24] = struct.pack(">II", width, height)
    elif form == "jpeg":
        start = re.search(b"\xff\xc0\0\x11\x08", bytes(file)).end()
        file[start : start + 4] = struct.pack(">HH", height, width)
    elif form == "gif":
        file[6:10] = struct.pack("<HH", width, height)
    else:
        # From the top down.
        file[18:26] = struct.pack("<ii", width, -height)
    return bytes(file)


FORMS = ("png", "jpeg", "gif", "bmp")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (300, 200), (16384, 16384), (65500, 1)])
def test_a_size_is_read_from_the_header(form, width, height):
    if form == "gif":
        # Its frame is of 8x8.
        width, height = max(width, 8), max(height, 8)
    assert pixels_in(header_of(form, width, height)) == width * height


@pytest.mark.parametrize("form", FORMS)
def test_what_is_too_large_is_refused_by_its_size_and_the_limit(form):
    message = rf"(?s)an image file may have at most {MAX_FILE_PIXELS:,} pixels.*\b{16384**2}\b"
    small = file_of(Image.new("L", SIZE[::-1]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode_images([small, header_of(form, 16384, 16384)], (*SIZE, 3))


def test_many_files_are_refused_together():
    many = [header_of("png", 5000, 5000)] * 6
    message = f"(?s)together may have at most {MAX_FILES_PIXELS:,} pixels.*{6 * 5000**2}"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode_images(many, (*SIZE, 3))


def test_sides_whose_product_overflows_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most"):
        decode_images([header_of("png", 2**31 - 1, 2**31 - 1)] * 5, (*SIZE, 3))


WHOLE = file_of(images()["P"], "gif")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "Unknown image file format"),
        (b"GIF", "Unknown image file format"),
        (b"RIFF1234WEBPVP8 ", "Unknown image file format: PNG, JPEG, GIF or BMP is needed"),
        (b"GIF89a", "the GIF has no frame"),
        (WHOLE[: WHOLE.index(b",")] + b";", "the GIF has no frame"),
        (b"GIF89a" + b"!" * 2000, "the GIF has no frame"),
        (WHOLE[:-40], "(?i)gif"),
        (b"\xff\xd8\xff", "(?i)jpeg"),
        (file_of(images()["RGB"], "jpeg")[:200], "(?i)jpeg"),
        (file_of(images()["RGB"])[:60], "(?i)png"),
        (b"\x89PNG\r\n\x1a\n", "(?i)png"),
        (file_of(images()["1"], "bmp"), "a BMP of this kind cannot be read: save it as PNG"),
        (b"BM", "a BMP of this kind"),
    ],
)
def test_what_cannot_be_decoded_is_refused(file, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode_images([file], (*SIZE, 3))


DECODE_AND_PRINT_GROWTH = r"""
import io, re, sys
from pathlib import Path
import tensorflow as tf
from PIL import Image
from tfgan.serving.files import decode_images

def megabytes():
    kib = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
    return int(kib) * 1024 / 1e6

decode = tf.function(
    lambda files: decode_images(files, (8, 8, 3)), [tf.TensorSpec([None], tf.string)]
)
buffer = io.BytesIO()
Image.new("L", (8, 8)).save(buffer, "png")
decode(tf.constant([buffer.getvalue()]))
before = megabytes()
try:
    decode(tf.constant([Path(path).read_bytes() for path in sys.argv[1:]]))
except tf.errors.InvalidArgumentError as error:
    print("refused:", "may have at most" in str(error))
print("growth", megabytes() - before)
"""


def growth(*paths):
    """By how many 10^6 bytes a process of its own grows, and whether it refuses the files."""
    done = subprocess.run(
        [sys.executable, "-c", DECODE_AND_PRINT_GROWTH, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return float(re.search("growth (.*)", done.stdout)[1]), "refused: True" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' /proc")
def test_a_small_file_of_a_large_image_takes_little_memory(tmp_path):
    (tmp_path / "large.png").write_bytes(file_of(Image.new("1", (16384, 16384)), compress_level=9))
    assert (tmp_path / "large.png").stat().st_size < 200_000
    grown, is_refused = growth(tmp_path / "large.png")
    assert is_refused and grown < 20
    # As large as is taken, and four of them: one after another.
    (tmp_path / "most.png").write_bytes(file_of(Image.new("1", (5792, 5792)), compress_level=9))
    grown, is_refused = growth(*[tmp_path / "most.png"] * 4)
    assert not is_refused and grown < 600


@pytest.mark.parametrize(
    ("shape", "most"),
    [
        ((8, 8, 1), 4096),
        ((32, 32, 3), 4096),
        ((64, 64, 3), 1024),
        ((256, 256, 3), 64),
        ((1024, 2048, 3), 2),
        ((4096, 4096, 3), 1),
        ((None, None, 3), 4096),
        ((-1, 256, 3), 4096),
    ],
)
def test_the_bound_of_a_request_follows_from_the_size_of_the_images(shape, most):
    assert most_images(shape) == most


def test_more_than_a_request_may_ask_for_is_asked_in_parts():
    requested = []

    def call(a, b):
        requested.append(len(a))
        return {"sum": a + b}

    numbers = np.arange(7)
    np.testing.assert_array_equal(in_parts(call, 3)(a=numbers, b=numbers)["sum"], 2 * numbers)
    assert requested == [3, 3, 1]
    assert in_parts(call, 3)(a=numbers[:0], b=numbers[:0])["sum"].shape == (0,)
