"""Two runs on the same rows: by DeLong's test where each patient has one row, else by the patient-cluster bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoder.evaluation.evaluation import MEAN, Comparison
from encoder.evaluation.rows import LabelRows
from kb.language.label_names import is_no_finding, plain_label
from kb.statistics.delong import delong_test
from kb.statistics.ranking import Ranking
from kb.statistics.resampling import at_floor, resampled, spread, two_sided_p

DELONG, BOOTSTRAP = "DeLong", "patient bootstrap"


def compare_runs(
    first: Sequence[LabelRows], second: Sequence[LabelRows], drawn: np.ndarray, *, least: int
) -> tuple[list[Comparison], dict[str, str]]:
    """The AUROC of the first run minus that of the second for each label of both, and for their mean.

    The second is what was not compared, and why: labels that one does not predict, and those with fewer than `least`
    positives or negatives on the rows of both.
    """
    by_name = {plain_label(rows.label): rows for rows in second}
    found: list[Comparison] = []
    differences: list[np.ndarray] = []
    not_compared: dict[str, str] = {}
    for rows in first:
        other = by_name.get(plain_label(rows.label))
        if other is None:
            not_compared[rows.label] = "the other run does not predict it"
            continue
        mine, theirs = common_rows(rows, other)
        if (reason := mine.few(max(least, 2))) is not None:
            not_compared[rows.label] = reason if len(mine.truth) else "no image or study has both predictions"
            continue
        comparison, resamples = _compare(mine, theirs, drawn)
        found.append(comparison)
        if not is_no_finding(rows.label):
            differences.append(resamples)
    averaged = [one for one in found if not is_no_finding(one.label)]
    if len(averaged) > 1:
        found.insert(len(averaged), _mean(averaged, differences))
    return sorted(found, key=lambda one: is_no_finding(one.label)), not_compared


def common_rows(first: LabelRows, second: LabelRows) -> tuple[LabelRows, LabelRows]:
    """The rows of the images and studies that both have, in one order."""
    _, mine, theirs = np.intersect1d(first.unit.astype(str), second.unit.astype(str), return_indices=True)
    return first.take(mine), second.take(theirs)


def _compare(mine: LabelRows, theirs: LabelRows, drawn: np.ndarray) -> tuple[Comparison, np.ndarray]:
    rankings = [Ranking(rows.truth, rows.rank) for rows in (mine, theirs)]
    aurocs = [ranking.auroc for ranking in rankings]

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        a, b = (ranking.scores_of(weights)[0] for ranking in rankings)
        return {"difference": a - b}

    resamples = resampled(drawn, mine.cluster, measure).get("difference", np.empty(0))
    entries: tuple[float | None, float | None, float | None]
    if mine.patients == len(mine.truth):
        test = DELONG
        difference = delong_test(mine.truth, mine.rank, theirs.rank)
        entries = (difference.low, difference.high, difference.p)
    else:
        test = BOOTSTRAP
        ends = spread(aurocs[0] - aurocs[1], resamples)
        entries = (
            (None, None, two_sided_p(resamples)) if ends is None else (ends.low, ends.high, two_sided_p(resamples))
        )
    low, high, p = entries
    found = Comparison(
        run=mine.run,
        against=theirs.run,
        label=mine.label,
        n=len(mine.truth),
        positives=mine.positives,
        auroc=aurocs[0],
        auroc_against=aurocs[1],
        difference=aurocs[0] - aurocs[1],
        low=low,
        high=high,
        p=p,
        p_is_floor=test == BOOTSTRAP and at_floor(p, resamples),
        test=test,
        split=mine.split,
        group=mine.group,
    )
    return found, resamples


def _mean(compared: Sequence[Comparison], differences: Sequence[np.ndarray]) -> Comparison:
    first = compared[0]
    ours, theirs = (float(np.mean([getattr(one, name) for one in compared])) for name in ("auroc", "auroc_against"))
    resamples = np.mean(differences, axis=0)
    ends = spread(ours - theirs, resamples)
    p = two_sided_p(resamples)
    return Comparison(
        run=first.run,
        against=first.against,
        label=MEAN,
        n=None,
        positives=None,
        auroc=ours,
        auroc_against=theirs,
        difference=ours - theirs,
        low=None if ends is None else ends.low,
        high=None if ends is None else ends.high,
        p=p,
        p_is_floor=at_floor(p, resamples),
        test=BOOTSTRAP,
        split=first.split,
        group=first.group,
    )
