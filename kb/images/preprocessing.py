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

Resample = Literal["bicubic", "bilinear", "lanczos"]
RESAMPLES: tuple[Resample, ...] = ("bicubic", "bilinear", "lanczos")

_GAP = 3.0
"""Bicubic pictures of more than thrice the size are first shrunk by whole steps: quicker, and at most two grey levels
off (0.2 in the mean, on a radiograph of 2,544 x 3,056 pixels)."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A square of `size` pixels; of an oblong `fit` pads the sides with black, crops the middle, or stretches.

    `resample` is the filter. Lanczos is that of the published CLEAR code, and pads as it does: the shorter side is cut
    to whole pixels where others round it, which would move what is seen by up to a pixel (181 grey levels at an edge).

    Normalising by mean and deviation is the encoder's own: the pixels are kept as 0 to 255.
    """

    size: int = 448
    fit: Fit = "pad"
    resample: Resample = "bicubic"

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise UsageError(f"fit {self.fit!r:.80}: choose one of {', '.join(FITS)}")
        if self.resample not in RESAMPLES:
            raise UsageError(f"resample {self.resample!r:.80}: choose one of {', '.join(RESAMPLES)}")
        if not isinstance(self.size, int) or isinstance(self.size, bool):
            raise UsageError(f"a size of {self.size!r} pixels: a whole number was expected")
        if not 16 <= self.size <= 4_096:
            raise UsageError(f"a size of {self.size} pixels: it lies between 16 and 4,096")

    @property
    def preprocessing_id(self) -> str:
        """The identity of what it does: pixels under one id are of one making."""
        return "P" + blake2b(repr(sorted(self.to_dict().items())).encode(), digest_size=6).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The preprocessing as plain data; bicubic goes without saying, as it did before there was a choice."""
        told = asdict(self)
        return {name: value for name, value in told.items() if (name, value) != ("resample", "bicubic")}

    @property
    def described(self) -> str:
        """The preprocessing in words: "448 pixels, pad, lanczos"."""
        return f"{self.size} pixels, {self.fit}, {self.resample}"

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """The square of a radiograph: uint8 (height, width) in, uint8 (size, size) out."""
        picture = Image.fromarray(pixels)
        if self.fit == "crop":
            picture = picture.crop(_middle(*picture.size))
        width, height = self.inner_size(*picture.size)
        gap = _GAP if self.resample == "bicubic" else None
        resized = picture.resize((width, height), Image.Resampling[self.resample.upper()], reducing_gap=gap)
        square = Image.new("L", (self.size, self.size), 0)
        square.paste(resized, ((self.size - width) // 2, (self.size - height) // 2))
        return np.asarray(square)

    def inner_size(self, width: int, height: int) -> tuple[int, int]:
        """The width and height that a radiograph has inside the square: all of it, unless bands are padded."""
        if self.fit != "pad":
            return self.size, self.size
        scale = self.size / max(width, height)
        whole = int if self.resample == "lanczos" else round
        return max(1, whole(width * scale)), max(1, whole(height * scale))


PUBLISHED = Preprocessing(448, "pad", "lanczos")
"""That of the published CLEAR code: CheXzero's script at 448 pixels."""


def _middle(width: int, height: int) -> tuple[int, int, int, int]:
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side
