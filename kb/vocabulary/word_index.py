"""Which texts hold which words, in memory: found by how words begin, while somebody types."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_NO_WORD = r"[^\p{L}\p{N}]+"
_WORD = re.compile(r"[^\W_]+")


class WordIndex:
    """The words of many texts.

    Args:
        texts: strings, null where there is none.
        owners: (texts,) what each text belongs to, as numbers from 0.
        count: how many owners there are.
    """

    def __init__(self, texts: pa.Array, owners: np.ndarray, count: int):
        plain = pc.utf8_trim(pc.replace_substring_regex(pc.utf8_lower(texts), _NO_WORD, " "), " ")
        split = pc.split_pattern(plain, " ")
        words = pc.dictionary_encode(pc.list_flatten(split))
        owner = owners[pc.list_parent_indices(split).to_numpy(zero_copy_only=False)]
        dictionary = np.array(words.dictionary.to_pylist(), dtype=object)
        by_alphabet = np.argsort(dictionary, kind="stable")
        place = np.empty(len(dictionary), np.int64)
        place[by_alphabet] = np.arange(len(dictionary))
        codes = place[words.indices.to_numpy(zero_copy_only=False)] if len(words) else np.empty(0, np.int64)
        self._words = dictionary[by_alphabet]
        self._starts = np.searchsorted(np.sort(codes), np.arange(len(dictionary) + 1))
        self._owners = owner[np.argsort(codes, kind="stable")].astype(np.int32)
        self._count = count

    def holding(self, words: Sequence[str]) -> np.ndarray:
        """(count,) whether an owner has, for each of some words, one that begins so; without words every owner has."""
        found = np.ones(self._count, bool)
        for word in dict.fromkeys(words):
            own = np.zeros(self._count, bool)
            own[self._beginning(word)] = True
            found &= own
        return found

    def _beginning(self, word: str) -> np.ndarray:
        """The owners of the words that begin so: they lie side by side."""
        low = int(np.searchsorted(self._words, word))
        high = int(np.searchsorted(self._words, f"{word}\U0010ffff"))
        return self._owners[self._starts[low] : self._starts[high]]


def words_in(text: str) -> list[str]:
    """The words of a text as an index holds them."""
    return _WORD.findall(text.lower())
