"""Every concept tested at once, from moments: does the model lean on it, and does it go with the label?

For a concept c, within truth strata (so that the disease itself is held fixed):

    lean      r = corr(c.f, s | y)            how far the logit moves with the concept's score
    goes with d = c.(m1 - m0) / sqrt(c'S c)   the standardised difference between positives and negatives (Cohen's d)

Concepts are directions of one small space: at any size of data every one of them leans a little, for none is at a
right angle to all that a model reads. A test against exactly 0 would then call all of them. So each is held against
how far concepts lean in general: the null hypothesis is that r comes from the bulk of all r (Efron's empirical null,
2004), beside the error of the estimate itself. Its centre and width are Huber's (1964, proposal 2): what lies far out
counts as less far, so that what is looked for does not widen what it is held against; read off quartiles they would be
known half as well. Concepts of one finding are nearly one direction: each finding has one vote on the bulk, and with
few findings it is known only so well, which Student's t allows for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from encoder.audit.confounders.moments import Moments

AT_ONCE = 8_192
BULK = 8
"""Findings from which on the bulk of concepts can be read off; with fewer, each is held against 0."""


CALM, CALM_VARIANCE = 1.5, 0.7784655
"""Standard deviations that values count as far at most, and the variance of a normal number that is so cut."""

QUARTILE = 0.6744898
"""The upper quartile of the normal distribution."""

STEPS = 30
"""Steps of Huber's iteration; it has settled long before."""


@dataclass(frozen=True, eq=False)
class ConceptTests:
    """The tests of N concepts, as columns of equal length; rows that are no number belong to concepts without spread.

    Attributes:
        spread: standard deviation of the concept's score within strata.
        lean: r, the correlation of score and logit within strata.
        lean_error: its standard error, patients as clusters.
        shift: d, how much more of the concept the positives have, in standard deviations.
        shift_error: its standard error.
    """

    spread: np.ndarray
    lean: np.ndarray
    lean_error: np.ndarray
    shift: np.ndarray
    shift_error: np.ndarray

    def __len__(self) -> int:
        return len(self.lean)

    def row(self, at: int) -> ConceptTests:
        """The tests of one, as a table of one row."""
        rows = slice(at, at + 1)
        return ConceptTests(
            self.spread[rows], self.lean[rows], self.lean_error[rows], self.shift[rows], self.shift_error[rows]
        )


def test_concepts(moments: Moments, vectors: np.ndarray) -> ConceptTests:
    """Test concepts of these vectors, C (N, d); nothing larger than N x 3d is ever held, and that in parts.

    Costs 6 N d^2 operations, whatever the number of images.
    """
    d = len(moments.shift)
    factors = [_factor(spread) for spread in (moments.within, moments.lean_spread, moments.shift_spread)]
    ends = np.cumsum([0, *(factor.shape[1] for factor in factors)])
    stacked = np.concatenate(factors, axis=1).astype(np.float32)
    directions = np.stack([moments.lean, moments.shift], axis=1).astype(np.float32)
    found = np.empty((5, len(vectors)))
    for start in range(0, len(vectors), AT_ONCE):
        part = np.asarray(vectors[start : start + AT_ONCE], dtype=np.float32).reshape(-1, d)
        rows = slice(start, start + len(part))
        products = part @ stacked
        for number in range(3):
            block = products[:, ends[number] : ends[number + 1]]
            found[number, rows] = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
        found[3:, rows] = (part @ directions).T
    return _standardised(moments, *found)


def test_concept(moments: Moments, vector: np.ndarray) -> ConceptTests:
    """Test one concept, (d,), without a look at the others: a table of one row."""
    c = np.asarray(vector, dtype=np.float64)
    spreads = (moments.within, moments.lean_spread, moments.shift_spread)
    errors = (np.sqrt(max(float(c @ spread @ c), 0.0)) for spread in spreads)
    return _standardised(moments, *(np.array([number]) for number in (*errors, c @ moments.lean, c @ moments.shift)))


def _standardised(
    moments: Moments,
    spread: np.ndarray,
    lean_error: np.ndarray,
    shift_error: np.ndarray,
    lean: np.ndarray,
    shift: np.ndarray,
) -> ConceptTests:
    """Slopes and differences in standard deviations of the scores, and of the logit."""
    with np.errstate(divide="ignore", invalid="ignore"):
        per_spread = np.where(spread > 1e-9, 1 / spread, np.nan)
    along = moments.logit_spread * per_spread
    correlation = np.clip(lean * along, -1.0, 1.0)  # rounding carries a perfect one past 1
    return ConceptTests(spread, correlation, lean_error * along, shift * per_spread, shift_error * per_spread)


for _one in (test_concept, test_concepts):
    _one.__test__ = False  # type: ignore[union-attr]  # its name is no invitation to pytest


def _factor(matrix: np.ndarray) -> np.ndarray:
    """L with L L' = a positive semi-definite matrix; directions of no spread are left out."""
    values, directions = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > max(float(values[-1]), 0.0) * 1e-12
    factor: np.ndarray = directions[:, kept] * np.sqrt(values[kept])
    return factor if factor.shape[1] else np.zeros((len(matrix), 1))


@dataclass(frozen=True, slots=True)
class Bulk:
    """The middle of many estimates, how far they spread beyond chance, and how many votes that was read off."""

    centre: float
    width: float
    votes: int


def bulk_of(estimates: np.ndarray, errors: np.ndarray, groups: np.ndarray) -> Bulk | None:
    """The empirical null of estimates that have these standard errors; None if they are of too few groups.

    `groups` numbers what each is of: all groups weigh the same, whatever their size.
    """
    known = np.isfinite(estimates) & np.isfinite(errors)
    _, places, sizes = np.unique(groups[known], return_inverse=True, return_counts=True)
    if len(sizes) < BULK:
        return None
    centre, total = _robust(estimates[known], 1 / sizes[places] / len(sizes))
    chance = float(np.median(errors[known]))
    return Bulk(centre, float(np.sqrt(max(total**2 - chance**2, 0.0))), len(sizes))


def _robust(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Where values of these weights (1 in all) lie, and their standard deviation, by Huber's proposal 2."""
    order = np.argsort(values, kind="stable")
    low, centre, high = np.interp([0.25, 0.5, 0.75], np.cumsum(weights[order]), values[order])
    width = (high - low) / (2 * QUARTILE)
    for _ in range(STEPS):
        if width <= 0:
            break
        beyond = (values - centre) / width
        calm = np.clip(beyond, -CALM, CALM)
        inner = float(weights @ (np.abs(beyond) < CALM))
        centre += width * float(weights @ calm) / max(inner, 0.5)
        width *= float(np.sqrt(weights @ calm**2 / CALM_VARIANCE))
    return float(centre), float(width)


def p_values(
    estimates: np.ndarray,
    errors: np.ndarray,
    bulk: Bulk | None = None,
    *,
    patients: float | np.ndarray = float("inf"),
) -> np.ndarray:
    """Two-sided p of estimates held against their bulk, or against 0; NaN if there is no estimate.

    By Student's t, for the bulk is known by so many votes, and each error by so many `patients`.
    """
    from scipy.stats import t

    centre, width = (bulk.centre, bulk.width) if bulk else (0.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.abs(estimates - centre) / np.hypot(errors, width)
        found: np.ndarray = 2 * t.sf(far, freedom(bulk, patients))
    return found


def freedom(bulk: Bulk | None, patients: float | np.ndarray) -> np.ndarray:
    """The degrees of freedom of a test: by the votes on the bulk, or by the patients that an error is known by."""
    return np.maximum(np.minimum(float("inf") if bulk is None else bulk.votes, np.asarray(patients) - 1), 1.0)


def farthest_by_chance(level: float, power: float, degrees: float) -> float:
    """How many errors an estimate has to lie from what it is held against for p < level so often as `power` says."""
    from scipy.stats import t

    return float(t.isf(level / 2, degrees) + t.isf(1 - power, degrees))
