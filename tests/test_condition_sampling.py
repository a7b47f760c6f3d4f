"""What models are conditioned on: as the real images are, by name, and evenly."""

import dataclasses

import numpy as np
import pytest

from tfgan import LabelCondition, data
from tfgan.conditions.sampling import (
    balanced_conditions_for,
    classes_in,
    conditions_for,
    images_by_class,
    notes_on,
)
from tfgan.data.captions import Captions
from tfgan.data.dataset import ImageDataset
from tfgan.errors import InputError
from tfgan.metrics import confidence_risk, frechet_distance
from tfgan.metrics.rejection import fit_rejection


def dataset_of(labels=None, class_names=None, **fields):
    num = len(next(each for each in (labels, *fields.values()) if isinstance(each, np.ndarray)))
    images = np.zeros((num, 2, 2, 1), np.uint8)
    return ImageDataset("x", images, labels, class_names, 1, 0, **fields)


def classes(num_classes=None, names=None):
    """What a card tells of the inputs of a model that draws classes."""
    condition = {} if num_classes is None else LabelCondition(num_classes, names).get_config()
    return {"seeds": {"shape": [None]}, "labels": {"shape": [None], **condition}}


def labeled(counts, class_names=None):
    labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    labels = np.random.default_rng(0).permutation(labels)
    return dataset_of(labels, class_names or tuple(map(str, range(len(counts)))))


@pytest.mark.parametrize("counts", [(900, 100), (1, 1, 1), (997, 1, 2), (0, 50, 50), (7,) * 28])
@pytest.mark.parametrize("num", [10, 100, 1000, 1001])
def test_each_class_comes_as_often_as_in_the_data(counts, num):
    dataset = labeled(counts)
    drawn = conditions_for(classes(len(counts)), dataset, num)["labels"]
    counted = np.bincount(drawn, minlength=len(counts))
    share = np.array(counts) / sum(counts)
    assert drawn.dtype == np.int32 and counted.sum() == num
    assert (np.abs(counted - share * num) < 1).all()
    assert conditions_for(classes(len(counts)), dataset, num)["labels"].tolist() == drawn.tolist()
    # In no order, so that any part of them is like the whole.
    if counts == (900, 100) and num == 1000:
        assert counted.tolist() == [900, 100] and 5 < drawn[:100].sum() < 20


def test_a_perfect_model_of_imbalanced_data_has_no_risk():
    num = 2000
    dataset = labeled((3600, 400))

    def features(labels, seed):
        return np.random.default_rng(seed).normal(size=(len(labels), 16)) + 0.75 * labels[:, None]

    drawn = conditions_for(classes(2), dataset, num)["labels"]
    evenly = balanced_conditions_for(classes(2), dataset, num)["labels"]
    real, fake = features(dataset.labels[:num], 1), features(drawn, 2)
    risk = confidence_risk(real, fake)
    assert risk.low == 0 and risk.value < 0.05 and frechet_distance(real, fake) < 0.1
    assert confidence_risk(real, features(evenly, 2)).low > 0.2


def test_rejection_leaves_the_classes_as_they_are():
    random, num = np.random.default_rng(0), 4000
    dataset = labeled((3600, 400))

    def features(labels, bad):
        found = random.normal(size=(len(labels), 8))
        found[:, 0] += 4 * labels
        found[bad, 1] += 3
        return found

    drawn = conditions_for(classes(2), dataset, num)["labels"]
    bad = random.random(num) < 0.3
    fake = features(drawn, bad)
    kept = fit_rejection(
        features(dataset.labels, np.zeros(num, bool)), fake, keep_fraction=0.5
    ).acceptance(fake)
    common, rare = (kept[(drawn == each) & ~bad].mean() for each in (0, 1))
    assert abs(common - rare) < 0.15
    assert all(kept[(drawn == each) & bad].mean() < 0.25 for each in (0, 1))


@pytest.mark.parametrize(
    ("inputs", "class_names", "numbers"),
    [
        # By name, wherever a name stands, and whatever is missing.
        (classes(10, tuple("0123456789")), tuple("012456789"), [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        (classes(4, ("ant", "bee", "cat", "dog")), ("dog", "bee"), [3, 1]),
        (classes(3, ("dog", "cat", "ant")), ("ant", "cat", "dog"), [2, 1, 0]),
        (classes(3, ("1", "2", "0")), ("0", "1", "2"), [2, 0, 1]),
        (classes(2, ["zero", "one"]), ("zero", "one"), [0, 1]),
        # A file's numbers are the model's where its classes have other names, or none.
        (classes(4, ("ant", "bee", "cat", "dog")), ("1", "3"), [1, 3]),
        (classes(10), ("2", "7"), [2, 7]),
        (classes(), ("2", "7"), [2, 7]),
        # Names on one side alone: in their order.
        (classes(2), ("bee", "cat"), [0, 1]),
        (classes(), ("bee", "cat"), [0, 1]),
    ],
)
def test_classes_are_matched_by_name(inputs, class_names, numbers):
    dataset = labeled((3,) * len(class_names), class_names)
    for conditions in (
        conditions_for(inputs, dataset, 30),
        balanced_conditions_for(inputs, dataset, 30),
    ):
        assert set(conditions["labels"]) == set(numbers)
        found = classes_in(conditions, inputs, dataset)
        assert [numbers[each] for each in found] == conditions["labels"].tolist()


def test_classes_of_one_side_alone_are_left_out_and_noted():
    inputs = classes(3, ("cat", "dog", "eel"))
    dataset = labeled((40, 20, 30), ("ant", "cat", "dog"))
    drawn = conditions_for(inputs, dataset, 50)["labels"]
    # In the proportions of those that both have.
    assert np.bincount(drawn, minlength=3).tolist() == [20, 30, 0]
    assert set(balanced_conditions_for(inputs, dataset, 50)["labels"]) == {0, 1}
    first, second = notes_on(inputs, dataset)
    assert "40 of the 90 real images" in first and "the classes ant" in first
    assert "none of the model's classes eel" in second
    assert notes_on(inputs, labeled((1, 1, 1), ("eel", "cat", "dog"))) == []
    unnamed = notes_on(classes(2), labeled((1, 1), ("cat", "dog")))
    assert len(unnamed) == 1 and "does not name its classes" in unnamed[0]
    (numbered,) = notes_on(inputs, labeled((1, 1, 1), ("0", "1", "2")))
    assert "are taken for their numbers: 0 for cat, 1 for dog, 2 for eel" in numbered


@pytest.mark.parametrize("ask", [conditions_for, balanced_conditions_for])
@pytest.mark.parametrize(
    ("inputs", "dataset", "message"),
    [
        (classes(2, ("cat", "dog")), labeled((3, 3), ("ant", "bee")), "cat, dog.*ant, bee"),
        (classes(3), labeled((3, 3), ("ant", "bee")), "3 classes without names.*has 2: ant, bee"),
        (classes(2), dataset_of(attributes=np.zeros((3, 1), np.int32)), "has no labels"),
    ],
)
def test_classes_that_cannot_be_matched_are_refused(ask, inputs, dataset, message):
    with pytest.raises(InputError, match=message):
        ask(inputs, dataset, 20)


def test_images_without_a_label_lend_none():
    dataset = dataset_of(np.array([0, -1, 1, -1, 1], np.int32), ("a", "b"))
    drawn = conditions_for(classes(2, ("a", "b")), dataset, 30)["labels"]
    assert np.bincount(drawn).tolist() == [10, 20]
    assert "2 of the 5 real images" in notes_on(classes(2, ("a", "b")), dataset)[0]


COLORS = ("blue", "green", "red")


def attributes_of(names, num_classes):
    condition = LabelCondition(num_classes, names).get_config()
    return {"labels": {"shape": [None, len(num_classes)], **condition}}


def test_attributes_come_as_in_the_data_and_are_matched_by_name():
    rows = np.repeat(np.array([[0, 1], [1, 0], [1, 1]], np.int32), (70, 20, 10), axis=0)
    names = {"size": ("large", "small"), "color": ("green", "red")}
    dataset = dataset_of(attributes=rows, attribute_names=names)
    same = attributes_of(names, (2, 2))
    drawn = conditions_for(same, dataset, 50)["labels"]
    found, counts = np.unique(drawn, axis=0, return_counts=True)
    assert found.tolist() == [[0, 1], [1, 0], [1, 1]] and counts.tolist() == [35, 10, 5]
    # The attributes stand the other way round, and there are more categories.
    other = attributes_of({"color": COLORS, "size": ("large", "small")}, (3, 2))
    drawn = conditions_for(other, dataset, 50)["labels"]
    found, counts = np.unique(drawn, axis=0, return_counts=True)
    assert found.tolist() == [[1, 1], [2, 0], [2, 1]] and counts.tolist() == [10, 35, 5]
    # What a model does not know lends nothing.
    fewer = attributes_of({"color": ("red",), "size": ("large", "small")}, (1, 2))
    drawn = conditions_for(fewer, dataset, 40)["labels"]
    assert np.bincount(drawn[:, 1]).tolist() == [35, 5]
    assert "20 of the 100" in notes_on(fewer, dataset)[0]
    assert balanced_conditions_for(same, dataset, 9) == {} and classes_in({}, same, dataset) is None
    with pytest.raises(InputError, match="lacks 'shape'"):
        conditions_for(attributes_of({"shape": ("round",)}, (1,)), dataset, 5)
    with pytest.raises(InputError, match="draws attributes, and 'x' has none"):
        conditions_for(same, labeled((2, 2)), 5)


def test_texts_come_as_in_the_data_where_the_model_knows_their_words():
    table = np.array([["a cat", "cat"], ["a dog", "the dog"], ["a zebu", "zebu"]])
    rows = np.repeat(np.arange(3, dtype=np.int32), (60, 30, 10))
    dataset = dataset_of(rows, ("a", "b", "c"), captions=Captions(table, rows))
    drawn = conditions_for({"texts": {"shape": [None]}}, dataset, 200)["texts"]
    count = {text: int(np.sum(drawn == text)) for text in np.unique(drawn)}
    assert count["a cat"] + count["cat"] == 120 and min(count["a cat"], count["cat"]) > 20
    assert count["a zebu"] + count["zebu"] == 20
    known = {"shape": [None], "vocabulary": ["a", "cat", "dog"], "length": 2}
    drawn = conditions_for({"texts": known}, dataset, 90)["texts"]
    assert set(drawn) == {"a cat", "cat", "a dog"} and np.sum(drawn == "a dog") == 30
    assert "10 of the 100 real images" in notes_on({"texts": known}, dataset)[0]


def test_models_without_a_condition_take_nothing():
    digits = data.load("digits", 1)
    assert (
        conditions_for({"seeds": {}}, digits, 20)
        == balanced_conditions_for({"seeds": {}}, digits, 20)
        == {}
    )
    assert notes_on({"seeds": {}}, digits) == []
    assert images_by_class(None, {"seeds": {}}, digits, 20) is None


def test_as_many_of_each_class_for_the_agreement():
    dataset = labeled((90, 10, 0), ("a", "b", "c"))
    inputs = classes(3, ("c", "b", "a"))
    images, labels = images_by_class(lambda conditions: conditions["labels"], inputs, dataset, 40)
    # Classes that no image shows cannot be read either.
    assert np.bincount(labels).tolist() == [20, 20] and set(images) == {1, 2}
    no_labels = dataclasses.replace(dataset, labels=None)
    with pytest.raises(InputError, match="no labels"):
        images_by_class(None, inputs, no_labels, 40)


@pytest.mark.parametrize("num_classes", [1, 2, 10, 16, 17, 28, 100])
def test_examples_show_every_class_as_often(num_classes):
    labels, columns = LabelCondition(num_classes).examples(2000)
    counts = np.bincount(labels, minlength=num_classes)
    assert counts.max() - counts.min() <= 1 and columns <= 16
    if num_classes <= 16:
        assert columns == num_classes


def test_examples_of_attributes_show_every_category():
    labels, columns = LabelCondition((3, 20, 44)).examples(2000)
    assert columns == 45 and labels.dtype == np.int32
    for each, num in zip(labels.T, (3, 20, 44)):
        assert set(each) == set(range(num))
