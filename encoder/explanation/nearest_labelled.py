"""The images of other patients that are nearest to one by an encoder's vectors, with the truth of a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoder.vectors.image_vectors import ImageVectors


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """One image of another patient: how near it is (cosine), what is true of it, and what the run says of it."""

    image_id: str
    study_id: str | None
    similarity: float
    truth: bool
    score: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest images that have a label and that have it not, the nearest first, each of another patient."""

    positive: tuple[LabelledImage, ...]
    negative: tuple[LabelledImage, ...]


def nearest_labelled(images: ImageVectors, truth: np.ndarray, scores: np.ndarray, at: int, *, each: int = 3) -> Nearest:
    """The images nearest to one, those that have a label and those that have it not.

    Args:
        images: the vectors of all.
        truth: of the label, (n,): 1, 0 or NaN where nobody knows.
        scores: of the run, (n,).
        at: the number of the image that is asked about; those of its patient are left out.
        each: how many of each, at most one a patient.
    """
    own = images.matrix[at]
    lengths = np.maximum(np.linalg.norm(images.matrix, axis=1), 1e-12)
    cosines = (images.matrix @ own) / lengths / lengths[at]
    others = np.array([patient != images.patients[at] for patient in images.patients], dtype=bool)
    order = np.argsort(-cosines, kind="stable")
    positive, negative = (
        _first(images, [int(n) for n in order if others[n] and truth[n] == value], cosines, scores, bool(value), each)
        for value in (1, 0)
    )
    return Nearest(positive, negative)


def _first(
    images: ImageVectors, order: Sequence[int], cosines: np.ndarray, scores: np.ndarray, truth: bool, each: int
) -> tuple[LabelledImage, ...]:
    found: dict[str, LabelledImage] = {}
    for n in order:
        if len(found) == each:
            break
        if images.patients[n] not in found:
            found[images.patients[n]] = LabelledImage(
                image_id=images.image_ids[n],
                study_id=images.studies[n],
                similarity=float(cosines[n]),
                truth=truth,
                score=float(scores[n]),
            )
    return tuple(found.values())
