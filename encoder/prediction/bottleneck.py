"""Concept bottlenecks: a label from the scores of a few named concepts, each of which can be set by hand.

The concepts are chosen from all of the vocabulary without a matrix of images x concepts. With S the covariance of the
image vectors and v the unrestricted probe, the correlation of concept i's score with the probe's logit is

    c_i^T S v / sqrt(c_i^T S c_i  v^T S v)

(probe alignment). They are taken one by one, each by what is left of v after those before it (orthogonal matching
pursuit in the inner product of S), and none that goes along with one before it (diversity).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from encoder.prediction.head import Head
from encoder.prediction.probe import Examples, fit_probe

TOO_ALIKE = 0.9
"""The correlation of two concepts' scores above which one of them is enough."""


@dataclass(frozen=True, slots=True)
class BottleneckConcept:
    """One concept of a bottleneck: its weight on the standardised score, and what standardises that."""

    concept_id: str
    text: str
    weight: float
    mean: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Bottleneck:
    """A label as a sum over concepts: logit = sum of weight * (score - mean)/deviation, plus the bias.

    Attributes:
        label: its name.
        concepts: those with a weight, the heaviest first.
        bias: the logit of an image whose concepts are all as in the mean training image.
        head: the same as a head over image vectors.
    """

    label: str
    concepts: tuple[BottleneckConcept, ...]
    bias: float
    head: Head

    def to_dict(self) -> dict[str, Any]:
        """The bottleneck as plain data, for the parameters of its run."""
        return {"bias": self.bias, "concepts": [asdict(concept) for concept in self.concepts]}


def choose_concepts(vectors: np.ndarray, probe: np.ndarray, covariance: np.ndarray, *, count: int) -> list[int]:
    """The numbers of the concepts whose scores make up the probe's logit best, in the order they were taken.

    Args:
        vectors: C, (N, d).
        probe: v, (d,).
        covariance: S of the image vectors, (d, d).
        count: how many at most.
    """
    root = _root(covariance)
    deviations = np.sqrt(np.maximum(_quadratic(vectors, covariance), 1e-18))
    left = root @ probe
    allowed = deviations > 1e-6 * deviations.max()
    chosen: list[int] = []
    basis: list[np.ndarray] = []
    for _ in range(min(count, vectors.shape[1], int(allowed.sum()))):
        if np.linalg.norm(left) < 1e-9 * np.linalg.norm(root @ probe):
            break
        worth = np.abs(vectors @ (root @ left).astype(vectors.dtype)) / deviations
        worth[~allowed] = -1
        best = int(np.argmax(worth))
        if worth[best] <= 0:
            break
        chosen.append(best)
        direction = root @ vectors[best].astype(np.float64)
        alike = np.abs(vectors @ (root @ direction).astype(vectors.dtype)) / deviations / np.linalg.norm(direction)
        allowed &= alike < TOO_ALIKE
        allowed[best] = False
        for known in basis:
            direction = direction - known * (known @ direction)
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
        basis.append(direction)
        left = left - direction * (direction @ left)
    return chosen


def fit_bottleneck(
    label: str,
    vectors: np.ndarray,
    concepts: Sequence[Mapping[str, str]],
    *,
    train: Examples,
    validation: Examples,
) -> Bottleneck | None:
    """A sparse logistic regression from concept scores; None if too few training images have the label.

    Args:
        label: its name.
        vectors: those of the concepts, (k, d).
        concepts: their `concept_id` and `text`.
        train: image vectors, (n, d), with the truth.
        validation: what chooses how sparse it is.
    """
    known = train.known()
    scores = known.images @ vectors.T
    scored = [replace(examples, images=examples.images @ vectors.T) for examples in (train, validation)]
    head = fit_probe(label, scored[0], scored[1], sparse=True)
    if head is None:
        return None
    means, deviations = scores.mean(axis=0, dtype=np.float64), scores.std(axis=0, dtype=np.float64)
    weights = head.weights * deviations
    heavy = [int(n) for n in np.argsort(-np.abs(weights)) if weights[n] != 0]
    entries = tuple(
        BottleneckConcept(
            concepts[n]["concept_id"], concepts[n]["text"], float(weights[n]), float(means[n]), float(deviations[n])
        )
        for n in heavy
    )
    folded = Head(label, vectors.astype(np.float64).T @ head.weights, head.bias)
    return Bottleneck(label, entries, float(head.bias + head.weights @ means), folded)


def intervene(
    bottleneck: Bottleneck,
    concept_vectors: Mapping[str, np.ndarray],
    images: np.ndarray,
    *,
    values: Mapping[str, float],
) -> tuple[np.ndarray, np.ndarray]:
    """The logits of images before and after some concepts are set.

    Args:
        bottleneck: of one label.
        concept_vectors: the vectors (d,) of its concepts, by their ids.
        images: image vectors, (n, d).
        values: the standardised scores that concepts are set to, by their ids: 0 is what the mean image has.
    """
    before = np.full(len(images), bottleneck.bias)
    after = before.copy()
    for concept in bottleneck.concepts:
        score = images.astype(np.float64) @ concept_vectors[concept.concept_id]
        standard = (score - concept.mean) / max(concept.deviation, 1e-12)
        before += concept.weight * standard
        after += concept.weight * values.get(concept.concept_id, standard)
    return before, after


def _root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance."""
    values, directions = np.linalg.eigh(covariance)
    root: np.ndarray = (directions * np.sqrt(np.maximum(values, 0))) @ directions.T
    return root


def _quadratic(vectors: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """c_i^T S c_i of every row, in parts."""
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), 65_536):
        part = vectors[start : start + 65_536]
        found[start : start + len(part)] = np.einsum("nd,nd->n", part @ covariance.astype(part.dtype), part)
    return found
