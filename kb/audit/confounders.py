"""Confounders: what does a model lean on that is not the disease, and that goes with the label in this data?

Tests every concept of the vocabulary by its score in the images (from moments: `kb.audit.concept_tests`), every
finding that reports state, and every attribute, within truth strata, patients as clusters, at a controlled false
discovery rate. What is the disease itself is set aside (`kb.audit.disease`). For what weighs most it says how the
model does with and without it, and what becomes of that when its direction is erased. A finding that reports state
often enough is measured by them: a report says whether it is there, a score only how much the image looks like it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kb.audit.confounder import Confounder, Elsewhere, Estimate, Kind
from kb.audit.erasing import Eraser, Rescore, without
from kb.audit.families import Z95, Concepts, Family, disease_directions, exposure_family, image_family
from kb.audit.moments import Cohort
from kb.audit.strata import high, strata_of
from kb.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from kb.audit.exposures import Exposures
    from kb.audit.rows import AuditRows

LEAST = 10
"""Rows that hold a thing, and rows that do not, for it to be tested."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of the rows of an audit.

    Attributes:
        rows: the predictions, with their truth.
        exposures: findings of reports, attributes.
        encoded: numbers of the rows whose images have vectors.
        vectors: these, (m, d), float32; None where there are none.
    """

    rows: AuditRows
    exposures: Sequence[Exposures]
    encoded: np.ndarray
    vectors: np.ndarray | None

    def cohort(self) -> Cohort:
        """The rows that have vectors."""
        if self.vectors is None:
            raise ValueError("no row has a vector")
        rows = self.rows
        return Cohort(self.vectors, rows.truth[self.encoded], rows.logit[self.encoded], rows.owners[self.encoded])


@dataclass(frozen=True)
class Found:
    """The rows of an audit for confounders, and how many things of each kind were tested."""

    rows: list[Confounder]
    tested: dict[Kind, int]
    scores: dict[str, Any]


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
        concepts: the vocabulary in the space of the vectors; None where there are no vectors.
        disease: findings that count as the disease.
        rescore: the model, where it is one of ours: erasing then goes through it, else along the slope of its logits.
        limit: rows that are wanted.
        least: rows with a thing, and without it, for it to be tested.

    Raises:
        UsageError: there is nothing to test, or too few positives, negatives or patients.
    """
    families = test_all(evidence, concepts, disease, least)
    if not families:
        raise UsageError(
            "there is nothing to test: no image has a vector, no report belongs to these images or studies, and no "
            f"attribute is shared by {least} of them and missing in as many"
        )
    chosen = _chosen(families)[:limit]
    image = next((family for family, _ in families if family.kind == "image"), None)
    by_finding = {} if image is None else {image.findings[at]: at for at in image.best()}
    eraser = None
    if image is not None and concepts is not None:
        eraser = Eraser(evidence.cohort(), disease_directions(concepts, disease))
    found, present = [], {}
    for family, exposures, at in chosen:
        direction = at if family.kind == "image" else by_finding.get(family.findings[at] or "")
        row, there = _row(evidence, family, exposures, at, concepts, direction, eraser, rescore)
        found.append(row)
        present[row.name] = there
    tested = {family.kind: int(family.wanted.sum()) for family, _ in families}
    return Found(found, tested, {"truth": evidence.rows.truth, "logit": evidence.rows.logit, "present": present})


def test_all(
    evidence: Evidence, concepts: Concepts | None, disease: Collection[str], least: int = LEAST
) -> list[tuple[Family, Exposures | None]]:
    """Everything of every kind tested; exposures stand beside their family."""
    kept = [common for exposures in evidence.exposures if len(common := exposures.common(least))]
    images = concepts is not None and len(concepts) > 0 and evidence.vectors is not None
    count = len(kept) + images
    found: list[tuple[Family, Exposures | None]] = []
    if images and concepts is not None:
        found.append((image_family(evidence.cohort(), concepts, disease, count), None))
    found += [(exposure_family(exposures, evidence.rows, disease, count), exposures) for exposures in kept]
    return found


def _chosen(families: Sequence[tuple[Family, Exposures | None]]) -> list[tuple[Family, Exposures | None, int]]:
    """One row of each finding and attribute: called ones first, then by weight; reports before images."""
    stated = {finding for family, _ in families if family.kind == "report" for finding in family.findings}
    rows = [
        (family, exposures, at)
        for family, exposures in families
        for at in family.best()
        if family.kind != "image" or family.findings[at] not in stated
    ]
    ranks = {"confounder": 0, "leaned on": 1, "": 1}
    return sorted(rows, key=lambda row: (ranks[row[0].verdict(row[2])], -float(row[0].weight[row[2]])))


def _row(
    evidence: Evidence,
    family: Family,
    exposures: Exposures | None,
    at: int,
    concepts: Concepts | None,
    direction: int | None,
    eraser: Eraser | None,
    rescore: Rescore | None,
) -> tuple[Confounder, np.ndarray]:
    """One row, and where the thing is there among all rows (numbers outside those looked at are False)."""
    import numpy as np

    rows = evidence.rows
    there = np.zeros(len(rows), dtype=bool)
    looked_at = np.arange(len(rows)) if exposures is None else np.flatnonzero(exposures.known)
    if exposures is not None:
        there = exposures.column(at) & exposures.known
    if eraser is None:
        erased = without(rows.logit[looked_at], rows.truth[looked_at], there[looked_at].astype(np.float64))
    else:
        if exposures is None and concepts is not None:
            vector = np.asarray(concepts.vectors[at], dtype=np.float64)
            there[evidence.encoded] = high(eraser.cohort.vectors @ vector)
        else:
            vector = eraser.direction_of(there[evidence.encoded])
        both = np.isin(evidence.encoded, looked_at)
        looked_at = evidence.encoded[both]
        erased = eraser.without(vector, rescore)[both]
    finding = family.findings[at]
    same = sum(1 for other, wanted in zip(family.findings, family.wanted, strict=True) if wanted and other == finding)
    row = Confounder(
        family.names[at],
        family.kind,
        finding,
        None if direction is None or concepts is None else concepts.ids[direction],
        None if direction is None or concepts is None else concepts.texts[direction],
        family.leans(at),
        family.effect(at),
        family.goes_with(at),
        float(family.q["both"][at]),
        float(family.weight[at]),
        family.verdict(at),
        strata_of(rows.truth[looked_at], rows.logit[looked_at], there[looked_at], erased),
        same - 1 if family.kind == "image" else 0,
    )
    return row, there


def compare(found: Sequence[Confounder], there: Sequence[Family], auroc_there: float | None) -> list[Confounder]:
    """The rows with the same of another data set beside them, and the q of each difference.

    Args:
        found: the rows here.
        there: what was tested in the other data; what is not among it stays without.
        auroc_there: of the model on the other data.
    """
    import numpy as np

    from kb.audit.concept_tests import q_values

    places = {(family.kind, name): (family, at) for family in there for at, name in enumerate(family.names)}
    matches = [places.get((row.kind, row.name)) for row in found]
    estimates = [
        None if match is None else (match[0].leans(match[1]), match[0].goes_with(match[1])) for match in matches
    ]
    p = np.full((2, len(found)), np.nan)
    for number, (row, other) in enumerate(zip(found, estimates, strict=True)):
        if other is not None:
            p[:, number] = _p_of_difference(row.leans, other[0]), _p_of_difference(row.goes_with, other[1])
    q = [q_values(values) for values in p]
    return [
        row
        if other is None
        else replace(
            row,
            elsewhere=Elsewhere(
                replace(other[0], q=float(q[0][number])), replace(other[1], q=float(q[1][number])), auroc_there
            ),
        )
        for number, (row, other) in enumerate(zip(found, estimates, strict=True))
    ]


def _p_of_difference(first: Estimate, second: Estimate) -> float:
    """Two-sided p of the difference of two independent estimates."""
    import math

    errors = [(one.high - one.low) / (2 * Z95) for one in (first, second)]
    spread = math.hypot(*errors)
    return math.erfc(abs(first.value - second.value) / spread / math.sqrt(2)) if spread > 0 else math.nan


test_all.__test__ = False  # type: ignore[attr-defined]  # its name is no invitation to pytest
