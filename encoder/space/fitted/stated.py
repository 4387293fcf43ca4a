"""What the reports of images state, for what is fitted to them: findings that are there, wider ones included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoder.vectors.image_vectors import ImageVectors
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from kb.statistics.interval import numbered
from kb.store.sqltext import literals
from schemas.terms import IN_USE

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FEWEST = 20
"""Patients of whom reports state a finding, and of whom they do not, for a direction to be tried."""

_REPORTED = "SELECT DISTINCT study_id, patient_id FROM reports WHERE study_id IS NOT NULL"

_STATED = """
SELECT DISTINCT o.study_id, o.patient_id, f.ancestor AS finding
FROM observations o JOIN finding_ancestors f ON f.finding = o.finding
WHERE o.assertion = 'present' AND o.temporality NOT IN ('resolved', 'historical') AND o.study_id IS NOT NULL
"""

_BEARERS = f"""
SELECT finding, concept_id, kind FROM concepts
WHERE assertion = 'present' AND status IN {literals(IN_USE)}
QUALIFY row_number() OVER (PARTITION BY finding ORDER BY text <> finding, mentions DESC, concept_id) = 1
"""
"""Of each finding the concept that stands for it: the one that says no more than it, else the most frequent one."""


@dataclass(frozen=True, eq=False)
class Stated:
    """What the reports of some images state.

    Attributes:
        rows: the images that have a report, by their place among all.
        findings: the findings that any of these reports states.
        stated: which image has which, (rows, findings), 0 and 1.
        bearers: the concept that stands for each finding.
        things: the findings that are there or not, devices too: statements that all is well are the lack of others.
    """

    rows: np.ndarray
    findings: list[str]
    stated: csr_matrix
    bearers: dict[str, str]
    things: frozenset[str]


def read_stated(kb: KnowledgeBase, images: ImageVectors) -> Stated:
    """The findings that the reports of images state, wider ones included; external images are left out."""
    from scipy.sparse import csr_matrix

    by_study: dict[str, list[int]] = {}
    for row, study in enumerate(images.studies):
        if study is not None and images.splits[row] != "external":
            by_study.setdefault(study, []).append(row)

    def rows_of(study: str, patient: str | None) -> list[int]:
        # "study1" of two patients is two studies.
        return [
            row
            for row in by_study.get(study, ())
            if None in (patient, images.patient_ids[row]) or patient == images.patient_ids[row]
        ]

    with Views(kb) as session:
        reported: set[int] = set()
        for told in session.run(_REPORTED):
            reported.update(rows_of(told["study_id"], told["patient_id"]))
        bearing = session.run(_BEARERS).rows()
        bearers = {told["finding"]: told["concept_id"] for told in bearing}
        said: dict[str, set[int]] = {}
        for told in session.run(_STATED):
            if told["finding"] in bearers:
                said.setdefault(told["finding"], set()).update(rows_of(told["study_id"], told["patient_id"]))
    rows = np.array(sorted(reported), dtype=np.int64)
    findings = sorted(said)
    columns = [np.searchsorted(rows, sorted(said[finding])) for finding in findings]
    numbers = np.repeat(np.arange(len(findings)), [len(column) for column in columns])
    places = np.concatenate(columns) if columns else np.empty(0, dtype=np.int64)
    stated = csr_matrix((np.ones(len(places)), (places, numbers)), shape=(len(rows), len(findings)))
    things = frozenset(told["finding"] for told in bearing if told["kind"] != "normal")
    return Stated(rows, findings, stated, bearers, things)


def often_stated(stated: csr_matrix, owners: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The findings that enough patients have and have not, and how many patients have each."""
    from scipy.sparse import csr_matrix

    if not len(owners):
        return np.empty(0, dtype=np.int64), np.zeros(stated.shape[1])
    numbers = numbered(np.asarray(owners))
    ones = np.ones(len(numbers))
    by_patient = csr_matrix((ones, (numbers, np.arange(len(numbers)))))
    images = np.bincount(numbers)[:, None]
    counts = (by_patient @ stated).toarray()
    having, lacking = (counts > 0).sum(axis=0), (counts < images).sum(axis=0)
    return np.flatnonzero((having >= FEWEST) & (lacking >= FEWEST)), having
