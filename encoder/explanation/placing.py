"""How well a heat map falls on boxes: the pointing game and the overlap, of maps and boxes on the same square.

Pointing game (Zhang et al., 2018): a hit, if the place that speaks most for it lies in a box. Overlap: the intersection
over union of the boxes with all places that speak for it at least `SHARE` as strongly as the strongest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kb.images.preprocessing import Preprocessing

SHARE = 0.5
"""Of the strongest place: what counts as marked."""

Corners = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels from the upper left."""


class Placed(NamedTuple):
    """What one heat map comes to: a hit or none, the overlap, and the share of the picture that the boxes take."""

    hit: bool
    overlap: float
    area: float


def placed(relevant: np.ndarray, boxes: Sequence[Corners]) -> Placed:
    """How a map as it is drawn, (size, size), falls on its boxes; where nothing speaks for it, it misses."""
    inside = _mask(len(relevant), boxes)
    strongest = float(relevant.max())
    if strongest <= 0:
        return Placed(False, 0.0, float(inside.mean()))
    marked = relevant >= SHARE * strongest
    row, column = np.unravel_index(int(relevant.argmax()), relevant.shape)
    overlap = float((marked & inside).sum() / (marked | inside).sum())
    return Placed(bool(inside[row, column]), overlap, float(inside.mean()))


def on_square(box: Corners, width: int, height: int, preprocessing: Preprocessing) -> Corners:
    """Where a box of a picture lies on the square that an encoder reads; shares of its sides are known as such."""
    left, top, right, bottom = box
    if max(box) <= 1:
        left, top, right, bottom = left * width, top * height, right * width, bottom * height
    size, side = preprocessing.size, min(width, height)
    if preprocessing.fit == "crop":
        across = down = size / side
        beside, above = -((width - side) // 2) * across, -((height - side) // 2) * down
    else:  # whole pixels, as the square is made of
        inner = preprocessing.inner_size(width, height)
        across, down = inner[0] / width, inner[1] / height
        beside, above = (size - inner[0]) // 2, (size - inner[1]) // 2
    return beside + left * across, above + top * down, beside + right * across, above + bottom * down


def _mask(size: int, boxes: Sequence[Corners]) -> np.ndarray:
    """The pixels that any box holds the middle of; a box of less than a pixel holds the one that it lies in."""
    inside = np.zeros((size, size), dtype=bool)
    for left, top, right, bottom in boxes:
        columns, rows = _span(left, right, size), _span(top, bottom, size)
        inside[rows, columns] = True
    return inside


def _span(first: float, last: float, size: int) -> slice:
    start, end = round(first), round(last)
    if end <= start:
        start = int((first + last) / 2)
        end = start + 1
    return slice(max(0, start), max(0, min(size, end)))
