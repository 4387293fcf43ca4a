"""The vectors of a file that can be stored: one an image, of one length, of finite numbers that are not all 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ingest.vectors.owners import Owners
from ingest.vectors.vector_rows import VectorFile, VectorRows

TWICE = "another row has another vector of the same image: none of them is taken"


@dataclass(kw_only=True)
class Tally:
    """What was met on the way through a file.

    Attributes:
        rejects: rows that were not taken, and why.
        repeated: rows that say again what an earlier one said of their image.
        shortest: length of the shortest vector, as it came.
        longest: of the longest.
    """

    rejects: list[tuple[int, str]] = field(default_factory=list)
    repeated: int = 0
    shortest: float = np.inf
    longest: float = 0.0


def sound_vectors(
    file: VectorFile, owners: Owners, *, normalise: bool, tally: Tally
) -> Iterator[tuple[list[str], np.ndarray]]:
    """The images and vectors that can be stored, some at a time; what cannot is noted in `tally`.

    Args:
        file: it is gone through once, and once more before that where an image stands in it twice.
        owners: the image of each row.
        normalise: whether vectors are brought to length 1.
        tally: is told of all that is left out.
    """
    tally.rejects += owners.rejects
    contradicted = _contradicted(file, owners)
    met: set[str] = set()
    for rows in file:
        good, told = _good_rows(rows, owners, tally.rejects.append)
        keep: list[int] = []
        images: list[str] = []
        for at in good:
            image = owners.images[rows.first - 1 + at]
            assert image is not None
            if image in contradicted:
                tally.rejects.append((rows.first + at, TWICE))
            elif image in met:
                tally.repeated += 1
            else:
                met.add(image)
                keep.append(at)
                images.append(image)
        if images:
            matrix = np.stack([told[at] for at in keep])
            lengths = np.linalg.norm(matrix.astype(np.float64), axis=1)
            tally.shortest = min(tally.shortest, float(lengths.min()))
            tally.longest = max(tally.longest, float(lengths.max()))
            yield images, (matrix / lengths[:, None]).astype(np.float32) if normalise else matrix


def _good_rows(
    rows: VectorRows, owners: Owners, reject: Callable[[tuple[int, str]], None]
) -> tuple[list[int], Mapping[int, np.ndarray]]:
    """The places of the rows of images that are here whose vectors are sound, and these vectors."""
    found: dict[int, np.ndarray] = {}
    for at, vector in enumerate(rows.vectors):
        if owners.images[rows.first - 1 + at] is None:
            continue
        fault = rows.faults.get(at) or _fault(vector, owners.dimension)
        if fault or vector is None:
            reject((rows.first + at, fault))
        else:
            found[at] = vector
    return list(found), found


def _fault(vector: np.ndarray | None, dimension: int) -> str:
    """Why a vector cannot be stored; "" if it can."""
    if vector is None:
        return "it has no vector"
    if vector.shape != (dimension,):
        return f"its vector has {vector.shape[-1] if vector.ndim else 1:,} numbers, most have {dimension:,}"
    if not np.isfinite(vector).all():
        return "its vector holds NaN, infinity or a blank"
    return "" if vector.any() else "its vector is all 0"


def _contradicted(file: VectorFile, owners: Owners) -> set[str]:
    """The images that stand in a file more than once, and not with the same vector."""
    counts = Counter(one for one in owners.images if one is not None)
    twice = {image for image, count in counts.items() if count > 1}
    first: dict[str, np.ndarray] = {}
    found: set[str] = set()
    for rows in file if twice else ():
        for at, vector in enumerate(rows.vectors):
            image = owners.images[rows.first - 1 + at]
            if image is None or image not in twice or vector is None or _fault(vector, owners.dimension):
                continue
            if not np.array_equal(first.setdefault(image, np.array(vector)), vector):
                found.add(image)
    return found
