"""Conditions on one attribute, "sex F" or "age >= 70", and the masks of the rows that each holds for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from encoder.audit.segments.attributes import Attribute

Side = Literal["is", ">=", "<"]

EDGES = 10
"""Parts of equal size that a number is cut into for the search; the cut that is named is then fitted."""

REST = "other values"
"""What the categories of an attribute that are too small to be looked at are called together."""

UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False, kw_only=True)
class Condition:
    """One condition.

    Attributes:
        attribute: the place of what it is about.
        text: how it is written.
        rows: where it holds, (n,), bool.
        side: "is" for a category, else on which side of `edge`.
        edge: of a number.
    """

    attribute: int
    text: str
    rows: np.ndarray
    side: Side = "is"
    edge: float = float("nan")


def conditions_of(attributes: Sequence[Attribute], min_size: int) -> list[Condition]:
    """All conditions that hold for enough rows and fail for enough; of several alike in every row the first."""
    found: dict[bytes, Condition] = {}
    for place, attribute in enumerate(attributes):
        for one in _conditions(place, attribute, min_size):
            holds = int(one.rows.sum())
            if min(holds, len(one.rows) - holds) >= min_size:
                found.setdefault(np.packbits(one.rows).tobytes(), one)
    return list(found.values())


def _conditions(place: int, attribute: Attribute, min_size: int) -> Iterator[Condition]:
    if attribute.names is None:
        for edge in edges(attribute.values[attribute.known], EDGES):
            yield from (cut(place, attribute, side, edge) for side in (">=", "<"))
    else:
        rest = np.zeros(len(attribute.values), dtype=bool)
        for code, name in enumerate(attribute.names):
            rows = attribute.values == code
            if rows.sum() >= min_size:
                yield Condition(attribute=place, text=said(attribute, name), rows=rows)
            else:
                rest |= rows
        yield Condition(attribute=place, text=said(attribute, REST), rows=rest)
    if attribute.kind != "report":
        yield Condition(attribute=place, text=said(attribute, UNKNOWN), rows=~attribute.known)


def cut(place: int, attribute: Attribute, side: Side, edge: float) -> Condition:
    """A number at or above an edge, or below it."""
    with np.errstate(invalid="ignore"):
        rows = attribute.values >= edge if side == ">=" else attribute.values < edge
    return Condition(attribute=place, text=f"{attribute.name} {side} {edge:.4g}", rows=rows, side=side, edge=edge)


def edges(values: np.ndarray, parts: int) -> list[float]:
    """Where numbers are cut so that the parts are of about equal size: values that occur, the least left out.

    Of numbers of which nearly all are the least one, as widths of a border, the others are one part.
    """
    above = values[values > values.min()] if len(values) else values
    if not len(above):
        return []
    wanted = np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1], method="higher")
    return [float(edge) for edge in np.unique(wanted) if edge > values.min()] or [float(above.min())]


def said(attribute: Attribute, value: str) -> str:
    """A category as it is written: "sex F", "pleural effusion not stated"."""
    return f"{attribute.name} {value}"
