"""A text as the condition of a model."""

import keras
import numpy as np
import tensorflow as tf

from tfgan.networks.condition import text_encoder

# As many texts as stand side by side in a grid.
MAX_COLUMNS = 8
# Words in an error message.
MOST_SHOWN = 10
_PUNCTUATION = r"[!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']"


@keras.saving.register_keras_serializable("tfgan")
class TextCondition:
    """A caption of known words. Case, punctuation and extra spaces make no difference.

    Args:
        vocabulary: the words.
        length: words of the longest text.
        shown: texts for a grid.

    Attributes:
        batch_key: where a batch has the texts.
        spec: of the texts, a `tf.TensorSpec`: string [N].
        encoded_spec: of what `checked` makes of them: int32 [N, length].
        resources: what holds the vocabulary in a graph.
    """

    batch_key = "text"

    kind = "text"

    def __init__(self, vocabulary, length, shown):
        self.vocabulary = [str(word) for word in vocabulary]
        self.length = length
        self.shown = [str(text) for text in shown]
        self.spec = tf.TensorSpec([None], tf.string, name="texts")
        self.encoded_spec = tf.TensorSpec([None, length], tf.int32, name="words")
        self.resources = keras.layers.TextVectorization(
            standardize=None, split=None, vocabulary=self.vocabulary
        )

    @classmethod
    def of(cls, captions, seed=0):
        """The condition that knows the words of captions.

        Args:
            captions: array of str.
            seed: of the choice of those that are shown.
        """
        captions = np.unique(captions)
        words = words_of(tf.constant(captions))
        adapted = keras.layers.TextVectorization(standardize=None, split=None)
        adapted.adapt(words.values)
        vocabulary = adapted.get_vocabulary(include_special_tokens=False)
        random = np.random.default_rng(seed)
        num_shown = min(MAX_COLUMNS, len(captions))
        shown = random.choice(captions, num_shown, replace=False)
        return cls(vocabulary, int(tf.reduce_max(words.row_lengths())), shown)

    def encoder(self):
        """A new functional model from words to a vector; every network has one of its own."""
        # TextVectorization keeps 0 for no word and 1 for an unknown one.
        return text_encoder(len(self.vocabulary) + 1, self.length)

    def checked(self, texts):
        """The words of texts; an InvalidArgumentError names what of them is not known.

        Args:
            texts: N texts, or a string tensor [N].

        Returns:
            int32 [N, length]: what the networks take.
        """
        texts = tf.ensure_shape(tf.convert_to_tensor(texts, tf.string), [None])
        words = words_of(texts)
        numbers = words.with_values(tf.cast(self.resources(words.values), tf.int32))
        lengths = words.row_lengths()
        unknown = tf.unique(tf.boolean_mask(words.values, numbers.values == 1)).y
        checks = [
            tf.debugging.Assert(
                tf.reduce_all(lengths > 0), ["a text must have a word. Received:", texts]
            ),
            tf.debugging.Assert(
                tf.reduce_all(lengths <= self.length),
                [f"a text must have at most {self.length} words. Received:", lengths],
            ),
            tf.debugging.Assert(
                tf.size(unknown) == 0,
                [f"a text must be made of: {self.known()}. Received the unknown:", unknown],
                MOST_SHOWN,
            ),
        ]
        with tf.control_dependencies(checks):
            return numbers.to_tensor(shape=[None, self.length])

    def known(self):
        """The words in alphabetical order, or where there are too many to read, their number."""
        if len(self.vocabulary) > 60:
            return f"the {len(self.vocabulary)} words that the model was trained with"
        return ", ".join(sorted(self.vocabulary))

    def examples(self, num):
        """Texts for a grid of `num` images: one text per column, each in turn.

        Returns:
            `(texts, columns)`: an array of str [num], and the images in a row.
        """
        return np.resize(np.array(self.shown), num), len(self.shown)

    def choices(self):
        """What there is to choose from, for a page: a dict for JSON."""
        return {"kind": self.kind, "examples": self.shown}

    def get_config(self):
        return {"vocabulary": self.vocabulary, "length": self.length, "shown": self.shown}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def words_of(texts):
    """The words of texts, a ragged string tensor [N, None], in lower case, without punctuation."""
    plain = tf.strings.regex_replace(tf.strings.lower(texts, encoding="utf-8"), _PUNCTUATION, " ")
    return tf.strings.split(plain)
