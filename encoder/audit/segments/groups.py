"""Every group of rows that an attribute makes: each category, finding stated or not, and the parts of a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from encoder.audit.rows import AuditRows
from encoder.audit.segments.attributes import Attribute
from encoder.audit.segments.conditions import UNKNOWN, edges
from encoder.audit.segments.figures import figures_of
from encoder.audit.segments.result import Group

AGES = (18.0, 40.0, 60.0, 80.0)
"""Where ages are cut, as in the view `outcomes`: 0-17, 18-39, 40-59, 60-79, 80+."""

PARTS = 4
"""Parts of equal size that any other number is cut into."""


def groups_of(
    rows: AuditRows, attributes: Sequence[Attribute], threshold: float, *, min_size: int, min_positives: int
) -> list[Group]:
    """The groups in the order of the attributes; those that are too small have no figures."""
    found = []
    for attribute in attributes:
        for value, chosen in parts_of(attribute):
            positives, n = int((chosen & rows.truth).sum()), int(chosen.sum())
            if n:
                enough = n >= min_size and min(positives, n - positives) >= min_positives
                figures = figures_of(rows, chosen, threshold) if enough else None
                found.append(Group(attribute=attribute.name, value=value, kind=attribute.kind, n=n, figures=figures))
    return found


def parts_of(attribute: Attribute) -> Iterator[tuple[str, np.ndarray]]:
    """Each value of an attribute with the rows that have it, and those of which it is unknown."""
    if attribute.names is not None:
        for code, name in enumerate(attribute.names):
            yield name, attribute.values == code
    else:
        known = attribute.values[attribute.known]
        cuts = [edge for edge in AGES if known.min() < edge <= known.max()] if attribute.name == "age" else []
        yield from _between(attribute.values, cuts or edges(known, PARTS))
    if not attribute.known.all():
        yield UNKNOWN, ~attribute.known


def _between(values: np.ndarray, cuts: Sequence[float]) -> Iterator[tuple[str, np.ndarray]]:
    bounds = [-np.inf, *cuts, np.inf]
    for low, high in pairwise(bounds):
        with np.errstate(invalid="ignore"):
            rows = (values >= low) & (values < high)
        if low == -np.inf:
            yield f"< {high:.4g}", rows
        else:
            yield (f">= {low:.4g}" if high == np.inf else f"{low:.4g} to < {high:.4g}"), rows
