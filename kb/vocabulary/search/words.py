"""The words of many names, and which names hold each: what a search by words looks through as somebody types."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kb.language.same_words import heads_of


class Words:
    """The words of names, each by the stem that stands for it and its like (`kb.language.same_words.heads_of`)."""

    def __init__(self, names: pa.Array):
        split = pc.ascii_split_whitespace(pc.utf8_lower(names))
        self._names = len(split)
        said = split.flatten().dictionary_encode()
        spellings: list[str] = said.dictionary.to_pylist()
        self._codes = said.indices.to_numpy().astype(np.min_scalar_type(len(spellings)))
        self._ends = split.offsets.to_numpy()[1:] - split.offsets[0].as_py()
        self._said = np.bincount(self._codes, minlength=len(spellings))
        self._sorted = sorted((word, code) for code, word in enumerate(spellings))
        heads = [heads_of(word) for word in spellings]
        self._of_head: dict[str, list[int]] = {}
        for code, stems in enumerate(heads):
            for head in stems:
                self._of_head.setdefault(head, []).append(code)
        self._holders: dict[str, np.ndarray] = {}
        tells = np.array([sum(map(self.weight, stems)) for stems in heads])
        until = np.concatenate([[0.0], tells[self._codes].cumsum()])[self._ends]
        self.weights: np.ndarray = np.diff(until, prepend=0.0).astype(np.float32)

    def __contains__(self, word: str) -> bool:
        at = bisect_left(self._sorted, (word,))
        return at < len(self._sorted) and self._sorted[at][0] == word

    def holding(self, head: str) -> np.ndarray:
        """Whether each name holds a word of this stem, (n,) bool."""
        mask = np.zeros(self._names, dtype=bool)
        mask[self._holding(head)] = True
        return mask

    def _holding(self, head: str) -> np.ndarray:
        """The names that hold a word of this stem, each as often as it holds one."""
        if head not in self._holders:
            # All words are looked through, once a stem: to sort them first takes as long as fifty stems do.
            of_head = np.zeros(len(self._said), dtype=bool)
            of_head[self._of_head.get(head, [])] = True
            places = np.flatnonzero(of_head[self._codes])
            self._holders[head] = np.searchsorted(self._ends, places, side="right").astype(np.int32)
        return self._holders[head]

    def weight(self, head: str) -> float:
        """How much a stem tells: the rarer, the more (the logarithm of its inverse frequency)."""
        held = sum(int(self._said[code]) for code in self._of_head.get(head, ()))
        return float(np.log1p((self._names + 1) / (held + 1)))

    def completions(self, beginning: str, most: int) -> list[str]:
        """The words that begin so and go on, the most used first."""
        found: list[tuple[int, str]] = []
        for word, code in self._sorted[bisect_left(self._sorted, (beginning,)) :]:
            if not word.startswith(beginning):
                break
            found.append((-int(self._said[code]), word))
        return [word for _, word in sorted(found)[:most] if word != beginning]

    def covered(self, heads: Iterable[str]) -> tuple[np.ndarray, float]:
        """How much of the weight of some stems each name holds, (n,) float32, and the weight of all of them."""
        found, whole = np.zeros(self._names, dtype=np.float32), 0.0
        for head in heads:
            weight = self.weight(head)
            found[self.holding(head)] += weight
            whole += weight
        return found, whole
