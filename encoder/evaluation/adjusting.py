"""p values adjusted for how many of them are shown: Holm's step-down, or Benjamini and Hochberg's step-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from encoder.evaluation.evaluation import Comparison
from kb.statistics.multiplicity import benjamini_hochberg, holm

Adjust = Literal["holm", "bh"]

CORRECTIONS = {"holm": holm, "bh": benjamini_hochberg}
"""How p values are adjusted, by its name."""


def adjusted(comparisons: Sequence[Comparison], how: Adjust | None) -> list[Comparison]:
    """The comparisons with `p_adjusted` over all of them that have a p; unchanged where nothing is asked for."""
    tested = [at for at, one in enumerate(comparisons) if one.p is not None]
    if how is None or not tested:
        return list(comparisons)
    found = dict(zip(tested, CORRECTIONS[how]([float(comparisons[at].p or 0) for at in tested]), strict=True))
    return [replace(one, p_adjusted=found.get(at)) for at, one in enumerate(comparisons)]
