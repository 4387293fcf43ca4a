"""How vectors would spread if findings did not go together: what is expected of an image before its vector is seen.

As they are, images with a tube are images with the disease, and the covariance of their vectors says so. Here that is
taken apart: what each finding makes of a vector, as often as it is there but by itself, and what is left beside all
findings that reports state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoder.space.fitted.calibration import FAINT
from encoder.space.fitted.stated import Stated, often_stated
from encoder.space.fitted.sums import Sums, sums_of


def independent_spread(f: np.ndarray, rows: np.ndarray, told: Stated, owners: Sequence[str]) -> np.ndarray | None:
    """The covariance of vectors, (d, d), as if findings came independently; None where too few reports state any.

    Args:
        f: the vectors, (n, d).
        rows: the place of each among the images that `told` speaks of.
        told: what reports state.
        owners: whose each image is that has a report.
    """
    tried, _ = often_stated(told.stated, owners)
    _, of_f, of_told = np.intersect1d(rows, told.rows, return_indices=True)
    if not len(tried) or not len(of_f):
        return None
    sums: Sums = sums_of(f, told.stated[:, tried], of_f, of_told)
    about = sums.centred()
    t = len(tried)
    ridge = FAINT * max(float(np.trace(about.yy)) / t, 1e-12) * np.eye(t)
    slopes = np.linalg.solve(about.yy + ridge, about.gy.T).T
    explained = slopes @ about.gy.T
    rest = about.gg - explained - explained.T + slopes @ about.yy @ slopes.T
    alone = slopes * np.diag(about.yy) @ slopes.T
    found: np.ndarray = (rest + alone + (rest + alone).T) / 2 / about.n
    return found
