"""Confounders: what does a model lean on that is not the disease, and that goes with the label in this data?

Tests every concept of the vocabulary by its score in the images (from moments: `concept_tests`), every
finding that reports state, and every attribute, within truth strata, patients as clusters, at a controlled false
discovery rate. What is the disease itself is set aside (`disease`). What is called is told by its verdict, the most
harmful first (`verdicts`), with how the model does with and without it, and what becomes of that when its direction is
erased. A finding that reports state often enough is measured by them: a report says whether it is there, a score only
how much the image looks like it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encoder.audit.confounders.candidates import Candidate
from encoder.audit.confounders.concept_tests import BULK
from encoder.audit.confounders.erasing import Rescore
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import EXPECTED, Exposures
from encoder.audit.confounders.families import Concepts, Family, exposure_family, image_family
from encoder.audit.confounders.result import VERDICTS, Confounder, Kind, Known, Verdict
from encoder.audit.confounders.sentences import called_in_general
from encoder.audit.confounders.verdicts import place
from kb.errors import UsageError

LEAST = 10
"""Patients that have a thing, and patients that have not, for it to be tested."""

MOST_JUDGED = 200
"""Things leaned on whose harm is looked at: a large study has thousands, and a page shows a few."""


@dataclass(frozen=True)
class Found:
    """What an audit for confounders finds.

    Attributes:
        rows: the weightiest things, by verdict, then by harm.
        tested: how many of each kind could be named.
        verdicts: of how many things each verdict was given.
        families: the tests of everything.
        scores: truth, logit, and where each thing of `rows` is there: what curves are drawn from.
        notes: what could not be tested, and why.
    """

    rows: list[Confounder]
    tested: dict[Kind, int]
    verdicts: dict[Verdict, int]
    families: list[Family]
    scores: dict[str, Any]
    notes: tuple[str, ...]


def find_confounders(
    evidence: Evidence,
    concepts: Concepts | None,
    disease: Collection[str],
    *,
    known: Mapping[str, Known] | None = None,
    rescore: Rescore | None = None,
    limit: int = 20,
    least: int = LEAST,
) -> Found:
    """The things that a model leans on most, beyond the disease.

    Args:
        evidence: of the data.
        concepts: the vocabulary in the space of the vectors; None if there are no vectors.
        disease: findings that count as the disease.
        known: findings that are known to go with it, and what each is to it.
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
    candidates, notes = _judged(_candidates(evidence, concepts, tested, known or {}))
    by_finding = _best_concepts(tested.families)
    candidates.sort(key=_place)
    made = [(one.row(by_finding, rescore), one) for one in candidates[:limit]]
    return Found(
        rows=[row for row, _ in made],
        tested={family.kind: int(family.wanted.sum()) for family in tested.families},
        verdicts=_counted(candidates),
        families=tested.families,
        scores={
            "truth": evidence.rows.truth,
            "logit": evidence.rows.logit,
            "present": {row.name: one.there for row, one in made},
        },
        notes=(*tested.notes, *called_in_general(tested.families), *notes),
    )


def _candidates(
    evidence: Evidence, concepts: Concepts | None, tested: Tested, known: Mapping[str, Known]
) -> list[Candidate]:
    """One thing of each finding and attribute, the weightiest first; reports before images."""
    stated = {finding for family in tested.families if family.kind == "report" for finding in family.findings}
    found = [
        Candidate(evidence, family, at, exposures, concepts, known.get(family.findings[at] or "", ""))
        for family, exposures in zip(tested.families, tested.exposures, strict=True)
        for at in family.best()
        if family.kind != "image" or family.findings[at] not in stated
    ]
    return sorted(found, key=lambda one: -float(one.family.weight[one.at]))


def _judged(candidates: list[Candidate]) -> tuple[list[Candidate], list[str]]:
    """Those whose harm is looked at, where very many are leaned on, and a note on the others."""
    leaned = [one for one in candidates if one.leaned_on]
    if len(leaned) <= MOST_JUDGED:
        return candidates, []
    left = set(map(id, leaned[MOST_JUDGED:]))
    note = f"{len(leaned):,} things are leaned on: the {MOST_JUDGED} that weigh most are looked at"
    return [one for one in candidates if id(one) not in left], [note]


def _place(one: Candidate) -> tuple[int, float]:
    harm = one.harm.size if one.verdict else 0.0
    return place(one.verdict, harm=harm, weight=float(one.family.weight[one.at]))


def _counted(candidates: list[Candidate]) -> dict[Verdict, int]:
    given = Counter(one.verdict for one in candidates)
    return {verdict: given[verdict] for verdict in VERDICTS if verdict}


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
