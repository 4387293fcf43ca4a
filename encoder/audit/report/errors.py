"""The rows that a run gets most wrong, by label: false alarms and misses at its threshold, the worst first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from encoder.audit.report.report_data import Errors, Wrong
from encoder.evaluation import Evaluation
from encoder.evaluation.rows import LabelRows
from kb.knowledge_base import KnowledgeBase

LISTED = 8
"""Rows of each kind that are listed."""

FALSE_ALARMS, MISSES = "false alarms", "misses"


def images_by_unit(kb: KnowledgeBase) -> dict[str, str]:
    """The image of each unit ("image X", "study Y"): of a study the first by its id, frontal ones before others."""
    found: dict[str, str] = {}
    rows = kb.dataset("images").to_table(columns=["image_id", "study_id", "view"]).to_pylist()
    for row in sorted(rows, key=lambda row: (row["view"] == "lateral", row["image_id"])):
        found[f"image {row['image_id']}"] = row["image_id"]
        if row["study_id"]:
            found.setdefault(f"study {row['study_id']}", row["image_id"])
    return found


def errors_of(evaluation: Evaluation, rows: LabelRows, images: Mapping[str, str]) -> tuple[Errors, ...]:
    """The worst errors of one label; none without a threshold."""
    calls = evaluation.get(rows.run, rows.label, split=rows.split).calls
    if calls is None:
        return ()
    return tuple(
        Errors(rows.label, kind, int(wrong.sum()), tuple(_worst(rows, np.flatnonzero(wrong), sign, images)))
        for kind, wrong, sign in (
            (FALSE_ALARMS, ~rows.truth & calls.positive & calls.judged, -1.0),
            (MISSES, rows.truth & ~calls.positive & calls.judged, 1.0),
        )
    )


def _worst(rows: LabelRows, places: np.ndarray, sign: float, images: Mapping[str, str]) -> list[Wrong]:
    order = places[np.argsort(sign * rows.rank[places], kind="stable")][:LISTED]
    units = [str(rows.unit[place]) for place in order]
    return [Wrong(unit, images.get(unit), float(rows.score[at])) for unit, at in zip(units, order, strict=True)]
