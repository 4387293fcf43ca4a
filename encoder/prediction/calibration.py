"""Calibration: a scale (1 / temperature) and an offset that make logits of a label into honest ones (Platt, 1999)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from encoder.prediction.head import Head

FEWEST = 10
"""Images that have the label, and images that do not, below which nothing is fitted."""


def calibrated(head: Head, logit: np.ndarray, truth: np.ndarray) -> Head | None:
    """A head whose scores are calibrated on validation images; None if these are too few, or say the opposite.

    The scale stays positive, so that the order of the images is what it was: a calibration that turned a label round
    would hide that it is turned round.

    Args:
        head: as it is.
        logit: its logits of the validation images, (n,).
        truth: 1, 0 or NaN for each, (n,).
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    known = ~np.isnan(truth)
    x, y = logit[known].astype(np.float64), truth[known]
    positives, negatives = int(y.sum()), int((1 - y).sum())
    if min(positives, negatives) < FEWEST or x.std() == 0:
        return None
    middle, spread = x.mean(), x.std()
    # Platt's targets keep a perfect separation from running away.
    target = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        slope, offset = np.exp(point[0]), point[1]
        z = slope * (x - middle) / spread + offset
        error = expit(z) - target
        value = np.mean(np.logaddexp(0, z) - target * z)
        gradient = np.array([np.mean(error * (z - offset)), np.mean(error)])
        return float(value), gradient

    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-8, 8), (-30, 30)])
    slope, offset = float(np.exp(found.x[0])), float(found.x[1])
    if slope < 1e-3:
        return None
    # logit' = slope (scale (y + b) - middle)/spread + offset, written as scale' (y + b').
    scale = head.scale * slope / spread
    bias = head.bias + (offset - slope * middle / spread) / scale
    return replace(head, scale=scale, bias=bias)
