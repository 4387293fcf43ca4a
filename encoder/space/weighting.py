"""How much each concept counts in the LLM space: the w_i of P = sum_i w_i e_i c_i^T.

    each      1: as published
    finding   1 / n for a concept that says that a finding is present, n being how many of these the finding has; else 0

Where each counts once, a finding counts as often as it has wordings, and "no x", which a general embedder puts beside
"x", speaks for x. Where it was measured, that holds for an encoder that learned the concepts themselves, and for no
other: see docs/explanation/algebra.md.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from encoder.model.checkpoint import Checkpoint

Weighting = Literal["each", "finding"]

PUBLISHED: Weighting = "each"
"""As published, and that of runs that do not say which they were made by."""


def default_weighting(checkpoint: Checkpoint) -> Weighting:
    """The weighting for new runs of an encoder: by finding if it was trained against concepts, else as published."""
    return "finding" if checkpoint.facts.objective == "concepts" else PUBLISHED


def weights_of(concepts: pa.Table, weighting: Weighting) -> np.ndarray:
    """The weight of each concept in use: (N,), float64.

    Args:
        concepts: all that are in use, with the columns `assertion` and `finding`.
        weighting: which.
    """
    if weighting == "each":
        return np.ones(concepts.num_rows)
    present = pc.equal(concepts["assertion"], "present").combine_chunks().to_numpy(zero_copy_only=False)
    codes = concepts["finding"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    counts = np.bincount(codes[present], minlength=int(codes.max(initial=-1)) + 1)
    weights: np.ndarray = np.where(present, 1 / np.maximum(counts[codes], 1), 0.0)
    return weights
