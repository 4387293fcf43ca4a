"""The search for segments: conditions and pairs of them in which a model does worse than in all other rows.

A segment is named if its deviate lies beyond the largest that chance alone makes of all that are looked at, at 5 % in
all. A pair (and an interval, a pair of cuts) is named only if it is worse than the rest of both of its parts as
well. The strongest is named first; then its rows are left out, and the others have to stand without them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from encoder.audit.segments.attributes import Attribute
from encoder.audit.segments.candidates import Candidates, candidates_of, written
from encoder.audit.segments.chance import DRAWS, largest_by_chance
from encoder.audit.segments.conditions import Condition, conditions_of, cut, edges
from encoder.audit.segments.outcomes import MEASURES, Measure, Stratum, strata_of
from encoder.audit.segments.standing import Found, Standing, standing_of

LEVEL = 0.05
"""The chance that anything is named where nothing is wrong: half of it for single conditions, half for pairs."""

FINE = 100
"""Parts that a number is cut into where the edge of a segment is fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How to look for segments.

    Attributes:
        min_size: rows that a segment, and what lies outside it, has to have.
        min_positives: positives for misses and low scores, and negatives for false alarms and high scores.
        pairs: whether pairs of conditions are looked at.
        measures: what may go wrong.
        most: segments that are named.
        draws: of chance.
        seed: of these.
    """

    min_size: int = 30
    min_positives: int = 5
    pairs: bool = True
    measures: Collection[Measure] = MEASURES
    most: int = 10
    draws: int = DRAWS
    seed: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """Rows with their truth, what a model says of them, and whether it calls them positive."""

    truth: np.ndarray
    logit: np.ndarray
    flagged: np.ndarray
    owners: np.ndarray

    def part(self, chosen: np.ndarray) -> Judged:
        """Some of the rows."""
        return Judged(
            truth=self.truth[chosen],
            logit=self.logit[chosen],
            flagged=self.flagged[chosen],
            owners=self.owners[chosen],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Named:
    """A segment that was found.

    Attributes:
        conditions: one or two that hold for all of its rows.
        rows: where they hold, (n,), bool.
        measure: in what it does worst.
        deviate: how far beyond chance.
        critical: how far chance goes.
        p: the chance that a search through rows in which nothing is wrong names anything as far out.
        covers: other segments that did worse no longer, once its rows were left out.
    """

    conditions: tuple[Condition, ...]
    rows: np.ndarray
    measure: Measure
    deviate: float
    critical: float
    p: float
    covers: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Its conditions in words."""
        return written(self.conditions)


@dataclass(frozen=True, eq=False, kw_only=True)
class Searched:
    """What a search found, how many segments it looked at, and the deviate beyond which one is named."""

    named: tuple[Named, ...]
    looked_at: int
    critical: float


def search_segments(judged: Judged, attributes: Sequence[Attribute], options: SearchOptions) -> Searched:
    """Look for segments; the strongest come first."""
    conditions = conditions_of(attributes, options.min_size)
    if not conditions:
        return Searched(named=(), looked_at=0, critical=float("nan"))
    return _Search(judged, attributes, candidates_of(conditions, pairs=options.pairs), options).run()


class _Search:
    """One search: the segments, and how far chance alone goes."""

    def __init__(self, judged: Judged, attributes: Sequence[Attribute], candidates: Candidates, options: SearchOptions):
        self.judged, self.attributes, self.candidates, self.options = judged, attributes, candidates, options

    def run(self) -> Searched:
        """Name the strongest segment, leave its rows out, and look again."""
        kept = np.ones(len(self.judged.truth), dtype=bool)
        standing = self._standing(kept)
        enough = np.logical_or.reduce(list(standing.enough.values()))
        families = [self.candidates.singles & enough, self.candidates.pairs & enough]
        chance = self._chance(families)
        level = LEVEL / 2 if self.options.pairs else LEVEL
        rank = max(1, int(level * (self.options.draws + 1)))
        critical = (float(chance[0][-rank]), float(chance[1][-rank]))
        named: list[Named] = []
        may = standing.may_be_named(self.candidates, critical)
        while len(named) < self.options.most and (found := standing.strongest(self.candidates, may)) is not None:
            fitted = self._fitted(self.candidates.chosen(found.first, found.second), found.measure, kept)
            rows = np.logical_and.reduce([one.rows for one in fitted])
            before = standing.texts(self.candidates, may)
            kept &= ~rows
            standing = self._standing(kept)
            may = standing.may_be_named(self.candidates, critical)
            covers = _covered(before, standing.texts(self.candidates, may), written(fitted))
            family = int(self.candidates.pairs[found.first, found.second])
            named.append(
                Named(
                    conditions=fitted,
                    rows=rows,
                    measure=found.measure,
                    deviate=found.deviate,
                    critical=critical[family],
                    p=self._p(found, chance[family]),
                    covers=covers,
                )
            )
        looked_at = sum(int(family.sum()) for family in families)
        return Searched(named=tuple(named), looked_at=looked_at, critical=critical[0])

    def _standing(self, kept: np.ndarray) -> Standing:
        options = self.options
        return standing_of(
            self.candidates.held[:, kept],
            self._strata(kept),
            options.measures,
            min_size=options.min_size,
            min_positives=options.min_positives,
        )

    def _strata(self, kept: np.ndarray) -> list[Stratum]:
        judged = self.judged.part(kept)
        return strata_of(judged.truth, judged.logit, judged.flagged, judged.owners, self.options.seed)

    def _chance(self, families: Sequence[np.ndarray]) -> np.ndarray:
        return largest_by_chance(
            self.candidates.held,
            self._strata(np.ones(len(self.judged.truth), dtype=bool)),
            families,
            measures=self.options.measures,
            draws=self.options.draws,
            seed=self.options.seed,
        )

    def _p(self, found: Found, chance: np.ndarray) -> float:
        families = 2 if self.options.pairs else 1
        return min(1.0, families * (int((chance >= found.deviate).sum()) + 1) / (len(chance) + 1))

    def _fitted(self, conditions: tuple[Condition, ...], measure: Measure, kept: np.ndarray) -> tuple[Condition, ...]:
        """The conditions with their edges where the segment stands out most, each in turn, twice over."""
        strata = self._strata(kept)
        for place in [place for place, one in enumerate(conditions) if one.side != "is"] * 2:
            one, attribute = conditions[place], self.attributes[conditions[place].attribute]
            others = [other.rows for number, other in enumerate(conditions) if number != place]
            fine = edges(attribute.values[attribute.known], FINE)
            cuts = [one, *(cut(one.attribute, attribute, one.side, edge) for edge in fine)]
            held = np.stack([np.logical_and.reduce([each.rows, *others])[kept] for each in cuts]).astype(np.float32)
            standing = standing_of(
                held,
                strata,
                {measure},
                min_size=self.options.min_size,
                min_positives=self.options.min_positives,
            )
            deviates = np.where(np.diag(standing.enough[measure]), np.diag(standing.deviates[measure]), -np.inf)
            conditions = (*conditions[:place], cuts[int(np.argmax(deviates))], *conditions[place + 1 :])
        return conditions


def _covered(before: dict[str, float], after: dict[str, float], named: str, most: int = 5) -> tuple[str, ...]:
    """What could be named before and no longer is, single conditions and the strongest first."""
    gone = [text for text in before if text not in after and text != named]
    return tuple(sorted(gone, key=lambda text: (" and " in text, -before[text]))[:most])
