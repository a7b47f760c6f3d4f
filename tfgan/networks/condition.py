"""How a network takes a condition (条件, the y of a conditional GAN) beside its input.

A condition becomes a vector in an encoder, a functional model, and the vector enters the network
in one of two ways:

- "projection": a generator's normalizations take their scale and shift from it (de Vries et al.
  2017, arXiv 1707.00683), and a discriminator adds its inner product with the features to the
  logit (Miyato and Koyama 2018, arXiv 1802.05637, equation 3);
- "concatenation": it is joined to the latents, and as planes of constant value to the images,
  as gan_overview.txt and Mirza and Osindero 2014 (arXiv 1411.1784) have it.

Every function here passes its input through unchanged where the vector is None.
"""

import math
from collections.abc import Iterable
from numbers import Integral

import keras
from keras import layers

from tfgan.arguments import require_integers
from tfgan.errors import InputError
from tfgan.names import CONDITIONINGS
from tfgan.networks.layers import NEGATIVE_SLOPE, batch_normalization

TEXT_KERNEL_SIZE = 3


def label_encoder(num_classes):
    """A label, or several attributes, as the 1 of a vector of 0s each. It has no weights.

    Args:
        num_classes: of the label; or a sequence of numbers, one per attribute.

    Returns:
        A functional model, int32 [N], or [N, A] for A attributes, -> float32 [N, E], E being the
        number of classes in all. What is out of range is all 0.

    Raises:
        InputError: fewer than one class.
    """
    counts = list(num_classes) if isinstance(num_classes, Iterable) else [num_classes]
    if not counts or not all(isinstance(each, Integral) and each >= 1 for each in counts):
        raise InputError(
            "num_classes must be at least 1, an integer or a sequence of such. "
            f"Received: {num_classes!r}"
        )
    if isinstance(num_classes, Integral):
        labels = keras.Input((), dtype="int32", name="labels")
        columns = [labels]
    else:
        labels = keras.Input((len(counts),), dtype="int32", name="labels")
        columns = [labels[:, index] for index in range(len(counts))]
    one_hot = [
        keras.ops.one_hot(column, count, dtype="float32") for column, count in zip(columns, counts)
    ]
    vector = one_hot[0] if len(one_hot) == 1 else layers.Concatenate()(one_hot)
    return keras.Model(labels, vector, name="label_encoder")


def text_encoder(num_words, length, units=64):
    """Words as vectors, each seen beside its neighbors, and averaged over the text.

    Args:
        num_words: in the vocabulary; a word is a number from 1 to `num_words`, and 0 is none.
        length: words of the longest text, T.
        units: of a word's vector and of the text's, E.

    Returns:
        A functional model, int32 [N, T] -> float [N, E].
    """
    require_integers(1, num_words=num_words, length=length, units=units)
    words = keras.Input((length,), dtype="int32", name="words")
    x = layers.Embedding(num_words + 1, units)(words)
    # A layer, so that it follows the precision of the others; `cast` would fix one.
    is_word = layers.Rescaling(1.0)(keras.ops.expand_dims(keras.ops.minimum(words, 1), axis=-1))
    x = layers.Conv1D(units, TEXT_KERNEL_SIZE, padding="same")(x * is_word)
    x = layers.LeakyReLU(NEGATIVE_SLOPE)(x) * is_word
    num_words_of_text = keras.ops.maximum(keras.ops.sum(is_word, axis=1), 1)
    x = keras.ops.sum(x, axis=1) / num_words_of_text
    # Numbers of about 1, as those of a label are: what they multiply learns as fast as they are
    # large.
    x = layers.LayerNormalization()(layers.Dense(units)(x))
    return keras.Model(words, x, name="text_encoder")


def split_condition(condition, conditioning):
    """Where a condition's vector enters a network.

    Args:
        condition: an encoder of a network's own, such as `label_encoder` makes, or None.
        conditioning: "projection" or "concatenation".

    Returns:
        `(outer, inner)`: the vector, float [N, E], for `concat_condition` with "concatenation", and
        for `conditional_normalization` and `projection_logit` with "projection"; None for the
        others.

    Raises:
        InputError: an unknown conditioning.
    """
    if conditioning not in CONDITIONINGS:
        raise InputError(
            f"conditioning must be {' or '.join(CONDITIONINGS)}. Received: {conditioning!r}"
        )
    if condition is None:
        return None, None
    if not isinstance(condition, keras.Model):
        raise InputError(
            "condition must be an encoder, such as label_encoder(10) or LabelCondition(10)"
            f".encoder(). Received: {type(condition).__name__}"
        )
    vector = condition.output
    return (None, vector) if conditioning == "projection" else (vector, None)


def network(x, condition, outputs, name):
    """The functional model of an input and, where there is one, a condition's."""
    inputs = x if condition is None else [x, condition.input]
    return keras.Model(inputs, outputs, name=name)


def concat_condition(x, vector):
    """An input and the vector beside it.

    Args:
        x: features float [N, D], or images float [N, H, W, C].
        vector: float [N, E] or None.

    Returns:
        float [N, D + E], or [N, H, W, C + E] with a plane for each number of the vector.
    """
    if vector is None:
        return x
    if len(x.shape) == 4:
        height, width, _ = x.shape[1:]
        vector = layers.RepeatVector(height * width)(vector)
        vector = layers.Reshape((height, width, vector.shape[-1]))(vector)
    return layers.Concatenate()([x, vector])


def conditional_normalization(x, vector):
    """Batch normalization whose scale and shift are linear in the vector, 1 and 0 at first.

    Args:
        x: float [N, ..., C].
        vector: float [N, E] or None, which makes it ordinary batch normalization.
    """
    if vector is None:
        return batch_normalization()(x)
    x = batch_normalization(center=False, scale=False)(x)
    scale, shift = (
        layers.Reshape((*[1] * (len(x.shape) - 2), x.shape[-1]))(
            layers.Dense(x.shape[-1], use_bias=False, kernel_initializer="zeros")(vector)
        )
        for _ in range(2)
    )
    return x * (1.0 + scale) + shift


def projection_logit(logits, features, vector, dense=layers.Dense):
    """The logit and how far the features agree with the condition: logit + <V vector, features>.

    Args:
        logits: float32 [N, 1].
        features: float [N, F], of which the logits were made.
        vector: float [N, E] or None.
        dense: the class of V's layer.

    Returns:
        float32 [N, 1].
    """
    if vector is None:
        return logits
    units = features.shape[-1]
    # As long as the logit's own weights, whatever the number of features.
    initializer = keras.initializers.RandomNormal(stddev=1 / math.sqrt(units))
    embedded = dense(
        units, use_bias=False, kernel_initializer=initializer, dtype="float32", name="embedding"
    )(vector)
    agreement = layers.Dot(axes=1, dtype="float32")([embedded, features])
    return layers.Add(dtype="float32", name="conditional_logits")([logits, agreement])
