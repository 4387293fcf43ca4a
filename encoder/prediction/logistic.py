"""Logistic regressions of one label at several strengths, each begun where the one before ended.

The same optimum as scikit-learn's `LogisticRegression` (L2, the intercept free), sooner: in the principal axes of the
features, each axis scaled by the curvature of the loss along it, L-BFGS needs some ten steps at any strength, where on
features as they are it needs hundreds once they correlate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

ROTATED = 1_024
"""Features above which their principal axes cost more than they save."""

STEPS = 1_000


def logistic_path(
    features: np.ndarray, truth: np.ndarray, strengths: Sequence[float]
) -> Iterator[tuple[np.ndarray, float]]:
    """The weights (d,) and the intercept of a logistic regression at each strength, in their order.

    Args:
        features: (n, d), standardised; products are made in float32, sums in float64.
        truth: 1 or 0 for each, (n,), both among them.
        strengths: inverse strengths of regularisation, C: each minimises C sum(log loss) + |w|^2 / 2.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    rows, mean = len(truth), truth.mean()
    axes, variances, turned = _principal(features)
    across = np.ascontiguousarray(turned.T)
    curvature = mean * (1 - mean)
    weights, intercept = np.zeros(turned.shape[1]), float(np.log(mean / (1 - mean)))
    for strength in strengths:
        penalty = 1 / (strength * rows)
        scale = np.append(1 / np.sqrt(variances * curvature + penalty), 1 / np.sqrt(curvature))

        def loss(point: np.ndarray, penalty: float = penalty, scale: np.ndarray = scale) -> tuple[float, np.ndarray]:
            at = scale * point
            logit = (turned @ at[:-1].astype(np.float32)).astype(np.float64) + at[-1]
            error = (expit(logit) - truth) / rows
            slope = np.append((across @ error.astype(np.float32)).astype(np.float64) + penalty * at[:-1], error.sum())
            value = np.mean(np.logaddexp(0, logit) - truth * logit) + penalty / 2 * at[:-1] @ at[:-1]
            return float(value), scale * slope

        # Nearer than this the noise of float32 is all that is left.
        near = {"gtol": 1e-5, "ftol": 1e-9, "maxiter": STEPS, "maxcor": 20}
        begun = np.append(weights, intercept) / scale
        found = scale * minimize(loss, begun, jac=True, method="L-BFGS-B", options=near).x
        weights, intercept = found[:-1], float(found[-1])
        yield (weights if axes is None else axes @ weights), intercept


def _principal(features: np.ndarray) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """The principal axes (d, d) of features, the variance along each, and the features along them, float32."""
    plain = np.ascontiguousarray(features, dtype=np.float32)
    if plain.shape[1] > ROTATED:
        return None, np.ones(plain.shape[1]), plain
    variances, axes = np.linalg.eigh((plain.T @ plain).astype(np.float64) / len(plain))
    return axes, np.maximum(variances, 0), plain @ axes.astype(np.float32)
