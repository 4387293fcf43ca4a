"""Linear probes: a logistic regression from images of one space to a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoder.prediction.head import Head
from encoder.prediction.logistic import logistic_path
from kb.statistics.ranking import Ranking

FEWEST = 10
"""Images that have a label, and images that do not, below which no probe is trained."""

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""The inverse strengths of regularisation that are tried, C."""

FOLDS = 5

Fitted = tuple[np.ndarray, float]
"""Weights and an intercept."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Images as a head reads them, (n, features), with their truth (1, 0, NaN) for one label and their patients."""

    images: np.ndarray
    truth: np.ndarray
    patients: Sequence[str]

    def known(self) -> Examples:
        """Those whose truth is known."""
        known = ~np.isnan(self.truth)
        patients = [patient for patient, one in zip(self.patients, known, strict=True) if one]
        return Examples(self.images[known], self.truth[known], patients)

    @property
    def enough(self) -> bool:
        """Whether there are enough of both kinds."""
        return min(int(self.truth.sum()), int((1 - self.truth).sum())) >= FEWEST


def fit_probe(label: str, train: Examples, validation: Examples, *, sparse: bool = False) -> Head | None:
    """A probe of one label; None if too few training images have it, or have it not.

    The features are standardised, and that is folded back into the weights. The strength of regularisation is chosen
    by AUROC on the validation images or, where these are too few, by folds of training patients.

    Args:
        label: its name.
        train: what it is fitted to.
        validation: what chooses.
        sparse: L1 rather than L2, so that weights become zero.
    """
    train, validation = train.known(), validation.known()
    if not train.enough:
        return None
    mean = train.images.mean(axis=0, dtype="float64")
    spread = train.images.std(axis=0, dtype="float64")
    spread[spread < 1e-9] = 1.0
    standard = Examples((train.images - mean) / spread, train.truth, train.patients)
    chosen = Examples((validation.images - mean) / spread, validation.truth, validation.patients)
    weights, bias = _best(standard, chosen, sparse=sparse)
    folded = weights / spread
    return Head(label, folded, float(bias - folded @ mean))


def _best(train: Examples, validation: Examples, *, sparse: bool) -> Fitted:
    """The fit of the strength that ranks best: the validation images, or folds of patients where these are too few."""
    if not validation.enough and len(set(train.patients)) < FOLDS:
        return _fits(train, (1.0,), sparse=sparse)[0]  # nothing can choose: too few patients to fold
    if validation.enough:
        tried = _fits(train, STRENGTHS, sparse=sparse)
        return tried[_best_of([_auroc(fitted, validation) for fitted in tried])]
    strength = STRENGTHS[_best_of(_folded_aurocs(train, sparse=sparse))]
    return _fits(train, (strength,), sparse=sparse)[0]


def _best_of(worth: Sequence[float]) -> int:
    return int(np.argmax(np.nan_to_num(worth)))


def _folded_aurocs(train: Examples, *, sparse: bool) -> list[float]:
    """The mean AUROC of each strength over folds of patients."""
    from sklearn.model_selection import StratifiedGroupKFold

    parts = []
    for inside, outside in StratifiedGroupKFold(FOLDS).split(train.images, train.truth, train.patients):
        left_out = _part(train, outside)
        parts.append([_auroc(one, left_out) for one in _fits(_part(train, inside), STRENGTHS, sparse=sparse)])
    return [float(value) for value in np.nanmean(parts, axis=0)]


def _part(examples: Examples, numbers: np.ndarray) -> Examples:
    return Examples(examples.images[numbers], examples.truth[numbers], [examples.patients[n] for n in numbers])


def _fits(train: Examples, strengths: Sequence[float], *, sparse: bool) -> list[Fitted]:
    """A regression at each strength."""
    if len(set(train.truth)) < 2:
        return [(np.zeros(train.images.shape[1]), 0.0)] * len(strengths)
    if not sparse:
        return list(logistic_path(train.images, train.truth, strengths))
    return [_sparse(train, strength) for strength in strengths]


def _sparse(train: Examples, strength: float) -> Fitted:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2_000, random_state=0, solver="liblinear", l1_ratio=1.0)
    model.fit(train.images, train.truth.astype(int))
    return model.coef_[0].astype(np.float64), float(model.intercept_[0])


def _auroc(fitted: Fitted, examples: Examples) -> float:
    weights, bias = fitted
    return Ranking(examples.truth, examples.images @ weights + bias).auroc
