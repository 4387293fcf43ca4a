"""Concept directions carried over from an encoder of ours: a linear map from a foreign encoder's vectors to its.

With g a foreign vector and f ours of the same image, f is about B g + b (see `calibration`), so that a concept's score
c.f is about (B'c).g: its direction in the foreign space is B'c. How well that tells the score of patients who were not
fitted on is bilinear again, r = c'Q c / sqrt(c'P c c'T c) with the products of what is told and of f: every concept is
judged from d x d matrices, and no image is scored (DESIGN section 2). That concepts learned elsewhere may be read in
the space of any model is from Yuksekgonul et al. (Post-hoc concept bottleneck models, 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from encoder.space.concept_space import ConceptSpace
from encoder.space.fitted.calibration import SHRINKS, Calibration
from encoder.space.fitted.directions import COLUMNS, FittedDirections, FittedFinding, holds
from encoder.space.fitted.folds import BLOCKS, FOLDS, folds_of, patient_blocks
from encoder.space.fitted.prior import independent_spread
from encoder.space.fitted.stated import Stated
from encoder.space.fitted.sums import FoldedSums
from encoder.vectors.image_vectors import ImageVectors
from kb.display import Listing

SAMPLE = 2_000
"""Concepts by which the shrink is chosen."""

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
    encoder: str, foreign: ImageVectors, origin: str, ours: ImageVectors, *, space: ConceptSpace, told: Stated
) -> FittedDirections | None:
    """The concepts of an encoder of ours as directions of a foreign one; None where too few patients have both.

    Args:
        encoder: the foreign one.
        foreign: its vectors.
        origin: ours.
        ours: its vectors.
        space: its concepts.
        told: what the reports of the foreign vectors' images state: they tell what goes with what.
    """
    mine, theirs = common_rows(foreign, ours)
    owners = [foreign.patients[int(row)] for row in mine]
    patients = len(set(owners))
    if patients < FEWEST:
        return None
    g, f = foreign.matrix[mine], ours.matrix[theirs]
    blocks = patient_blocks(owners)
    sums = FoldedSums(g, f, folds_of(blocks))
    apart = independent_spread(f, mine, told, [foreign.patients[int(row)] for row in told.rows])
    whole = sums.whole.centred()
    expected = whole.yy / whole.n if apart is None else apart
    shrink = best_shrink(sums, space.vectors, expected)
    value, low, high = _told(space.vectors, _products(sums, g, f, blocks=blocks, shrink=shrink, expected=expected))
    good = np.flatnonzero(holds(value, low, "R2"))
    vectors, scale = _moved(space.vectors, good, Calibration(whole, shrink).every(expected))
    bias = space.vectors[good] @ whole.mean_y - scale * (vectors @ (whole.mean_g + sums.middle))
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
        entangled=apart is None,
        findings=_by_finding(space.concepts["finding"].to_pylist(), value, low, high, good=good, patients=patients),
    )


def best_shrink(sums: FoldedSums, concepts: np.ndarray, expected: np.ndarray) -> float:
    """The shrink by which the concepts of patients left out are told best."""
    step = max(1, len(concepts) // SAMPLE)
    some = np.asarray(concepts[::step], dtype=np.float64)
    products = {shrink: np.zeros((3, len(some))) for shrink in SHRINKS}
    for fold in range(FOLDS):
        fitted = sums.without(fold)
        there = sums.parts[fold].about(fitted.mean_g, fitted.mean_y)
        for shrink in SHRINKS:
            found = Calibration(fitted, shrink).every(expected)
            parts = (found @ there.gg @ found.T, found @ there.gy, there.yy)
            products[shrink] += np.stack([_along(some, part) for part in parts])
    return max(products, key=lambda shrink: float(_squared(products[shrink]).mean()))


def _products(
    sums: FoldedSums, g: np.ndarray, f: np.ndarray, *, blocks: np.ndarray, shrink: float, expected: np.ndarray
) -> np.ndarray:
    """Of each block of patients, left out: products of what is told of f with itself and with f, and of f."""
    d = f.shape[1]
    found = np.zeros((BLOCKS, 3, d, d))
    for fold in range(FOLDS):
        fitted = sums.without(fold)
        to_f = Calibration(fitted, shrink).every(expected)
        for block in np.unique(blocks[folds_of(blocks) == fold]):
            rows = np.flatnonzero(blocks == block)
            for start in range(0, len(rows), AT_ONCE):
                part = rows[start : start + AT_ONCE]
                about = f[part] - fitted.mean_y
                told = (g[part] - sums.middle - fitted.mean_g) @ to_f.T
                found[block] += np.stack([told.T @ told, told.T @ about, about.T @ about])
    return found


def _told(concepts: np.ndarray, products: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """R2 of each concept with its interval, by leaving out one block of patients after another (jackknife)."""
    value, low, high = (np.empty(len(concepts)) for _ in range(3))
    for start in range(0, len(concepts), AT_ONCE):
        part = np.asarray(concepts[start : start + AT_ONCE], dtype=np.float64)
        along = np.stack([[_along(part, one) for one in block] for block in products])
        whole = along.sum(axis=0)
        without = np.stack([_squared(whole - block) for block in along])
        reach = STUDENT * np.sqrt((BLOCKS - 1) / BLOCKS * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
        rows, found = slice(start, start + len(part)), _squared(whole)
        value[rows], low[rows], high[rows] = found, np.maximum(found - reach, 0.0), np.minimum(found + reach, 1.0)
    return value, low, high


def _along(concepts: np.ndarray, products: np.ndarray) -> np.ndarray:
    """What c'Xc is for each concept c."""
    found: np.ndarray = np.einsum("ij,ij->i", concepts @ products, concepts)
    return found


def _squared(along: np.ndarray) -> np.ndarray:
    """The squared correlation by its products (of what is told, of both, of what is true); 0 where it is negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = along[1] / np.sqrt(along[0] * along[2])
    return np.nan_to_num(np.maximum(found, 0.0), nan=0.0) ** 2


def _moved(concepts: np.ndarray, good: np.ndarray, to_f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concepts through the map: directions of length 1, and their lengths before."""
    vectors, scale = np.empty((len(good), to_f.shape[1]), dtype=np.float32), np.empty(len(good))
    for start in range(0, len(good), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        found = np.asarray(concepts[good[rows]], dtype=np.float64) @ to_f
        scale[rows] = np.linalg.norm(found, axis=1)
        vectors[rows] = found / np.maximum(scale[rows], 1e-12)[:, None]
    return vectors, scale


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
