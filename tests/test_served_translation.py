"""Models that make images out of images, as they are exported."""

import io
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from cpp_loader import serve
from PIL import Image
from warm_up import warm_up_requests

from tfgan.data.image_files import to_array
from tfgan.errors import InputError
from tfgan.export import model_card
from tfgan.export.saved_model import export_saved_model, self_check
from tfgan.models import CycleGAN, Pix2Pix
from tfgan.networks import patch_discriminator, residual_generator, unet_generator
from tfgan.serving.files import BLACK, decode_images, encode_pngs
from tfgan.serving.limits import most_images

SIZE = (9, 12)


def photo(height, width, mode="RGB"):
    """A smooth image with edges, as a Pillow image."""
    down, right = np.mgrid[0 : 1 : 1j * height, 0 : 1 : 1j * width]
    color = [down, right, (down + right > 1), 0.2 + 0.8 * (right > down)]
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}[mode]
    chosen = color[: channels - 1] + color[3:] if channels % 2 == 0 else color[:channels]
    pixels = np.rint(255 * np.stack(chosen, axis=-1)).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def file_of(image, form="png", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def on(background, image):
    canvas = Image.new("RGBA", image.size, (background,) * 3 + (255,))
    canvas.alpha_composite(image.convert("RGBA"))
    return canvas.convert("RGB")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [SIZE, (40, 31), (5, 30)])
def test_a_file_is_brought_to_a_models_size_as_the_data_pipeline_does(size, mode, channels):
    image = photo(*size, mode)
    (decoded,) = decode_images([file_of(image)], (*SIZE, channels))
    reference = on(255, image) if "A" in mode and channels < 4 else image
    expected = to_array(reference, (*SIZE, channels)) / 255
    if size == SIZE and (mode, channels) in {("L", 1), ("L", 3), ("RGB", 3)}:
        np.testing.assert_array_equal(decoded, np.float32(expected))
    # Pillow rounds to whole levels after each of its passes.
    visible = expected[..., 3:] if channels == 4 else 1
    np.testing.assert_allclose(
        decoded[..., :3] * visible, expected[..., :3] * visible, atol=2 / 255
    )
    if channels == 4:
        np.testing.assert_allclose(decoded[..., 3], expected[..., 3], atol=2 / 255)


def test_files_of_every_kind_are_decoded_each_on_its_own():
    image = photo(32, 24)
    palette = image.quantize(256)
    files = [
        file_of(image),
        file_of(image, "jpeg", quality=100, subsampling=0),
        file_of(image, "bmp"),
        file_of(palette, "gif"),
        file_of(image.convert("L")),
        file_of(palette),
    ]
    decoded = decode_images(files, (*SIZE, 3)).numpy()
    for one, file in zip(decoded, files):
        opened = Image.open(io.BytesIO(file))
        # TensorFlow decodes JPEG by a faster, less exact transform.
        tolerance = 12 if opened.format == "JPEG" else 4
        np.testing.assert_allclose(255 * one, to_array(opened, (*SIZE, 3)), atol=tolerance)
    assert decode_images(tf.constant([], tf.string), (*SIZE, 3)).shape == (0, *SIZE, 3)


def test_what_lies_behind_transparency():
    nothing = file_of(Image.new("RGBA", SIZE[::-1], (10, 200, 30, 0)))
    np.testing.assert_array_equal(decode_images([nothing], (*SIZE, 3)), np.ones((1, *SIZE, 3)))
    black = decode_images([nothing], (*SIZE, 1), background=BLACK)
    np.testing.assert_array_equal(black, np.zeros((1, *SIZE, 1)))


def apart(model):
    """The model with EMAs that are far from the networks, and tell images apart."""
    random = np.random.default_rng(0)
    for ema, _ in model.ema_pairs():
        for variable in ema.trainable_variables:
            variable.assign(random.normal(0, 0.3, variable.shape))
    return model


@pytest.fixture(scope="module")
def filler():
    """A model that fills holes in color images."""
    keras.utils.set_random_seed(0)
    shape = (*SIZE, 3)
    return apart(
        Pix2Pix(
            unet_generator(shape, input_channels=4, width=4),
            patch_discriminator(shape, condition_channels=4, width=2),
            masked=True,
        )
    )


@pytest.fixture(scope="module")
def filler_folder(filler, tmp_path_factory):
    folder, difference = export_saved_model(filler, tmp_path_factory.mktemp("models") / "filler")
    assert difference < 1e-6
    return folder


@pytest.fixture(scope="module")
def signatures(filler_folder):
    loaded = tf.saved_model.load(str(filler_folder))
    # The signatures die with what was loaded.
    yield loaded.signatures


def test_files_of_other_sizes_are_filled_where_their_masks_are_white(filler, filler_folder):
    images = [photo(40, 31), photo(*SIZE)]
    masks = [Image.new("L", (31, 40)), Image.new("RGBA", SIZE[::-1], (0, 0, 0, 0))]
    masks[0].paste(255, (0, 0, 31, 20))
    masks[1].paste((255, 255, 255, 255), (4, 0, 8, 9))
    request = {
        "image_bytes": [file_of(image) for image in images],
        "mask_bytes": [file_of(mask) for mask in masks],
    }
    (answer,) = serve(filler_folder, [("png", request)])
    filled = np.stack([np.asarray(Image.open(io.BytesIO(png))) for png in answer["image_bytes"]])
    decoded = decode_images(request["image_bytes"], (*SIZE, 3))
    holes = np.zeros((2, *SIZE, 1), np.float32)
    # 31x40 is cropped to 31x23.25, of which the white half are the upper 11.625.
    holes[0, : round(SIZE[0] * 11.625 / 23.25)] = 1
    holes[1, :, 4:8] = 1
    live = filler.translate(decoded, holes).numpy()
    boundary = np.zeros_like(holes, bool)
    boundary[0, 3:6] = True
    same = np.abs(filled - 255 * live) < 0.51
    assert same[1].all()
    known = np.broadcast_to(holes[0] == 0, same[0].shape) & ~boundary[0]
    np.testing.assert_array_equal(filled[0][known], np.rint(255 * decoded[0].numpy())[known])
    inside = np.broadcast_to(holes[0] == 1, same[0].shape) & ~boundary[0]
    assert (filled[0][inside] != np.rint(255 * decoded[0].numpy())[inside]).mean() > 0.9


def numbers(num=2):
    return {
        "images": tf.fill((num, *SIZE, 3), 0.5),
        "masks": tf.zeros((num, *SIZE, 1)),
    }


def files(num=2):
    return {
        "image_bytes": tf.constant([file_of(photo(4, 5))] * num),
        "mask_bytes": tf.constant([file_of(photo(4, 5, "L"))] * num),
    }


TOO_MANY = most_images((*SIZE, 3)) + 1


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("serving_default", {"images": tf.fill((2, *SIZE, 3), 1.5)}, "images must be .* 0 to 1"),
        ("serving_default", {"images": tf.fill((2, *SIZE, 3), np.nan)}, "images must be .* 0 to 1"),
        ("serving_default", {"masks": tf.fill((2, *SIZE, 1), 255.0)}, "masks must be .* 0 to 1"),
        ("serving_default", {"masks": tf.zeros((1, *SIZE, 1))}, "as many images as masks.*2.*1"),
        ("serving_default", {"images": tf.zeros((2, 8, 8, 3))}, "shape"),
        ("png", {"image_bytes": tf.constant([b"no", b"picture"])}, "Unknown image file format"),
        ("png", {"image_bytes": tf.constant([file_of(photo(40, 40))[:90]] * 2)}, "(?i)png"),
        ("png", {"mask_bytes": files(1)["mask_bytes"]}, "as many image_bytes as mask_bytes.*2.*1"),
        ("png", files(TOO_MANY), "at most 4,096 images of this model. Received:.*4097"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(signature, inputs, message, signatures):
    good = numbers() if signature == "serving_default" else files()
    signatures[signature](**good)
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match=message):
        signatures[signature](**good | inputs)


def test_each_tensor_is_stored_once_and_nothing_of_the_rest(filler, filler_folder):
    variables = tf.train.list_variables(str(filler_folder / "variables" / "variables"))
    shapes = sorted(tuple(shape) for name, shape in variables if "CHECKPOINTABLE" not in name)
    assert shapes == sorted(tuple(variable.shape) for variable in filler.generator.variables)


def test_the_card_and_the_warm_up_name_every_signature(filler_folder):
    card = model_card.read(filler_folder)
    assert card["family"] == "Pix2Pix" and card["condition"] is None
    assert card["signatures"] == {
        "serving_default": {
            "inputs": {
                "images": {"dtype": "float32", "shape": [None, *SIZE, 3]},
                "masks": {"dtype": "float32", "shape": [None, *SIZE, 1]},
            },
            "outputs": {"images": {"dtype": "float32", "shape": [None, *SIZE, 3]}},
        },
        "png": {
            "inputs": {
                "image_bytes": {"dtype": "string", "shape": [None]},
                "mask_bytes": {"dtype": "string", "shape": [None]},
            },
            "outputs": {"image_bytes": {"dtype": "string", "shape": [None]}},
        },
    }
    warm_up = dict(warm_up_requests(filler_folder))
    assert warm_up.keys() == card["signatures"].keys()
    for answer in serve(filler_folder, list(warm_up.items())):
        assert [len(values) for values in answer.values()] == [1]


@pytest.mark.slow
def test_a_cyclegan_between_images_of_other_channels(tmp_path):
    keras.utils.set_random_seed(0)
    model = apart(
        CycleGAN(
            residual_generator((*SIZE, 1), input_channels=3, width=2, blocks=1),
            residual_generator((*SIZE, 3), input_channels=1, width=2, blocks=1),
            patch_discriminator((*SIZE, 3), width=2),
            patch_discriminator((*SIZE, 1), width=2),
        )
    )
    folder, difference = export_saved_model(model, tmp_path / "cyclegan")
    assert difference < 1e-6
    photos = decode_images([file_of(photo(*SIZE))] * 2, (*SIZE, 3))
    drawings = photos[..., :1]
    answers = serve(
        folder,
        [
            ("serving_default", {"images": photos.numpy()}),
            ("a_to_b", {"images": photos.numpy()}),
            ("b_to_a", {"images": drawings.numpy()}),
            ("png", {"image_bytes": [file_of(photo(*SIZE))] * 2}),
        ],
    )
    live_b, live_a = model.a_to_b(photos).numpy(), model.b_to_a(drawings).numpy()
    for answer, live in zip(answers, (live_b, live_b, live_a)):
        np.testing.assert_allclose(answer["images"], live, atol=1e-5)
    for png, live in zip(answers[3]["image_bytes"], live_b):
        decoded = np.asarray(Image.open(io.BytesIO(png)))
        assert np.abs(decoded - 255 * live[..., 0]).max() < 0.51


def make_translator(family, channels):
    """An untrained model of images of some channels."""
    shape = (*SIZE, channels)
    if family is Pix2Pix:
        return Pix2Pix(
            unet_generator(shape, input_channels=channels, width=2),
            patch_discriminator(shape, condition_channels=channels, width=2),
        )
    generators = [residual_generator(shape, width=2, blocks=1) for _ in range(2)]
    return CycleGAN(*generators, *(patch_discriminator(shape, width=2) for _ in range(2)))


@pytest.mark.parametrize(
    ("family", "channels"),
    [
        (Pix2Pix, 4),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in [(Pix2Pix, 1), (Pix2Pix, 3), (CycleGAN, 1), (CycleGAN, 3), (CycleGAN, 4)]
        ),
    ],
)
def test_images_of_every_kind_pass_the_self_check_and_come_through_files(
    family, channels, tmp_path
):
    """Of every opacity, too: what is invisible is not lost."""
    model = apart(make_translator(family, channels))
    folder, difference = export_saved_model(model, tmp_path / "m")
    assert difference < 1e-5
    loaded = tf.saved_model.load(str(folder))
    images = np.random.default_rng(5).integers(0, 256, (4, *SIZE, channels)) / np.float32(255)
    (pngs,) = loaded.signatures["png"](image_bytes=encode_pngs(images)).values()
    live = (model.translate if family is Pix2Pix else model.a_to_b)(images)
    decoded = np.stack([tf.io.decode_png(png) for png in pngs])
    assert np.abs(decoded - 255 * live).max() < 0.51


@pytest.mark.parametrize("where", ["live", "exported"])
def test_a_self_check_refuses_what_is_no_number(where):
    images = tf.fill((2, 4, 4, 1), 0.5)
    broken = tf.fill((2, 4, 4, 1), np.nan)
    live, answer = (broken, images) if where == "live" else (images, broken)

    reloaded = types.SimpleNamespace(signatures={"serving_default": lambda: {"images": answer}})
    with pytest.raises(RuntimeError, match="differs from the live one by nan"):
        self_check({"serving_default": ({}, {"images": live})}, reloaded)


def test_images_that_no_png_can_hold_are_refused(tmp_path):
    shape = (*SIZE, 2)
    model = Pix2Pix(
        unet_generator(shape, width=1), patch_discriminator(shape, condition_channels=2, width=1)
    )
    with pytest.raises(InputError, match=r"1, 3 or 4 channels .*Received: 2"):
        export_saved_model(model, tmp_path / "m")
    assert not (tmp_path / "m").exists()
