"""Concept activation vectors: the direction in which images whose reports state a finding differ from the others.

Kim et al. (Interpretability beyond feature attribution: TCAV, 2018) take the normal of a linear classifier of one
finding. That leans on whatever goes with the finding; so here all findings are told together, each with the others held
as they are (see `calibration`), but for those that it stands over or under. Each is judged by its AUROC among patients
that it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from encoder.space.fitted.calibration import SHRINKS, Calibration
from encoder.space.fitted.directions import COLUMNS, FittedDirections, FittedFinding, holds
from encoder.space.fitted.folds import FOLDS, folds_of, patient_blocks
from encoder.space.fitted.stated import Stated, often_stated
from encoder.space.fitted.sums import FoldedSums
from encoder.vectors.image_vectors import ImageVectors
from kb.display import Listing
from kb.language.wider_terms import wider_findings
from kb.statistics.auroc import auroc_of_both
from kb.statistics.interval import Interval, numbered
from kb.statistics.ranking import Ranking

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def activation_directions(encoder: str, images: ImageVectors, told: Stated) -> FittedDirections | None:
    """The findings that reports state as directions of an encoder's space; None where none is stated often enough.

    Args:
        encoder: which.
        images: its vectors.
        told: what the reports of these images state.
    """
    owners = [images.patients[int(row)] for row in told.rows]
    patients = len(set(owners))
    tried, having = often_stated(told.stated, owners)
    if not len(tried):
        return None
    names = [told.findings[int(n)] for n in tried]
    g, y = images.matrix[told.rows], told.stated[:, tried]
    sums = FoldedSums(g, y, folds_of(blocks := patient_blocks(owners)))
    beside = _beside(names, told.things)
    judged, shrink = _judged(sums, g, y, folds=folds_of(blocks), owners=owners, beside=beside)
    value, low = np.array([one.value for one in judged]), np.array([one.low for one in judged])
    good = np.flatnonzero(holds(value, low, "AUROC"))
    whole = sums.whole.centred()
    found = Calibration(whole, shrink).one_by_one(beside)[good]
    scale = np.linalg.norm(found, axis=1)
    vectors = (found / np.maximum(scale, 1e-12)[:, None]).astype(np.float32)
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
        bias=whole.mean_y[good] - scale * (vectors @ (whole.mean_g + sums.middle)),
        fitted=len(tried),
        findings=Listing(sorted(rows, key=lambda row: (-row.value, row.finding)), COLUMNS),
        untried=len(told.findings) - len(tried),
    )


def _beside(findings: Sequence[str], things: frozenset[str]) -> np.ndarray:
    """Which findings are held while one is told: all that are there or not, but for those over and under it."""
    wider = wider_findings()
    over = np.array([[other in wider.above(one) for other in findings] for one in findings], dtype=bool)
    related = over | over.T | np.eye(len(findings), dtype=bool)
    thing = np.array([finding in things for finding in findings], dtype=bool)
    found: np.ndarray = ~related & thing[None, :] & thing[:, None]
    return found


def _judged(
    sums: FoldedSums,
    g: np.ndarray,
    y: csr_matrix,
    *,
    folds: np.ndarray,
    owners: Sequence[str],
    beside: np.ndarray,
) -> tuple[list[Interval], float]:
    """The AUROC of each finding among patients left out, and the shrink by which they are told best."""
    truth = y.toarray() > 0
    best, chosen, scores = -np.inf, SHRINKS[0], np.empty(y.shape)
    for shrink in SHRINKS:
        told = np.empty(y.shape)
        for fold in range(FOLDS):
            rows = np.flatnonzero(folds == fold)
            # Without the mean of what was fitted on: it is low where the fold is high, and would count against it.
            told[rows] = (g[rows] - sums.middle) @ Calibration(sums.without(fold), shrink).one_by_one(beside).T
        mean = float(np.mean([Ranking(truth[:, at], told[:, at]).auroc for at in range(y.shape[1])]))
        if mean > best:
            best, chosen, scores = mean, shrink, told
    numbers = numbered(np.asarray(owners))
    return [auroc_of_both(truth[:, at], scores[:, at], numbers) for at in range(y.shape[1])], chosen


def _concepts(findings: Sequence[str], bearers: Mapping[str, str]) -> pa.Table:
    return pa.table(
        {
            "concept_id": pa.array([bearers[finding] for finding in findings], pa.string()),
            "text": pa.array(findings, pa.string()),
            "assertion": pa.array(["present"] * len(findings), pa.string()),
            "finding": pa.array(findings, pa.string()),
        }
    )
