"""How every segment stands over the rows that are still looked at, and which of them may be named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from encoder.audit.segments.candidates import Candidates, written
from encoder.audit.segments.outcomes import MEASURES, Measure, Stratum
from encoder.audit.segments.tally import against_others, sums_of, tally_of, within_parts


@dataclass(frozen=True, slots=True)
class Found:
    """Two conditions by their numbers, twice the same for one alone, and in what they do worse."""

    first: int
    second: int
    measure: Measure
    deviate: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Standing:
    """All segments over some rows, a matrix (conditions, conditions) for each measure.

    Attributes:
        deviates: how far each does worse than all rows beside it.
        parts: how far each does worse than the rest of its first condition.
        enough: whether it, and what lies beside it, has enough rows.
    """

    deviates: dict[Measure, np.ndarray]
    parts: dict[Measure, np.ndarray]
    enough: dict[Measure, np.ndarray]

    def may_be_named(self, candidates: Candidates, critical: tuple[float, float]) -> dict[Measure, np.ndarray]:
        """The segments that lie beyond chance; pairs and intervals only if worse than the rest of both their parts."""
        single, double = critical
        found = {}
        for measure, deviates in self.deviates.items():
            part = self.parts[measure]
            # Within one part a second condition is one of all single ones: it pays for as many.
            worse = (np.minimum(part, part.T) > single) | np.eye(len(part), dtype=bool)
            beyond = (candidates.singles & (deviates > single)) | (candidates.pairs & (deviates > double))
            found[measure] = beyond & worse & self.enough[measure]
        return found

    def strongest(self, candidates: Candidates, named: dict[Measure, np.ndarray]) -> Found | None:
        """The segment that stands out most; where one condition does, the pair with it that is worse still."""
        found = self._best(lambda measure: named[measure])
        if found is None or found.first != found.second:
            return found
        core = candidates.joined_with(found.first)
        return self._best(lambda measure: named[measure] & core) or found

    def texts(self, candidates: Candidates, named: dict[Measure, np.ndarray]) -> dict[str, float]:
        """The segments that may be named, in words, with how far out they lie."""
        found: dict[str, float] = {}
        for measure, which in named.items():
            for first, second in zip(*np.nonzero(which), strict=True):
                text = written(candidates.chosen(int(first), int(second)))
                found[text] = max(float(self.deviates[measure][first, second]), found.get(text, -np.inf))
        return found

    def _best(self, among: Callable[[Measure], np.ndarray]) -> Found | None:
        best: Found | None = None
        for measure, deviates in self.deviates.items():
            if (allowed := among(measure)).any():
                place = int(np.argmax(np.where(allowed, deviates, -np.inf)))
                first, second = (int(one) for one in np.unravel_index(place, deviates.shape))
                if best is None or deviates[first, second] > best.deviate:
                    best = Found(first, second, measure, float(deviates[first, second]))
        return best


def standing_of(
    held: np.ndarray, strata: Sequence[Stratum], measures: Collection[Measure], *, min_size: int, min_positives: int
) -> Standing:
    """How all conditions and their pairs stand; `held` has the conditions of the rows, (conditions, n), float32."""
    counts = held @ held.T
    size = (counts >= min_size) & (held.shape[1] - counts >= min_size)
    deviates: dict[Measure, np.ndarray] = {}
    parts: dict[Measure, np.ndarray] = {}
    enough: dict[Measure, np.ndarray] = {}
    for stratum in strata:
        mine = np.ascontiguousarray(held[:, stratum.rows])
        tally = tally_of(mine, stratum)
        fits = (tally.counts >= min_positives) & (tally.rows - tally.counts >= min_positives)
        for outcome in stratum.outcomes:
            likeness = stratum.likeness(outcome)
            sums = sums_of(mine, outcome.values - outcome.mean)
            deviates[outcome.measure] = against_others(tally, outcome, sums, likeness)
            parts[outcome.measure] = within_parts(tally, outcome, sums, likeness)
            enough[outcome.measure] = size & fits
    if {"bpsn", "bnsp"} <= set(deviates):
        for kind in (deviates, parts):
            kind["auroc"] = (kind["bpsn"] + kind["bnsp"]) / np.sqrt(2)
        enough["auroc"] = enough["bpsn"] & enough["bnsp"]
    kept = [one for one in MEASURES if one in measures and one in deviates]
    return Standing(
        deviates={one: deviates[one] for one in kept},
        parts={one: parts[one] for one in kept},
        enough={one: enough[one] for one in kept},
    )
