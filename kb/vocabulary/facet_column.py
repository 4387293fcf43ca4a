"""One facet of every concept as small numbers, so that filtering and counting by it takes no time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NONE = "none"
"""What a facet holds where the concept says nothing of it."""


class FacetColumn:
    """The values of one facet.

    Attributes:
        values: each once.
        codes: (concepts,) which of them a concept has.
    """

    def __init__(self, values: Sequence[str], codes: np.ndarray):
        self.values = [*values]
        self.codes = codes
        self._code_of = {value: code for code, value in enumerate(self.values)}

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> FacetColumn:
        """That of a column of the `concepts` table."""
        encoded = pc.dictionary_encode(pc.fill_null(column, NONE).combine_chunks())
        return cls(encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32))

    def equal(self, wanted: Sequence[str]) -> np.ndarray:
        """(concepts,) which of them have one of some values."""
        known = [self._code_of[value] for value in wanted if value in self._code_of]
        return np.isin(self.codes, known) if len(known) != 1 else self.codes == known[0]

    def value(self, at: int) -> str:
        """What one concept has."""
        return self.values[self.codes[at]]

    def counted(self, among: np.ndarray) -> dict[str, int]:
        """How many concepts of a mask have each value, the most first; those that none has are left out."""
        counts = np.bincount(self.codes[among], minlength=len(self.values))
        order = sorted(np.flatnonzero(counts), key=lambda code: (-counts[code], self.values[code]))
        return {self.values[code]: int(counts[code]) for code in order}

    def with_values(self, new: Mapping[int, Any]) -> FacetColumn:
        """The same, but that some concepts have another value."""
        values, codes = [*self.values], self.codes.copy()
        code_of = dict(self._code_of)
        for at, value in new.items():
            said = NONE if value is None else str(value)
            if said not in code_of:
                code_of[said] = len(values)
                values.append(said)
            codes[at] = code_of[said]
        return FacetColumn(values, codes)
