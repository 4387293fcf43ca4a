"""How far out the worst of all segments lies where nothing is wrong with any: the largest deviate of chance alone.

Outcomes are drawn as normal numbers, alike within patients as the real ones are, for the very conditions that are
looked at, and the largest deviate of each draw is kept (max-T; Westfall and Young, 1993). What overlaps is then paid
for once. The law of the largest deviate depends on how segments overlap, for which some of the rows are enough.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from encoder.audit.segments.outcomes import Measure, Stratum
from encoder.audit.segments.tally import sums_of, tally_of
from kb.statistics.interval import numbered

DRAWS = 399

MOST_ROWS = 1_000
"""Rows of a truth that chance is drawn on: of more, some patients."""


def largest_by_chance(
    held: np.ndarray,
    strata: Sequence[Stratum],
    families: Sequence[np.ndarray],
    *,
    measures: Collection[Measure],
    draws: int = DRAWS,
    seed: int = 0,
) -> np.ndarray:
    """The largest deviate of each family of segments in each draw, (families, draws), ascending.

    Args:
        held: the conditions over all rows, (conditions, n), float32.
        strata: of the rows.
        families: which pairs of conditions belong to each, (conditions, conditions), bool.
        measures: what is looked at.
        draws: how many.
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    sides = [_Side(held, stratum, draw) for stratum in strata]
    found = np.zeros((len(families), draws))
    for at in range(draws):
        seen: dict[Measure, np.ndarray] = {}
        for side in sides:
            seen |= side.deviates(draw)
        if {"bpsn", "bnsp"} <= set(seen):
            seen["auroc"] = (seen["bpsn"] + seen["bnsp"]) / np.sqrt(2)
        worst = np.max([deviates for measure, deviates in seen.items() if measure in measures], axis=0)
        for place, family in enumerate(families):
            found[place, at] = worst[family].max() if family.any() else 0.0
    return np.sort(found, axis=1)


class _Side:
    """One stratum, or as much of it as chance is drawn on."""

    def __init__(self, held: np.ndarray, stratum: Stratum, draw: np.random.Generator):
        chosen = _some(stratum, draw)
        self._held = np.ascontiguousarray(held[:, stratum.rows[chosen]])
        self._owners = numbered(stratum.owners[chosen])
        places = np.full(len(stratum.rows), -1)
        places[chosen] = np.arange(len(chosen))
        kept = (places[stratum.pairs] >= 0).all(axis=1)
        errors, scores = stratum.outcomes
        self._measures = (errors.measure, scores.measure)
        self._likeness = np.array([stratum.likeness(errors), stratum.likeness(scores)])
        goes = np.corrcoef(errors.values, scores.values)[0, 1] if min(errors.variance, scores.variance) > 0 else 0.0
        self._mixed = np.linalg.cholesky(np.array([[1.0, goes * 0.999], [goes * 0.999, 1.0]]))
        part = Stratum(
            positive=stratum.positive,
            rows=np.arange(len(chosen)),
            outcomes=stratum.outcomes,
            pairs=places[stratum.pairs[kept]],
            weights=stratum.weights[kept],
            owners=self._owners,
        )
        tally = tally_of(self._held, part)
        self._spreads = []
        for likeness in self._likeness:
            free = tally.counts * tally.effect(float(likeness)) * (1 - tally.counts / max(tally.rows, 1))
            self._spreads.append(np.sqrt(np.where(free > 0, free, np.inf)))

    def deviates(self, draw: np.random.Generator) -> dict[Measure, np.ndarray]:
        """Of errors and of scores, in one draw."""
        n = len(self._owners)
        own = self._mixed @ draw.standard_normal((2, n))
        shared = (self._mixed @ draw.standard_normal((2, int(self._owners.max()) + 1)))[:, self._owners]
        drawn = np.sqrt(1 - self._likeness)[:, None] * own + np.sqrt(self._likeness)[:, None] * shared
        drawn -= drawn.mean(axis=1, keepdims=True)
        found = zip(self._measures, drawn, self._spreads, strict=True)
        return {measure: sums_of(self._held, one) / spread for measure, one, spread in found}


def _some(stratum: Stratum, draw: np.random.Generator) -> np.ndarray:
    """Rows of a stratum that chance is drawn on: whole patients."""
    if len(stratum.rows) <= MOST_ROWS:
        return np.arange(len(stratum.rows))
    order = draw.permutation(int(stratum.owners.max()) + 1)
    sizes = np.bincount(stratum.owners)
    taken = order[: max(1, int(np.searchsorted(np.cumsum(sizes[order]), MOST_ROWS)))]
    return np.flatnonzero(np.isin(stratum.owners, taken))
