"""Confounders: what does a model lean on that is not the disease, and that goes with the label in this data?

Tests every concept of the vocabulary by its score in the images (from moments: `concept_tests`), every
finding that reports state, and every attribute, within truth strata, patients as clusters, at a controlled false
discovery rate. What is the disease itself is set aside (`disease`). For what weighs most it says how the
model does with and without it, and what becomes of that when its direction is erased. A finding that reports state
often enough is measured by them: a report says whether it is there, a score only how much the image looks like it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from encoder.audit.confounders.concept_tests import BULK, bulk_of, p_values
from encoder.audit.confounders.erasing import Rescore, erased
from encoder.audit.confounders.exposures import EXPECTED, Exposures
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.families import Concepts, Family, exposure_family, image_family
from encoder.audit.confounders.moments import Cohort
from encoder.audit.confounders.result import Confounder, Elsewhere, Kind
from encoder.audit.confounders.strata import high, strata_of
from encoder.audit.rows import AuditRows
from kb.errors import UsageError

LEAST = 10
"""Patients that have a thing, and patients that have not, for it to be tested."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of the rows of an audit.

    Attributes:
        rows: the predictions, with their truth.
        exposures: findings of reports, attributes.
        encoded: numbers of the rows whose images have vectors.
        vectors: these, (m, d), float32; None if there are none.
    """

    rows: AuditRows
    exposures: Sequence[Exposures]
    encoded: np.ndarray
    vectors: np.ndarray | None

    def cohort(self, numbers: np.ndarray | None = None) -> Cohort:
        """The rows that have vectors, or some of them by their numbers."""
        if self.vectors is None:
            raise ValueError("no row has a vector")
        chosen = self.encoded if numbers is None else numbers
        vectors = self.vectors if numbers is None else self.vectors[np.searchsorted(self.encoded, numbers)]
        return Cohort(vectors, self.rows.truth[chosen], self.rows.logit[chosen], self.rows.owners[chosen])

    def of_rows(self, numbers: np.ndarray, logit: np.ndarray) -> Evidence:
        """Some of the rows, with another logit in the place of theirs."""
        new = np.full(len(self.rows), -1, dtype=np.int64)
        new[numbers] = np.arange(len(numbers))
        kept = new[self.encoded] >= 0
        exposures = [
            replace(
                one,
                columns=[new[column][new[column] >= 0] for column in one.columns],
                known=_shared(one.known, numbers),
            )
            for one in self.exposures
        ]
        rows = replace(self.rows.part(numbers), logit=logit)
        vectors = None if self.vectors is None else self.vectors[kept]
        return Evidence(rows, exposures, new[self.encoded[kept]], vectors)

    def rows_alone(self, numbers: np.ndarray) -> Cohort:
        """Some rows without their vectors."""
        rows = self.rows
        nothing = np.empty((len(numbers), 0), dtype=np.float32)
        return Cohort(nothing, rows.truth[numbers], rows.logit[numbers], rows.owners[numbers])


@dataclass(frozen=True)
class Found:
    """What an audit for confounders finds.

    Attributes:
        rows: the weightiest things, called ones first.
        tested: how many of each kind could be named.
        families: the tests of everything.
        scores: truth, logit, and where each thing of `rows` is there: what curves are drawn from.
        notes: what could not be tested, and why.
    """

    rows: list[Confounder]
    tested: dict[Kind, int]
    families: list[Family]
    scores: dict[str, Any]
    notes: tuple[str, ...]


def find_confounders(
    evidence: Evidence,
    concepts: Concepts | None,
    disease: Collection[str],
    *,
    rescore: Rescore | None = None,
    limit: int = 20,
    least: int = LEAST,
) -> Found:
    """The things that a model leans on most, beyond the disease.

    Args:
        evidence: of the data.
        concepts: the vocabulary in the space of the vectors; None if there are no vectors.
        disease: findings that count as the disease.
        rescore: the model, where it is one of ours: erasing then goes through it, else along the slope of its logits.
        limit: rows that are wanted.
        least: patients with a thing, and without it, for it to be tested.

    Raises:
        UsageError: there is nothing to test, or too few positives, negatives or patients.
    """
    tested = test_all(evidence, concepts, disease, least=least)
    if not tested.families:
        raise UsageError(
            "there is nothing to test: no image has a vector, no report belongs to these images or studies, and no "
            f"attribute is shared by {least} patients and missing in as many{_because(tested.notes)}"
        )
    found, present = [], {}
    by_finding = _best_concepts(tested.families)
    for family, exposures, at in _chosen(tested)[:limit]:
        row, there = _row(evidence, family, exposures, at=at, concepts=concepts, by_finding=by_finding, rescore=rescore)
        found.append(row)
        present[row.name] = there
    counts = {family.kind: int(family.wanted.sum()) for family in tested.families}
    scores = {"truth": evidence.rows.truth, "logit": evidence.rows.logit, "present": present}
    return Found(found, counts, tested.families, scores, tested.notes)


@dataclass(frozen=True, eq=False)
class Tested:
    """Everything tested, kind by kind; `exposures` stand at the same place, None for concepts."""

    families: list[Family]
    exposures: list[Exposures | None]
    notes: tuple[str, ...]


def test_all(
    evidence: Evidence,
    concepts: Concepts | None,
    disease: Collection[str],
    *,
    least: int = LEAST,
    expected: float = EXPECTED,
) -> Tested:
    """Everything of every kind tested; a kind that cannot be tested is a note."""
    rows, notes = evidence.rows, list[str]()
    common = [(exposures, exposures.common(rows, least, expected)) for exposures in evidence.exposures]
    kept = [(exposures, enough) for exposures, enough in common if len(enough)]
    images = concepts is not None and len(concepts) > 0 and evidence.vectors is not None
    count = len(kept) + images
    families: list[Family] = []
    beside: list[Exposures | None] = []
    if images and concepts is not None:
        try:
            families.append(image_family(evidence.cohort(), concepts, disease, families=count))
            beside.append(None)
        except UsageError as error:
            notes.append(f"concepts are not tested by images: {error}")
        else:
            if None in families[0].bulks:
                notes.append(
                    f"concepts of fewer than {BULK} findings do not tell how far concepts lean in general: by images "
                    "none is called, and what stands first is only most worth a look"
                )
    for exposures, enough in kept:
        families.append(exposure_family(enough, rows, disease, families=count))
        beside.append(enough)
        if names := exposures.inseparable(rows):
            notes.append(f"cannot be told apart from the label: {', '.join(names)}: it holds for one truth alone")
    return Tested(families, beside, tuple(notes))


test_all.__test__ = False  # type: ignore[attr-defined]  # its name is no invitation to pytest


def _because(notes: Sequence[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""


def _best_concepts(families: Sequence[Family]) -> dict[str | None, int]:
    """The weightiest concept of each finding, by images."""
    return {family.findings[at]: at for family in families if family.kind == "image" for at in family.best()}


def _chosen(tested: Tested) -> list[tuple[Family, Exposures | None, int]]:
    """One row of each finding and attribute: called ones first, then by weight; reports before images."""
    stated = {finding for family in tested.families if family.kind == "report" for finding in family.findings}
    rows = [
        (family, exposures, at)
        for family, exposures in zip(tested.families, tested.exposures, strict=True)
        for at in family.best()
        if family.kind != "image" or family.findings[at] not in stated
    ]
    return sorted(rows, key=lambda row: (row[0].verdict(row[2]) != "confounder", -float(row[0].weight[row[2]])))


def _row(
    evidence: Evidence,
    family: Family,
    exposures: Exposures | None,
    at: int,
    concepts: Concepts | None,
    by_finding: Mapping[str | None, int],
    rescore: Rescore | None,
) -> tuple[Confounder, np.ndarray]:
    """One row, and where the thing is there among all rows; if nobody knows, it is not."""
    rows = evidence.rows
    there = np.zeros(len(rows), dtype=bool)
    looked_at = evidence.encoded if exposures is None else np.flatnonzero(exposures.known[at])
    if exposures is None and concepts is not None:
        cohort = evidence.cohort()
        values = cohort.vectors @ np.asarray(concepts.vectors[at], dtype=np.float64)
        there[looked_at] = high(values)
    else:
        assert exposures is not None
        there = exposures.column(at)
        both = np.intersect1d(evidence.encoded, looked_at)
        encoded = rescore is not None and len(both) == len(looked_at)
        cohort = evidence.cohort(looked_at) if encoded else evidence.rows_alone(looked_at)
        values = there[looked_at].astype(np.float64)
        rescore = rescore if encoded else None
    said = erased(cohort, values, rescore)
    strata = strata_of(rows.truth[looked_at], rows.logit[looked_at], there[looked_at], erased=said)
    finding = family.findings[at]
    same = sum(1 for other, wanted in zip(family.findings, family.wanted, strict=True) if wanted and other == finding)
    concept = at if family.kind == "image" else by_finding.get(finding) if finding is not None else None
    row = Confounder(
        name=family.names[at],
        kind=family.kind,
        finding=finding,
        concept_id=None if concept is None or concepts is None else concepts.ids[concept],
        concept=None if concept is None or concepts is None else concepts.texts[concept],
        leans=family.leans(at),
        effect=family.effect(at),
        goes_with=family.goes_with(at),
        q=float(family.q["both"][at]),
        weight=float(family.weight[at]),
        verdict=family.verdict(at),
        strata=strata,
        others=same - 1 if family.kind == "image" else 0,
    )
    return row, there


def _shared(known: Sequence[np.ndarray], numbers: np.ndarray) -> list[np.ndarray]:
    """Some rows of masks; those that were one object stay one."""
    cut: dict[int, np.ndarray] = {id(mask): mask[numbers] for mask in known}
    return [cut[id(mask)] for mask in known]


def compare(
    found: Found, there: Sequence[Family], auroc_there: float | None, *, paired: Sequence[Family] | None = None
) -> list[Confounder]:
    """The rows with the same of another data set beside them, and the q of each difference.

    Differences are tested for everything that both data sets hold, before any row is looked at: the rows stand first
    because they are extreme here, and would differ from anything.

    Args:
        found: what was found here.
        there: what was tested in the other data; what is not among it stays without.
        auroc_there: of the model on the other data.
        paired: for another run on the same images: tests of the difference of both runs' logits. What goes with the
            label is then the same, and is not tested.
    """
    differences = {family.kind: _differences(family, there, paired) for family in found.families}
    elsewhere = {(family.kind, name): (family, at) for family in there for at, name in enumerate(family.names)}
    rows = []
    for row in found.rows:
        match = elsewhere.get((row.kind, row.name))
        if match is None or match[0].tests.lean[match[1]] != match[0].tests.lean[match[1]]:
            rows.append(row)
            continue
        q_leans, q_goes_with = differences[row.kind].get(row.name, (math.nan, math.nan))
        leans, goes_with = match[0].leans(match[1]), match[0].goes_with(match[1])
        given = Elsewhere(replace(leans, q=q_leans), replace(goes_with, q=q_goes_with), auroc_there)
        rows.append(replace(row, elsewhere=given))
    return rows


def _differences(
    family: Family, there: Sequence[Family], paired: Sequence[Family] | None
) -> dict[str, tuple[float, float]]:
    """The q of the differences of leaning and of going with the label, by name."""
    if paired is not None:
        alike = [other for other in paired if other.kind == family.kind]
        named = [(name, float(q)) for one in alike for name, q in zip(one.names, one.q["leans"], strict=True)]
        return {name: (q, math.nan) for name, q in named}
    other = next((other for other in there if other.kind == family.kind), None)
    if other is None:
        return {}
    places = {name: at for at, name in enumerate(other.names)}
    pairs = [(at, places[name]) for at, name in enumerate(family.names) if name in places and family.wanted[at]]
    if not pairs:
        return {}
    mine, theirs = (np.array(column) for column in zip(*pairs, strict=True))
    q = []
    for value, error in (("lean", "lean_error"), ("shift", "shift_error")):
        differences = getattr(family.tests, value)[mine] - getattr(other.tests, value)[theirs]
        errors = np.hypot(getattr(family.tests, error)[mine], getattr(other.tests, error)[theirs])
        groups = np.unique([str(family.findings[at] or family.names[at]) for at in mine], return_inverse=True)[1]
        bulk = bulk_of(differences, errors, groups) if family.kind == "image" else None
        q.append(q_values(p_values(differences, errors, bulk), groups=groups))
    return {family.names[at]: (float(q[0][n]), float(q[1][n])) for n, at in enumerate(mine)}
