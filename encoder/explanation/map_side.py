"""The side on which a heat map lies, as the patient has it.

A frontal radiograph is shown as if one stood before the patient: the patient's left is on the right of the picture.
Other views have no side to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kb.images.view_choice import view_choice

CLEAR = 0.65
"""Of all that speaks for it: the share that one half has to hold for the map to lie on a side."""


@dataclass(frozen=True, slots=True)
class MapSide:
    """Where a heat map lies: on the patient's left or right, or on both; and the share of its left half."""

    side: Literal["left", "right", "both"]
    left: float


def side_of_map(relevant: np.ndarray, view: str | None) -> MapSide | None:
    """The side of what speaks for something; None where nothing does, or the view tells no side.

    Args:
        relevant: a map as it is drawn, (size, size).
        view: of the image; one that nobody knows is taken for frontal.
    """
    speaks = np.clip(relevant, 0, None)
    total = float(speaks.sum())
    if view not in view_choice() or total <= 0:
        return None
    width = speaks.shape[1]
    left = float(speaks[:, (width + 1) // 2 :].sum() + speaks[:, width // 2 : (width + 1) // 2].sum() / 2) / total
    return MapSide("left" if left >= CLEAR else "right" if left <= 1 - CLEAR else "both", left)
