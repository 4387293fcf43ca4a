"""What figures are drawn with: a scale, ticks, and an SVG that says in words what it shows.

Every figure is 340 units wide and shown at 330 to 420 pixels: its smallest text stays readable on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from encoder.audit.page.markup import Html, join, tag

WIDTH = 340


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values lie on a line of the figure; what is beyond its ends lies at them."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        inside = min(max(value, self.low), self.high)
        width = (self.high - self.low) or 1.0
        return round(self.start + (inside - self.low) / width * (self.end - self.start), 2)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values between two ends."""
    if not high > low:
        return [low]
    raw = (high - low) / most
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float) -> str:
    """A tick as it is written."""
    return f"{value:g}".replace("-", "\u2212")


def svg(name: str, title: str, told: str, height: float, *children: object) -> Html:
    """A figure; `name` is unique on the page, `told` says all that it shows."""
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", told, id=f"{name}-desc"),
        *children,
        viewBox=f"0 0 {WIDTH} {round(height, 2):g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        preserveAspectRatio="xMidYMid meet",
    )


def figure(drawing: Html, caption: object, *more: object) -> Html:
    """A drawing with its caption, and its numbers beneath."""
    return tag("figure", drawing, tag("figcaption", caption), *more)


def words(x: float, y: float, said: str, *, anchor: str = "start", kind: str = "label") -> Html:
    """A text within a figure."""
    return tag("text", said, x=round(x, 2), y=round(y, 2), text_anchor=anchor, class_=kind)


def number(y: float, said: str) -> Html:
    """Numbers at the right end of a line of text; what is drawn behind them does not cross them."""
    width = 6.7 * len(said)
    back = tag(
        "rect", x=round(WIDTH - 6 - width, 2), y=round(y - 11, 2), width=round(width + 4, 2), height=14, class_="back"
    )
    return join([back, words(WIDTH - 4, y, said, anchor="end", kind="value")])


def stroke(x1: float, y1: float, x2: float, *, y2: float, kind: str) -> Html:
    """A straight line within a figure."""
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return tag("line", **{name: round(value, 2) for name, value in ends.items()}, class_=kind)


def square_axes(x: Scale, y: Scale, x_name: str, *, y_name: str) -> list[Html]:
    """The grid, ticks and names of axes that both go from 0 to 1."""
    made: list[Html] = []
    for value in ticks(0.0, 1.0, 5):
        made.append(stroke(x(value), y(0), x(value), y2=y(1), kind="mesh"))
        made.append(stroke(x(0), y(value), x(1), y2=y(value), kind="mesh"))
        made.append(words(x(value), y(0) + 15, tick_text(value), anchor="middle", kind="tick"))
        made.append(words(x(0) - 6, y(value) + 4, tick_text(value), anchor="end", kind="tick"))
    made.append(words((x(0) + x(1)) / 2, y(0) + 33, x_name, anchor="middle"))
    middle = (y(0) + y(1)) / 2
    turned = tag(
        "text", y_name, x=13, y=middle, text_anchor="middle", class_="label", transform=f"rotate(-90 13 {middle:g})"
    )
    return [*made, turned]


def polyline(x: Scale, y: Scale, xs: Sequence[float], *, ys: Sequence[float], kind: str) -> Html:
    """A line through points."""
    points = " ".join(f"{x(a):g},{y(b):g}" for a, b in zip(xs, ys, strict=True))
    return tag("polyline", points=points, class_=kind)
