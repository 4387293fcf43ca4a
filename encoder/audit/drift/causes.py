"""What kind of change it is, by which measures changed and which held."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from encoder.audit.drift.measures import Name
from encoder.audit.drift.result import Cause, Change, ScoreShift
from encoder.audit.drift.scan import Scanned


def causes_of(changes: Sequence[Change], scanned: Mapping[Name, Scanned], scores: ScoreShift) -> tuple[Cause, ...]:
    """The causes that fit; none where nothing changed for sure.

    Args:
        changes: every measure over time.
        scanned: what they were tested by.
        scores: how far scores moved, which is all there is without labels.
    """
    sure = {one.measure for one in changes if one.sure}
    causes: list[Cause] = []
    if "AUROC" in sure:
        causes.append("performance lost" if _direction(scanned["AUROC"]) < 0 else "performance gained")
    if sure & {"score of positives", "score of negatives"}:
        causes.append("scores at the same truth")
    if "prevalence" in sure:
        causes.append("prevalence")
    if "AUROC" not in scanned and (scores.sure or sure):
        causes.append("scores")
    return tuple(causes)


def _direction(one: Scanned) -> float:
    """Which way a measure went where it went furthest: z of the best split, or of the last period."""
    split = one.split.z if one.split else math.nan
    return max((z for z in (split, one.z) if math.isfinite(z)), key=abs, default=math.nan)
