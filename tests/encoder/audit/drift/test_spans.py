"""Two spans of time compared without labels: what is in the images now is named, what is not is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import Exposures, exposures_of
from encoder.audit.drift.spans import Spans, concept_shifts, score_shift, share_shifts, told_apart
from tests.support.planted import world

WORLD = world()
ALIKE = 0.5


def spans_of(evidence: Evidence, *, tubes_later: float = ALIKE, seed: int = 0) -> Spans:
    """Half of the images, by patient, are later ones; of those with a tube this share is."""
    (stated,) = evidence.exposures
    draw = np.random.default_rng(seed)
    rows = len(evidence.rows)
    chance = np.where(stated.column(list(stated.names).index("tube")), tubes_later, ALIKE)
    later = draw.random(rows) < chance
    return Spans(("before May", "since May"), np.arange(rows), later)


def evidence_of(seed: int) -> Evidence:
    return WORLD.evidence(seed, reports=True, strength=0.5)


def test_what_the_images_hold_more_of_is_named_first_and_alone() -> None:
    evidence = evidence_of(1)
    found, notes = concept_shifts(evidence, WORLD.concepts, spans_of(evidence, tubes_later=0.8), limit=10)
    assert [one.finding for one in found] == ["tube"] and notes == []
    assert found[0].q < 0.05 and found[0].difference.low > 0


@pytest.mark.soak
def test_where_nothing_is_other_no_concept_finding_or_image_is() -> None:
    concepts = shares = apart = 0
    for seed in range(10):
        evidence = evidence_of(100 + seed)
        spans = spans_of(evidence, seed=seed)
        concepts += bool(concept_shifts(evidence, WORLD.concepts, spans, limit=10)[0])
        shares += bool(share_shifts(evidence.exposures, evidence.rows, spans, aside="month", limit=10))
        told = told_apart(evidence, spans, seed=0)
        apart += told is not None and told.low > 0.5
    assert max(concepts, shares, apart) <= 2


def test_images_that_hold_other_things_can_be_told_apart() -> None:
    evidence = evidence_of(2)
    found = told_apart(evidence, spans_of(evidence, tubes_later=0.9), seed=0)
    assert found is not None and found.low > 0.5


def test_without_vectors_nothing_is_said_of_images() -> None:
    evidence = replace(evidence_of(3), vectors=None, encoded=np.empty(0, dtype=np.int64))
    spans = spans_of(evidence)
    assert told_apart(evidence, spans, seed=0) is None
    assert concept_shifts(evidence, WORLD.concepts, spans, limit=5) == ([], [])


def test_a_finding_that_reports_state_more_often_is_named_with_its_shares() -> None:
    evidence = evidence_of(4)
    found = share_shifts(
        evidence.exposures, evidence.rows, spans_of(evidence, tubes_later=0.8), aside="month", limit=10
    )
    assert [one.name for one in found] == ["tube"]
    (tube,) = found
    assert tube.after.value > tube.before.value and tube.change.low > 0
    assert tube.change.value == pytest.approx(tube.after.value - tube.before.value)


def test_months_themselves_and_what_the_periods_are_made_of_have_not_shifted() -> None:
    evidence = evidence_of(5)
    later = spans_of(evidence).later
    rows, known = np.arange(len(later)), np.ones(len(later), dtype=bool)

    def told(name: str) -> Exposures:
        return exposures_of("attribute", ((int(row), name, None) for row in rows[later]), known)

    found = [
        share_shifts([told(name)], evidence.rows, spans_of(evidence), aside="version", limit=5)
        for name in ("month: 2024-05", "version: v2", "scanner: new")
    ]
    assert [[one.name for one in shifts] for shifts in found] == [[], [], ["scanner: new"]]


def test_only_the_rows_of_the_two_spans_count() -> None:
    evidence = evidence_of(6)
    whole = spans_of(evidence, tubes_later=0.9)
    inside = np.flatnonzero(np.arange(len(evidence.rows)) % 2 == 0)
    part = Spans(whole.names, inside, whole.later[inside])
    (stated,) = evidence.exposures
    known = stated.known[0][inside]
    (tube,) = share_shifts(evidence.exposures, evidence.rows, part, aside="", limit=1)
    there = stated.column(list(stated.names).index("tube"))[inside]
    assert tube.after.value == pytest.approx(there[known & part.later].mean())


def test_scores_that_moved_lie_as_far_apart_as_they_were_moved() -> None:
    draw = np.random.default_rng(0)
    scores, later = draw.uniform(0, 0.5, 2000), np.arange(2000) % 2 == 0
    spans = Spans(("a", "b"), np.arange(2000), later)
    moved = score_shift(scores + 0.2 * later, np.arange(2000), spans, permutations=99, seed=0)
    assert moved.wasserstein.low < 0.2 < moved.wasserstein.high
    assert moved.p == 0.01 and moved.by_chance < 0.03
    still = score_shift(scores, np.arange(2000), spans, permutations=99, seed=0)
    assert still.p > 0.05 and still.wasserstein.low < still.by_chance
