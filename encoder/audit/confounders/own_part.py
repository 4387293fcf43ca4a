"""The part of a concept's score that is its own: what tells it from what images vary in anyway, and from the disease.

Concepts are directions of a small space, and most of them share a few in which all images vary: a score c.f rises and
falls with these, whatever the image holds. What tells the concept itself is the matched filter (Fisher, 1936)

    x = c'V f,   V the inverse of the spread of images within truth strata, half of it taken as equal in all directions

and of that what the same score of the disease's own directions does not explain within strata (analysis of covariance):
an image that holds the disease scores higher on all that looks like it. x is linear in f, so all its tests come from
the same moments. Measured on simulated spaces (`bench.planted`), a planted shortcut stands out by x where by c.f it
drowns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from encoder.audit.confounders.moments import Deviations, Moments, column, outer

EVEN = 0.5
"""How much of the spread is taken as equal in all directions: concepts are not quite the directions that images take,
and a filter that trusts every small direction tells their error."""


@dataclass(frozen=True, eq=False)
class OwnPart:
    """What makes own parts of scores.

    Attributes:
        matrix: T, (d, d): x = c'T f.
        moments: those of T f: what holds of c there holds of x.
    """

    matrix: np.ndarray
    moments: Moments

    def direction(self, concept: np.ndarray) -> np.ndarray:
        """The direction g, (d,), with x = g.f, of a concept's own (d,)."""
        found: np.ndarray = self.matrix.T @ np.asarray(concept, dtype=np.float64)
        return found


def own_part(deviations: Deviations, disease: np.ndarray | None) -> OwnPart:
    """The own parts of scores of images, where a disease has these directions, (d, k), or none is known.

    The filter is itself an estimate, and what its error adds to that of a difference is counted (by the delta method).
    """
    moments = deviations.moments
    d = len(moments.shift)
    even = float(np.trace(moments.within)) / d
    if even <= 0:
        return OwnPart(np.eye(d), moments)
    filtered = np.linalg.inv((1 - EVEN) * moments.within / even + EVEN * np.eye(d))
    axes = filtered @ disease if disease is not None else np.zeros((d, 0))
    inverse = np.linalg.pinv(axes.T @ moments.within @ axes, hermitian=True)
    kept = np.eye(d) - moments.within @ axes @ inverse @ axes.T
    matrix = filtered @ kept
    shift_spread, lean_spread = _spreads(deviations, moments, filtered, axes @ inverse @ axes.T, kept, even)
    seen = replace(
        moments,
        shift=matrix @ moments.shift,
        lean=matrix @ moments.lean,
        within=matrix @ moments.within @ matrix.T,
        shift_spread=matrix @ shift_spread @ matrix.T,
        lean_spread=matrix @ lean_spread @ matrix.T,
    )
    return OwnPart(matrix, seen)


def _spreads(
    deviations: Deviations,
    moments: Moments,
    filtered: np.ndarray,
    explaining: np.ndarray,
    kept: np.ndarray,
    even: float,
) -> list[np.ndarray]:
    """The covariances of what T is put to, with what the error of T adds.

    With V the filter, r what is left of an estimate m once the disease explains its part m - r = S a, and S off by dS,
    c'T m is off by -c'T dS (1 - EVEN) V r / even - EVEN c'T V dS a.
    """
    n, single = moments.n, filtered.astype(np.float32)

    def off(centred: np.ndarray, estimate: np.ndarray) -> np.ndarray:
        left = (1 - EVEN) / even * (filtered @ (kept @ estimate))
        explained = explaining @ estimate
        moved = centred * column(centred @ left) + EVEN * (centred @ single) * column(centred @ explained)
        return moved / n

    beyond, weights, total = deviations.beyond, deviations.weights, deviations.total
    return deviations.spreads(
        lambda rows, centred: centred * column(weights[rows]) - off(centred, moments.shift),
        lambda rows, centred: (
            (centred - outer(beyond[rows], moments.lean)) * column(beyond[rows] / total) - off(centred, moments.lean)
        ),
    )
