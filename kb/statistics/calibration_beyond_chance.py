"""An expected calibration error beside the one that chance alone gives, and how far it lies beyond that.

A sample is never calibrated to the row, so its ECE is above 0 even of a model that is. What a calibrated model would
show is drawn: truths by the scores themselves, rows of a patient as alike as they are here. The ECE beyond chance is
that of the curve, of all that bend like the one seen here, whose samples have on average the ECE that this one has; the
interval holds all of them to which it would be no surprise (Neyman, 1937). It begins at 0 where a calibrated model is
one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, expit, logit

from kb.statistics.calibration import equal_mass_bins
from kb.statistics.interval import Interval, numbered
from kb.statistics.recalibration import logistic_fit
from kb.statistics.resampling import CELLS

DRAWS = 500
CURVES = 48
"""Curves, from calibrated to far beyond what is seen, of which samples are compared with this one."""


@dataclass(frozen=True, kw_only=True)
class BeyondChance:
    """An ECE and what is to be made of it.

    Attributes:
        error: the ECE itself.
        by_chance: the mean ECE of a calibrated model with these scores.
        p: how often chance alone gives one as large.
        p_is_floor: whether no draw did, so that p is below the figure and not at it.
        beyond: the ECE without what chance adds to it.
        draws: samples that were drawn.
    """

    error: float
    by_chance: float
    p: float
    p_is_floor: bool
    beyond: Interval
    draws: int


def beyond_chance(
    truth: np.ndarray, scores: np.ndarray, clusters: np.ndarray, *, draws: int = DRAWS, seed: int = 0
) -> BeyondChance | None:
    """The ECE of scores over ten bins of equally many rows, beside chance.

    Args:
        truth: (n,), bool.
        scores: probabilities, (n,).
        clusters: the patient of each row, (n,).
        draws: how many samples of calibrated models are drawn.
        seed: of the draws.

    Returns:
        None where there is no row, or nothing is drawn.
    """
    if not len(truth) or not draws:
        return None
    binned = _Binned.of(np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64), clusters)
    random = np.random.default_rng(seed)
    error = float(binned.errors(binned.gaps))
    by_chance = binned.errors(binned.drawn(binned.scores, draws, random))
    as_large = int((by_chance >= error - 1e-12).sum())
    p, mean = (as_large + 1) / (draws + 1), float(by_chance.mean())
    sizes = np.append(0, np.geomspace(error / 100 + 1e-6, 2 * error + 0.05, CURVES))
    matched = []
    for bend in binned.bends():
        # A curve of about the size of the one that is there: by its scatter the samples of all others are drawn.
        near = np.clip(binned.scores - (bend / binned.rows)[binned.bins] * max(error**2 - mean**2, 0) ** 0.5, 0, 1)
        noise = binned.drawn(near, draws, random)
        samples = np.stack([binned.errors(size * bend + noise) for size in sizes])
        matched.append(_matched(error, sizes, samples, by_chance, calibrated=p > 0.05))
    value = matched[0].value
    beyond = Interval(value, min(one.low for one in matched), max(one.high for one in matched))
    return BeyondChance(error=error, by_chance=mean, p=p, p_is_floor=not as_large, beyond=beyond, draws=draws)


def _matched(
    error: float, sizes: np.ndarray, samples: np.ndarray, by_chance: np.ndarray, *, calibrated: bool
) -> Interval:
    """The sizes of curves whose samples match an ECE: on average, and not seldom."""
    means = np.maximum.accumulate(samples.mean(axis=1))
    # At 0 a curve can be exceeded only, far from it it can also be missed: 5% above, and then 2.5% on either side.
    apart = np.clip((means - means[0]) / np.maximum(samples.std(axis=1), 1e-12) / 2, 0, 1)
    above, below = 0.05 - 0.025 * apart, 0.025 * apart
    highest = np.array([np.quantile(of, 1 - share) for of, share in zip(samples, above, strict=True)])
    lowest = np.array([np.quantile(of, share) for of, share in zip(samples, below, strict=True)])
    highest[0] = np.quantile(by_chance, 0.95)
    low = 0.0 if calibrated else float(np.interp(error, np.maximum.accumulate(highest), sizes))
    high = float(np.interp(error, np.maximum.accumulate(lowest), sizes))
    value = float(np.interp(error, means, sizes)) if error > means[0] else 0.0
    low, high = min(low, 1.0), min(max(low, high), 1.0)
    return Interval(min(max(value, low), high), low, high)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Binned:
    """Rows in the order of their bins.

    Attributes:
        truth: of each row.
        scores: of each row.
        clusters: the patient of each row, numbered.
        bins: of each row, numbered from 0 without a gap.
        starts: where each bin begins.
        rows: of each bin.
    """

    truth: np.ndarray
    scores: np.ndarray
    clusters: np.ndarray
    bins: np.ndarray
    starts: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, scores: np.ndarray, clusters: np.ndarray) -> _Binned:
        """Rows as they come."""
        _, bins = np.unique(equal_mass_bins(scores), return_inverse=True)
        order = np.argsort(bins, kind="stable")
        rows = np.bincount(bins)
        return cls(
            truth=truth[order],
            scores=scores[order],
            clusters=numbered(clusters)[order],
            bins=bins[order],
            starts=np.cumsum(rows) - rows,
            rows=rows.astype(np.float64),
        )

    @property
    def gaps(self) -> np.ndarray:
        """What is expected in each bin less what is there, in rows."""
        return self.summed(self.scores - self.truth)

    def summed(self, column: np.ndarray) -> np.ndarray:
        """A column of rows summed over each bin."""
        return np.add.reduceat(column.astype(np.float64), self.starts)

    def errors(self, gaps: np.ndarray) -> np.ndarray:
        """The ECE of gaps (..., bins)."""
        found: np.ndarray = np.abs(gaps).sum(axis=-1) / self.rows.sum()
        return found

    def drawn(self, chances: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
        """The gaps (draws, bins) of truths that are drawn by `chances`, against these.

        Rows of a patient go by one draw of the patient as often as makes them as alike as the residuals are here.
        """
        expected, n = self.summed(chances), len(chances)
        alike = self.alike(chances) ** 0.5
        found = np.empty((draws, len(self.starts)))
        step = max(1, CELLS // n)
        for start in range(0, draws, step):
            many = min(step, draws - start)
            luck = random.random((many, n), dtype=np.float32)
            if alike > 0:
                shared = random.random((many, int(self.clusters.max()) + 1), dtype=np.float32)[:, self.clusters]
                luck = np.where(random.random((many, n), dtype=np.float32) < alike, shared, luck)
            hits = np.add.reduceat(luck < chances.astype(np.float32), self.starts, axis=1, dtype=np.int64)
            found[start : start + many] = expected - hits
        return found

    def alike(self, chances: np.ndarray) -> float:
        """How often two rows of a patient go by one draw, 0 to 1, for residuals as alike as they are here."""
        residuals, variances = self.truth - chances, chances * (1 - chances)
        sums = np.bincount(self.clusters, weights=residuals)
        pairs = float(_of_one_draw(self.clusters, chances).sum() - variances.sum())
        return float(np.clip(((sums**2).sum() - (residuals**2).sum()) / pairs, 0, 1)) if pairs > 1e-9 else 0.0

    def bends(self) -> list[np.ndarray]:
        """The gaps of curves that bend as the one here may, with an ECE of 1: by what their size is multiplied.

        The curve of a logistic recalibration, and the gaps that stand out of chance: what is off in all bins a little
        and what is off in few of them look alike in a small sample. The likelier one comes first.
        """
        gaps, x = self.gaps, logit(np.clip(self.scores, 1e-6, 1 - 1e-6))
        fit = logistic_fit(self.truth, x)
        chances = self.scores if fit is None else expit(fit[0] + fit[1] * x)
        smooth, variances = self.summed(self.scores - chances), self._variances(chances)
        # 3, against 1 that would take off what chance adds: a gap that is not clearly one is taken to be of the others.
        lumps = gaps * np.clip(1 - 3 * variances / np.maximum(gaps**2, 1e-12), 0, None)
        left = float(((gaps - smooth) ** 2 / variances).sum())
        likely = left <= chdtri(max(len(gaps) - 2, 1), 0.05)
        found = [bend for bend in (smooth, lumps) if np.abs(bend).sum() > 1e-9] or [self.rows]
        return [bend / float(self.errors(bend)) for bend in (found if likely else found[::-1])]

    def _variances(self, chances: np.ndarray) -> np.ndarray:
        """Of the gap of each bin, if truths come by these chances, rows of a patient as alike as here."""
        spread = chances * (1 - chances)
        alike = self.alike(chances)
        many = len(self.starts)
        groups, inverse = np.unique(self.clusters * many + self.bins, return_inverse=True)
        together = np.bincount(groups % many, weights=_of_one_draw(inverse, chances), minlength=many)
        return np.maximum((1 - alike) * self.summed(spread) + alike * together, 1e-9)


def _of_one_draw(groups: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """The variance of the number of hits of each group, if one draw decides all of its rows."""
    order = np.lexsort((-chances, groups))
    sizes = np.bincount(groups)
    # From the highest chance down: the k-th is the smaller one in 2k - 1 of all pairs with itself and those before it.
    place = np.arange(1, len(groups) + 1) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    both = np.bincount(groups[order], weights=chances[order] * (2 * place - 1))
    found: np.ndarray = both - np.bincount(groups, weights=chances) ** 2
    return found
