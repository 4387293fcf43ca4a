"""The picture of a phantom study: its chest, what ails it, the exposure, and the look of its site."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from ingest.demo.ailments import enlarged_ratio, plant
from ingest.demo.anatomy import Chest, draw_chest
from ingest.demo.canvas import Canvas
from ingest.demo.study import Planted, Study

VISIBLE = 0.3
"""How much of a finding a pixel must hold to lie in its box, of what its fullest pixel holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a finding lies in the picture: whole pixels, x1 and y1 just beyond it."""

    finding: str
    side: str
    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A study's picture, uint8 (size, size), and the boxes of what was planted in it."""

    pixels: np.ndarray
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class _Look:
    """How a site's pictures look: contrast, brightness, noise, and whether a lead letter tells the side."""

    contrast: float
    brightness: float
    noise: float
    marked: bool = False


_LOOKS = {
    "harbor": _Look(1.0, 0.0, 0.018),
    "hill": _Look(0.86, 0.03, 0.024, marked=True),
    "valley": _Look(1.14, -0.02, 0.012),
}


def draw_study(study: Study, size: int = 128) -> Picture:
    """Draw a study; the same study always gives the same pixels, and without a finding the rest stays as it is."""
    canvas = Canvas(study.build, size)
    large = next((one for one in study.planted if one.name == "cardiomegaly"), None)
    ratio = enlarged_ratio(large.extent) if large else study.build.heart_ratio
    chest = draw_chest(canvas, study.build.dome, ratio, female=study.sex == "F", draw=_randomness(study, "chest"))
    boxes = []
    for one in study.planted:
        mask = plant(chest, one, _randomness(study, f"{one.name} {one.side}"))
        boxes.append(_box(one, mask))
    return Picture(_exposed(study, chest), tuple(boxes))


def _randomness(study: Study, what: str) -> np.random.Generator:
    """Chance of its own for each part of a picture, so that leaving one away moves no other."""
    return np.random.default_rng((study.seed, study.number, crc32(what.encode())))


def _box(planted: Planted, mask: np.ndarray) -> Box:
    rows, columns = np.nonzero(mask > VISIBLE * mask.max())
    x0, x1, y0, y1 = int(columns.min()), int(columns.max()) + 1, int(rows.min()), int(rows.max()) + 1
    return Box(finding=planted.name, side=planted.side or "", x0=x0, y0=y0, x1=x1, y1=y1)


def _exposed(study: Study, chest: Chest) -> np.ndarray:
    """The layers added up as attenuation, and what the detector and the site make of it."""
    look, build = _LOOKS[study.site], study.build
    tissue = chest.body * (1 - 0.74 * chest.air) * build.tissue
    density = tissue + (chest.extra + 0.2 * chest.vessels * chest.air) * np.minimum(1, 2.5 * chest.body)
    if look.marked:
        density = np.maximum(density, 1.6 * _marker(chest, study))
    bright = 1.12 - 1.12 * np.exp(-1.25 * np.clip(density, 0, None))
    bright = (bright - 0.5) * look.contrast * build.contrast + 0.5 + look.brightness + build.exposure
    bright += _randomness(study, "noise").normal(0, look.noise, bright.shape) * (0.5 + bright.clip(0, 1))
    return np.clip(bright * 255, 0, 255).round().astype(np.uint8)


def _marker(chest: Chest, study: Study) -> np.ndarray:
    """The letter of a side in the upper corner of that side."""
    left = study.number % 2 == 0
    x, y = (0.86, -0.94) if left else (-0.94, -0.94)
    letter = [(0, 0), (0, 0.1), (0.06, 0.1)] if left else _LETTER_R
    return chest.canvas.lines([([(x + across, y + down) for across, down in letter], 0.022)])


_LETTER_R = [(0, 0.1), (0, 0), (0.05, 0.005), (0.06, 0.025), (0.05, 0.048), (0, 0.05), (0.065, 0.1)]
