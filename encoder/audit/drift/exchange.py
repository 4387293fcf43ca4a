"""Patients exchanged over time: the orders of the rows that are as likely as theirs if nothing changed.

Each patient is given the periods of another one with as many rows, so that rows of one patient stay together as they
are. Where few patients have as many rows, those with about as many exchange theirs, first for first and last for last.
"""

from __future__ import annotations

import numpy as np

FEWEST = 20
"""Patients who exchange among each other, at the least."""


class Exchange:
    """Draws orders of rows.

    Args:
        at: the period of each row, (n,).
        owners: its patient, (n,).
        seed: of the draws.
    """

    def __init__(self, at: np.ndarray, owners: np.ndarray, seed: int = 0):
        self._order = np.lexsort((at, owners))
        # The smallest type is sorted fastest, and this is sorted once a draw.
        small = np.min_scalar_type(int(at.max()) if len(at) else 0)
        self._times = at[self._order].astype(small)
        sorted_owners = owners[self._order]
        self._starts = np.flatnonzero(np.r_[True, np.diff(sorted_owners) != 0])
        self._sizes = np.diff(np.r_[self._starts, len(at)])
        self._patient = np.repeat(np.arange(len(self._sizes)), self._sizes)
        self._place = np.arange(len(at)) - self._starts[self._patient]
        self._stratum = _strata(self._sizes)
        self._by_stratum = np.argsort(self._stratum, kind="stable")
        self._random = np.random.default_rng(seed)

    def draw(self) -> np.ndarray:
        """The period of each row in one such order, (n,)."""
        shuffled = np.argsort(self._stratum + self._random.random(len(self._sizes)))
        donor = np.empty_like(shuffled)
        donor[self._by_stratum] = shuffled
        lent = donor[self._patient]
        place = (2 * self._place + 1) * self._sizes[lent] // (2 * self._sizes[self._patient])
        drawn = np.empty_like(self._times)
        drawn[self._order] = self._times[self._starts[lent] + place]
        return drawn


def _strata(sizes: np.ndarray) -> np.ndarray:
    """Patients with as many rows as numbers of one stratum; those of rare numbers are put with their neighbours."""
    counts = np.bincount(sizes)
    strata, number, gathered = np.zeros(len(counts), dtype=np.int64), 0, 0
    for size, patients in enumerate(counts):
        strata[size] = number
        gathered += int(patients)
        if gathered >= FEWEST:
            number, gathered = number + 1, 0
    if gathered and number:  # the largest ones are too few by themselves
        strata[strata == number] = number - 1
    found: np.ndarray = strata[sizes]
    return found
