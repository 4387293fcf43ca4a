"""Properties of a picture that no disease has: how bright, sharp and framed it is, and whether text is burnt in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

METHOD = 1
"""Counts up when a property is measured otherwise: what was kept of another method is measured again."""

DARK, LIGHT = 12, 243
"""Greys under and over which a border counts as black or white."""

FRAME = 0.99
"""The share of a line of pixels that is as dark, or as light, for it to be border."""

CORNER = 0.25
"""The part of each side that a corner takes: markers and text stand there."""

INK, JUMP = 200, 100
"""Letters are lighter than this, and differ by this much from a pixel beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """What is measured of the pixels of one picture.

    Attributes:
        brightness: the mean grey, 0 to 255.
        contrast: the standard deviation of the greys.
        sharpness: the variance of the Laplacian (Pech-Pacheco et al., 2000); noise counts as sharp.
        dark_border: the share of the picture that is a black frame.
        light_border: the share that is a white one.
        corner_text: the share of the corners that looks like letters: light pixels beside dark ones.
    """

    brightness: float
    contrast: float
    sharpness: float
    dark_border: float
    light_border: float
    corner_text: float


def properties_of(pixels: np.ndarray) -> Properties:
    """The properties of a picture, uint8 (height, width), three pixels or more a side."""
    grey = pixels.astype(np.float32)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return Properties(
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
        sharpness=float((around - 4 * grey[1:-1, 1:-1]).var()),
        dark_border=_border(pixels < DARK),
        light_border=_border(pixels > LIGHT),
        corner_text=_letters(pixels),
    )


def _border(flat: np.ndarray) -> float:
    """The share of a picture that lies outside of the first and last line that is not flat, either way."""
    sides = []
    for axis in (0, 1):
        inside = np.flatnonzero(flat.mean(axis=axis) < FRAME)
        sides.append((inside[-1] - inside[0] + 1) / flat.shape[1 - axis] if len(inside) else 0.0)
    return float(1 - sides[0] * sides[1])


def _letters(pixels: np.ndarray) -> float:
    """The share of the four corners in which a light pixel stands beside one that is much darker."""
    grey = pixels.astype(np.int16)
    darkest = grey.copy()
    for axis in (0, 1):
        for step in (1, -1):
            # What comes round from the other side is put right by taking the pixel itself there.
            moved = np.roll(grey, step, axis=axis)
            edge: list[slice | int] = [slice(None), slice(None)]
            edge[axis] = 0 if step == 1 else -1
            moved[tuple(edge)] = grey[tuple(edge)]
            darkest = np.minimum(darkest, moved)
    ink = (grey >= INK) & (grey - darkest >= JUMP)
    height, width = (max(1, int(CORNER * side)) for side in pixels.shape)
    corners = [
        ink[rows, columns]
        for rows in (slice(height), slice(-height, None))
        for columns in (slice(width), slice(-width, None))
    ]
    return float(np.mean([corner.mean() for corner in corners]))
