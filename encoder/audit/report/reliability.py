"""Reliability of every label: bins of equally many rows, each with its share of positives and an interval."""

from __future__ import annotations

import math

import numpy as np

from encoder.audit.report.report_data import Bin, Calibration
from encoder.evaluation import Evaluation
from encoder.evaluation.calibration import equal_mass_bins
from encoder.evaluation.rows import LabelRows
from kb.statistics.interval import Z95


def calibration_of(evaluation: Evaluation, rows: LabelRows) -> Calibration:
    """The calibration of one label; ECE and Brier score are those of the evaluation."""
    bins = equal_mass_bins(rows.score)
    found = []
    for number in np.unique(bins):
        inside = bins == number
        n, positives = int(inside.sum()), int(rows.truth[inside].sum())
        low, high = wilson(positives, n)
        found.append(Bin(float(rows.score[inside].mean()), positives / n, low, high, n))
    scored = evaluation.get(rows.run, rows.label)
    return Calibration(
        rows.label, tuple(found), scored.values.get("ece"), scored.intervals.get("ece"), scored.values.get("brier")
    )


def wilson(positives: int, n: int) -> tuple[float, float]:
    """Wilson's (1927) 95% interval of a share."""
    share, z2 = positives / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
