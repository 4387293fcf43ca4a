"""Reliability of every label: bins of equally many rows, each with its share of positives and an interval."""

from __future__ import annotations

import numpy as np

from encoder.audit.report.report_data import Bin, Calibration
from encoder.evaluation import Evaluation
from encoder.evaluation.rows import LabelRows
from kb.statistics.calibration import equal_mass_bins
from kb.statistics.shares import share_interval


def calibration_of(evaluation: Evaluation, rows: LabelRows) -> Calibration:
    """The calibration of one label; ECE and Brier score are those of the evaluation."""
    bins = equal_mass_bins(rows.score)
    found = []
    for number in np.unique(bins):
        inside = bins == number
        share = share_interval(rows.truth[inside], rows.cluster[inside])
        if share is not None:
            found.append(Bin(float(rows.score[inside].mean()), *share, int(inside.sum())))
    scored = evaluation.get(rows.run, rows.label)
    return Calibration(
        rows.label, tuple(found), scored.values.get("ece"), scored.intervals.get("ece"), scored.values.get("brier")
    )
