"""Dots with their intervals, one under another: the chart of metrics, and the forests of groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from encoder.audit.page.charts.drawing import DASHED, SMALL, WIDTH, Drawing
from encoder.audit.page.charts.palette import BLUE, PAPER, RUST, SOFT
from encoder.audit.page.numbers import known, with_interval
from encoder.audit.page.words import shortened

LEFT, RIGHT, ROW, HEAD, FOOT = 14, 14, 36, 26, 24


@dataclass(frozen=True, slots=True)
class Dot:
    """One value with its interval; one that is `marked` stands out, and says so in words."""

    name: str
    value: float
    low: float | None
    high: float | None
    marked: str = ""

    def in_words(self) -> str:
        """The value in words."""
        told = with_interval(self.value, None if self.low is None or self.high is None else (self.low, self.high))
        return f"{told}, {self.marked}" if self.marked else told


def intervals_chart(
    name: str, title: str, rows: Sequence[Dot | str], *, reference: float | None = None, reference_name: str = ""
) -> Markup:
    """Dots and intervals; a text among the rows heads those below it; `reference` is marked through all of them."""
    dots = [row for row in rows if isinstance(row, Dot)]
    low, high = _ends([*dots, *([] if reference is None else [Dot("", reference, None, None)])])
    top = 22.0 if reference is not None else 6.0
    height = sum(HEAD if isinstance(row, str) else ROW for row in rows)
    drawing = Drawing(top + height + FOOT, (LEFT, RIGHT, top, FOOT))
    drawing.axes.set_xlim(low, high)
    drawing.axes.set_ylim(height, 0)
    drawing.axes.set_yticks([])
    drawing.grid("x")
    left, right = (low + (at - LEFT) / (WIDTH - LEFT - RIGHT) * (high - low) for at in (4, WIDTH - 4))
    if reference is not None:
        _reference(drawing, reference, reference_name, low, high)
    y = 0.0
    for row in rows:
        if isinstance(row, str):
            drawing.write(left, y + 18, shortened(row, 44), fontweight="bold")
            y += HEAD
        else:
            _row(drawing, row, y, left, right)
            y += ROW
    text = "; ".join(row if isinstance(row, str) else f"{row.name}: {row.in_words()}" for row in rows)
    beside = "" if reference is None else f" {reference_name} is marked by a dashed line."
    return drawing.svg(name, title, f"{text}.{beside}")


def _reference(drawing: Drawing, at: float, name: str, low: float, high: float) -> None:
    drawing.axes.axvline(at, **DASHED)
    anchor = "right" if at > (low + high) / 2 else "left"
    drawing.write(at, -8, name, ha=anchor, fontsize=SMALL, color=SOFT)


def _row(drawing: Drawing, row: Dot, y: float, left: float, right: float) -> None:
    """The name and the numbers on one line, the dot and its interval beneath."""
    colour, at = RUST if row.marked else BLUE, y + 25
    drawing.write(left, y + 14, shortened(row.name, 26))
    # What is drawn behind the numbers does not cross them.
    behind = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
    numbers = with_interval(row.value, None if row.low is None or row.high is None else (row.low, row.high))
    drawing.write(right, y + 14, numbers, ha="right", bbox=behind, fontweight="bold" if row.marked else "normal")
    if row.low is not None and row.high is not None and known(row.low) and known(row.high):
        ends: dict[str, Any] = {"linewidth": 2, "marker": "|", "markersize": 8, "clip_on": False}
        drawing.axes.plot([row.low, row.high], [at, at], color=colour, **ends)
    how: dict[str, Any] = {"marker": "D", "markersize": 8} if row.marked else {"marker": "o", "markersize": 9}
    drawing.axes.plot([row.value], [at], color=colour, clip_on=False, **how)


def _ends(dots: Sequence[Dot]) -> tuple[float, float]:
    """Where the axis begins and ends: at tenths (or twentieths, where all are near) around everything."""
    values = [v for dot in dots for v in (dot.value, dot.low, dot.high) if v is not None and math.isfinite(v)]
    if not values:
        return 0.0, 1.0
    step = 0.05 if max(values) - min(values) < 0.15 else 0.1
    low, high = math.floor(min(values) / step) * step, math.ceil(max(values) / step) * step
    if high <= low:
        low, high = (low - step, low) if low > 0 else (low, low + step)
    return round(low, 3), round(high, 3)
