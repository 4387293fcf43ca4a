"""Many tests at once: p values adjusted so that their number is paid for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down (1979): adjusted p values that keep the chance of any false finding, in the order given."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return _back(np.minimum(steps, 1.0), order)


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up (1995): adjusted p values that keep the share of false findings."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def _back(steps: np.ndarray, order: np.ndarray) -> list[float]:
    """Values of an order, each where it came from."""
    found = np.empty(len(order))
    found[order] = steps
    return [float(value) for value in found]
