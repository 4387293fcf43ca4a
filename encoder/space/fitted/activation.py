"""Concept activation vectors: the direction in which images whose reports state a finding differ from the others.

Kim et al. (Interpretability beyond feature attribution: TCAV, 2018) take the normal of a linear classifier. Here it is
the ridge regression of all findings at once, which with two classes has the direction of the regularised linear
discriminant, and is judged by its AUROC among patients that it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import sparse

from encoder.space.fitted.directions import COLUMNS, FittedDirections, FittedFinding, holds
from encoder.space.fitted.folds import folds_of, patient_blocks
from encoder.space.fitted.ridge import GroupedRidge
from encoder.vectors.image_vectors import ImageVectors
from kb.display import Listing
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import UNHURRIED
from kb.sql.session import AuditSession
from kb.statistics.clustered_auroc import Interval, clustered_auroc
from kb.store.sqltext import literals
from schemas.terms import IN_USE

FEWEST = 20
"""Patients of whom reports state a finding, and of whom they do not, for a direction to be tried."""

_REPORTED = "SELECT DISTINCT study_id, patient_id FROM reports WHERE study_id IS NOT NULL"

_STATED = """
SELECT DISTINCT o.study_id, o.patient_id, f.ancestor AS finding
FROM observations o JOIN finding_ancestors f ON f.finding = o.finding
WHERE o.assertion = 'present' AND o.temporality NOT IN ('resolved', 'historical') AND o.study_id IS NOT NULL
"""

_BEARERS = f"""
SELECT finding, concept_id FROM concepts
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
    """

    rows: np.ndarray
    findings: list[str]
    stated: sparse.csr_matrix
    bearers: dict[str, str]


def read_stated(kb: KnowledgeBase, images: ImageVectors) -> Stated:
    """The findings that the reports of images state, wider ones included; external images are left out."""
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

    with AuditSession(kb, UNHURRIED) as session:
        reported: set[int] = set()
        for told in session.run(_REPORTED):
            reported.update(rows_of(told["study_id"], told["patient_id"]))
        bearers = {told["finding"]: told["concept_id"] for told in session.run(_BEARERS)}
        said: dict[str, set[int]] = {}
        for told in session.run(_STATED):
            if told["finding"] in bearers:
                said.setdefault(told["finding"], set()).update(rows_of(told["study_id"], told["patient_id"]))
    rows = np.array(sorted(reported), dtype=np.int64)
    findings = sorted(said)
    columns = [np.searchsorted(rows, sorted(said[finding])) for finding in findings]
    numbers = np.repeat(np.arange(len(findings)), [len(column) for column in columns])
    places = np.concatenate(columns) if columns else np.empty(0, dtype=np.int64)
    stated = sparse.csr_matrix((np.ones(len(places)), (places, numbers)), shape=(len(rows), len(findings)))
    return Stated(rows, findings, stated, bearers)


def activation_directions(kb: KnowledgeBase, encoder: str, images: ImageVectors) -> FittedDirections | None:
    """The findings that reports state as directions of an encoder's space; None where none is stated often enough."""
    told = read_stated(kb, images)
    owners = [images.patients[int(row)] for row in told.rows]
    patients = len(set(owners))
    tried, having = _often(told.stated, owners)
    if not len(tried):
        return None
    x, y = images.matrix[told.rows], told.stated[:, tried]
    blocks = patient_blocks(owners)
    ridge = GroupedRidge(x, y, folds_of(blocks))
    judged = _judged(ridge, x, y, owners)
    value, low = np.array([one.value for one in judged]), np.array([one.low for one in judged])
    good = np.flatnonzero(holds(value, low, "AUROC"))
    found = ridge.whole()
    scale = np.linalg.norm(found.weights[:, good], axis=0)
    vectors = (found.weights[:, good] / np.maximum(scale, 1e-12)).T.astype(np.float32)
    names = [told.findings[int(n)] for n in tried]
    rows = [
        FittedFinding(
            finding=name,
            concepts=1,
            held=int(at in set(good.tolist())),
            patients=int(having[tried[at]]),
            measure="AUROC",
            value=judged[at].value,
            low=judged[at].low,
            high=judged[at].high,
        )
        for at, name in enumerate(names)
    ]
    return FittedDirections(
        encoder=encoder,
        origin="reports",
        images=len(told.rows),
        patients=patients,
        measure="AUROC",
        concepts=_concepts([names[int(n)] for n in good], told.bearers),
        vectors=vectors,
        scale=scale,
        bias=found.mean_y[good] - scale * (vectors @ found.mean_x),
        fitted=len(tried),
        findings=Listing(sorted(rows, key=lambda row: (-row.value, row.finding)), COLUMNS),
        untried=len(told.findings) - len(tried),
    )


def _often(stated: sparse.csr_matrix, owners: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The findings that enough patients have and have not, and how many patients have each."""
    if not len(owners):
        return np.empty(0, dtype=np.int64), np.zeros(stated.shape[1])
    _, numbers = np.unique(np.asarray(owners, dtype=object).astype(str), return_inverse=True)
    ones = np.ones(len(numbers))
    by_patient = sparse.csr_matrix((ones, (numbers, np.arange(len(numbers)))))
    images = np.bincount(numbers)[:, None]
    counts = (by_patient @ stated).toarray()
    having, lacking = (counts > 0).sum(axis=0), (counts < images).sum(axis=0)
    return np.flatnonzero((having >= FEWEST) & (lacking >= FEWEST)), having


def _judged(ridge: GroupedRidge, x: np.ndarray, y: sparse.csr_matrix, owners: Sequence[str]) -> list[Interval]:
    """The AUROC of each finding among patients left out."""
    scores = np.empty(y.shape, dtype=np.float32)
    for rows, found in ridge.left_out():
        # Without the mean of what was fitted on: it is low where the fold is high, and would count against the finding.
        scores[rows] = x[rows] @ found.weights
    _, numbers = np.unique(np.asarray(owners, dtype=object).astype(str), return_inverse=True)
    truth = y.toarray() > 0
    return [clustered_auroc(truth[:, at], scores[:, at], numbers) for at in range(y.shape[1])]


def _concepts(findings: Sequence[str], bearers: Mapping[str, str]) -> pa.Table:
    return pa.table(
        {
            "concept_id": pa.array([bearers[finding] for finding in findings], pa.string()),
            "text": pa.array(findings, pa.string()),
            "assertion": pa.array(["present"] * len(findings), pa.string()),
            "finding": pa.array(findings, pa.string()),
        }
    )
