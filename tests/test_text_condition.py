import keras
import numpy as np
import pytest
import tensorflow as tf
from cpp_loader import pack_strings, serve

from tfgan import data, generate
from tfgan.conditions import TextCondition
from tfgan.export.saved_model import export_saved_model
from tfgan.models import ConditionalGAN
from tfgan.networks import convolutional_discriminator, convolutional_generator, text_encoder
from tfgan.noise import latents_from_seeds

IMAGE_SHAPE = (8, 8, 1)
CAPTIONS = np.array(["a red circle", "a large blue circle", "A small, red square!"])


@pytest.fixture(scope="module")
def condition():
    return TextCondition.of(CAPTIONS)


@pytest.fixture(scope="module")
def exported(condition, tmp_path_factory):
    keras.utils.set_random_seed(3)
    gan = ConditionalGAN(
        convolutional_generator(IMAGE_SHAPE, 6, width=4, condition=condition.encoder()),
        convolutional_discriminator(IMAGE_SHAPE, width=4, condition=condition.encoder()),
        condition,
    )
    # What a text changes is nothing at first.
    random = np.random.default_rng(0)
    for variable in gan.ema_generator.trainable_variables:
        variable.assign(variable + random.normal(0, 0.3, variable.shape))
    return gan, export_saved_model(gan, tmp_path_factory.mktemp("models") / "of_texts")[0]


def test_the_vocabulary_is_the_words_of_the_captions(condition):
    assert set(condition.vocabulary) == {"a", "red", "circle", "large", "blue", "small", "square"}
    # The most frequent come first.
    assert condition.vocabulary[0] == "a"
    assert condition.length == 4


def test_words_become_their_numbers_and_0_where_there_are_none(condition):
    numbers = condition.checked(["a red circle", "circle"]).numpy()
    number_of = {word: index + 2 for index, word in enumerate(condition.vocabulary)}
    expected = [[number_of["a"], number_of["red"], number_of["circle"], 0]]
    np.testing.assert_array_equal(numbers[:1], expected)
    np.testing.assert_array_equal(numbers[1], [number_of["circle"], 0, 0, 0])


def test_case_punctuation_and_spaces_make_no_difference(condition):
    plain, other = condition.checked(["a small red square", "  A small,  RED square. "]).numpy()
    np.testing.assert_array_equal(plain, other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"a text must have a word\. Received"),
        (" ,. ", r"a text must have a word\. Received"),
        ("a red zebra", r"made of: a, blue, circle, .*Received the unknown:.*zebra"),
        ("a a a a a", r"at most 4 words\. Received"),
    ],
)
def test_what_cannot_be_understood_is_named(text, message, condition):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s){message}"):
        condition.checked(["a red circle", text])


def test_a_condition_comes_back_from_its_config(condition):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(condition))
    texts = ["a small red square", "a large blue circle"]
    np.testing.assert_array_equal(again.checked(texts), condition.checked(texts))
    assert again.shown == condition.shown


def test_a_grid_has_one_text_per_column(condition):
    texts, columns = condition.examples(7)
    assert columns == 3 and len(texts) == 7
    assert set(texts) == set(CAPTIONS) and texts[0] == texts[3] == texts[6]


def test_the_encoder_averages_over_the_words_alone():
    keras.utils.set_random_seed(0)
    # Of the same weights, which do not depend on the length.
    short, long = text_encoder(5, 3), text_encoder(5, 9)
    long.set_weights(short.get_weights())
    one, other = short(tf.constant([[2, 1, 4]])), long(tf.constant([[2, 1, 4] + [0] * 6]))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.abs(one - short(tf.constant([[4, 1, 2]]))).max() > 1e-3, "the order counts"
    assert np.isfinite(short(tf.zeros((1, 3), tf.int32))).all()


def test_a_client_sends_the_text_itself(exported):
    gan, folder = exported
    texts = ["a red circle", "a small blue square", "a large red square"]
    condition = {"texts": pack_strings([text.encode() for text in texts])}
    seeds = np.arange(3)
    latents = latents_from_seeds(tf.constant(seeds, tf.int64), 6).numpy()
    default, from_seeds, png = serve(
        folder,
        [
            ("serving_default", condition | {"latents": latents}),
            ("from_seeds", condition | {"seeds": seeds}),
            ("png", condition | {"seeds": seeds}),
        ],
    )
    expected = gan.generate(seeds, texts).numpy()
    assert np.abs(expected[0] - expected[1]).max() > 0.01
    for answer in (default, from_seeds):
        np.testing.assert_allclose(answer["images"], expected, atol=1e-5)
    pixels = [tf.io.decode_png(file).numpy() / 255 for file in png["image_bytes"]]
    np.testing.assert_allclose(pixels, expected, atol=0.51 / 255)


def test_a_served_unknown_word_is_named(exported):
    request = {"texts": pack_strings([b"a red zebra"]), "seeds": np.arange(1)}
    with pytest.raises(RuntimeError, match=r"(?s)Received the unknown:.*zebra"):
        serve(exported[1], [("from_seeds", request)])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], ["takes texts", "--text"]),
        (["--text", ""], ["a text must have a word"]),
        (["--text", "a red zebra"], ["a, blue, circle", "unknown: zebra"]),
        (["--label", "1"], ["takes texts", "--text"]),
    ],
)
def test_generate_says_what_a_model_of_texts_takes(flags, words, exported, tmp_path, capfd):
    out = ["--out", str(tmp_path / "x.png"), "--num", "2"]
    assert generate.main([str(exported[1]), *out, *flags]) == 2
    errors = capfd.readouterr().err
    assert errors.startswith("error: ") and errors.count("\n") == 1
    assert all(word in errors for word in words), errors


def test_generate_deals_out_texts_in_turn(exported, tmp_path):
    flags = [str(exported[1]), "--format", "npz", "--num", "4"]
    red, blue = "a red circle", "a large blue circle"
    several, single = tmp_path / "several.npz", tmp_path / "single.npz"
    assert generate.main([*flags, "--text", red, "--text", blue, "--out", str(several)]) == 0
    assert generate.main([*flags, "--text", blue, "--out", str(single)]) == 0
    several, single = (np.load(file)["images"].astype(int) for file in (several, single))
    assert np.abs(several[1::2] - single[1::2]).max() <= 1
    assert np.abs(several[::2] - single[::2]).max() > 1


@pytest.mark.slow
def test_captions_of_classes_train_a_model_of_texts(tmp_path, monkeypatch, capsys):
    from tfgan import train

    monkeypatch.chdir(tmp_path)
    tiny = ["--width", "4", "--latent-dim", "8", "--batch-size", "32", "--steps", "2"]
    tiny += ["--precision", "float32"]
    flags = [*tiny, "--model", "cgan", "--condition", "text"]
    assert train.main(flags) == 0
    output = capsys.readouterr().out
    assert "conditioned on text" in output and "--text" in output
    assert generate.main(["saved_models/digits_cgan", "--text", "a picture of an 8"]) == 0
    # A folder without classes has nothing to say.
    digits = data.load("digits", 32)
    (tmp_path / "pictures").mkdir()
    from PIL import Image

    for index, image in enumerate(digits.images[:32]):
        Image.fromarray(image[..., 0]).save(tmp_path / "pictures" / f"{index}.png")
    assert train.main([*flags, "--dataset", "pictures"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "captions" in error


@pytest.mark.slow
def test_attributes_train_a_model_that_is_asked_by_name(tmp_path, monkeypatch, capsys):
    from tfgan import train
    from tfgan.data import shapes

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(shapes.NUM_IMAGES, "train", 64)
    flags = ["--width", "4", "--latent-dim", "8", "--batch-size", "32", "--steps", "2"]
    flags += ["--precision", "float32", "--dataset", "shapes", "--image-size", "16"]
    assert train.main([*flags, "--model", "cgan", "--condition", "attributes"]) == 0
    assert "--label " in capsys.readouterr().out
    command = ["saved_models/shapes_cgan", "--num", "2", "--label"]
    assert generate.main([*command, "circle:red:plain:large:top left"]) == 0
    assert generate.main([*command, "circle:red"]) == 2
    assert "takes 5 attributes" in capsys.readouterr().err
    assert generate.main([*command, "cube:red:plain:large:top left"]) == 2
    assert "no shape 'cube', but circle, square" in capsys.readouterr().err
    assert train.main([*flags[:10], "--model", "cgan", "--condition", "attributes"]) == 2
    assert "--condition attributes needs attributes, and digits" in capsys.readouterr().err
