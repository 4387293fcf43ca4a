"""What the images of a slice hold: attributes and stated findings, and concepts that tell it from a good one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from encoder.audit.confounders.concept_tests import bulk_of, p_values, test_concepts
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.families import Concepts
from encoder.audit.confounders.moments import Cohort, moments_of
from encoder.audit.slices.parts import Part
from encoder.audit.slices.result import Slice, SliceConcept, Trait
from kb.statistics.interval import Z95, numbered


def traits_of(part: Part, chosen: np.ndarray, most: int) -> tuple[Trait, ...]:
    """What most images of a slice have, or lack, more than the others do: beyond twice the error of the difference."""
    inside = np.zeros(len(part.evidence.rows), dtype=bool)
    inside[part.evidence.encoded[chosen]] = True
    found = []
    for exposures in part.evidence.exposures:
        for number, name in enumerate(exposures.names):
            here, there = inside & exposures.known[number], ~inside & exposures.known[number]
            has = exposures.column(number)
            if here.any() and there.any():
                share, elsewhere = float(has[here].mean()), float(has[there].mean())
                error = np.sqrt(share * (1 - share) / here.sum() + elsewhere * (1 - elsewhere) / there.sum())
                if abs(share - elsewhere) > max(2 * error, 0.1):
                    found.append(Trait(name, share, elsewhere))
    return tuple(sorted(found, key=lambda one: -abs(one.share - one.elsewhere))[:most])


def described(
    one: Slice,
    found: Sequence[Slice],
    parts: Sequence[Part],
    order: np.ndarray,
    concepts: Concepts,
    aside: Collection[str],
    most: int,
) -> Slice:
    """A low slice with the concepts that tell it from the nearest good one; of two data sets, from its like there."""
    if one.verdict != "low":
        return one
    part = next(part for part in parts if part.data == one.data)
    mine = part.cohort.part(part.members(order[one.number - 1]))
    if one.data != "":
        against, other = one.number, parts[0].cohort.part(parts[0].members(order[one.number - 1]))
    else:
        good = [each for each in found if each.verdict == ""]
        if not good:
            return one
        centre = mine.vectors.mean(axis=0)
        members = {each.number: part.cohort.part(part.members(order[each.number - 1])) for each in good}
        against = min(members, key=lambda number: float(np.linalg.norm(members[number].vectors.mean(axis=0) - centre)))
        other = members[against]
    stated = _apart_in_words(mine, other, concepts, aside, most, same_patients=one.data == "")
    return replace(one, against=against, concepts=stated)


def _apart_in_words(
    mine: Cohort, other: Cohort, concepts: Concepts, aside: Collection[str], limit: int, *, same_patients: bool
) -> tuple[SliceConcept, ...]:
    """The concepts, one a finding, that one slice holds more or less of than another at the same truth."""
    member = np.concatenate([np.ones(len(mine), dtype=bool), np.zeros(len(other), dtype=bool)])
    truth = np.concatenate([mine.truth, other.truth])
    vectors = np.concatenate([mine.vectors, other.vectors])
    for side in (True, False):  # what the label itself brings is taken out of both
        if truth[member == side].any() and not truth[member == side].all():
            rows = np.flatnonzero(member == side)
            held = vectors[rows[truth[rows]]].mean(axis=0) - vectors[rows[~truth[rows]]].mean(axis=0)
            vectors[rows] -= np.outer(truth[rows] - truth[rows].mean(), held).astype(np.float32)
    apart = 0 if same_patients else int(mine.owners.max()) + 1
    owners = numbered(np.concatenate([mine.owners, other.owners + apart]))
    noise = np.concatenate([mine.logit, other.logit])
    tests = test_concepts(moments_of(Cohort(vectors, member, noise, owners)), concepts.vectors)
    findings = np.asarray(concepts.findings, dtype=object).astype(str)
    wanted = concepts.present & ~np.isin(findings, sorted(aside))
    groups = np.unique(findings, return_inverse=True)[1]
    bulk = bulk_of(tests.shift[wanted], tests.shift_error[wanted], groups[wanted])
    q = q_values(np.where(wanted, p_values(tests.shift, tests.shift_error, bulk), np.nan))
    centre = bulk.centre if bulk else 0.0
    found: dict[str, int] = {}
    for at in np.argsort(-np.where(wanted, np.abs(np.nan_to_num(tests.shift - centre)), -1), kind="stable"):
        if wanted[at] and len(found) < limit:
            found.setdefault(findings[at], int(at))
    return tuple(
        SliceConcept(
            concept_id=concepts.ids[at],
            text=concepts.texts[at],
            finding=concepts.findings[at],
            difference=float(tests.shift[at]),
            low=float(tests.shift[at] - Z95 * tests.shift_error[at]),
            high=float(tests.shift[at] + Z95 * tests.shift_error[at]),
            q=float(q[at]),
        )
        for at in found.values()
    )
