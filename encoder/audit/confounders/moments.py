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

from collections.abc import Iterator
from dataclasses import dataclass, replace

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

    def beyond(self, directions: np.ndarray) -> Moments:
        """The same with `shift` taken beyond what likeness to some directions, (d, k), explains.

        Images that hold the disease score higher on every concept that looks like it. Regressed on the scores of the
        disease's own directions D within strata, a concept's difference is c.(shift - S D (D'S D)^-1 D'shift) (analysis
        of covariance). `shift_spread` follows, with what the estimate of those slopes adds to it.
        """
        spread = self.within @ directions
        inverse = np.linalg.pinv(directions.T @ spread, hermitian=True)
        keep = np.eye(len(self.shift)) - spread @ inverse @ directions.T
        found = directions.T @ self.shift
        left = keep @ self.within @ keep.T
        alone = (1 / self.positives + 1 / (self.n - self.positives)) * np.trace(self.within)
        alike = max(float(np.trace(self.shift_spread) / alone), 1.0)  # what images of one patient cost
        slopes = left * float(found @ inverse @ found) / self.n * alike
        return replace(self, shift=keep @ self.shift, shift_spread=keep @ self.shift_spread @ keep.T + slopes)


def moments_of(cohort: Cohort) -> Moments:
    """The moments of a cohort.

    Raises:
        UsageError: a stratum has fewer than two images, all are of one patient, or the model says the same of all.
    """
    truth = cohort.truth.astype(bool)
    n, positives = len(truth), int(truth.sum())
    patients = len(np.unique(cohort.owners))
    if min(positives, n - positives) < 2 or patients < 2:
        raise UsageError(f"{positives} positives and {n - positives} negatives of {patients} patients: too few to test")
    order = np.argsort(cohort.owners, kind="stable")
    truth, logit, owners = truth[order], cohort.logit[order].astype(np.float64), cohort.owners[order]
    _, sizes = np.unique(owners, return_counts=True)
    means = np.stack([_mean(cohort.vectors, order[truth == side]) for side in (False, True)])
    levels = np.array([logit[truth == side].mean() for side in (False, True)])
    beyond = _calm(logit - levels[truth.astype(int)], truth)
    total = float(beyond @ beyond)
    if total <= 1e-12 * n:
        raise UsageError("the model says the same of all images of one truth: there is nothing that it could lean on")
    weights = np.where(truth, 1 / positives, -1 / (n - positives))
    lean = np.zeros(means.shape[1])
    for rows in _chunks(n):
        centred = cohort.vectors[order[rows]] - means[truth[rows].astype(int)]
        lean += beyond[rows] @ centred / total
    within, shift_spread, lean_spread = (np.zeros((len(lean), len(lean))) for _ in range(3))
    for rows in _patient_chunks(owners):
        centred = (cohort.vectors[order[rows]] - means[truth[rows].astype(int)]).astype(np.float32)
        within += centred.T @ centred
        left = centred - np.outer(beyond[rows], lean).astype(np.float32)
        starts = np.flatnonzero(np.diff(owners[rows], prepend=owners[rows][0] - 1))
        for target, factor, values in (
            (shift_spread, weights[rows], centred),
            (lean_spread, beyond[rows] / total, left),
        ):
            # Small numbers would underflow in float32: the factor is of the order 1/n.
            sums = np.add.reduceat(values * (factor * n).astype(np.float32)[:, None], starts, axis=0)
            target += sums.T @ sums / n**2
    few = patients / (patients - 1)
    return Moments(
        n=n,
        positives=positives,
        patients=patients,
        effective=float(n**2 / np.sum(sizes.astype(np.float64) ** 2)),
        shift=means[1] - means[0],
        lean=lean,
        within=within / (n - 2),
        shift_spread=shift_spread * few,
        lean_spread=lean_spread * few,
        logit_spread=float(np.sqrt(total / (n - 2))),
    )


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
