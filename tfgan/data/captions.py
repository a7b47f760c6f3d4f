"""Texts that describe an image, in several phrasings."""

import dataclasses
from collections.abc import Sequence

import numpy as np

# How a class is spoken of: by its name with an article, or alone.
_CLASS_PHRASINGS = ("a picture of {a_name}", "an image of {a_name}", "{a_name}", "{name}")

# How words begin whose sound begins with a vowel: eight, eighty; and whole such numerals.
_VOWELS = ("a", "e", "i", "o", "u", "8")
_VOWEL_NUMERALS = ("11", "18")


# No field-wise equality: that of arrays is no truth value.
@dataclasses.dataclass(frozen=True, eq=False)
class Captions:
    """The captions of N images; images may share a row.

    Attributes:
        table: str [M, K]: K phrasings of each of M captions.
        rows: int32 [N], in [0, M): the row of each image.
    """

    table: np.ndarray
    rows: np.ndarray


def caption_table(captions: Sequence[Sequence[str]]) -> np.ndarray:
    """Returns captions as an array.

    Args:
        captions: The phrasings, at least one, of each of M captions.

    Returns:
        str [M, K], where K is the largest number of phrasings; fewer are repeated in turn.
    """
    width = max(map(len, captions))
    return np.array([[row[k % len(row)] for k in range(width)] for row in captions], np.str_)


def captions_of_classes(class_names: Sequence[str], labels: np.ndarray) -> Captions:
    """Returns captions that name each image's class.

    Args:
        class_names: Names of the classes; `_` stands for a space.
        labels: int32 [N], the index of each image's class.

    Returns:
        One row per class, a few phrasings each.
    """
    names = [name.replace("_", " ") for name in class_names]
    phrasings = [
        [phrasing.format(name=name, a_name=with_article(name)) for phrasing in _CLASS_PHRASINGS]
        for name in names
    ]
    return Captions(caption_table(phrasings), labels)


def with_article(words: str) -> str:
    """Returns English words after `a` or `an`, by how the first is written."""
    first = words.lower().partition(" ")[0]
    has_vowel = first.startswith(_VOWELS) or first in _VOWEL_NUMERALS
    return f"{'an' if has_vowel else 'a'} {words}"
