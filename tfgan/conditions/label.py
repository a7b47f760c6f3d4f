"""A class, or several attributes, as the condition of a model."""

from numbers import Integral

import keras
import numpy as np
import tensorflow as tf

from tfgan.errors import InputError
from tfgan.networks.condition import label_encoder

# As many classes as stand side by side in a grid.
MAX_COLUMNS = 16
# Numbers in an error message.
MOST_SHOWN = 32


@keras.saving.register_keras_serializable("tfgan")
class LabelCondition:
    """A class, or one category of each of several attributes.

    Args:
        num_classes: of the label; or a sequence of numbers, one per attribute.
        names: of the classes; or a dict from the name of each attribute to those of its
            categories. For whoever asks by name; None where there are none.

    Attributes:
        batch_key: where a batch has the labels: "label", or "attributes" where there are several.
        spec: of the labels, a `tf.TensorSpec`: int32 [N], or [N, A] for A attributes.
        encoded_spec: the same: networks take the labels as they are.

    Raises:
        InputError: fewer than one class.
    """

    kind = "label"
    # A vocabulary or the like, which an exported graph would have to hold.
    resources = None

    def __init__(self, num_classes, names=None):
        encoder = label_encoder(num_classes)
        is_one = isinstance(num_classes, Integral)
        self.num_classes = int(num_classes) if is_one else tuple(num_classes)
        self.names = names
        self.batch_key = "label" if is_one else "attributes"
        self.spec = tf.TensorSpec([None, *encoder.input_shape[1:]], tf.int32, name="labels")
        self.encoded_spec = self.spec

    @classmethod
    def of(cls, dataset, attributes=False):
        """The condition of an `ImageDataset`: its classes, or all its attributes."""
        if not attributes:
            return cls(len(dataset.class_names), list(dataset.class_names))
        names = {name: list(values) for name, values in dataset.attribute_names.items()}
        return cls([len(values) for values in names.values()], names)

    def encoder(self):
        """A new functional model from labels to a vector; every network has one of its own."""
        return label_encoder(self.num_classes)

    def checked(self, labels):
        """The labels, which become an InvalidArgumentError that names the range if out of it.

        Args:
            labels: integers of `spec`'s shape, an array or a tensor.

        Returns:
            int32 of the same shape: what the networks take.
        """
        labels = tf.ensure_shape(tf.cast(labels, tf.int32), self.spec.shape)
        wrong = (labels < 0) | (labels >= tf.constant(self.num_classes))
        if labels.shape.rank > 1:
            wrong = tf.reduce_any(wrong, axis=1)
        highest = np.subtract(self.num_classes, 1).tolist()
        message = f"labels must be from 0 to {highest}. Received:"
        in_range = tf.debugging.Assert(
            ~tf.reduce_any(wrong), [message, tf.boolean_mask(labels, wrong)], MOST_SHOWN
        )
        with tf.control_dependencies([in_range]):
            return tf.identity(labels)

    def examples(self, num):
        """Labels for a grid of `num` images: each class in turn, and as many of each.

        Up to 16 classes make a column each; more stand in as few rows as they fit into. Of several
        attributes each column is a combination, drawn at random, in which each category of an
        attribute comes as often as another.

        Returns:
            `(labels, columns)`: int32 of `spec`'s shape, and the images in a row.
        """
        if isinstance(self.num_classes, int):
            rows = -(-self.num_classes // MAX_COLUMNS)
            columns = -(-self.num_classes // rows)
            return np.arange(num, dtype=np.int32) % self.num_classes, columns
        columns = int(np.ceil(np.sqrt(num)))
        random = np.random.default_rng(0)
        row = [random.permutation(np.arange(columns) % each) for each in self.num_classes]
        return np.stack(row, axis=1).astype(np.int32)[np.arange(num) % columns], columns

    def parse(self, labels):
        """Labels by the names or the numbers of their categories; see `parse_labels`."""
        is_list = not isinstance(self.num_classes, int)
        return parse_labels(labels, self.names if is_list else self.names and {"class": self.names})

    def choices(self):
        """What there is to choose from, for a page: a dict for JSON.

        `is_list` tells whether a label is a list, of a category per attribute.
        """
        is_list = not isinstance(self.num_classes, int)
        counts = self.num_classes if is_list else [self.num_classes]
        names = self.names if is_list else self.names and {"class": self.names}
        if not names:
            titles = [f"attribute {index + 1}" for index in range(len(counts))]
            names = dict(
                zip(titles if is_list else ["class"], (map(str, range(n)) for n in counts))
            )
        attributes = [{"name": name, "categories": list(each)} for name, each in names.items()]
        return {"kind": self.kind, "is_list": is_list, "attributes": attributes}

    def get_config(self):
        return {"num_classes": self.num_classes, "names": self.names}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def parse_labels(labels, names=None):
    """Labels as signatures take them, out of words.

    Args:
        labels: a list with a list of words for each label, one per attribute: the name of a
            category, or its number.
        names: dict from each attribute, or "class", to its categories' names; None where they are
            not known, so that numbers alone are understood.

    Returns:
        int32 [L], or [L, A] where the labels have several parts.

    Raises:
        InputError: a word is no category.
    """
    if all(word.isdecimal() for label in labels for word in label):
        numbers = [[int(word) for word in label] for label in labels]
    elif names is None:
        raise InputError(
            f"the model tells no names of its labels: pass numbers. Received: {labels}"
        )
    elif len(names) != len(labels[0]):
        raise InputError(
            f"the model takes {len(names)} attributes, separated by colons: {', '.join(names)}. "
            f"Received: {':'.join(labels[0])}"
        )
    else:
        numbers = [
            [_number_of(word, *item) for word, item in zip(label, names.items())]
            for label in labels
        ]
    if any(number > np.iinfo(np.int32).max for label in numbers for number in label):
        raise InputError(f"labels must be the numbers of classes. Received: {labels}")
    array = np.array(numbers, np.int32)
    return array[:, 0] if array.shape[1] == 1 else array


def _number_of(word, attribute, names):
    if word.isdecimal():
        return int(word)
    if word in names:
        return list(names).index(word)
    raise InputError(f"there is no {attribute} {word!r}, but {', '.join(names)}")
