"""The segments that a search looks at: conditions, intervals of one number, and pairs of conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoder.audit.segments.conditions import Condition


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidates:
    """All segments as a matrix; c conditions, n rows.

    Attributes:
        conditions: the conditions.
        held: for which rows each holds, (c, n), float32.
        singles: which pairs are one condition (the diagonal), or an interval of one number, (c, c), bool.
        pairs: which are of two attributes; (c, c), bool.
    """

    conditions: Sequence[Condition]
    held: np.ndarray
    singles: np.ndarray
    pairs: np.ndarray

    def chosen(self, first: int, second: int) -> tuple[Condition, ...]:
        """The conditions of one segment."""
        return tuple(self.conditions[place] for place in dict.fromkeys((first, second)))

    def joined_with(self, condition: int) -> np.ndarray:
        """The pairs and intervals that one condition is part of."""
        joined = np.zeros_like(self.pairs)
        joined[condition, :] = joined[:, condition] = True
        joined[condition, condition] = False
        return joined


def candidates_of(conditions: Sequence[Condition], *, pairs: bool) -> Candidates:
    """The segments that conditions make, with pairs of attributes or without."""
    places = np.array([one.attribute for one in conditions])
    upper = np.triu(np.ones((len(places), len(places)), dtype=bool), 1)
    same = places[:, None] == places
    return Candidates(
        conditions=conditions,
        held=np.stack([one.rows for one in conditions]).astype(np.float32),
        singles=np.eye(len(places), dtype=bool) | (upper & same & _intervals(conditions)),
        pairs=upper & ~same if pairs else np.zeros_like(upper),
    )


def written(conditions: Sequence[Condition]) -> str:
    """Conditions in words; two cuts of one number as an interval."""
    if len(conditions) == 2 and conditions[0].attribute == conditions[1].attribute:
        low, high = sorted(conditions, key=lambda one: one.side == "<")
        name = low.text.partition(" >= ")[0]
        return f"{low.edge:.4g} <= {name} < {high.edge:.4g}"
    return " and ".join(one.text for one in conditions)


def _intervals(conditions: Sequence[Condition]) -> np.ndarray:
    """Which pairs of cuts leave a part between them."""
    lows = np.array([one.edge if one.side == ">=" else np.nan for one in conditions])
    highs = np.array([one.edge if one.side == "<" else np.nan for one in conditions])
    with np.errstate(invalid="ignore"):
        between = lows[:, None] < highs[None, :]
    found: np.ndarray = between | between.T
    return found
