"""A drift audit as one flat table: a row a period, as CSV has it."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.drift.result import DriftAudit, PeriodFigures

FIGURES = ("prevalence", "alerts", "mean_score", "sensitivity", "specificity", "auroc", "calibration")
"""What a period has an interval of."""


def flat_periods(audits: Sequence[DriftAudit]) -> tuple[list[dict[str, object]], Sequence[str]]:
    """The rows of CSV, and their columns."""
    rows = [{"split": found.split, **_flat(one)} for found in audits for one in found.timeline]
    return rows, list(rows[0])


def _flat(one: PeriodFigures) -> dict[str, object]:
    """A period as one line of CSV."""
    fields: dict[str, object] = {
        "period": one.period,
        "n": one.n,
        "patients": one.patients,
        "labelled": one.labelled,
        "positives": one.positives,
    }
    for name in FIGURES:
        figure = getattr(one, name)
        for suffix, part in (("", "value"), ("_low", "low"), ("_high", "high")):
            fields[name + suffix] = None if figure is None else getattr(figure, part)
    return fields | dict(zip(("score_10", "score_50", "score_90"), one.score_quantiles, strict=True))
