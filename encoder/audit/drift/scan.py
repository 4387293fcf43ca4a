"""Where a measure changes, and whether it does: all splits of the periods in two, against patients exchanged over time.

At each split the measure after it less that before it, in standard deviations of the same difference under exchange,
is z. The largest z is held against the largest of each draw (which pays for the number of splits); the last period
against the first likewise. What splits cannot be told from the best one is its confidence set: z^2 within 7.35 of the
largest, which holds the true split of a change in 95 of 100 (the likelihood ratio of a change, Siegmund 1988).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoder.audit.drift.exchange import Exchange
from encoder.audit.drift.measures import Measure, Name, measures_of
from encoder.audit.drift.rows import DriftRows
from kb.progress import Silent, Watcher

PERMUTATIONS = 999
WITHIN = -2 * math.log(1 - math.sqrt(0.95))
"""How far below the largest z^2 a split still belongs to the confidence set."""

MOST_CHANGES = 3
_STEP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The best split of some periods in two.

    Attributes:
        at: the number of the first period after it.
        z: by how much the measure is higher after it, in standard deviations of chance.
        p: how often chance splits as well as that.
        within: the first periods of all splits that it cannot be told from.
    """

    at: int
    z: float
    p: float
    within: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What became of one measure: the values of its periods, the last against the first, and the best split.

    Attributes:
        values: of each period; NaN where it has none.
        z: of the last period less the first; NaN where one has none.
        p: how often chance changes it as much.
        split: None where all periods but one have no value, or the measure never varies.
    """

    values: tuple[float, ...]
    z: float
    p: float
    split: Split | None


def scan(
    measures: Sequence[Measure],
    at: np.ndarray,
    owners: np.ndarray,
    *,
    reference: int = 0,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    watcher: Watcher | None = None,
) -> dict[Name, Scanned]:
    """Scan measures over time.

    Args:
        measures: what is followed.
        at: the period of each row, (n,), from 0 on.
        owners: the patient of each row, (n,).
        reference: the period that the last one is held against.
        permutations: draws of patients exchanged over time.
        seed: of these.
        watcher: hears how many are done.
    """
    watcher = watcher or Silent()
    periods = int(at.max()) + 1
    exchange = Exchange(at, owners, seed)
    seen = np.stack([_contrasts(one, at, periods, reference) for one in measures])
    drawn = np.empty((permutations, *seen.shape), dtype=np.float64)
    for number in range(permutations):
        order = exchange.draw()
        drawn[number] = [_contrasts(one, order, periods, reference) for one in measures]
        if number % _STEP == _STEP - 1:
            watcher.advance(number + 1, number + 1)
    return {
        one.name: _scanned(_values(*one.tally(at, periods)), seen[number], drawn[:, number])
        for number, one in enumerate(measures)
    }


def further_splits(
    found: DriftRows,
    first: Mapping[Name, Split],
    *,
    level: float,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> dict[Name, list[Split]]:
    """The splits on both sides of those that are sure, and on both sides of these, by binary segmentation.

    Args:
        found: all rows.
        first: the split of each measure that is sure.
        level: the p below which a further one counts.
        permutations: draws of each scan.
        seed: of these.

    Returns:
        All splits of each measure with its first, in their order; three at the most.
    """
    splits = {name: [split] for name, split in first.items()}
    spans: dict[tuple[int, int], list[Name]] = {}

    def look_at(name: Name, start: int, middle: int, end: int) -> None:
        for span in ((start, middle), (middle, end)):
            if span[1] - span[0] > 1:
                spans.setdefault(span, []).append(name)

    for name, split in first.items():
        look_at(name, 0, split.at, len(found.periods))
    while spans:
        start, end = next(iter(spans))
        names = [name for name in spans.pop((start, end)) if len(splits[name]) < MOST_CHANGES]
        part = found.between(start, end)
        measures = [one for one in measures_of(part) if one.name in names]
        if not measures:
            continue
        scanned = scan(measures, part.periods.at, part.rows.owners, permutations=permutations, seed=seed)
        for name, one in scanned.items():
            if one.split is not None and one.split.p < level:
                moved = tuple(period + start for period in one.split.within)
                splits[name].append(replace(one.split, at=one.split.at + start, within=moved))
                look_at(name, start, one.split.at + start, end)
    return {name: sorted(several, key=lambda one: one.at) for name, several in splits.items()}


def _values(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    values: np.ndarray = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return values


def _contrasts(measure: Measure, at: np.ndarray, periods: int, reference: int) -> np.ndarray:
    """The measure after each split less that before it, (periods - 1,); and behind them the last less the reference."""
    sums, counts = measure.tally(at, periods)
    before, many = np.cumsum(sums)[:-1], np.cumsum(counts)[:-1]
    after, rest = sums.sum() - before, counts.sum() - many
    values = _values(sums, counts)
    return np.append(_values(after, rest) - _values(before, many), values[-1] - values[reference])


def _scanned(values: np.ndarray, seen: np.ndarray, drawn: np.ndarray) -> Scanned:
    """Z and p of one measure, from its contrasts and those of all draws, (draws, contrasts)."""
    known = np.isfinite(drawn)
    spread = np.sqrt(np.sum(np.where(known, drawn, 0.0) ** 2, axis=0) / np.maximum(known.sum(axis=0), 1))
    # A measure that no exchange moves cannot have changed: rounding leaves 1e-17.
    spread = np.where(spread > 1e-12, spread, np.nan)
    z, chance = seen / spread, drawn / spread
    last = Scanned(
        values=tuple(map(float, values)), z=float(z[-1]), p=_share(abs(z[-1]), np.abs(chance[:, -1])), split=None
    )
    if not np.isfinite(z[:-1]).any():
        return last
    heights = np.nan_to_num(np.abs(z[:-1]), nan=-1.0)
    best = int(np.argmax(heights))
    highest = np.nan_to_num(np.abs(chance[:, :-1]), nan=0.0).max(axis=1)
    within = np.flatnonzero(heights**2 >= heights[best] ** 2 - WITHIN)
    within = within[heights[within] >= 0]
    return replace(
        last,
        split=Split(
            at=best + 1,
            z=float(z[best]),
            p=_share(float(heights[best]), highest),
            within=tuple(int(one) + 1 for one in within),
        ),
    )


def _share(seen: float, drawn: np.ndarray) -> float:
    """How often chance gives as much, the data themselves counted; NaN where nothing is seen."""
    if not math.isfinite(seen):
        return math.nan
    # What is equal but for rounding counts as equal.
    known = drawn[np.isfinite(drawn)]
    return float((1 + np.sum(known >= seen - 1e-9)) / (1 + len(known)))
