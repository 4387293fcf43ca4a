from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.prediction.logistic import ROTATED, logistic_path
from encoder.prediction.probe import STRENGTHS


def drawn(seed: int, rows: int, features: int, *, rank: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Standardised features that correlate (of no more than `rank` directions), and a label that they tell partly."""
    dice = np.random.default_rng(seed)
    strength = 1 / np.arange(1, rank + 1)
    images = (dice.standard_normal((rows, rank)) * strength) @ dice.standard_normal((rank, features))
    logit = images @ dice.standard_normal(features)
    logit += logit.std() * dice.standard_normal(rows)
    truth = (logit > np.quantile(logit, 1 - share)).astype(float)
    return (images - images.mean(axis=0)) / images.std(axis=0), truth


def objective(weights: np.ndarray, intercept: float, features: np.ndarray, truth: np.ndarray, strength: float) -> float:
    logit = features @ weights + intercept
    return float(strength * (np.logaddexp(0, logit) - truth * logit).sum() + weights @ weights / 2)


def by_scikit_learn(features: np.ndarray, truth: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, tol=1e-8, max_iter=20_000).fit(features, truth)
    return model.coef_[0], float(model.intercept_[0])


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(60, 400),
    features=st.integers(1, 90),
    rank=st.integers(1, 40),
    share=st.floats(0.1, 0.9),
)
def test_every_strength_has_the_optimum_that_scikit_learn_finds(
    seed: int, rows: int, features: int, rank: int, share: float
) -> None:
    images, truth = drawn(seed, rows, features, rank=rank, share=share)
    for strength, (weights, intercept) in zip(STRENGTHS, logistic_path(images, truth, STRENGTHS), strict=True):
        theirs = by_scikit_learn(images, truth, strength)
        least = objective(*theirs, images, truth, strength)
        assert objective(weights, intercept, images, truth, strength) == pytest.approx(least, rel=2e-5, abs=1e-6)
        apart = np.abs(images @ weights + intercept - (images @ theirs[0] + theirs[1])).max()
        assert apart < 0.02 * max(1.0, np.abs(images @ theirs[0]).max())


def test_more_features_than_are_turned_have_the_same_optimum() -> None:
    images, truth = drawn(1, 300, ROTATED + 1, rank=30, share=0.3)
    for strength, (weights, intercept) in zip((1e-3, 1.0), logistic_path(images, truth, (1e-3, 1.0)), strict=True):
        least = objective(*by_scikit_learn(images, truth, strength), images, truth, strength)
        assert objective(weights, intercept, images, truth, strength) == pytest.approx(least, rel=1e-4)
