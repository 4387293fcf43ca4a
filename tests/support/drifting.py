"""Predictions over some months, in memory or in a knowledge base: nothing changes, or something does from May on."""

from __future__ import annotations

from typing import Literal

import numpy as np

from encoder.audit.drift.periods import Periods
from encoder.audit.drift.rows import DriftRows
from encoder.audit.rows import AuditRows
from kb.knowledge_base import KnowledgeBase
from tests.support.tables import fill, run

Planted = Literal["nothing", "ranking", "prevalence", "scores"]

MONTHS = tuple(f"2024-{month:02d}" for month in range(1, 9))
CHANGED = 4
"""The number of the month from which on something is other: May."""


def drifting_rows(planted: Planted, seed: int = 0, *, rows: int = 1200, labelled: bool = True) -> DriftRows:
    """Predictions of patients who have up to three of them; prevalence 0.25, AUROC 0.95 before the change."""
    draw = np.random.default_rng(seed)
    owners = np.repeat(np.arange(rows), draw.integers(1, 4, rows))[:rows]
    at = np.minimum(draw.integers(0, len(MONTHS), rows)[owners] + draw.integers(0, 2, rows), len(MONTHS) - 1)
    late = at >= CHANGED
    truth = draw.random(rows) < (0.25 + 0.25 * late if planted == "prevalence" else 0.25)
    noise = 0.5 * draw.standard_normal(rows)[owners] + 0.8 * draw.standard_normal(rows)
    logit = 2.2 * truth + noise - 1.4
    if planted == "ranking":
        logit = np.where(late, 0.5 * truth + 1.3 * noise - 0.2, logit)
    elif planted == "scores":
        logit = logit + 0.8 * late
    ids = [f"s{number}" for number in range(rows)]
    audited = AuditRows(
        run="r",
        label="effusion",
        source="truth" if labelled else "",
        split="all",
        image_ids=[None] * rows,
        study_ids=ids,
        patient_ids=[f"p{owner}" for owner in owners],
        truth=truth & labelled,
        score=1 / (1 + np.exp(-logit)),
        logit=logit,
        owners=np.unique(owners, return_inverse=True)[1],
        unknown=0 if labelled else rows,
    )
    return DriftRows(
        rows=audited,
        labelled=np.full(rows, labelled),
        source="truth" if labelled else None,
        periods=Periods(MONTHS, at),
        threshold=0.4,
        chosen_on="told",
    )


def drifting_kb(kb: KnowledgeBase, planted: Planted, *, labelled: bool = True, dates: bool = True) -> KnowledgeBase:
    """The same in a knowledge base: studies with a date, and with a scanner that is another one since the change."""
    found = drifting_rows(planted)
    rows, at = found.rows, found.periods.at
    draw = np.random.default_rng(1)
    predictions, labels, attributes = [], [], []
    for number in range(len(found)):
        unit = {"study_id": rows.study_ids[number], "patient_id": rows.patient_ids[number]}
        predictions.append({**unit, "run": "r", "label": "effusion", "score": float(rows.score[number])})
        labels.append({**unit, "label": "effusion", "value": int(rows.truth[number]), "source": "truth"})
        new = draw.random() < (0.8 if planted != "nothing" and at[number] >= CHANGED else 0.1)
        told = {"scanner": "new" if new else "old", "ward": f"ward {draw.integers(0, 3)}"}
        if dates:
            told["study date"] = f"{MONTHS[at[number]]}-{1 + draw.integers(0, 28):02d}"
        attributes += [{**unit, "name": name, "value": value, "source": "table"} for name, value in told.items()]
    return fill(
        kb,
        runs=[run("r")],
        predictions=predictions,
        attributes=attributes,
        **({"labels": labels} if labelled else {}),
    )
