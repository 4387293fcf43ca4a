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
    """One concept of a bottleneck: its weight on the standardised score, and what standardises that.

    Attributes:
        concept_id: which.
        text: what it is called.
        weight: on the standardised score.
        mean: of the score in the training images.
        deviation: likewise.
        selected: the share of resamples of the patients in which it had a weight; None if none were drawn.
        alike: the same for it or any concept whose score goes along with it (correlation of `TOO_ALIKE` or more).
        merged_into: the id of the concept whose weight it shares, as a curator decided; None if it has its own.
    """

    concept_id: str
    text: str
    weight: float
    mean: float
    deviation: float
    selected: float | None = None
    alike: float | None = None
    merged_into: str | None = None


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


def choose_concepts(
    vectors: np.ndarray,
    probe: np.ndarray,
    covariance: np.ndarray,
    *,
    count: int,
    first: Sequence[int] = (),
    forbidden: Sequence[int] = (),
) -> list[int]:
    """The numbers of the concepts whose scores make up the probe's logit best, in the order they were taken.

    Args:
        vectors: C, (N, d).
        probe: v, (d,).
        covariance: S of the image vectors, (d, d).
        count: how many at most, unless more are to be taken first.
        first: that are taken before any other, whatever they are worth.
        forbidden: that are never taken.
    """
    pursuit = _Pursuit(vectors, probe, covariance)
    pursuit.allowed[list(forbidden)] = False
    for place in first:
        pursuit.take(place)
    while len(pursuit.chosen) < min(count, vectors.shape[1]) and (best := pursuit.best()) is not None:
        pursuit.take(best)
    return pursuit.chosen


class _Pursuit:
    """Orthogonal matching pursuit of a probe by the scores of concepts, in the inner product of S."""

    def __init__(self, vectors: np.ndarray, probe: np.ndarray, covariance: np.ndarray):
        self._vectors, self._root = vectors, _root(covariance)
        self._deviations = np.sqrt(np.maximum(_quadratic(vectors, covariance), 1e-18))
        self._left = self._root @ probe
        self._enough = 1e-9 * float(np.linalg.norm(self._left))
        self._basis: list[np.ndarray] = []
        self.allowed = self._deviations > 1e-6 * self._deviations.max()
        self.chosen: list[int] = []

    def best(self) -> int | None:
        """The concept that makes up most of what is left; None if nothing is left, or none does."""
        if np.linalg.norm(self._left) < self._enough:
            return None
        worth = np.abs(self._vectors @ (self._root @ self._left).astype(self._vectors.dtype)) / self._deviations
        worth[~self.allowed] = -1
        best = int(np.argmax(worth))
        return best if worth[best] > 0 else None

    def take(self, place: int) -> None:
        """Take a concept: what it makes up is left no more, and what goes along with it is not taken any more."""
        self.chosen.append(place)
        direction = self._root @ self._vectors[place].astype(np.float64)
        product = self._vectors @ (self._root @ direction).astype(self._vectors.dtype)
        alike = np.abs(product) / self._deviations / max(float(np.linalg.norm(direction)), 1e-12)
        self.allowed &= alike < TOO_ALIKE
        self.allowed[place] = False
        for known in self._basis:
            direction = direction - known * (known @ direction)
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
        self._basis.append(direction)
        self._left = self._left - direction * (direction @ self._left)


def fit_bottleneck(
    label: str,
    vectors: np.ndarray,
    concepts: Sequence[Mapping[str, str]],
    *,
    train: Examples,
    validation: Examples,
    groups: Sequence[Sequence[int]] | None = None,
) -> Bottleneck | None:
    """A sparse logistic regression from concept scores; None if too few training images have the label.

    Args:
        label: its name.
        vectors: those of the concepts, (k, d).
        concepts: their `concept_id` and `text`.
        train: image vectors, (n, d), with the truth.
        validation: what chooses how sparse it is.
        groups: numbers of concepts that share a weight: it is one on the mean of their standardised scores. The first
            of a group is the one that the others were merged into. Default: each concept by itself.
    """
    groups = groups or [[number] for number in range(len(vectors))]
    scores = train.known().images @ vectors.T
    means, deviations = scores.mean(axis=0, dtype=np.float64), scores.std(axis=0, dtype=np.float64)
    shares = np.zeros((len(vectors), len(groups)))
    for column, members in enumerate(groups):
        shares[members, column] = 1 / len(members)
    per_score = shares / np.maximum(deviations, 1e-12)[:, None]
    scored = [replace(part, images=(part.images @ vectors.T - means) @ per_score) for part in (train, validation)]
    head = fit_probe(label, scored[0], scored[1], sparse=True)
    if head is None:
        return None
    weights, plain = shares @ head.weights, per_score @ head.weights
    into = {member: concepts[members[0]]["concept_id"] for members in groups for member in members[1:]}
    entries = tuple(
        BottleneckConcept(
            concepts[n]["concept_id"],
            concepts[n]["text"],
            float(weights[n]),
            float(means[n]),
            float(deviations[n]),
            merged_into=into.get(n),
        )
        for n in map(int, np.argsort(-np.abs(weights), kind="stable"))
        if weights[n] != 0
    )
    folded = Head(label, vectors.astype(np.float64).T @ plain, float(head.bias - plain @ means))
    return Bottleneck(label, entries, head.bias, folded)


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
