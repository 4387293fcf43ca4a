"""Many tests at once: one p for the tests of a group, and the false discovery rate over groups."""

from __future__ import annotations

import numpy as np


def simes(p: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """One p for each group of tests, told to all its members: that any of them holds (Simes, 1986); NaN stays NaN."""

    found = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    if not len(known):
        return found
    order = known[np.lexsort((p[known], groups[known]))]
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order[0]] - 1))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        members = order[start:end]
        found[members] = min(float(np.min(p[members] * len(members) / np.arange(1, len(members) + 1))), 1.0)
    return found


def q_values(p: np.ndarray, families: int = 1, groups: np.ndarray | None = None) -> np.ndarray:
    """Benjamini and Hochberg's (1995) q: the false discovery rate at which each would be called; NaN stays NaN.

    `families` are the tables of tests that are looked at side by side: each p counts as that many. With `groups` it is
    groups that are called or not: one p for each (see `simes`), one q for all of its members.
    """

    q = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    if groups is not None and len(known):
        stated = simes(p, groups)
        _, firsts, places = np.unique(groups[known], return_index=True, return_inverse=True)
        q[known] = q_values(stated[known[firsts]], families)[places]
        return q
    if not len(known):
        return q
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * families * len(known) / np.arange(1, len(known) + 1)
    q[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return q
