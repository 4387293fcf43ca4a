"""The values of a table as columns of numbers: what each is of, its label, who said it, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Columns of equal length; `value` is 1, 0 or a score, NaN where it is unknown.

    Attributes:
        unit: the number of the image or study.
        label: the number of the label.
        value: the value.
        blank: whether its cell was blank: then nobody said so.
        row: the number of the row that says so.
        reader: the number of who says so; 0 where there are no readers.
    """

    unit: np.ndarray
    label: np.ndarray
    value: np.ndarray
    blank: np.ndarray
    row: np.ndarray
    reader: np.ndarray

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, chosen: np.ndarray) -> Values:
        """The values that `chosen` marks, or numbers."""
        return Values(**{one.name: getattr(self, one.name)[chosen] for one in fields(self)})

    def sorted(self) -> Values:
        """The values by what they are of, then by label, then by row."""
        return self.take(np.lexsort((self.row, self.label, self.unit)))


def joined(parts: Sequence[Values]) -> Values:
    """Several as one, in an order that only what they are of decides."""
    kinds = {"unit": np.int32, "label": np.int32, "value": float, "blank": bool, "row": np.int32, "reader": np.int32}
    return Values(
        **{
            name: np.concatenate([np.empty(0, kind), *(getattr(part, name) for part in parts)]).astype(kind, copy=False)
            for name, kind in kinds.items()
        }
    ).sorted()


def groups(values: Values, *, by_reader: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which values are of one unit and label (and reader): the number of each one's group, and how large those are."""
    key = values.unit.astype(np.int64) * (int(values.label.max(initial=0)) + 1) + values.label
    if by_reader:
        key = key * (int(values.reader.max(initial=0)) + 1) + values.reader
    _, of, sizes = np.unique(key, return_inverse=True, return_counts=True)
    return of.ravel(), sizes
