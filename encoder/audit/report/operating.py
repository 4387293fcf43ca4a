"""How a run ranks the rows of a label and what it does at its threshold: curves, scores by truth, counts."""

from __future__ import annotations

import numpy as np

from encoder.audit.report.report_data import Operating, Points, Scores
from encoder.evaluation import Evaluation
from encoder.evaluation.rows import LabelRows
from kb.statistics.ranking import Ranking

BINS = 24
"""Of scores by truth."""


def operating_of(evaluation: Evaluation, rows: LabelRows) -> Operating:
    """One label of one run; areas, threshold and counts are those of the evaluation."""
    scored = evaluation.get(rows.run, rows.label, split=rows.split)
    curve = Ranking(rows.truth, rows.rank).curve()
    return Operating(
        run=rows.run,
        label=rows.label,
        unit=unit_of(rows),
        n=len(rows.truth),
        positives=rows.positives,
        auroc=scored.values.get("auroc"),
        auprc=scored.values.get("auprc"),
        roc=_points(curve.false_positive_rate, curve.sensitivity),
        precision=_points(curve.sensitivity, curve.precision),
        scores=scores_of(rows),
        threshold=scored.threshold,
        threshold_from=scored.threshold_from,
        confusion=scored.confusion,
    )


def unit_of(rows: LabelRows) -> str:
    """What the rows are, in the plural."""
    levels = {str(unit).partition(" ")[0] for unit in rows.unit}
    return {"image": "images", "study": "studies"}[levels.pop()] if len(levels) == 1 else "images or studies"


def scores_of(rows: LabelRows) -> Scores:
    """The scores by truth, in bins of equal width from the lowest to the highest."""
    edges = np.histogram_bin_edges(rows.score, bins=BINS)
    counts = {truth: np.histogram(rows.score[rows.truth == truth], bins=edges)[0] for truth in (True, False)}
    return Scores(*(tuple(found.tolist()) for found in (edges, counts[True], counts[False])))


def _points(x: np.ndarray, y: np.ndarray) -> Points:
    return Points(tuple(x.tolist()), tuple(y.tolist()))
