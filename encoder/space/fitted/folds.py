"""Folds of patients: no patient is fitted on and judged in the same fold, nor lies in two blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kb.statistics.interval import numbered

FOLDS = 5
"""Times that a part of the patients is left out, fitted without, and judged."""

BLOCKS = 10
"""Blocks of patients that an interval is read off from, each within one fold."""


def patient_blocks(owners: Sequence[str], seed: int = 0) -> np.ndarray:
    """The block of each row, from 0 on: patients are dealt out, the same in every run."""
    numbers = numbered(np.asarray(owners))
    count = int(numbers.max()) + 1
    dealt = np.empty(count, dtype=np.int64)
    dealt[np.random.default_rng(seed).permutation(count)] = np.arange(count) % BLOCKS
    return dealt[numbers]


def folds_of(blocks: np.ndarray) -> np.ndarray:
    """The fold that each block lies in."""
    found: np.ndarray = blocks % FOLDS
    return found
