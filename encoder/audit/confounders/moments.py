"""Moments of image vectors within truth strata: all that a test of every concept needs, in one pass over the images.

With f the vector of an image (d), y its truth and s what a model says of it, every concept score is c.f. So what holds
of means and covariances of f holds of every concept at once (DESIGN section 2):

    shift    m1 - m0             a concept goes with the label:       c.(m1 - m0)
    lean     cov(f, s | y)/var(s | y)   the model leans on it:        c.lean, the slope of its score on the logit
    within   S = cov(f | y)      its spread within a stratum:         c'S c

Images of one patient are alike. The spread of `shift` and of `lean` is therefore that of sums over patients (the
cluster-robust sandwich: Liang and Zeger, 1986), which again are d x d.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kb.errors import UsageError

AT_ONCE = 16_384

FAR = 5.0
"""Robust deviations of the logit within a stratum beyond which it counts as that far."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Images of known truth with what one model says of them.

    Attributes:
        vectors: f, (n, d), float32.
        truth: y, (n,), bool.
        logit: s, (n,), float64.
        owners: whose they are, as numbers, (n,), int64.
    """

    vectors: np.ndarray
    truth: np.ndarray
    logit: np.ndarray
    owners: np.ndarray

    def __len__(self) -> int:
        return len(self.truth)

    def part(self, chosen: np.ndarray) -> Cohort:
        """Those images that `chosen` marks or numbers."""
        return Cohort(self.vectors[chosen], self.truth[chosen], self.logit[chosen], self.owners[chosen])


@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """Moments of a cohort within its two truth strata.

    Attributes:
        n: images.
        positives: of them.
        patients: clusters.
        effective: how many patients with equally many images would tell as much: n^2 / sum n_k^2.
        shift: m1 - m0, (d,).
        lean: slope of f on the logit within strata, (d,).
        within: S, (d, d), float64.
        shift_spread: covariance of the estimate `shift`, (d, d).
        lean_spread: covariance of the estimate `lean`, (d, d).
        logit_spread: standard deviation of the logit within strata.
    """

    n: int
    positives: int
    patients: int
    effective: float
    shift: np.ndarray
    lean: np.ndarray
    within: np.ndarray
    shift_spread: np.ndarray
    lean_spread: np.ndarray
    logit_spread: float


def moments_of(cohort: Cohort) -> Moments:
    """The moments of a cohort.

    Raises:
        UsageError: a stratum has fewer than two images, all are of one patient, or the model says the same of all.
    """
    return Deviations.of(cohort).moments


@dataclass(frozen=True, eq=False, kw_only=True)
class Deviations:
    """A cohort patient by patient, as deviations from the means of its truth strata.

    Attributes:
        vectors: of all images, in their own order.
        order: the images, sorted by patient; all else is in this order.
        truth: of each.
        owners: whose each is.
        means: of the vectors of each stratum, (2, d).
        weights: what each image counts in the difference of these means.
        beyond: of the logit, without tails.
    """

    vectors: np.ndarray
    order: np.ndarray
    truth: np.ndarray
    owners: np.ndarray
    means: np.ndarray
    weights: np.ndarray
    beyond: np.ndarray

    @classmethod
    def of(cls, cohort: Cohort) -> Deviations:
        """Those of a cohort; see `moments_of` for what is refused."""
        truth = cohort.truth.astype(bool)
        n, positives = len(truth), int(truth.sum())
        patients = len(np.unique(cohort.owners))
        if min(positives, n - positives) < 2 or patients < 2:
            raise UsageError(
                f"{positives} positives and {n - positives} negatives of {patients} patients: too few to test"
            )
        order = np.argsort(cohort.owners, kind="stable")
        truth, logit = truth[order], cohort.logit[order].astype(np.float64)
        levels = np.array([logit[truth == side].mean() for side in (False, True)])
        beyond = _calm(logit - levels[truth.astype(int)], truth)
        if float(beyond @ beyond) <= 1e-12 * n:
            raise UsageError(
                "the model says the same of all images of one truth: there is nothing that it could lean on"
            )
        return cls(
            vectors=cohort.vectors,
            order=order,
            truth=truth,
            owners=cohort.owners[order],
            means=np.stack([_mean(cohort.vectors, order[truth == side]) for side in (False, True)]),
            weights=np.where(truth, 1 / positives, -1 / (n - positives)),
            beyond=beyond,
        )

    @property
    def total(self) -> float:
        """The sum of squares of the logit's deviations."""
        return float(self.beyond @ self.beyond)

    @cached_property
    def moments(self) -> Moments:
        """The moments."""
        n, d = len(self.truth), self.means.shape[1]
        lean, within = np.zeros(d), np.zeros((d, d))
        for rows, centred in self._parts():
            lean += self.beyond[rows] @ centred / self.total
            within += centred.T @ centred
        shift_spread, lean_spread = self.spreads(
            lambda rows, centred: centred * column(self.weights[rows]),
            lambda rows, centred: (centred - outer(self.beyond[rows], lean)) * column(self.beyond[rows] / self.total),
        )
        _, sizes = np.unique(self.owners, return_counts=True)
        return Moments(
            n=n,
            positives=int(self.truth.sum()),
            patients=len(sizes),
            effective=float(n**2 / np.sum(sizes.astype(np.float64) ** 2)),
            shift=self.means[1] - self.means[0],
            lean=lean,
            within=within / (n - 2),
            shift_spread=shift_spread,
            lean_spread=lean_spread,
            logit_spread=float(np.sqrt(self.total / (n - 2))),
        )

    def spreads(self, *influences: Influence) -> list[np.ndarray]:
        """The covariances, (d, d), of estimates to which each image adds what is said; patients are clusters."""
        n, d = len(self.truth), self.means.shape[1]
        found = [np.zeros((d, d)) for _ in influences]
        for rows, centred in self._parts():
            owners = self.owners[rows]
            starts = np.flatnonzero(np.diff(owners, prepend=owners[0] - 1))
            for target, influence in zip(found, influences, strict=True):
                # Small numbers would underflow in float32: what an image adds is of the order 1/n.
                sums = np.add.reduceat((influence(rows, centred) * n).astype(np.float32), starts, axis=0)
                target += sums.T @ sums / n**2
        patients = len(np.unique(self.owners))
        return [target * patients / (patients - 1) for target in found]

    def by_patient(self, lean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each patient, (patients, d): the squares of what it holds, and what it adds to the estimate `lean`."""
        holding, making = [], []
        for rows, centred in self._parts():
            owners, beyond = self.owners[rows], self.beyond[rows]
            starts = np.flatnonzero(np.diff(owners, prepend=owners[0] - 1))
            values = centred.astype(np.float64)
            left = (values - np.outer(beyond, lean)) * (beyond / self.total)[:, None]
            holding.append(np.add.reduceat(values**2, starts, axis=0))
            making.append(np.add.reduceat(left, starts, axis=0))
        return np.concatenate(holding), np.concatenate(making)

    def _parts(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Some rows at a time, no patient in two parts, with the deviations of their vectors."""
        for rows in _patient_chunks(self.owners):
            centred = self.vectors[self.order[rows]] - self.means[self.truth[rows].astype(int)]
            yield rows, centred.astype(np.float32)


Influence = Callable[[slice, np.ndarray], np.ndarray]
"""What some images (rows, and the deviations of their vectors) add to an estimate, (rows, d)."""


def column(values: np.ndarray) -> np.ndarray:
    """Numbers of images as a column, in single precision, as their vectors are."""
    return values.astype(np.float32)[:, None]


def outer(values: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Numbers of images along one direction, (rows, d), in single precision."""
    return column(values) * direction.astype(np.float32)


def _calm(beyond: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Deviations without tails: what lies further out than five robust deviations counts as that far.

    Scores of 0 and 1 have logits of any size, and a few of these would make every test.
    """
    reach = FAR * 1.4826 * float(np.median(np.abs(beyond)))
    if reach <= 0:
        return beyond
    kept = np.clip(beyond, -reach, reach)
    for side in (False, True):
        kept[truth == side] -= kept[truth == side].mean()
    return kept


def _mean(vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    total = np.zeros(vectors.shape[1])
    for rows in _chunks(len(numbers)):
        total += vectors[numbers[rows]].sum(axis=0, dtype=np.float64)
    return total / len(numbers)


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, AT_ONCE):
        yield slice(start, min(start + AT_ONCE, n))


def _patient_chunks(owners: np.ndarray) -> Iterator[slice]:
    """Rows (sorted by owner) some at a time, no patient in two parts."""
    start = 0
    while start < len(owners):
        end = min(start + AT_ONCE, len(owners))
        if end < len(owners):
            first = int(np.searchsorted(owners, owners[end], side="left"))
            end = first if first > start else int(np.searchsorted(owners, owners[end], side="right"))
        yield slice(start, end)
        start = end
