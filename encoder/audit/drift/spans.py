"""Two spans of time compared without labels: how far scores moved, and what images and their reports hold now."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from encoder.audit.confounders.concept_tests import bulk_of, p_values, test_concepts
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import Exposures
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.families import Concepts
from encoder.audit.confounders.moments import Cohort, moments_of
from encoder.audit.confounders.result import LEVEL
from encoder.audit.drift.dates import is_period_attribute
from encoder.audit.drift.exchange import Exchange
from encoder.audit.drift.result import ConceptShift, ScoreShift, ShareShift
from encoder.audit.rows import AuditRows
from kb.errors import UsageError
from kb.statistics.auroc import auroc_interval
from kb.statistics.interval import Z95, Interval, numbered
from kb.statistics.resampling import multiplicities
from kb.statistics.shares import design_effect, difference_interval, share_interval

RESAMPLES, FOLDS, MOST_IMAGES = 400, 5, 6_000
"""Of the Wasserstein distance; of the classifier; images that it learns from and is tried on."""

LEAST = 10
"""Patients that have a thing, and patients that have not, for it to be tested."""


@dataclass(frozen=True, eq=False)
class Spans:
    """Rows of two spans of time.

    Attributes:
        names: what the two are called, before and after.
        inside: the numbers of their rows.
        later: which of these are of the second, bool.
    """

    names: tuple[str, str]
    inside: np.ndarray
    later: np.ndarray


def score_shift(scores: np.ndarray, owners: np.ndarray, spans: Spans, *, permutations: int, seed: int) -> ScoreShift:
    """How far the scores of two spans lie apart; p is not adjusted yet."""
    order = np.argsort(scores[spans.inside], kind="stable")
    chosen, later = spans.inside[order], spans.later[order]
    sorted_scores, clusters = scores[chosen], numbered(owners[chosen])
    ends = np.append(np.flatnonzero(np.diff(sorted_scores)), len(sorted_scores) - 1)
    steps = np.append(np.diff(sorted_scores[ends]), 0.0)

    def distances(late: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
        after, before = (np.cumsum(np.where(side, weights, 0.0))[ends] for side in (late, ~late))
        if not after[-1] or not before[-1]:
            return 0.0, 0.0
        apart = np.abs(after / after[-1] - before / before[-1])
        return float(apart.max()), float(apart @ steps)

    once = np.ones(len(chosen))
    largest, moved = distances(later, once)
    exchange = Exchange(later.astype(np.int64), clusters, seed)
    chance = np.array([distances(exchange.draw().astype(bool), once) for _ in range(permutations)])
    drawn = multiplicities(int(clusters.max()) + 1, RESAMPLES, seed)
    resampled = [distances(later, weights[clusters].astype(np.float64))[1] for weights in drawn]
    low, high = np.quantile(resampled, [0.025, 0.975])
    # A distance is never below 0, and a resample's lies further out than the sample's: the interval is turned round.
    wasserstein = Interval(moved, max(0.0, min(2 * moved - high, moved)), max(moved, 2 * moved - low))
    p = float((1 + np.sum(chance[:, 0] >= largest - 1e-12)) / (1 + permutations))
    return ScoreShift(kolmogorov_smirnov=largest, p=p, wasserstein=wasserstein, by_chance=float(chance[:, 1].mean()))


def told_apart(evidence: Evidence, spans: Spans, *, seed: int) -> Interval | None:
    """How well a linear classifier tells images of the two spans apart, on patients that it did not see.

    Returns:
        None where there are no vectors, or too few patients on either side.
    """
    cohort = _cohort(evidence, spans)
    if cohort is None:
        return None
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(cohort) > MOST_IMAGES:
        cohort = cohort.part(np.sort(np.random.default_rng(seed).choice(len(cohort), MOST_IMAGES, replace=False)))
    if min(len(np.unique(cohort.owners[side])) for side in (cohort.truth, ~cohort.truth)) < 2 * FOLDS:
        return None
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    said = cross_val_predict(
        model, cohort.vectors, cohort.truth, groups=cohort.owners, cv=folds, method="decision_function"
    )
    return auroc_interval(cohort.truth, said, cohort.owners)


def concept_shifts(
    evidence: Evidence, concepts: Concepts | None, spans: Spans, *, limit: int
) -> tuple[list[ConceptShift], list[str]]:
    """The concepts that shifted, one a finding, the surest first; and why none could be tested."""
    cohort = _cohort(evidence, spans)
    if concepts is None or cohort is None or not len(concepts):
        return [], []
    try:
        tests = test_concepts(moments_of(cohort), concepts.vectors)
    except UsageError as too_few:
        return [], [f"concepts are not compared over time: {too_few}"]
    findings = np.asarray(concepts.findings, dtype=object).astype(str)
    groups = np.unique(findings, return_inverse=True)[1]
    wanted = concepts.present & np.isfinite(tests.shift)
    bulk = bulk_of(tests.shift[wanted], tests.shift_error[wanted], groups[wanted])
    p = np.where(wanted, p_values(tests.shift, tests.shift_error, bulk), np.nan)
    q, centre = q_values(p, groups=groups), bulk.centre if bulk else 0.0
    found: dict[str, ConceptShift] = {}
    for at in np.argsort(np.where(wanted, p, np.inf), kind="stable"):
        if q[at] < LEVEL and len(found) < limit:
            value, error = float(tests.shift[at]), float(tests.shift_error[at])
            found.setdefault(
                findings[at],
                ConceptShift(
                    concept_id=concepts.ids[at],
                    text=concepts.texts[at],
                    finding=findings[at],
                    difference=Interval(value, value - Z95 * error, value + Z95 * error),
                    usual=float(centre),
                    q=float(q[at]),
                ),
            )
    return list(found.values()), []


def share_shifts(
    exposures: Collection[Exposures], rows: AuditRows, spans: Spans, *, aside: str, limit: int
) -> list[ShareShift]:
    """The findings of reports and the attributes whose share shifted, the surest first; dates are left out.

    Args:
        exposures: what is there in all rows.
        rows: these.
        spans: which of them are compared.
        aside: the attribute that the periods are made of.
        limit: how many are wanted.
    """
    # In the place of the truth stands the span: what goes with that has shifted.
    part = replace(rows.part(spans.inside), truth=spans.later)
    kinds = [one for one in exposures if len(one)]
    found: list[ShareShift] = []
    for one in kinds:
        here = _without_times(one, aside).of_rows(spans.inside, len(rows)).common(part, LEAST)
        tested = [_share(here, number, part) for number in range(len(here))]
        q = q_values(np.array([p for _, p in tested]), len(kinds))
        found += [replace(shift, q=float(q[at])) for at, (shift, _) in enumerate(tested) if q[at] < LEVEL]
    return sorted(found, key=lambda shift: (shift.q, -abs(shift.change.value)))[:limit]


def _share(here: Exposures, number: int, part: AuditRows) -> tuple[ShareShift, float]:
    """One thing with its shares in both spans, and the p of their difference; q is not known yet."""
    known, there = here.known[number], here.column(number)
    sides = [known & side for side in (~part.truth, part.truth)]
    before, after = (share_interval(there[side], part.owners[side]) for side in sides)
    assert before is not None and after is not None  # `common` asks for patients on both sides
    overall = float(there[known].mean())
    # By the variance that both share if nothing changed: a thing that all have now and none had before has no other.
    worth = sum(design_effect(there[side], part.owners[side])[0] / side.sum() for side in sides)
    z = (after.value - before.value) / math.sqrt(overall * (1 - overall) * worth)
    change = difference_interval(after, before)
    shift = ShareShift(name=here.names[number], kind=here.kind, before=before, after=after, change=change, q=math.nan)
    return shift, math.erfc(abs(z) / math.sqrt(2))


def _without_times(one: Exposures, aside: str) -> Exposures:
    """Exposures without those that are dates or the periods themselves."""
    kept = [
        number
        for number, name in enumerate(one.names)
        if one.kind != "attribute" or not (is_period_attribute(name) or name.partition(":")[0] == aside)
    ]
    return one.take(kept)


def _cohort(evidence: Evidence, spans: Spans) -> Cohort | None:
    """The images of both spans that have vectors; the span stands in the place of the truth."""
    if evidence.vectors is None:
        return None
    place = np.full(len(evidence.rows), -1, dtype=np.int64)
    place[spans.inside] = np.arange(len(spans.inside))
    kept = place[evidence.encoded] >= 0
    later = spans.later[place[evidence.encoded[kept]]]
    if not later.any() or later.all():
        return None
    return Cohort(evidence.vectors[kept], later, _noise(len(later)), evidence.rows.owners[evidence.encoded[kept]])


def _noise(count: int) -> np.ndarray:
    """Stands for what a model says, where only what goes with time is asked for: the tests want something there."""
    return np.random.default_rng(0).standard_normal(count)
