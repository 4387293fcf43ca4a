"""Carried directions held against reports: a map may be true to an encoder that itself tells a finding from nothing.

Judged are images that the encoder has not learned from, and only findings that enough of their reports state. A finding
that its direction tells no better than chance loses it. Where that is so of most findings that can be judged, nothing
of the encoder is to be trusted, and none of the others is kept either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from encoder.space.fitted.directions import CHANCE, COLUMNS, FittedDirections
from encoder.space.fitted.stated import read_stated
from encoder.vectors.image_vectors import ImageVectors
from kb.display import Listing
from kb.knowledge_base import KnowledgeBase
from kb.statistics.auroc import auroc_of_both
from kb.statistics.interval import Interval, numbered

FEWEST = 10
"""Patients of whom reports state a finding, and of whom they do not, for its direction to be judged by them."""

MOST = 3
"""Findings that have to be judged before all are refused for what most of them come to."""


def checked_by_reports(
    kb: KnowledgeBase, found: FittedDirections, images: ImageVectors, *, learned: bool
) -> FittedDirections:
    """Carried directions without those that reports contradict, and with what reports say of each finding.

    Args:
        kb: the reports.
        found: directions.
        images: the vectors that they are directions of.
        learned: whether the encoder that they come from was trained here: its training images judge nothing then.
    """
    if not len(found):
        return found
    judging = [n for n, split in enumerate(images.splits) if not (learned and split == "train")]
    judged = _judged(kb, found, images.chosen(judging)) if judging else {}
    failed = {finding for finding, one in judged.items() if one.low <= CHANCE["AUROC"]}
    doubt = ""
    if len(judged) >= MOST and 2 * len(failed) > len(judged):
        doubt = (
            f"of {len(judged):,} findings that reports can judge, encoder {found.origin} tells {len(failed):,} no "
            "better than chance"
        )
    names = found.concepts["finding"].to_pylist()
    kept = np.array([not doubt and finding not in failed for finding in names], dtype=bool)
    held = {finding: int(kept[[one == finding for one in names]].sum()) for finding in set(names)}
    rows = [replace(row, held=held.get(row.finding, 0), stated=judged.get(row.finding)) for row in found.findings]
    return replace(
        found,
        concepts=found.concepts.filter(pa.array(kept)),
        vectors=found.vectors[kept],
        scale=found.scale[kept],
        bias=found.bias[kept],
        findings=Listing(rows, COLUMNS),
        doubt=doubt,
    )


def _judged(kb: KnowledgeBase, found: FittedDirections, images: ImageVectors) -> dict[str, Interval]:
    """The AUROC of each finding that reports can judge, by the direction of the concept that stands for it."""
    told = read_stated(kb, images)
    owners = numbered(np.array([images.patients[int(row)] for row in told.rows]))
    places = _bearing(found, told.bearers)
    judged: dict[str, Interval] = {}
    for column, finding in enumerate(told.findings):
        stated = told.stated[:, [column]].toarray()[:, 0] > 0
        patients = [len(np.unique(owners[side])) for side in (stated, ~stated)]
        if finding in places and min(patients) >= FEWEST:
            scores = images.matrix[told.rows] @ np.asarray(found.vectors[places[finding]])
            judged[finding] = auroc_of_both(stated, scores, owners)
    return judged


def _bearing(found: FittedDirections, bearers: dict[str, str]) -> dict[str, int]:
    """Of each finding the direction of the concept that stands for it, or of the first that says it is there."""
    columns: Sequence[Sequence[str]] = [
        found.concepts[name].to_pylist() for name in ("concept_id", "finding", "assertion")
    ]
    places: dict[str, int] = {}
    for at, (concept_id, finding, assertion) in enumerate(zip(*columns, strict=True)):
        if assertion == "present" and (finding not in places or bearers.get(finding) == concept_id):
            places[finding] = at
    return places
