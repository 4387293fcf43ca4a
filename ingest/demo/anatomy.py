"""The chest of a phantom before anything ails it: body, lungs, heart, mediastinum, bones and vessels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ingest.demo.canvas import Canvas, Point, blob, curve, soft

HALF_WIDTH = 0.78
"""Of the thorax inside the ribs: what the heart's width is measured against."""

_APEX, _LUNG_CENTRE, _LUNG_HALF, _SHOULDER = -0.8, 0.43, 0.35, 0.15


@dataclass(slots=True, kw_only=True)
class Chest:
    """The layers of a chest on its canvas, each 0 to 1; what ails the patient changes them before they are added up.

    `air` is lung that lets the rays through, `vessels` its texture, `extra` what is added to or taken off everything.
    """

    canvas: Canvas
    body: np.ndarray
    lungs: np.ndarray
    air: np.ndarray
    vessels: np.ndarray
    extra: np.ndarray

    def on(self, side: str | None) -> np.ndarray:
        """1 on the pixels of the patient's side, which is the picture's other one."""
        return (self.canvas.x > 0 if side == "left" else self.canvas.x < 0).astype(np.float32)


def draw_chest(canvas: Canvas, dome: float, heart_ratio: float, *, female: bool, draw: np.random.Generator) -> Chest:
    """The chest of a patient; `heart_ratio` is the heart's width over the thorax'."""
    lungs = soft(lung_outline(canvas) * 0.17, 0.04) * soft(diaphragm(canvas, dome) - canvas.y, 0.025)
    solid = _middle(canvas, heart_ratio)
    body = _body(canvas)
    extra = _bones(canvas) + _windpipe(canvas) + 0.14 * soft(canvas.y - diaphragm(canvas, dome) - 0.02, 0.2)
    extra += 0.10 * soft(0.075 - canvas.s, 0.03) + 0.12 * solid
    if female:
        extra += 0.045 * sum(soft(blob(canvas, (x, 0.3), (0.3, 0.24)), 0.4) for x in (-0.46, 0.46))
    texture = _vessels(canvas, draw) + 0.25 * _mottle(canvas, draw)
    return Chest(canvas=canvas, body=body, lungs=lungs, air=lungs * (1 - 0.93 * solid), vessels=texture, extra=extra)


def lung_outline(canvas: Canvas, collapse: float = 0, apical: float = 0) -> np.ndarray:
    """Above 0 inside the ribs' cage; a lung that has come off the wall is smaller by `collapse` and by `apical`."""
    height = np.clip((_SHOULDER - canvas.y) / (_SHOULDER - _APEX - apical), 0, 1.6)
    centre = _LUNG_CENTRE - 0.12 * np.minimum(height, 1) - collapse / 2
    across = (canvas.s - centre) / (_LUNG_HALF - collapse / 2)
    return 1 - across * across - height * height


def diaphragm(canvas: Canvas, dome: float) -> np.ndarray:
    """The height of the diaphragm above each pixel; the right dome stands a little higher, for the liver."""
    top = 0.425 + 0.025 * np.sign(canvas.x) - dome
    off = (canvas.s - 0.38) / 0.4
    return top + np.where(off > 0, np.float32(0.2 + dome), np.float32(0.03)) * off * off


def heart(canvas: Canvas, ratio: float) -> np.ndarray:
    """The heart, `ratio` of the thorax wide, its apex down and to the patient's left: 1 inside."""
    return soft(_heart_outline(canvas, ratio), 0.03)


def _heart_outline(canvas: Canvas, ratio: float) -> np.ndarray:
    tilt = math.radians(24)
    half, tall = ratio * HALF_WIDTH, 0.25 + 0.2 * (ratio - 0.42)
    along = math.sqrt(half**2 - (tall * math.sin(tilt)) ** 2) / math.cos(tilt)
    centre = (canvas.build.heart_shift + 0.12 + 0.28 * (ratio - 0.42), 0.25 + 0.05 * (0.42 - ratio))
    return blob(canvas, centre, (along, tall), turn=tilt) * tall


def _middle(canvas: Canvas, heart_ratio: float) -> np.ndarray:
    """What stands between the lungs: heart, great vessels, the aortic knob, and the fainter roots of the lungs."""
    outlines = (
        _heart_outline(canvas, heart_ratio),
        0.105 + 0.03 * np.clip(canvas.y + 0.5, 0, 1) - canvas.s,
        blob(canvas, (0.09, -0.3), (0.11, 0.1)) * 0.1,
        blob(canvas, (0.11, -0.08), (0.15, 0.2)) * 0.15,
    )
    # A soft maximum: the organs' borders run into one another without a notch.
    joined = np.log(sum(np.exp(28 * outline) for outline in outlines)) / 28 - 0.01
    roots = sum(0.4 * soft(blob(canvas, (x, y), (0.11, 0.15)), 1) for x, y in ((-0.18, -0.02), (0.2, -0.06)))
    return np.maximum(soft(joined, 0.03), roots)


def _body(canvas: Canvas) -> np.ndarray:
    """The thickness of soft tissue: thick in the middle, nothing beyond the skin."""
    width = 0.9 + 0.16 * np.clip(-0.25 - canvas.y, 0, 1)
    neck = soft(0.24 + 0.5 * np.clip(canvas.y + 0.9, 0, 1) - canvas.s, 0.06)
    shoulders = soft(canvas.y + 0.99 - 0.22 * canvas.s * canvas.s, 0.08)
    thickness = np.sqrt(np.clip(1 - (canvas.s / width) ** 2, 0, 1))
    return thickness * np.maximum(neck, shoulders)


def _windpipe(canvas: Canvas) -> np.ndarray:
    return -0.16 * soft(0.032 - abs(canvas.x + 0.008), 0.03) * soft(-0.24 - canvas.y, 0.08)


def _bones(canvas: Canvas) -> np.ndarray:
    """Ribs front and back, collar bones, the bodies of the spine."""
    s, y = canvas.s, canvas.y
    cage = soft(lung_outline(canvas) + 0.12, 0.2) * soft(0.72 - y, 0.2)
    phase = canvas.build.rib_phase
    back = _bars((y - 0.95 * (s - 0.27) ** 2) / 0.158 + phase, 0.36) * soft(s - 0.07, 0.04)
    front = _bars((y + 0.5 * s - 0.1 * s * s) / 0.185 + phase, 0.34) * soft(s - 0.3, 0.2) * soft(0.45 - y, 0.3)
    spine = _bars(y / 0.115 + phase, 0.75) * soft(0.07 - s, 0.03)
    collar = [(curve((side * 0.07, -0.6), (side * 0.3, -0.58), (side * 0.86, -0.8)), 0.055) for side in (-1, 1)]
    return cage * (0.085 * back + 0.05 * front) + 0.05 * spine + 0.11 * canvas.lines(collar, blur=0.012)


def _bars(phase: np.ndarray, share: float) -> np.ndarray:
    """Bars that come back with every whole number of `phase`, each `share` of the distance wide."""
    off = np.abs(phase - np.floor(phase) - 0.5)
    bar = soft(share / 2 - off, 0.12)
    return bar * (0.75 + 0.5 * np.clip(off / (share / 2), 0, 1))


def _vessels(canvas: Canvas, draw: np.random.Generator) -> np.ndarray:
    """Vessels that leave the roots of the lungs in all directions and thin out."""
    strokes: list[tuple[list[Point], float]] = []
    for side in (-1, 1):
        root = (side * 0.17, -0.02)
        for angle in np.linspace(-1.5, 1.3, 13) + draw.normal(0, 0.07, 13):
            length = draw.uniform(0.3, 0.55)
            end = (root[0] + side * length * math.cos(angle), root[1] + length * 1.15 * math.sin(angle))
            bend = ((root[0] + end[0]) / 2 + draw.normal(0, 0.04), (root[1] + end[1]) / 2 + draw.normal(0, 0.04))
            points = curve(root, bend, end, steps=9)
            strokes += [(points, 0.006), (points[:7], 0.013), (points[:4], 0.022)]
            fork = (end[0] + draw.normal(0, 0.1), end[1] + draw.normal(0, 0.12))
            strokes.append(([points[5], fork], 0.006))
    far = np.clip(1.25 - np.hypot(canvas.s - 0.17, canvas.y + 0.02) / 0.7, 0, 1)
    return canvas.lines(strokes, blur=0.007) * far


def _mottle(canvas: Canvas, draw: np.random.Generator) -> np.ndarray:
    """An even unrest of no meaning, around 0."""
    coarse = Image.fromarray(draw.normal(0, 1, (22, 22)).astype(np.float32))
    return np.asarray(coarse.resize((canvas.pixels, canvas.pixels), Image.Resampling.BICUBIC), np.float32)
