"""What every reader of pictures shares: why a file is refused, how large one may be, and numbers as greys."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kb.errors import ClearKbError

SMALLEST = 32
"""Fewer pixels than this on a side are no radiograph."""

LARGEST = 20_000
"""More pixels than this on a side are refused before they are unpacked: a crafted file must not fill the memory."""

LARGEST_AREA = 64_000_000
"""More pixels than this in all are refused likewise; the largest detectors have 20 million."""

BAND = 1 << 20
"""Pixels that are worked on at once where a step needs more bytes of each than the picture has."""


PREAMBLE = 128
"""Bytes before the mark of a DICOM file."""


class ImageError(ClearKbError):
    """A file is no radiograph that can be read; the message says why.

    Args:
        message: why, in full.
        kind: why in a few words, by which files are counted ("modality CT").
    """

    def __init__(self, message: str, kind: str = "broken"):
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type[ImageError], tuple[str, str]]:
        return ImageError, (str(self), self.kind)


def check_size(width: int, height: int) -> None:
    """ImageError where a picture would have no pixels, or more than any radiograph has."""
    if min(width, height) < 1:
        raise ImageError(f"{width} x {height} pixels: no picture")
    if max(width, height) > LARGEST:
        raise ImageError(f"{width} x {height} pixels: more than {LARGEST:,} on a side", "too large")
    if width * height > LARGEST_AREA:
        raise ImageError(f"{width} x {height} pixels: more than {LARGEST_AREA:,} in all", "too large")


def stretched(values: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
    """Values as 0 to 255, from the least to the greatest of those `inside` (default: of all)."""
    low, high = least_and_greatest(values, inside)
    if not np.isfinite([low, high]).all():
        raise ImageError("pixels that are not finite")
    greys = np.zeros(values.shape, dtype=np.uint8)
    for band in bands(values) if high > low else ():
        found = values[band].astype(np.float32)
        found -= low
        found /= high - low
        greys[band] = found.clip(0, 1, out=found) * 255 + 0.5
    return greys


def least_and_greatest(values: np.ndarray, inside: np.ndarray | None = None) -> tuple[float, float]:
    """The least and the greatest of the values that are `inside` (default: of all)."""
    counted = values if inside is None else values[inside]
    return float(counted.min()), float(counted.max())


def bands(values: np.ndarray) -> Iterator[slice]:
    """The rows of a picture in bands of about `BAND` pixels."""
    height = max(1, BAND // max(1, values.shape[1]))
    return (slice(top, top + height) for top in range(0, len(values), height))
