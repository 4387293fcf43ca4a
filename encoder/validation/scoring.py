"""The AUROC of models on the rows of one site, in the sample and in every resample of its patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from encoder.evaluation.comparing import BOOTSTRAP, DELONG
from encoder.evaluation.rows import LabelRows
from encoder.validation.models import Model
from kb.statistics.auroc import auroc_interval
from kb.statistics.delong import delong_contrast
from kb.statistics.interval import Interval
from kb.statistics.ranking import Ranking
from kb.statistics.resampling import at_floor, resampled, spread, two_sided_p


@dataclass(frozen=True, eq=False)
class Cell:
    """One model on one label: the rows of each of its runs, the same in all, and their AUROCs."""

    model: Model
    rows: tuple[LabelRows, ...]
    aurocs: tuple[float, ...]
    resamples: np.ndarray

    @property
    def auroc(self) -> float:
        """The mean over runs."""
        return float(np.mean(self.aurocs))

    @property
    def interval(self) -> Interval | None:
        """The AUROC with its interval; that of a mean over runs is by resampled patients."""
        if len(self.rows) > 1:
            return spread(self.auroc, self.resamples)
        return auroc_interval(self.rows[0].truth, self.rows[0].rank, self.rows[0].cluster)

    @property
    def sd(self) -> float | None:
        """The standard deviation over runs."""
        return float(np.std(self.aurocs, ddof=1)) if len(self.aurocs) > 1 else None


@dataclass(frozen=True, eq=False, kw_only=True)
class Difference:
    """How far one model lies above another, on the rows of both."""

    value: float
    low: float | None
    high: float | None
    p: float | None
    test: str
    resamples: np.ndarray
    p_is_floor: bool = False


def on_common_rows(rows: Sequence[LabelRows]) -> tuple[LabelRows, ...]:
    """The rows of the images and studies that all have, in one order; untouched where they are the same."""
    units = [one.unit.astype(str) for one in rows]
    if all(np.array_equal(one, units[0]) for one in units[1:]):
        return tuple(rows)
    common = reduce(np.intersect1d, units)
    places = [np.argsort(one)[np.searchsorted(np.sort(one), common)] for one in units]
    return tuple(one.take(at) for one, at in zip(rows, places, strict=True))


def cell_of(model: Model, rows: Sequence[LabelRows], drawn: np.ndarray) -> Cell:
    """Score the runs of a model on one label, on the rows that all of them have."""
    common = on_common_rows(rows)
    aurocs = tuple(Ranking(one.truth, one.rank).auroc for one in common)
    return Cell(model, common, aurocs, np.mean([_resampled(one, drawn) for one in common], axis=0))


def difference_of(mine: Cell, theirs: Cell, drawn: np.ndarray, *, least: int) -> Difference | None:
    """One model minus another: by DeLong's test where each patient has one row, else by resampled patients.

    None if the rows of both hold fewer than `least` positives or negatives.
    """
    common = on_common_rows((*mine.rows, *theirs.rows))
    one = common[0]
    if one.few(max(least, 2)) is not None:
        return None
    weights = np.repeat([1 / len(mine.rows), -1 / len(theirs.rows)], [len(mine.rows), len(theirs.rows)])
    resamples = np.asarray(weights @ np.stack([_resampled(rows, drawn) for rows in common]))
    if one.patients == len(one.truth):
        exact = delong_contrast(one.truth, np.stack([rows.rank for rows in common]), weights)
        return Difference(
            value=exact.difference, low=exact.low, high=exact.high, p=exact.p, test=DELONG, resamples=resamples
        )
    return by_resamples(float(weights @ [Ranking(rows.truth, rows.rank).auroc for rows in common]), resamples)


def by_resamples(value: float, resamples: np.ndarray) -> Difference:
    """A difference with the interval and p of resampled patients."""
    ends, p = spread(value, resamples), two_sided_p(resamples)
    return Difference(
        value=value,
        low=None if ends is None else ends.low,
        high=None if ends is None else ends.high,
        p=p,
        p_is_floor=at_floor(p, resamples),
        test=BOOTSTRAP,
        resamples=resamples,
    )


def _resampled(rows: LabelRows, drawn: np.ndarray) -> np.ndarray:
    ranking = Ranking(rows.truth, rows.rank)

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"auroc": ranking.scores_of(weights)[0]}

    return resampled(drawn, rows.cluster, measure).get("auroc", np.empty(0))
