"""p values adjusted for how many of them are shown: Holm's step-down, or Benjamini and Hochberg's step-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from kb.statistics.multiplicity import benjamini_hochberg, holm

Adjust = Literal["holm", "bh"]

CORRECTIONS = {"holm": holm, "bh": benjamini_hochberg}
"""How p values are adjusted, by its name."""


def adjusted(p: Sequence[float | None], how: Adjust | None) -> list[float | None]:
    """The p values adjusted over all of them that there are; None where there is none, or nothing is asked for."""
    tested = [at for at, value in enumerate(p) if value is not None]
    if how is None or not tested:
        return [None] * len(p)
    found = dict(zip(tested, CORRECTIONS[how]([value for value in p if value is not None]), strict=True))
    return [found.get(at) for at in range(len(p))]
