"""Rows of an audit that are drawn and not read: numbers with a truth, a logit and an owner each."""

from __future__ import annotations

import numpy as np

from encoder.audit.rows import AuditRows


def drawn_rows(truth: np.ndarray, logit: np.ndarray, owners: np.ndarray) -> AuditRows:
    """The rows of one run and label; images, studies and patients are called by their numbers.

    Args:
        truth: (n,), bool.
        logit: (n,); the score is its sigmoid.
        owners: the patient of each, as numbers, (n,).
    """
    ids = [str(number) for number in range(len(truth))]
    return AuditRows(
        run="run",
        label="disease",
        source="labels",
        split="all",
        image_ids=ids,
        study_ids=ids,
        patient_ids=[str(owner) for owner in owners],
        truth=truth,
        score=1 / (1 + np.exp(-np.clip(logit, -500, 500))),
        logit=logit,
        owners=owners,
        unknown=0,
    )
