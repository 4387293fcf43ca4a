"""The squares of pixels that are kept of images, to be looked at: the largest of a content, and small pictures of it.

Where each lies is read once; a picture is then taken by its place, which takes milliseconds among 100,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from kb.store.storage import Storage

JPEG_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Square:
    """One kept square: where it lies, how large it is, and by which preprocessing it was made."""

    place: int
    size: int
    preprocessing: str


class KeptPixels:
    """What is kept of the images of one knowledge base, as it is now.

    Args:
        storage: of the knowledge base; pixels stand beside its history.
    """

    def __init__(self, storage: Storage):
        self._dataset: Any = storage.dataset("pixels")

    def largest(self, content: str, preprocessing: str | None = None) -> np.ndarray | None:
        """The largest square of a content, uint8 (size, size), or the one of a preprocessing, where that is kept.

        None where nothing is kept of it.
        """
        squares = self._squares.get(content)
        if squares is None:
            return None
        return self._taken(max(squares, key=lambda one: (one.preprocessing == preprocessing, one.size)))

    def small(self, content: str, side: int) -> bytes | None:
        """A picture of a content of at most `side` pixels, as JPEG; None where nothing is kept of it."""
        squares = self._squares.get(content)
        if squares is None:
            return None
        pixels = self._taken(min(squares, key=lambda one: (one.size < side, abs(one.size - side))))
        picture = Image.fromarray(pixels)
        if picture.width > side:
            picture = picture.resize((side, side), Image.Resampling.LANCZOS)
        file = BytesIO()
        picture.save(file, "JPEG", quality=JPEG_QUALITY)
        return file.getvalue()

    @cached_property
    def _squares(self) -> dict[str, list[Square]]:
        table = self._dataset.to_table(columns=["content_hash", "size", "preprocessing"])
        found: dict[str, list[Square]] = {}
        columns = (table[name].to_pylist() for name in ("content_hash", "size", "preprocessing"))
        for place, (content, size, preprocessing) in enumerate(zip(*columns, strict=True)):
            found.setdefault(content, []).append(Square(place, size, preprocessing))
        return found

    def _taken(self, square: Square) -> np.ndarray:
        data = self._dataset.take([square.place], columns=["pixels"])["pixels"][0].as_py()
        return np.frombuffer(data, dtype=np.uint8).reshape(square.size, square.size)
