"""The canvas a phantom is drawn on: every pixel's place in the patient, soft edges, and lines with a brush."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ingest.demo.study import Build

OVERSAMPLED = 2
"""Lines are drawn this many times as large, then shrunk; whatever else is drawn has soft edges by itself."""

Point = tuple[float, float]
"""A place in the patient: x from -1 (their right, the picture's left) to 1, y from -1 (the neck) to 1."""


class Canvas:
    """A square of `pixels`, each `pixel` wide; `x`, `y` say where in the patient each lies, `s` off the middle."""

    def __init__(self, build: Build, pixels: int):
        self.pixels = pixels
        self.pixel = 2 / pixels
        self.build = build
        axis = ((np.arange(pixels, dtype=np.float32) + 0.5) / pixels * 2 - 1).astype(np.float32)
        across, down = axis[None, :] - build.shift[0], axis[:, None] - build.shift[1]
        cosine, sine = self._turned()
        self.x: np.ndarray = (across * cosine + down * sine) / build.across
        self.y: np.ndarray = (down * cosine - across * sine) / build.down
        self.s: np.ndarray = np.abs(self.x)

    def lines(self, strokes: Sequence[tuple[Sequence[Point], float]], blur: float = 0.006) -> np.ndarray:
        """Strokes of a brush, each along its points and as wide as it says, from 0 to 1."""
        side = self.pixels * OVERSAMPLED
        picture = Image.new("L", (side, side), 0)
        brush = ImageDraw.Draw(picture)
        for points, width in strokes:
            brush.line(self._at(points), fill=255, width=max(1, round(width * side / 2)), joint="curve")
        blurred = picture.filter(ImageFilter.GaussianBlur(blur * side / 2)).reduce(OVERSAMPLED)
        return np.asarray(blurred, np.float32) / 255

    def _at(self, points: Sequence[Point]) -> list[Point]:
        """Places in the patient as places on the canvas, in pixels of a line."""
        half = self.pixels * OVERSAMPLED / 2
        cosine, sine = self._turned()
        found = []
        for x, y in points:
            across, down = x * self.build.across, y * self.build.down
            column = across * cosine - down * sine + self.build.shift[0]
            row = across * sine + down * cosine + self.build.shift[1]
            found.append(((column + 1) * half, (row + 1) * half))
        return found

    def _turned(self) -> tuple[float, float]:
        angle = math.radians(self.build.turn)
        return math.cos(angle), math.sin(angle)


def soft(inside: np.ndarray, width: float) -> np.ndarray:
    """1 if `inside` is well above 0, 0 if it is well below, with a smooth edge about `width` wide."""
    ramp = np.clip(inside / width + 0.5, 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def blob(canvas: Canvas, centre: Point, radius: Point, *, turn: float = 0) -> np.ndarray:
    """How far inside an ellipse each pixel lies: 1 at its centre, 0 on its edge, below 0 outside."""
    cosine, sine = math.cos(turn), math.sin(turn)
    across, down = canvas.x - centre[0], canvas.y - centre[1]
    along, beside = (across * cosine + down * sine) / radius[0], (down * cosine - across * sine) / radius[1]
    return 1 - np.sqrt(along * along + beside * beside)


def curve(start: Point, bend: Point, end: Point, *, steps: int = 14) -> list[Point]:
    """The points of a quadratic curve that leaves `start` towards `bend` and comes to `end`."""
    points = []
    for step in range(steps + 1):
        t = step / steps
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        points.append((a * start[0] + b * bend[0] + c * end[0], a * start[1] + b * bend[1] + c * end[1]))
    return points
