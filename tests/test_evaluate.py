"""`python -m tfgan.evaluate`, on images of the digits that need no download."""

import dataclasses
import html
import json
import re

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

import tfgan
from tfgan import data, evaluate
from tfgan.errors import InputError
from tfgan.evaluation import inputs as picture_files
from tfgan.evaluation.page import MEANINGS
from tfgan.metrics import comparison
from tfgan.metrics.evaluation import evaluate_comparison
from tfgan.metrics.extractors import NAMES

NUM = 120


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for a busy core make many small fits slow."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def image_folder(tmp_path_factory):
    """A folder with real digits and with noise, in NPZ files."""
    folder = tmp_path_factory.mktemp("pictures")
    train = data.load("digits", 1)
    real = train.images[np.random.default_rng(0).permutation(train.num_images)[:NUM]]
    np.savez(folder / "real.npz", images=real)
    noise = np.random.default_rng(0).integers(0, 256, real.shape[:3], dtype=np.uint8)
    np.savez(folder / "noise.npz", images=noise)
    return folder


def run(*arguments):
    common = ["--num", NUM, "--features", "pixels"]
    assert evaluate.main([str(each) for each in (*arguments, *common)]) == 0


@pytest.fixture(scope="module")
def compared(image_folder):
    """The reports of real images (a) and of noise (b) under the digits."""
    files = image_folder / "real.npz", image_folder / "noise.npz"
    run("--compare", *files, "--dataset", "digits", "--out", image_folder / "compared")
    return image_folder / "compared"


def test_real_images_have_no_risk_and_noise_has_all(compared):
    real = json.loads((compared / "a_real" / "report.json").read_text())
    noise = json.loads((compared / "b_noise" / "report.json").read_text())
    risk = real["confidence_risk"]
    assert risk["low"] == 0 and risk["low_unclipped"] < 0 < risk["high"]
    assert risk["p_value"] > 0.01 and risk["num_generated"] == NUM
    assert noise["confidence_risk"]["value"] > 0.95 and noise["confidence_risk"]["p_value"] < 0.001
    assert noise["confidence_risk"]["floor"] == risk["floor"] < 0.3
    assert noise["off_manifold"]["value"] == 1 - noise["precision"]["value"] == 1
    assert noise["taken_for_fake"]["value"] > 0.95
    assert noise["pixel_risk"]["value"] > 0.95
    for name in MEANINGS.keys() - {"classifier_score", "class_imbalance", "modes", "modes_kl",
                                   "class_diversity", "label_agreement"}:  # fmt: skip
        assert real[name].keys() >= {"value", "low", "high", "floor"}


def test_the_better_of_two_is_named_with_its_probability(compared):
    comparison = json.loads((compared / "comparison.json").read_text())
    assert comparison["probability_a_is_better"] > 0.999
    values = [risk["value"] for risk in comparison["confidence_risk"]]
    assert values[0] < values[1]


def test_the_page_needs_no_other_file_and_no_network(compared):
    page = (compared / "b_noise" / "report.html").read_text()
    sources = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', page)
    assert len(sources) >= 5
    assert all(source.startswith("data:image/") for source in sources)
    assert not re.search(r"<script|@import|url\(", page)
    assert 'content="light dark"' in page
    number = json.loads((compared / "b_noise" / "report.json").read_text())["confidence_risk"]
    assert f"{number['value']:.3f}" in page
    # Each metric is explained where it stands.
    text = (compared / "b_noise" / "report.md").read_text()
    for name in ("confidence_risk", "off_manifold", "recall", "copies_nearer"):
        assert f"| {name} |" in text and MEANINGS[name][0] in page


def test_a_folder_of_images_against_a_file(image_folder, capsys):
    """Copies of a half of the reference, of which chance compares them with a half."""
    train = data.load("digits", 1)
    np.savez(
        image_folder / "reference.npz", images=train.images[:240, ..., 0], labels=train.labels[:240]
    )
    folder = image_folder / "copies"
    folder.mkdir()
    for index, pixels in enumerate(train.images[:NUM, ..., 0]):
        Image.fromarray(pixels).save(folder / f"{index:03d}.png")
    out = image_folder / "out"
    run("--images", folder, "--reference", image_folder / "reference.npz", "--out", out)
    report = json.loads((out / "report.json").read_text())
    assert report["card"]["data"] == "reference" and report["card"]["split"] == "half"
    # About half of them are in the half that is compared with.
    assert 0.3 * NUM < report["duplicates"]["shared_with_real"] < 0.7 * NUM
    assert "confidence_risk" in capsys.readouterr().out


def write_folder(folder, images, mode="L"):
    folder.mkdir()
    for index, pixels in enumerate(images[..., 0]):
        Image.fromarray(pixels).convert(mode).save(folder / f"{index:04d}.png")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of real digits: 60 generated ones, the same in RGB, and 98, 110 and 504 others."""
    folder, images = tmp_path_factory.mktemp("folders"), data.load("digits", 1).images
    write_folder(folder / "made", images[:60])
    write_folder(folder / "rgb", images[:60], "RGB")
    for num in (98, 110, 504):
        write_folder(folder / f"real{num}", images[600 : 600 + num])
    return folder


def evaluated(folders, *flags):
    flags = [str(folders / flag) if (folders / str(flag)).exists() else flag for flag in flags]
    return evaluate.main([str(each) for each in (*flags, "--out", folders / "out")])


@pytest.mark.parametrize("made", ["made", "rgb"])
def test_two_folders_of_few_images_get_features_that_suit_them(made, folders, capsys):
    assert evaluated(folders, "--images", made, "--reference", "real110") == 0
    report = json.loads((folders / "out" / "report.json").read_text())
    card = report["card"]
    assert (card["num_generated"], card["num_real"], card["num_floor"]) == (60, 55, 40)
    assert "principal components of the pixels, as the images are too few for" in card["features"]
    assert "'random'" in card["features"] and card["image_shape"] == [8, 8, 1]
    assert report["confidence_risk"]["low"] == 0
    notes = report["notes"]
    assert notes == [] if made == "made" else "3 channels and the real ones 1" in notes[0]
    page = (folders / "out" / "report.html").read_text()
    assert all(f"note: {note}" in capsys.readouterr().out and note in page for note in notes)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--reference", "real110", "--features", "random"),
            r"'random' need at least 252 images per side\. Received: 60 generated, 55 real ones, "
            r"and 55 other .*Give 252 generated images and at least 504 real images, which are "
            r"halved\. Or pass --features pixels, for which these are enough",
        ),
        (
            ("--reference", "real504", "--features", "random", "--num", 50),
            "Give --num 252 or more and 252 generated images. Or pass --features pixels",
        ),
        (("--reference", "real98"), "Give at least 100 real images, which are halved.\n"),
        (
            ("--dataset", "digits", "--features", "inception"),
            "2,278 images .*Give 2278 generated images and a data set with more images",
        ),
        (("--dataset", "real98"), "has no split 'test': .* Pass --reference .*real98"),
        (("--reference", "real98", "--image-size", "9x7"), "at least 100 real images"),
    ],
)
def test_too_few_images_and_what_to_do(flags, message, folders, capsys):
    assert evaluated(folders, "--images", "made", *flags) == 2
    errors = capsys.readouterr().err
    assert re.search(message, errors) and errors.count("\n") == 1


def test_the_fewest_images_of_the_advice_are_enough(folders):
    train, test = picture_files.halves_of(folders / "real504", 0)
    made = data.load("digits", 1).images[:252]
    comparison.prepare(made, train, test, features="random", progress=False)
    train, test = (part.subset(np.arange(50)) for part in (train, test))
    few = comparison.prepare(made[:40], train, test, features="pixels", progress=False)
    evaluate_comparison(few, progress=False)
    with pytest.raises(comparison.TooFewImages):
        comparison.prepare(made[:40], train.subset(np.arange(49)), test, features="pixels")


def test_labels_of_a_folder_are_the_names_of_its_classes(tmp_path):
    digits = data.load("digits", 1)
    for label in (3, 7):
        write_folder(tmp_path / str(label), digits.images[digits.labels == label][:3])
    arguments = evaluate.parse(["--images", str(tmp_path), "--dataset", "digits"])
    candidate = evaluate.generated_images(str(tmp_path), arguments, digits)
    assert candidate.labels.tolist() == [3, 3, 3, 7, 7, 7]
    other = dataclasses.replace(digits, class_names=tuple("abcdefghij"))
    candidate = evaluate.generated_images(str(tmp_path), arguments, other)
    assert candidate.labels is None and "not taken for labels" in candidate.notes[0]


@pytest.mark.slow
def test_a_conditional_model_draws_the_classes_of_the_reference(tmp_path, capsys):
    """A model of the digits against a file that has no 3, few 8s, and a class of its own."""
    digits = data.load("digits", 1)
    condition = tfgan.LabelCondition(10, names := tuple("0123456789"))
    model = tfgan.ConditionalGAN(
        tfgan.convolutional_generator((8, 8, 1), 4, 4, 1, condition=condition.encoder()),
        tfgan.convolutional_discriminator((8, 8, 1), 4, 1, condition=condition.encoder()),
        condition,
    )
    tfgan.export_saved_model(model, tmp_path / "tiny")
    rows = np.flatnonzero((digits.labels != 3) & ((digits.labels != 8) | (np.arange(1498) < 300)))
    labels = np.array([*names[:9], "nine"])[digits.labels[rows]]
    np.savez(tmp_path / "real.npz", images=digits.images[rows], labels=labels)
    reference = ["--reference", str(tmp_path / "real.npz")]
    flags = ["--num", "400", "--features", "classifier", "--out", str(tmp_path / "out")]
    assert evaluate.main([str(tmp_path / "tiny"), *reference, *flags]) == 0
    out = capsys.readouterr().out
    assert "the classes nine" in out and "none of the model's classes 3, 9" in out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    by_class = report["label_agreement"]["by_class"]
    assert [*by_class] == list("01245678") and {each["num"] for each in by_class.values()} == {50}
    assert len(report["notes"]) == 2
    text, page = ((tmp_path / "out" / f"report.{kind}").read_text() for kind in ("md", "html"))
    assert "## Of the images conditioned on a class" in text and "| 5 | " in text
    for note in report["notes"]:
        assert note in text and html.escape(note) in page


@pytest.mark.slow
def test_a_models_images_are_evaluated(exported_gan, tmp_path):
    _, folder = exported_gan
    run(folder, "--dataset", "digits", "--out", tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["name"] == "tiny" and report["confidence_risk"]["value"] > 0.9


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": np.zeros((80, 8, 8), np.uint8)}, "must have an array `images`. It has: pict"),
        ({"images": np.zeros((80, 8, 8, 1), np.int64)}, "int64"),
        ({"images": np.full((80, 9, 8), 255, np.uint8)}, "--image-size 9x8"),
    ],
)
def test_images_that_cannot_be_evaluated(arrays, message, tmp_path, capsys):
    np.savez(tmp_path / "images.npz", **arrays)
    assert evaluate.main(["--images", str(tmp_path / "images.npz"), "--dataset", "digits"]) == 2
    errors = capsys.readouterr().err
    assert message in errors and errors.count("\n") == 1


@pytest.mark.parametrize("damage", ["other content", "empty", "cut off", "flipped bit"])
def test_a_file_that_is_no_npz(damage, tmp_path, capsys):
    path = tmp_path / "images.npz"
    np.savez(path, images=np.zeros((80, 8, 8), np.uint8))
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    contents = {
        "other content": b"no arrays",
        "empty": b"",
        "cut off": whole[:middle],
        "flipped bit": flipped,
    }
    path.write_bytes(contents[damage])
    assert evaluate.main(["--images", str(path), "--dataset", "digits"]) == 2
    errors = capsys.readouterr().err
    assert "cannot be read as an NPZ file" in errors and errors.count("\n") == 1


def test_labels_of_a_reference_must_be_one_per_image(tmp_path, capsys):
    np.savez(tmp_path / "real.npz", images=np.zeros((80, 8, 8), np.uint8), labels=np.zeros(3, int))
    file = str(tmp_path / "real.npz")
    assert evaluate.main(["--images", file, "--reference", file]) == 2
    assert "(3,) for images (80, 8, 8)" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [np.array([7, 3, 5] * 9), np.array(["cat", "ape", "bee"] * 9)])
def test_labels_mean_the_classes_of_the_reference(labels, tmp_path):
    file, images = str(tmp_path / "real.npz"), np.zeros((27, 8, 8), np.uint8)
    np.savez(file, images=images, labels=labels)
    train, _ = picture_files.halves_of(file, seed=0)
    arguments = evaluate.parse(["--images", file, "--reference", file])
    classes = evaluate.generated_images(file, arguments, train).labels
    assert [train.class_names[number] for number in classes] == [str(label) for label in labels]
    np.savez(tmp_path / "other.npz", images=images, labels=np.roll(np.arange(27), 1))
    with pytest.raises(InputError, match=r"those of the real images.*Received: 26"):
        evaluate.generated_images(str(tmp_path / "other.npz"), arguments, train)


def test_labels_beside_a_data_set_are_the_numbers_or_the_names_of_its_classes(tmp_path):
    train = dataclasses.replace(data.load("digits", 1), class_names=tuple("abcdefghij"))
    arguments = evaluate.parse(["--images", "x.npz", "--dataset", "digits"])
    for labels in (np.array([0, 5]), np.array(["a", "f"])):
        np.savez(tmp_path / "x.npz", images=np.zeros((2, 8, 8), np.uint8), labels=labels)
        generated = evaluate.generated_images(str(tmp_path / "x.npz"), arguments, train)
        np.testing.assert_array_equal(generated.labels, [0, 5])


@pytest.mark.parametrize(("split", "is_noted"), [("train", True), ("test", False)])
def test_images_that_were_trained_on_are_no_held_out_ones(split, is_noted, tmp_path):
    np.savez(tmp_path / "a.npz", images=data.load("digits", 1).images[:60])
    flags = ["--dataset", "digits", "--split", split, "--features", "pixels", "--num", "60"]
    arguments = evaluate.parse(["--images", str(tmp_path / "a.npz"), *flags])
    _, notes = evaluate.comparison_of(arguments.images, arguments, *evaluate.real_images(arguments))
    assert [note.startswith("the split 'train' is what models are") for note in notes] == (
        [True] if is_noted else []
    )


@pytest.mark.parametrize(
    "flags",
    [
        ("", "--dataset", "digits"),
        ("--images", "", "--dataset", "digits"),
        ("--compare", "a", "", "--dataset", "digits"),
        ("a", "--dataset", ""),
        ("a", "--reference", ""),
    ],
)
def test_an_empty_text_names_nothing(flags, capsys):
    with pytest.raises(SystemExit):
        evaluate.parse(flags)
    assert "an empty text names nothing" in capsys.readouterr().err


def test_features_that_are_offered_are_those_there_are():
    assert set(evaluate.FEATURES) == set(NAMES)


def test_arrays_of_12_bits_in_16_are_told(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 4096, (80, 8, 8), np.uint16)
    np.savez(tmp_path / "images.npz", images=images)
    flags = ["--dataset", "digits", "--features", "pixels", "--num", "80", "--out", tmp_path / "r"]
    assert evaluate.main(["--images", str(tmp_path / "images.npz"), *map(str, flags)]) == 0
    assert "note: all images of" in capsys.readouterr().err


@pytest.mark.slow
def test_real_images_are_brought_to_the_channels_of_the_model(tmp_path, capsys):
    colors = data.load("digits", 1).images[:80] // np.uint8([1, 2, 4])
    np.savez(tmp_path / "images.npz", images=colors)
    flags = ["--dataset", "digits", "--features", "pixels", "--num", "80", "--out", tmp_path / "r"]
    command = ["--images", str(tmp_path / "images.npz"), *map(str, flags)]
    assert evaluate.main(command) == 2
    assert "have 1 channels: pass --channels 3\n" in capsys.readouterr().err
    assert evaluate.main([*command, "--channels", "3"]) == 0
