"""Every condition, and every pair of two, held against all other rows at once: sums over segments are matrix products.

With A the conditions as rows of 0 and 1 and r what goes wrong beyond the mean, A diag(r) A' holds the sum of every pair
of conditions, and of every single one on its diagonal. How many rows of one patient a segment holds is A A' over the
pairs of rows of a patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from encoder.audit.segments.outcomes import Outcome, Stratum, mean_z, tail_z


@dataclass(frozen=True, eq=False, kw_only=True)
class Tally:
    """The segments of one stratum, (conditions, conditions) each; single conditions stand on the diagonal.

    Attributes:
        counts: rows.
        alike: pairs of rows of one patient, both in the segment, twice.
        rows: of the stratum.
    """

    counts: np.ndarray
    alike: np.ndarray
    rows: int

    def effect(self, likeness: float) -> np.ndarray:
        """The design effect of each segment, 1 or more (Kish, 1965)."""
        effect: np.ndarray = 1 + likeness * self.alike / np.maximum(self.counts, 1)
        return effect


def tally_of(held: np.ndarray, stratum: Stratum) -> Tally:
    """Count the rows of every segment; `held` has the conditions of the stratum's rows, (conditions, m), float32."""
    counts = np.asarray(held @ held.T, dtype=np.float64)
    alike = np.zeros_like(counts)
    if len(stratum.pairs):
        both = held[:, stratum.pairs[:, 0]] * held[:, stratum.pairs[:, 1]]
        alike = 2 * np.asarray((both * stratum.weights.astype(np.float32)) @ both.T, dtype=np.float64)
    return Tally(counts=counts, alike=alike, rows=held.shape[1])


def sums_of(held: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """The sums of something over every segment."""
    return np.asarray((held * beyond.astype(np.float32)) @ held.T, dtype=np.float64)


def against_others(tally: Tally, outcome: Outcome, sums: np.ndarray, likeness: float) -> np.ndarray:
    """How far each segment does worse than all rows beside it, as a normal deviate."""
    effect, whole = tally.effect(likeness), np.full_like(sums, tally.rows)
    if outcome.binary:
        return tail_z(_wrong(tally, outcome, sums), tally.counts, np.full_like(sums, outcome.mean), whole, effect)
    return mean_z(sums, tally.counts, outcome.variance, whole, effect)


def within_parts(tally: Tally, outcome: Outcome, sums: np.ndarray, likeness: float) -> np.ndarray:
    """How far each pair does worse than the rest of its first condition, as a normal deviate.

    The transposed matrix is that of the second condition.
    """
    effect = tally.effect(likeness)
    n, total = np.diag(tally.counts)[:, None], np.diag(sums)[:, None]
    whole = np.broadcast_to(np.maximum(n, 1), sums.shape)
    if outcome.binary:
        count = _wrong(tally, outcome, sums)
        share = np.broadcast_to(np.diag(count)[:, None] / whole, sums.shape)
        return tail_z(count, tally.counts, share, whole, effect)
    return mean_z(sums - tally.counts * total / whole, tally.counts, outcome.variance, whole, effect)


def _wrong(tally: Tally, outcome: Outcome, sums: np.ndarray) -> np.ndarray:
    """The wrong rows of every segment: whole numbers, whatever the sums were rounded to."""
    count: np.ndarray = np.rint(sums + tally.counts * outcome.mean)
    return count
