"""Preprocessing: how a radiograph becomes the square of pixels that an encoder reads, the same one every time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
from PIL import Image

from kb.errors import UsageError

Fit = Literal["pad", "crop", "stretch"]
FITS: tuple[Fit, ...] = ("pad", "crop", "stretch")


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A square of `size` pixels, bicubic; of an oblong `fit` pads the sides with black, crops the middle, or stretches.

    Normalising by mean and deviation is the encoder's own: the pixels are kept as 0 to 255.
    """

    size: int = 448
    fit: Fit = "pad"

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise UsageError(f"fit '{self.fit}': choose one of {', '.join(FITS)}")
        if not 16 <= self.size <= 4_096:
            raise UsageError(f"a size of {self.size} pixels: it lies between 16 and 4,096")

    @property
    def preprocessing_id(self) -> str:
        """The identity of what it does: pixels under one id are of one making."""
        return "P" + blake2b(repr(sorted(asdict(self).items())).encode(), digest_size=6).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The preprocessing as plain data."""
        return asdict(self)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """The square of a radiograph: uint8 (height, width) in, uint8 (size, size) out."""
        picture = Image.fromarray(pixels)
        if self.fit == "crop":
            picture = picture.crop(_middle(*picture.size))
        width, height = self._inner(*picture.size)
        resized = picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
        square = Image.new("L", (self.size, self.size), 0)
        square.paste(resized, ((self.size - width) // 2, (self.size - height) // 2))
        return np.asarray(square)

    def _inner(self, width: int, height: int) -> tuple[int, int]:
        if self.fit != "pad":
            return self.size, self.size
        scale = self.size / max(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))


def _middle(width: int, height: int) -> tuple[int, int, int, int]:
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side
