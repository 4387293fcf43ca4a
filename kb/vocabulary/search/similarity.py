"""How near concepts are to what was asked, 0 to 1: by what they say, by their words, and by their vectors.

- **What they say.** Of a query whose finding the lexicon knows, a concept of that finding has 1, one of a narrower,
  wider or like finding less; each facet that the query names and the concept does not have costs a share, one that is
  opposite (the other side, absent for present) more, and each that only the concept has a little.
- **Words.** The share of the query's words that one of a concept's names holds, each weighed by how rare it is, less
  for what the name says beside them.
- **Vectors.** Where the cosine stands between that of two concepts drawn at random (0) and that of a concept and its
  nearest other (1), which makes embedders comparable (`vector_scale`); of that, what facets contradict is taken off.

The similarity is the most of the three. A concept is a hit from `hit.NEAR` on; below, nothing that was asked is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from kb.language.alike_terms import may_be_called
from kb.language.facets import Facets
from kb.language.lexicon import load_lexicon
from kb.language.normal_form.tables import class_of, kind_of_finding
from kb.language.same_words import heads_of
from kb.language.severities import same_severity
from kb.language.wider_terms import places_in, wider_findings, wider_places
from kb.vocabulary.search.asked import Reading
from kb.vocabulary.search.concept_columns import ConceptColumns

NARROWER, ALIKE, WIDER, OTHER_FINDING = 0.85, 0.6, 0.6, 0.4
"""What a concept of a finding that stands under the one asked keeps; of one that goes by its name; of a wider one; and
what its likeness by vector keeps where it is of any other one."""

OTHER_ASSERTION = 0.5
UNSAID_SIDE, BOTH_SIDES, OTHER_SIDE, MORE_SIDE = 0.8, 0.7, 0.4, 0.97
UNSAID_SEVERITY, OTHER_SEVERITY, MORE_SEVERITY = 0.85, 0.6, 0.98
UNSAID_PLACE, PART_OF_PLACE, AROUND_PLACE, OTHER_PLACE, MORE_PLACE = 0.8, 0.95, 0.8, 0.45, 0.96
UNSAID_WORD, STRANGE_WORD, MORE_WORDS = 0.85, 0.5, 0.97
"""What is kept for each facet: where the concept does not tell it, tells another, or tells what was not asked.
A strange word is one that no table knows and no concept holds."""

OUTDONE = 0.76
"""What the other assertion keeps where what was asked is there: with OTHER_ASSERTION less than NEAR."""

BY_WORDS = 0.95
"""The most that words alone give: less than saying the same."""

SURE_WORDS = 0.75
"""The share of the similarity by words that does not depend on what else a name says."""


def by_reading(columns: ConceptColumns, reading: Reading) -> np.ndarray:
    """How near each concept is to one reading of a query by what it says and by its words, (n,) float32."""
    near = by_words(columns, reading.heads)
    if reading.facets is not None:
        kept = uncontradicted(columns, reading.facets)
        near = np.maximum(near * kept, by_facets(columns, reading.facets, kept))
    return reading.weight * near


def by_words(columns: ConceptColumns, heads: frozenset[str]) -> np.ndarray:
    """The share of some stems, by their weight, that the best name of each concept holds, (n,) float32."""
    found, whole = columns.words.covered(heads - _denials())
    if not whole:
        return np.zeros(len(columns), dtype=np.float32)
    of_name = found / np.maximum(columns.words.weights, found + 1e-6)
    return columns.best_name(BY_WORDS * found / whole * (SURE_WORDS + (1 - SURE_WORDS) * of_name))


def by_facets(columns: ConceptColumns, facets: Facets, kept: np.ndarray) -> np.ndarray:
    """How near each concept is to an observation by what both say, (n,) float32; `kept`: see `uncontradicted`."""
    near = columns.coded["finding"].each(_findings_near(facets.finding), 0.0) * kept
    if not near.any():
        return near
    shared = np.zeros(len(columns), dtype=np.int16)
    for descriptor in facets.descriptors:
        has = columns.best_name(np.logical_and.reduce([columns.words.holding(head) for head in heads_of(descriptor)]))
        strange = class_of(descriptor) is None and not has.any()
        near *= np.where(has, 1.0, STRANGE_WORD if strange else UNSAID_WORD).astype(np.float32)
        shared += has
    return near * MORE_WORDS ** np.maximum(columns.described - shared, 0)


def by_vector(columns: ConceptColumns, reading: Reading, at: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """How near the concepts of some rows are to a reading by their vectors (`alike`, see `vector_scale`).

    What they contradict is taken off; what the lexicon knows to be another finding is not near for a like name.
    """
    if reading.facets is None:
        return reading.weight * alike
    kept = uncontradicted(columns, reading.facets)[at]
    if reading.known:
        kept = kept * columns.coded["finding"].each(_findings_near(reading.facets.finding), OTHER_FINDING)[at]
    return reading.weight * alike * kept


def uncontradicted(columns: ConceptColumns, facets: Facets) -> np.ndarray:
    """What each concept keeps for its assertion, side, severity and place, (n,) float32."""
    assertion = columns.coded["assertion"].each({facets.assertion: 1.0}, OTHER_ASSERTION)
    return assertion * _side(columns, facets) * _severity(columns, facets) * _place(columns, facets)


def without_denied(
    columns: ConceptColumns, readings: Sequence[Reading], near: np.ndarray, by: np.ndarray
) -> np.ndarray:
    """How near each concept is, (n,), the other assertion being near only where nothing that was asked is as near.

    Args:
        columns: the vocabulary.
        readings: those of the query.
        near: how near each concept is to the reading that it is nearest to, 0 where it is not wanted.
        by: (n,) which reading that is.
    """
    denied = np.zeros(len(columns), dtype=bool)
    for number, reading in enumerate(readings):
        if reading.facets is not None:
            denied |= (by == number) & ~columns.coded["assertion"].among([reading.facets.assertion])
    asked = near[~denied].max(initial=0.0)
    return np.where(denied & (near <= asked), OUTDONE * near, near)


@cache
def _denials() -> frozenset[str]:
    return heads_of("no not without")


def _findings_near(finding: str) -> dict[str | None, float]:
    """The findings near one, and how near; one that no table knows is near itself alone."""
    wider = wider_findings()
    if load_lexicon().canonical(finding) is None and finding not in wider:
        return {finding: 1.0}
    near: dict[str | None, float] = dict.fromkeys(may_be_called(finding), ALIKE)
    near |= {name: WIDER for name in wider.above(finding) if kind_of_finding(name) in ("finding", "device", "normal")}
    near |= dict.fromkeys(wider.below(finding), NARROWER)
    return near | {finding: 1.0}


def _side(columns: ConceptColumns, facets: Facets) -> np.ndarray:
    if facets.laterality == "none":
        return columns.coded["laterality"].each({"none": 1.0}, MORE_SIDE)
    return columns.coded["laterality"].each(_sides(facets.laterality), UNSAID_SIDE)


def _sides(asked: str) -> dict[str | None, float]:
    """What each side keeps where one is asked for."""
    other = {"left": "right", "right": "left"}.get(asked)
    sides: dict[str | None, float] = {"none": UNSAID_SIDE, asked: 1.0}
    return sides | (
        {other: OTHER_SIDE, "bilateral": BOTH_SIDES} if other else {"left": BOTH_SIDES, "right": BOTH_SIDES}
    )


def _severity(columns: ConceptColumns, facets: Facets) -> np.ndarray:
    column = columns.coded["severity"]
    if facets.severity is None:
        return column.each({None: 1.0}, MORE_SEVERITY)
    same = {value: 1.0 for value in column.values if same_severity(value, facets.severity, facets.finding)}
    return column.each({**same, None: UNSAID_SEVERITY}, OTHER_SEVERITY)


def _place(columns: ConceptColumns, facets: Facets) -> np.ndarray:
    column = columns.coded["anatomy"]
    if facets.anatomy is None:
        return column.each({None: 1.0}, MORE_PLACE)
    return column.each({value: _places(facets.anatomy, value) for value in column.values}, OTHER_PLACE)


def _places(asked: str, told: str | None) -> float:
    """What a concept at one place keeps where another is asked for."""
    if told is None:
        return UNSAID_PLACE
    if told == asked:
        return 1.0
    wider = wider_places()
    wanted, there = places_in(asked), places_in(told)
    if all(any(place in wider.above(one) for one in there) for place in wanted):
        return PART_OF_PLACE
    return AROUND_PLACE if any(one in wider.above(place) for one in there for place in wanted) else OTHER_PLACE
