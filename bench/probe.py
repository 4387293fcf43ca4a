"""Linear probes of many labels, the strength of each chosen, beside scikit-learn at the same strengths in one run."""

from __future__ import annotations

import numpy as np

from bench.measure import Row, ratio_row, rounds, seconds
from encoder.prediction.probe import STRENGTHS, Examples, fit_probe

IMAGES, DIMENSION, LABELS, TRAINED = 10_000, 768, 14, 8_000
PEER_LABELS = 2
REPEATS = 3


def run() -> list[Row]:
    """Fit probes to image vectors whose spectrum falls as that of real ones does."""
    vectors, labels = _study(np.random.default_rng(0))
    whole = seconds(lambda: [_fitted(vectors, truth) for truth in labels])
    taken = rounds(
        {
            "peer": lambda: seconds(lambda: [_by_scikit_learn(vectors, truth) for truth in labels[:PEER_LABELS]]),
            "ours": lambda: seconds(lambda: [_fitted(vectors, truth) for truth in labels[:PEER_LABELS]]),
        },
        REPEATS,
    )
    return [
        ratio_row(
            f"probes of {LABELS} labels, {IMAGES:,} x {DIMENSION}, {len(STRENGTHS)} strengths each",
            taken["peer"],
            taken["ours"],
            f"scikit-learn's logistic regression at each strength, {PEER_LABELS} labels",
            better="higher",
            told=f"{whole:.1f} s for all labels",
        )
    ]


def _study(dice: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    axes = np.linalg.qr(dice.standard_normal((DIMENSION, DIMENSION)))[0]
    vectors = (dice.standard_normal((IMAGES, DIMENSION)) / np.arange(1, DIMENSION + 1) ** 0.7) @ axes
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    logits = vectors @ dice.standard_normal((DIMENSION, LABELS))
    logits = 2 * (logits - logits.mean(axis=0)) / logits.std(axis=0) - 2
    return vectors, list((dice.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float).T)


def _fitted(vectors: np.ndarray, truth: np.ndarray) -> None:
    patients = [str(number) for number in range(IMAGES)]
    train, validation = slice(0, TRAINED), slice(TRAINED, None)
    parts = [Examples(vectors[part], truth[part], patients[part]) for part in (train, validation)]
    assert fit_probe("label", *parts) is not None


def _by_scikit_learn(vectors: np.ndarray, truth: np.ndarray) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import StandardScaler

    features = StandardScaler().fit(vectors[:TRAINED]).transform(vectors)
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=2_000).fit(features[:TRAINED], truth[:TRAINED])
        roc_auc_score(truth[TRAINED:], model.decision_function(features[TRAINED:]))
