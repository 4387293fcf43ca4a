"""The figures of each period with their intervals, and those of the last one against the first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from encoder.audit.drift.measures import SHARES, Measure, Name
from encoder.audit.drift.result import PeriodFigures
from encoder.audit.drift.rows import DriftRows
from kb.statistics.auroc import auroc_interval
from kb.statistics.interval import Interval
from kb.statistics.means import mean_difference, mean_interval
from kb.statistics.shares import difference_interval, share_interval

QUANTILES = (0.1, 0.5, 0.9)


def timeline(found: DriftRows, measures: Mapping[Name, Measure]) -> list[PeriodFigures]:
    """The figures of every period; None for what has no row there."""
    return [_figures(found, measures, number) for number in range(len(found.periods))]


def figure_of(measure: Measure, found: DriftRows, inside: np.ndarray) -> Interval | None:
    """One measure among some rows, with its interval.

    Args:
        measure: which.
        found: all rows.
        inside: which of them count, (n,), bool.
    """
    chosen = inside[measure.rows]
    values, numbers = measure.values[chosen], measure.rows[chosen]
    owners = found.rows.owners[numbers]
    if measure.name == "AUROC":
        return auroc_interval(values, found.rows.logit[numbers], owners)
    return share_interval(values, owners) if measure.name in SHARES else mean_interval(values, owners)


def change_of(measure: Measure, found: DriftRows, reference: int, last: int) -> Interval | None:
    """The last period less the reference, with its interval; None where one of them has no figure."""
    at = found.periods.at
    before, after = (figure_of(measure, found, at == number) for number in (reference, last))
    if before is None or after is None:
        return None
    if measure.name in SHARES or measure.name == "AUROC":
        return difference_interval(after, before)
    mine = at[measure.rows]
    both = (mine == reference) | (mine == last)
    return mean_difference(measure.values[both], mine[both] == last, found.rows.owners[measure.rows[both]])


def _figures(found: DriftRows, measures: Mapping[Name, Measure], number: int) -> PeriodFigures:
    inside = found.periods.at == number
    rows = found.rows

    def told(name: Name) -> Interval | None:
        return figure_of(measures[name], found, inside) if name in measures else None

    low, middle, high = np.quantile(rows.score[inside], QUANTILES)
    return PeriodFigures(
        period=found.periods.names[number],
        n=int(inside.sum()),
        patients=len(np.unique(rows.owners[inside])),
        labelled=int((inside & found.labelled).sum()),
        positives=int((inside & found.labelled & rows.truth).sum()),
        prevalence=told("prevalence"),
        alerts=told("alerts"),
        mean_score=told("mean score"),
        sensitivity=told("sensitivity"),
        specificity=told("specificity"),
        auroc=told("AUROC"),
        calibration=told("calibration"),
        score_quantiles=(float(low), float(middle), float(high)),
    )
