"""Vectors of patches: those of one image become their mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ingest.vectors.vector_rows import ROWS, VectorFile, VectorRows
from kb.errors import UsageError


class MeanOfPatches(VectorFile):
    """A file of vectors of patches, as one of images: a row an image, its vector the mean of its patches.

    A row may hold all patches of an image, or one: those of one image then stand together, so that no more than one
    image is ever held.
    """

    def __init__(self, file: VectorFile):
        self._file = file
        self.name, self.unused = file.name, file.unused
        self.told = f"{file.told}, the mean of an image's patches"
        self._began: dict[int, int] = {}

    def __iter__(self) -> Iterator[VectorRows]:
        ids: list[str | None] = []
        vectors: list[np.ndarray | None] = []
        faults: dict[int, str] = {}
        first = 0
        for number, (image, row, found) in enumerate(self._images(), start=1):
            first = first or number
            self._began[number] = row
            if isinstance(found, str):
                faults[len(ids)] = found
            ids.append(image)
            vectors.append(None if isinstance(found, str) else found)
            if len(ids) == ROWS:
                yield VectorRows(first, ids, vectors, faults)
                ids, vectors, faults, first = [], [], {}, 0
        if ids:
            yield VectorRows(first, ids, vectors, faults)

    def position(self, row: int) -> str:
        """Where an image's patches begin."""
        return self._file.position(self._began.get(row, row))

    def _images(self) -> Iterator[tuple[str | None, int, np.ndarray | str]]:
        """Each image with the row its patches begin in, and their mean or what is wrong with them."""
        met: dict[str, int] = {}
        mean = _Mean(None, 0)
        for rows in self._file:
            for at, image in enumerate(rows.ids):
                row = rows.first + at
                if image is None or image != mean.image:
                    if mean.row:
                        yield mean.image, mean.row, mean.value()
                    if image is not None and image in met:
                        raise UsageError(
                            f"{self.name}: patches of image {image} stand in {self._file.position(met[image])} and, "
                            f"others between, in {self._file.position(row)}: sort the file by image"
                        )
                    mean = _Mean(image, row)
                    if image is not None:
                        met[image] = row
                mean.take(rows.faults.get(at, rows.vectors[at]))
        if mean.row:
            yield mean.image, mean.row, mean.value()


class _Mean:
    """The mean of the patches of one image, as they come."""

    def __init__(self, image: str | None, row: int):
        self.image, self.row = image, row
        self._sum: np.ndarray | None = None
        self._count = 0
        self._fault = ""

    def take(self, patches: np.ndarray | str | None) -> None:
        """Take one patch, or several one below the other; or hear what is wrong with one."""
        if patches is None or isinstance(patches, str):
            self._fault = self._fault or patches or "a patch has no vector"
            return
        found = np.atleast_2d(patches)
        if not np.isfinite(found).all():
            self._fault = self._fault or "a patch holds NaN or infinity"
        elif self._sum is not None and found.shape[-1] != len(self._sum):
            self._fault = self._fault or f"patches of {len(self._sum):,} and of {found.shape[-1]:,} numbers"
        else:
            total = found.reshape(-1, found.shape[-1]).sum(axis=0, dtype=np.float64)
            self._sum = total if self._sum is None else self._sum + total
            self._count += found.size // found.shape[-1]

    def value(self) -> np.ndarray | str:
        """The mean, or what is wrong with the patches."""
        if self._fault or self._sum is None:
            return self._fault or "no patch"
        return (self._sum / self._count).astype(np.float32)
