"""Dots with their intervals, one under another: the figure of metrics, and the forest plot of subgroups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from encoder.audit.page.markup import Html, shortened, tag
from encoder.audit.page.numbers import known, with_interval
from encoder.audit.page.plot import WIDTH, Scale, number, stroke, svg, tick_text, ticks, words

LEFT, RIGHT, ROW, HEAD = 14, 326, 36, 26


@dataclass(frozen=True, slots=True)
class Dot:
    """One value with its interval."""

    name: str
    value: float
    low: float | None
    high: float | None

    def in_words(self) -> str:
        """The value in words."""
        return with_interval(self.value, None if self.low is None or self.high is None else (self.low, self.high))


def intervals_figure(
    name: str, title: str, rows: Sequence[Dot | str], *, reference: float | None = None, reference_name: str = ""
) -> Html:
    """Dots and intervals; a text among the rows heads those below it; `reference` is marked through all of them."""
    dots = [row for row in rows if isinstance(row, Dot)]
    low, high = _ends([*dots, *([] if reference is None else [Dot("", reference, None, None)])])
    x = Scale(low, high, LEFT, RIGHT)
    top = 22.0 if reference is not None else 6.0
    y, drawn = top, []
    for row in rows:
        if isinstance(row, str):
            drawn.append(words(4, y + 18, shortened(row, 44), kind="head"))
            y += HEAD
        else:
            drawn += _row(row, x, y)
            y += ROW
    grid = [stroke(x(value), top, x(value), y2=y, kind="mesh") for value in ticks(low, high)]
    marks = [words(x(value), y + 16, tick_text(value), anchor="middle", kind="tick") for value in ticks(low, high)]
    line: list[Html] = []
    if reference is not None:
        at = x(reference)
        anchor = "end" if at > WIDTH / 2 else "start"
        line = [
            stroke(at, top - 4, at, y2=y, kind="reference"),
            words(at, top - 8, reference_name, anchor=anchor, kind="tick"),
        ]
    text = "; ".join(row if isinstance(row, str) else f"{row.name}: {row.in_words()}" for row in rows)
    beside = "" if reference is None else f" {reference_name} is marked by a dashed line."
    return svg(name, title, f"{text}.{beside}", y + 24, *grid, *line, *drawn, *marks)


def _row(row: Dot, x: Scale, y: float) -> list[Html]:
    """The name and the numbers on one line, the dot and its interval beneath."""
    at = y + 25
    drawn = [
        words(4, y + 14, shortened(row.name, 27)),
        number(y + 14, row.in_words()),
    ]
    if row.low is not None and row.high is not None and known(row.low) and known(row.high):
        drawn.append(stroke(x(row.low), at, x(row.high), y2=at, kind="interval"))
        drawn += [stroke(x(end), at - 4, x(end), y2=at + 4, kind="interval") for end in (row.low, row.high)]
    return [*drawn, tag("circle", cx=x(row.value), cy=at, r=4.5, class_="dot")]


def _ends(dots: Sequence[Dot]) -> tuple[float, float]:
    """Where the axis begins and ends: at tenths (or twentieths, where all are near) around everything."""
    values = [v for dot in dots for v in (dot.value, dot.low, dot.high) if v is not None and math.isfinite(v)]
    if not values:
        return 0.0, 1.0
    step = 0.05 if max(values) - min(values) < 0.15 else 0.1
    low, high = math.floor(min(values) / step) * step, math.ceil(max(values) / step) * step
    return round(low, 3), round(high if high > low else low + step, 3)
