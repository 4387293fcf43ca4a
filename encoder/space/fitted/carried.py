"""Concept directions carried over from an encoder of ours: a linear map from a foreign encoder's vectors to its.

With g a foreign vector and f ours of the same image, f is about W'g + b, so that a concept's score c.f is about
(W c).g: its direction in the foreign space is W c. How well that tells the score of patients who were not fitted on is
bilinear again, R2 = 1 - c'E c / c'T c with E the covariance of what the map leaves and T that of f: every concept is
judged from d x d matrices, and no image is scored (DESIGN section 2). That concepts learned elsewhere may be read in
the space of any model is from Yuksekgonul et al. (Post-hoc concept bottleneck models, 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from encoder.space.concept_space import ConceptSpace
from encoder.space.fitted.directions import COLUMNS, FittedDirections, FittedFinding, holds
from encoder.space.fitted.folds import BLOCKS, folds_of, patient_blocks
from encoder.space.fitted.ridge import GroupedRidge
from encoder.vectors.image_vectors import ImageVectors
from kb.display import Listing

FEWEST = 50
"""Patients from whom on a map is fitted."""

STUDENT = 2.262
"""Student's t of BLOCKS - 1 degrees of freedom, for a 95% interval."""

AT_ONCE = 8_192


def common_rows(foreign: ImageVectors, ours: ImageVectors) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the images that both encoders have vectors of and that are not external."""
    places = {image: place for place, image in enumerate(ours.image_ids)}
    pairs = [
        (row, places[image])
        for row, image in enumerate(foreign.image_ids)
        if image in places and foreign.splits[row] != "external"
    ]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def carried_directions(
    encoder: str, foreign: ImageVectors, origin: str, ours: ImageVectors, *, space: ConceptSpace
) -> FittedDirections | None:
    """The concepts of an encoder of ours as directions of a foreign one; None where too few patients have both.

    Args:
        encoder: the foreign one.
        foreign: its vectors.
        origin: ours.
        ours: its vectors.
        space: its concepts.
    """
    mine, theirs = common_rows(foreign, ours)
    owners = [foreign.patients[int(row)] for row in mine]
    patients = len(set(owners))
    if patients < FEWEST:
        return None
    g, f = foreign.matrix[mine], ours.matrix[theirs]
    blocks = patient_blocks(owners)
    ridge = GroupedRidge(g, f, folds_of(blocks))
    left, spread = _covariances(ridge, g, f, blocks)
    value, low, high = _explained(space.vectors, left, spread)
    good = np.flatnonzero(holds(value, low, "R2"))
    found = ridge.whole()
    vectors, scale, bias = _moved(space.vectors, good, found.weights)
    bias += space.vectors[good] @ found.mean_y - scale * (vectors @ found.mean_x)
    return FittedDirections(
        encoder=encoder,
        origin=origin,
        images=len(mine),
        patients=patients,
        measure="R2",
        concepts=space.concepts.take(pa.array(good)),
        vectors=vectors,
        scale=scale,
        bias=bias,
        fitted=len(space),
        findings=_by_finding(space.concepts["finding"].to_pylist(), value, low, high, good=good, patients=patients),
    )


def _covariances(
    ridge: GroupedRidge, g: np.ndarray, f: np.ndarray, blocks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each block of patients, left out: sums of squares of what the map leaves of f, and of f about the mean."""
    d = f.shape[1]
    left, spread = np.zeros((BLOCKS, d, d)), np.zeros((BLOCKS, d, d))
    for rows, found in ridge.left_out():
        for block in np.unique(blocks[rows]):
            some = rows[blocks[rows] == block]
            for start in range(0, len(some), AT_ONCE):
                part = some[start : start + AT_ONCE]
                about = f[part] - found.mean_y
                rest = about - (g[part] - found.mean_x) @ found.weights
                left[block] += rest.T @ rest
                spread[block] += about.T @ about
    return left, spread


def _explained(concepts: np.ndarray, left: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """R2 of each concept with its interval, by leaving out one block of patients after another (jackknife)."""
    value, low, high = (np.empty(len(concepts)) for _ in range(3))
    for start in range(0, len(concepts), AT_ONCE):
        part = np.asarray(concepts[start : start + AT_ONCE], dtype=np.float64)
        rests, alls = (
            np.stack([np.einsum("ij,ij->i", part @ one, part) for one in blocks]) for blocks in (left, spread)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            whole = 1 - rests.sum(axis=0) / alls.sum(axis=0)
            without = 1 - (rests.sum(axis=0) - rests) / (alls.sum(axis=0) - alls)
        whole, without = np.nan_to_num(whole, nan=0.0), np.nan_to_num(without, nan=0.0)
        reach = STUDENT * np.sqrt((BLOCKS - 1) / BLOCKS * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
        rows = slice(start, start + len(part))
        value[rows], low[rows], high[rows] = whole, whole - reach, np.minimum(whole + reach, 1.0)
    return value, low, high


def _moved(concepts: np.ndarray, good: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Concepts through the map: directions of length 1, their lengths before, and room for what is added."""
    vectors, scale = np.empty((len(good), len(weights)), dtype=np.float32), np.empty(len(good))
    for start in range(0, len(good), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        found = np.asarray(concepts[good[rows]], dtype=np.float64) @ weights.T
        scale[rows] = np.linalg.norm(found, axis=1)
        vectors[rows] = found / np.maximum(scale[rows], 1e-12)[:, None]
    return vectors, scale, np.zeros(len(good))


def _by_finding(
    findings: Sequence[str],
    value: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    good: np.ndarray,
    patients: int,
) -> Listing[FittedFinding]:
    """Each finding by its concept in the middle."""
    held = np.zeros(len(value), dtype=bool)
    held[good] = True
    names, numbers = np.unique(np.asarray(findings, dtype=object).astype(str), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    rows = []
    for name, places in zip(names, np.split(order, np.cumsum(np.bincount(numbers))[:-1]), strict=True):
        middle = places[np.argsort(value[places], kind="stable")[len(places) // 2]]
        rows.append(
            FittedFinding(
                finding=str(name),
                concepts=len(places),
                held=int(held[places].sum()),
                patients=patients,
                measure="R2",
                value=float(value[middle]),
                low=float(low[middle]),
                high=float(high[middle]),
            )
        )
    return Listing(sorted(rows, key=lambda row: (-row.value, row.finding)), COLUMNS)
