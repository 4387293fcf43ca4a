"""The figures of one run on one label with their bootstrap intervals, and their mean over labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from encoder.evaluation.calibration import brier, calibration_error, equal_mass_bins
from encoder.evaluation.confusion import Calls
from encoder.evaluation.evaluation import MEAN, MEASURES, WITH_INTERVAL, Scored
from encoder.evaluation.rows import LabelRows
from encoder.evaluation.thresholds import Threshold, at_threshold
from kb.language.label_names import is_no_finding
from kb.statistics.ranking import Ranking
from kb.statistics.resampling import interval, resampled


@dataclass(frozen=True, eq=False)
class Draws:
    """The figures of a label, and each of them in every resample."""

    scored: Scored
    resamples: Mapping[str, np.ndarray]


def score_label(rows: LabelRows, threshold: Threshold, drawn: np.ndarray) -> Draws:
    """Score one label of one run; `drawn` are the multiplicities of patients in each resample."""
    ranking, bins = Ranking(rows.truth, rows.rank), equal_mass_bins(rows.score)

    def called(weights: np.ndarray) -> Mapping[str, np.ndarray]:
        if threshold.value is None:
            return {}
        return at_threshold(rows.truth, rows.score, threshold.value, weights=weights * threshold.judged)

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        auroc, auprc = ranking.scores_of(weights)
        return {
            "auroc": auroc,
            "auprc": auprc,
            **called(weights),
            "brier": brier(rows.truth, rows.score, weights),
            "ece": calibration_error(rows.truth, rows.score, weights, bins=bins),
        }

    def sampled(weights: np.ndarray) -> dict[str, np.ndarray]:
        # A resample without a single row of this label has nothing to divide by.
        with np.errstate(invalid="ignore", divide="ignore"):
            return measure(weights)

    exact = {name: float(value) for name, value in measure(np.ones(len(rows.truth))).items()}
    resamples = resampled(drawn, rows.cluster, sampled)
    calls = None if threshold.value is None else Calls(rows.score >= threshold.value, threshold.judged)
    scored = Scored(
        run=rows.run,
        label=rows.label,
        n=len(rows.truth),
        positives=rows.positives,
        negatives=rows.negatives,
        unknown=rows.unknown,
        patients=rows.patients,
        values={name: exact[name] if np.isfinite(exact.get(name, np.nan)) else None for name in MEASURES},
        intervals={name: interval(resamples[name]) if name in resamples else None for name in WITH_INTERVAL},
        threshold=threshold.value,
        threshold_from=threshold.origin,
        in_mean=not is_no_finding(rows.label),
        split=rows.split,
        group=rows.group,
        confusion=None if calls is None else calls.confusion(rows),
        calls=calls,
    )
    return Draws(scored, resamples)


def mean_over_labels(run: str, draws: Sequence[Draws], *, split: str = "", group: str | None = None) -> Scored:
    """The mean of every figure over the labels of a run, resampled with the same patients for all of them."""
    values: dict[str, float | None] = {}
    intervals: dict[str, tuple[float, float] | None] = {}
    for name in MEASURES:
        entries = [value for one in draws if (value := one.scored.values[name]) is not None]
        values[name] = float(np.mean(entries)) if len(entries) == len(draws) else None
        if name in WITH_INTERVAL:
            columns = [one.resamples[name] for one in draws if name in one.resamples]
            # A resample in which one label has no value has no mean: that would be of other labels.
            intervals[name] = interval(np.mean(columns, axis=0)) if len(columns) == len(draws) else None
    return Scored(
        run=run,
        label=MEAN,
        n=None,
        positives=None,
        negatives=None,
        unknown=None,
        patients=None,
        values=values,
        intervals=intervals,
        threshold=None,
        threshold_from="",
        labels=len(draws),
        split=split,
        group=group,
    )
