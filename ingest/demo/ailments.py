"""What may ail a phantom, drawn into its chest: each changes the layers and says where it did."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ingest.demo.anatomy import Chest, heart, lung_outline
from ingest.demo.canvas import Point, blob, curve, soft
from ingest.demo.study import Planted, Zone

_ZONE_HEIGHTS: dict[Zone, tuple[float, float]] = {"upper": (-0.5, -0.32), "mid": (-0.16, 0.04), "lower": (0.14, 0.28)}


def plant(chest: Chest, planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """Draw a finding or device into `chest`; the mask says where it lies, from 0 to 1."""
    return _DRAWN[planted.name](chest, planted, draw)


def enlarged_ratio(extent: float) -> float:
    """How wide an enlarged heart is against the thorax: always more than half of it."""
    return 0.51 + 0.13 * extent**1.5


def _effusion(chest: Chest, planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """Fluid that lies lowest and climbs the wall: a meniscus."""
    canvas = chest.canvas
    lateral = np.clip((canvas.s - 0.1) / 0.68, 0, 1.1)
    level = 0.66 - 0.52 * planted.extent + draw.normal(0, 0.012)
    surface = level - (0.2 + 0.1 * planted.extent) * lateral**3
    fluid = soft(canvas.y - surface, 0.045) * chest.on(planted.side)
    mask = fluid * chest.air
    chest.air *= 1 - 0.94 * fluid
    chest.vessels *= 1 - fluid
    return mask


def _cardiomegaly(chest: Chest, planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """The chest was drawn with the large heart already; this only says where it lies."""
    return heart(chest.canvas, enlarged_ratio(planted.extent))


def _opacity(chest: Chest, planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """A patch of filled lung: lumps that run into one another and fade at the edge."""
    x, y = _place(planted, draw, 0.36, 0.5)
    spread = 0.075 + 0.06 * planted.extent
    patch = np.zeros_like(chest.air)
    for _ in range(9):
        centre = (x + draw.normal(0, spread * 0.75), y + draw.normal(0, spread * 0.75))
        patch += draw.uniform(0.3, 0.6) * soft(blob(chest.canvas, centre, (spread, spread * draw.uniform(0.6, 1))), 1.6)
    patch = np.minimum(patch, 1) * chest.on(planted.side)
    mask = patch * chest.air
    chest.air *= 1 - draw.uniform(0.5, 0.68) * patch
    return mask


def _nodule(chest: Chest, planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """One small round spot with a clear edge."""
    x, y = _place(planted, draw, 0.4, 0.54)
    radius = 0.05 + 0.03 * planted.extent
    spot = soft(blob(chest.canvas, (x, y), (radius, radius)) * radius, 0.025)
    chest.extra += draw.uniform(0.36, 0.46) * spot
    return spot


def _pneumothorax(chest: Chest, planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """Free air above and beside a lung that has come off the wall; between them the pleura as a fine line."""
    canvas = chest.canvas
    side = chest.on(planted.side)
    collapse = 0.09 + 0.22 * planted.extent
    shrunken = lung_outline(canvas, collapse, 0.12 + 0.3 * planted.extent) * 0.17
    edge = soft(canvas.s - 0.16, 0.05) * chest.lungs * side
    free = (1 - soft(shrunken, 0.016)) * edge
    line = np.clip(1 - np.abs(shrunken) / max(0.012, canvas.pixel), 0, 1) * edge
    chest.vessels *= 1 - free
    chest.air *= 1 - 0.1 * side * (1 - free)
    chest.extra += 0.14 * line - 0.06 * free
    return np.maximum(free, line)


def _chest_tube(chest: Chest, planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """A drain from the side wall that bends upwards along the lung; its middle lets more through than its walls."""
    sign = 1 if planted.side == "left" else -1
    entry = (sign * 0.98, 0.3 + 0.12 * draw.random())
    bend = (sign * (0.62 + 0.08 * draw.random()), 0.12)
    tip = (sign * (0.36 + 0.14 * draw.random()), -0.42 - 0.18 * planted.extent)
    points = curve(entry, bend, tip, steps=20)
    tube = chest.canvas.lines([(points, 0.034)])
    chest.extra += 0.34 * tube - 0.16 * chest.canvas.lines([(points, 0.012)])
    return tube


def _pacemaker(chest: Chest, planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """A flat box below the collar bone, and its lead through the great vein into the heart."""
    sign = 1 if planted.side == "left" else -1
    x, y = sign * (0.56 + 0.06 * draw.random()), -0.5 + 0.06 * draw.random()
    outline = [(x - 0.05, y - 0.02), (x + 0.05, y + 0.02)]
    box = chest.canvas.lines([(outline, 0.15)], blur=0.008)
    tip = (0.26 + 0.08 * draw.random(), 0.36 + 0.03 * draw.random())
    vein: Point = (-0.07, -0.42)
    lead = [*curve((x, y), (sign * 0.3, -0.72), vein), *curve(vein, (-0.14, 0.28), tip)]
    wire = chest.canvas.lines([(lead, 0.016)])
    chest.extra += 0.75 * box + 0.3 * wire * (1 - box)
    return np.maximum(box, wire)


def _place(planted: Planted, draw: np.random.Generator, nearest: float, farthest: float) -> Point:
    """A place in the zone of a finding, at some distance from the midline."""
    low, high = _ZONE_HEIGHTS[planted.zone or "mid"]
    sign = 1 if planted.side == "left" else -1
    inward = 0.06 if planted.zone == "upper" else 0
    return sign * (draw.uniform(nearest, farthest) - inward), draw.uniform(low, high)


_DRAWN: dict[str, Callable[[Chest, Planted, np.random.Generator], np.ndarray]] = {
    "pleural effusion": _effusion,
    "cardiomegaly": _cardiomegaly,
    "opacity": _opacity,
    "nodule": _nodule,
    "pneumothorax": _pneumothorax,
    "chest tube": _chest_tube,
    "pacemaker": _pacemaker,
}
