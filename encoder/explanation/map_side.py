"""The side on which a heat map lies, as the patient has it.

A frontal radiograph is shown as if one stood before the patient: the patient's left is on the right of the picture.
Other views have no side to tell. An image whose view nobody knows is taken for frontal, as everywhere; that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kb.images.view import normal_view
from kb.images.view_choice import view_choice
from schemas.terms import FRONTALS

CLEAR = 0.65
"""Of all that speaks for it: the share that one half has to hold for the map to lie on a side."""

Sides = Literal["known", "supposed"]
"""That a view tells sides: for it is frontal, or for nobody knows it."""

SUPPOSED = "view unknown: sides as if frontal"


@dataclass(frozen=True, slots=True)
class MapSide:
    """Where a heat map lies: on the patient's left or right, or on both; and the share of its left half."""

    side: Literal["left", "right", "both"]
    left: float


def sides_of_view(view: str | None) -> Sides | None:
    """Whether an image of a view tells left and right; None where it does not, as a lateral one."""
    if view not in view_choice():
        return None
    return "known" if normal_view(view) in FRONTALS else "supposed"


def side_of_map(relevant: np.ndarray, view: str | None) -> MapSide | None:
    """The side of what speaks for something; None where nothing does, or the view tells no side.

    Args:
        relevant: a map as it is drawn, (size, size).
        view: of the image; see `sides_of_view`.
    """
    speaks = np.clip(relevant, 0, None)
    total = float(speaks.sum())
    if sides_of_view(view) is None or total <= 0:
        return None
    width = speaks.shape[1]
    left = float(speaks[:, (width + 1) // 2 :].sum() + speaks[:, width // 2 : (width + 1) // 2].sum() / 2) / total
    return MapSide("left" if left >= CLEAR else "right" if left <= 1 - CLEAR else "both", left)
