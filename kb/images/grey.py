"""What every reader of pictures shares: why a file is refused, how large one may be, and numbers as greys."""

from __future__ import annotations

import numpy as np

from kb.errors import ClearKbError

SMALLEST = 32
"""Fewer pixels than this on a side are no radiograph."""

LARGEST = 20_000
"""More pixels than this on a side are refused before they are unpacked: a crafted file must not fill the memory."""

LARGEST_AREA = 120_000_000
"""More pixels than this in all are refused likewise; the largest detectors have 20 million."""


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
    counted = values if inside is None else values[inside]
    low, high = float(counted.min()), float(counted.max())
    if not np.isfinite([low, high]).all():
        raise ImageError("pixels that are not finite")
    if high == low:
        return np.zeros(values.shape, dtype=np.uint8)
    return np.asarray(((values - low) / (high - low)).clip(0, 1) * 255 + 0.5, dtype=np.uint8)
