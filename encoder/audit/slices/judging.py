"""In which slices a model does worse: false alarms and misses at the threshold, scores at the same truth, AUROC.

A slice is held against all other images of its data set or, of the second of two data sets, against the same slice of
the first. All tests of all slices share one false discovery rate (Benjamini and Hochberg, 1995).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtr

from encoder.audit.confounders.result import LEVEL
from encoder.audit.segments.outcomes import MEASURES, Measure, strata_of
from encoder.audit.segments.standing import standing_of
from encoder.audit.slices.parts import Part
from encoder.audit.slices.result import Slice
from kb.statistics.auroc import auroc_interval
from kb.statistics.interval import Z95
from kb.statistics.multiplicity import benjamini_hochberg

Chances = Mapping[Measure, float]
"""The one-sided chance of doing as badly by each measure."""


def judged(
    found: Sequence[Slice], parts: Sequence[Part], order: np.ndarray, *, min_size: int, min_positives: int
) -> list[Slice]:
    """The slices with their verdict, and in what each does worse, the surest first."""
    chances: list[Chances] = []
    for one in found:
        cluster = int(order[one.number - 1])
        part = next(part for part in parts if part.data == one.data)
        if one.verdict == "small":
            chances.append({})
        elif one.data == "":
            chances.append(_beside_others(part, cluster, min_size, min_positives))
        elif part is parts[1]:
            chances.append(_beside_same(parts[0], part, cluster, min_positives))
        else:
            chances.append({})
    flat = [chance for one in chances for chance in one.values()]
    adjusted = iter(benjamini_hochberg(flat))
    told = [{measure: next(adjusted) for measure in one} for one in chances]
    return [_with_verdict(one, q) for one, q in zip(found, told, strict=True)]


def _with_verdict(one: Slice, q: Chances) -> Slice:
    worse = tuple(sorted((measure for measure, chance in q.items() if chance <= LEVEL), key=lambda each: q[each]))
    least = min(q.values(), default=None)
    return replace(one, verdict="low" if worse else one.verdict, worse_in=worse, q=least)


def _beside_others(part: Part, cluster: int, min_size: int, min_positives: int) -> Chances:
    """Against all other images of the data set."""
    inside = part.labels == cluster
    cohort = part.cohort
    rank = None
    if not inside.all():
        rank = _lower(cohort.truth, cohort.logit, cohort.owners, inside)
    return _chances(
        inside,
        cohort.truth,
        cohort.logit,
        part.flagged,
        cohort.owners,
        errors=part.threshold is not None,
        min_size=min(min_size, len(inside)),
        min_positives=min_positives,
        auroc=rank,
    )


def _beside_same(first: Part, second: Part, cluster: int, min_positives: int) -> Chances:
    """The slice of the second data set against the same one of the first."""
    one, other = first.members(cluster), second.members(cluster)
    if not len(one):
        return {}
    inside = np.concatenate([np.zeros(len(one), dtype=bool), np.ones(len(other), dtype=bool)])
    truth = np.concatenate([first.cohort.truth[one], second.cohort.truth[other]]).astype(bool)
    logit = np.concatenate([first.cohort.logit[one], second.cohort.logit[other]])
    flagged = np.concatenate([first.flagged[one], second.flagged[other]])
    apart = int(first.cohort.owners.max()) + 1
    owners = np.concatenate([first.cohort.owners[one], second.cohort.owners[other] + apart])
    return _chances(
        inside,
        truth,
        logit,
        flagged,
        owners,
        errors=None not in (first.threshold, second.threshold),
        min_size=1,
        min_positives=min_positives,
        auroc=_lower(truth, logit, owners, inside),
    )


def _chances(
    inside: np.ndarray,
    truth: np.ndarray,
    logit: np.ndarray,
    flagged: np.ndarray,
    owners: np.ndarray,
    *,
    errors: bool,
    min_size: int,
    min_positives: int,
    auroc: float | None,
) -> Chances:
    measures: list[Measure] = [one for one in MEASURES if one != "auroc" and (errors or one in ("bpsn", "bnsp"))]
    standing = standing_of(
        inside[None, :].astype(np.float32),
        strata_of(truth.astype(bool), logit, flagged, owners),
        measures,
        min_size=min_size,
        min_positives=min_positives,
    )
    found: dict[Measure, float] = {
        measure: float(ndtr(-standing.deviates[measure][0, 0]))
        for measure in standing.deviates
        if standing.enough[measure][0, 0]
    }
    # Scores on the wrong side of others of the same truth are a fault where the truths are told apart less well by it.
    sides: tuple[tuple[Measure, np.ndarray], ...] = (("bpsn", truth != inside), ("bnsp", truth == inside))
    for measure, across in sides:
        if measure in found:
            found[measure] = max(found[measure], _lower_than_all(truth, logit, owners, across))
    if auroc is not None:
        found["auroc"] = auroc
    return found


def _lower_than_all(truth: np.ndarray, logit: np.ndarray, owners: np.ndarray, across: np.ndarray) -> float:
    """The chance that the AUROC of some rows lies as far below that of all as it does; 1 where there is none."""
    some, everything = (
        auroc_interval(truth[across], logit[across], owners[across]),
        auroc_interval(truth, logit, owners),
    )
    if some is None or everything is None or some.high <= some.value:
        return 1.0
    return float(ndtr((some.value - everything.value) * Z95 / (some.high - some.value)))


def _lower(truth: np.ndarray, logit: np.ndarray, owners: np.ndarray, inside: np.ndarray) -> float | None:
    """The chance that an AUROC is as much lower inside as it is; None where one cannot be told."""
    here = auroc_interval(truth[inside], logit[inside], owners[inside])
    there = auroc_interval(truth[~inside], logit[~inside], owners[~inside])
    if here is None or there is None:
        return None
    # The end that lies towards the other of each: intervals near 1 are lopsided.
    error = float(np.hypot(here.high - here.value, there.value - there.low)) / Z95
    return float(ndtr((here.value - there.value) / error)) if error > 0 else 0.5
