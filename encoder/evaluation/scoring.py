"""The figures of one run on one label with their intervals, and their mean over labels.

AUROC, shares and calibration have intervals of their own (`kb.statistics`); what has none goes by resampled patients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from encoder.evaluation.evaluation import AVERAGED, CALIBRATION, MEAN, MEASURES, WITH_INTERVAL, Scored
from encoder.evaluation.rows import LabelRows
from encoder.evaluation.thresholds import Threshold, at_threshold
from kb.language.label_names import is_no_finding
from kb.statistics.auroc import auroc_interval
from kb.statistics.calibration import brier, calibration_error, equal_mass_bins
from kb.statistics.calibration_beyond_chance import DRAWS, BeyondChance, beyond_chance
from kb.statistics.interval import Interval
from kb.statistics.ranking import Ranking
from kb.statistics.recalibration import recalibrate
from kb.statistics.resampling import precision_interval, resampled, spread
from kb.statistics.shares import share_interval

ALIKE = "all resamples are alike"
"""Why there is no interval where resamples show nothing of how sure a figure is."""


@dataclass(frozen=True, eq=False)
class Draws:
    """The figures of a label, and those that are averaged over labels in every resample."""

    scored: Scored
    resamples: Mapping[str, np.ndarray]


def score_label(rows: LabelRows, threshold: Threshold, drawn: np.ndarray, *, seed: int = 0) -> Draws:
    """Score one label of one run.

    Args:
        rows: of the label.
        threshold: from which on a score is called positive.
        drawn: the multiplicities of patients in each resample.
        seed: of what is drawn beside them.
    """
    exact, resamples = _measured(rows, threshold, drawn)
    found, without = _intervals(rows, threshold, exact, resamples)
    beyond = beyond_chance(rows.truth, rows.score, rows.cluster, draws=min(DRAWS, len(drawn)), seed=seed)
    calibrated, reasons = _calibration(rows, beyond)
    found |= calibrated
    exact |= {name: one.value for name, one in found.items() if one is not None}
    if beyond is not None:
        exact["ece_by_chance"] = beyond.by_chance
    scored = Scored(
        run=rows.run,
        label=rows.label,
        n=len(rows.truth),
        positives=rows.positives,
        negatives=rows.negatives,
        unknown=rows.unknown,
        patients=rows.patients,
        values={name: exact[name] if np.isfinite(exact.get(name, np.nan)) else None for name in MEASURES},
        intervals={name: _ends(found.get(name)) for name in WITH_INTERVAL},
        threshold=threshold.value,
        threshold_from=threshold.origin,
        in_mean=not is_no_finding(rows.label),
        split=rows.split,
        group=rows.group,
        ece_p=None if beyond is None else beyond.p,
        ece_p_is_floor=beyond is not None and beyond.p_is_floor,
        without={**without, **reasons},
    )
    return Draws(scored, resamples)


def _measured(
    rows: LabelRows, threshold: Threshold, drawn: np.ndarray
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The figures of the rows as they are, and those that are resampled in every resample."""
    ranking = Ranking(rows.truth, rows.rank)

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        auroc, auprc = ranking.scores_of(weights)
        called: Mapping[str, np.ndarray] = {}
        if threshold.value is not None:
            called = at_threshold(rows.truth, rows.score, threshold.cuts, weights=weights * threshold.judged)
        return {"auroc": auroc, "auprc": auprc, **called}

    def sampled(weights: np.ndarray) -> dict[str, np.ndarray]:
        # A resample without a single row of this label has nothing to divide by.
        with np.errstate(invalid="ignore", divide="ignore"):
            return measure(weights)

    ones = np.ones(len(rows.truth))
    exact = {name: float(value) for name, value in measure(ones).items()}
    exact["brier"] = float(brier(rows.truth, rows.score, ones))
    exact["ece"] = float(calibration_error(rows.truth, rows.score, ones, bins=equal_mass_bins(rows.score)))
    return exact, resampled(drawn, rows.cluster, sampled)


def _intervals(
    rows: LabelRows, threshold: Threshold, exact: Mapping[str, float], resamples: Mapping[str, np.ndarray]
) -> tuple[dict[str, Interval | None], dict[str, str]]:
    """The intervals of what is ranked and called; and of what there is none though it was resampled."""
    found: dict[str, Interval | None] = {
        "auroc": auroc_interval(rows.truth, rows.rank, rows.cluster),
        **_shares(rows, threshold),
    }
    if "auprc" in resamples:
        patients = len(set(rows.cluster[rows.truth].tolist()))
        found["auprc"] = precision_interval(exact["auprc"], resamples["auprc"], patients)
    for name in ("f1", "mcc"):
        if name in resamples:
            found[name] = spread(exact[name], resamples[name])
    resampled_ones = ("auprc", "f1", "mcc")
    return found, {name: ALIKE for name in resampled_ones if name in found and found[name] is None}


def _shares(rows: LabelRows, threshold: Threshold) -> dict[str, Interval | None]:
    """Shares of what is called and of what is there, on the rows that the threshold may be judged on."""
    if threshold.value is None:
        return {}
    called, judged = rows.score >= threshold.cuts, np.asarray(threshold.judged, dtype=bool)

    def share(of: np.ndarray, said: np.ndarray) -> Interval | None:
        return share_interval(said[of & judged], rows.cluster[of & judged])

    return {
        "sensitivity": share(rows.truth, called),
        "specificity": share(~rows.truth, ~called),
        "ppv": share(called, rows.truth),
        "npv": share(~called, ~rows.truth),
        "alerts": share(np.ones(len(called), dtype=bool), called),
    }


def _calibration(rows: LabelRows, beyond: BeyondChance | None) -> tuple[dict[str, Interval | None], dict[str, str]]:
    """What scores are worth as probabilities; and why there is no slope or intercept."""
    logits = None if np.array_equal(rows.rank, rows.score) else rows.rank
    found = recalibrate(rows.truth, rows.score, rows.cluster, logits=logits)
    values = (None if beyond is None else beyond.beyond, found.slope, found.intercept, found.in_the_large)
    by_name = dict(zip(CALIBRATION, values, strict=True))
    both = "calibration slope and intercept"
    if found.left_out and not found.reason:
        return by_name, {both: f"{found.left_out:,} of {len(rows.truth):,} rows, with a score of 0 or 1, left out"}
    missing = [name for name, one in by_name.items() if one is None and name.startswith("calibration")]
    return by_name, {(both if len(missing) > 1 else missing[0]): found.reason} if missing else {}


def _ends(found: Interval | None) -> tuple[float, float] | None:
    return None if found is None else (found.low, found.high)


def mean_over_labels(run: str, draws: Sequence[Draws], *, split: str = "", group: str | None = None) -> Scored:
    """The mean of every figure over the labels of a run, resampled with the same patients for all of them."""
    values: dict[str, float | None] = dict.fromkeys(MEASURES)
    intervals: dict[str, tuple[float, float] | None] = dict.fromkeys(WITH_INTERVAL)
    for name in AVERAGED:
        entries = [value for one in draws if (value := one.scored.values[name]) is not None]
        mean = values[name] = float(np.mean(entries)) if len(entries) == len(draws) else None
        columns = [one.resamples[name] for one in draws if name in one.resamples]
        if name in WITH_INTERVAL and mean is not None and len(columns) == len(draws):
            # A resample in which one label has no value has no mean: that would be of other labels.
            intervals[name] = _ends(spread(mean, np.mean(columns, axis=0)))
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
