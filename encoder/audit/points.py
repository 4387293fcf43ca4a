"""What figures are drawn from, a row a point: what a page offers as data, and the command line prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from encoder.audit.report.report_data import Bin, Operating
from kb.statistics.interval import Interval

Points = list[dict[str, Any]]

SHARES = ("sensitivity", "specificity", "ppv", "npv", "alerts")
"""The shares that are made of a confusion."""


def roc_points(found: Iterable[Operating]) -> Points:
    """The ROC curves of some runs."""
    return [
        {"run": one.run, "label": one.label, "false_positive_rate": x, "sensitivity": y}
        for one in found
        for x, y in zip(one.roc.x, one.roc.y, strict=True)
    ]


def precision_points(found: Iterable[Operating]) -> Points:
    """The precision-recall curves of some runs."""
    return [
        {"run": one.run, "label": one.label, "sensitivity": x, "precision": y}
        for one in found
        for x, y in zip(one.precision.x, one.precision.y, strict=True)
    ]


def score_points(found: Iterable[Operating]) -> Points:
    """The scores of some runs by truth: how many lie between the edges of bins of equal width."""
    return [
        {"run": one.run, "label": one.label, "from": low, "to": high, "positives": positives, "negatives": negatives}
        for one in found
        for low, high, positives, negatives in zip(
            one.scores.edges, one.scores.edges[1:], one.scores.positives, one.scores.negatives, strict=False
        )
    ]


def bin_points(run: str, bins: Sequence[Bin]) -> Points:
    """The reliability of one run, a row a bin."""
    return [
        {
            "run": run,
            "bin": number,
            "mean_score": one.score,
            "share_positive": one.share,
            "low": one.low,
            "high": one.high,
            "n": one.n,
        }
        for number, one in enumerate(bins, start=1)
    ]


def confusion_points(found: Iterable[Operating]) -> Points:
    """What the thresholds of some runs make of the rows that they are judged by: counts, and shares with intervals."""
    return [
        {
            "run": one.run,
            "label": one.label,
            "threshold": one.threshold,
            "threshold_from": one.threshold_from,
            "true_positives": one.confusion.true_positives,
            "false_positives": one.confusion.false_positives,
            "false_negatives": one.confusion.false_negatives,
            "true_negatives": one.confusion.true_negatives,
            **{name: value for share in SHARES for name, value in _flat(share, getattr(one.confusion, share)).items()},
        }
        for one in found
        if one.confusion is not None
    ]


def _flat(name: str, known: Interval | None) -> dict[str, float | None]:
    value, low, high = known or (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
