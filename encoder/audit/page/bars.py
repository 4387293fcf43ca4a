"""Bars to both sides of 0: what concepts add to a logit or take from it."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.page.markup import Html, shortened, tag
from encoder.audit.page.numbers import signed
from encoder.audit.page.plot import Scale, number, stroke, svg, tick_text, ticks, words

LEFT, RIGHT, ROW = 14, 326, 36


def bars_figure(name: str, title: str, rows: Sequence[tuple[str, float]]) -> Html:
    """A bar for each name and value: to the right what speaks for the label, to the left what speaks against it."""
    values = [value for _, value in rows]
    low, high = min([0.0, *values]), max([0.0, *values])
    if high == low:
        low, high = -1.0, 1.0
    x = Scale(low, high, LEFT, RIGHT)
    end = 4.0 + ROW * len(rows)
    drawn: list[Html] = [stroke(x(value), 4, x(value), y2=end, kind="mesh") for value in ticks(low, high, 5)]
    drawn.append(stroke(x(0), 4, x(0), y2=end, kind="axis"))
    for at, (said, value) in enumerate(rows):
        y = 4.0 + ROW * at
        start, width = min(x(0), x(value)), abs(x(value) - x(0))
        kind = "bar for" if value >= 0 else "bar against"
        drawn.append(words(4, y + 14, shortened(said, 38)))
        drawn.append(number(y + 14, signed(value)))
        drawn.append(tag("rect", x=start, y=y + 19, width=round(max(width, 0.8), 2), height=11, class_=kind))
    marks = [words(x(v), end + 15, tick_text(v), anchor="middle", kind="tick") for v in ticks(low, high, 5)]
    text = "; ".join(f"{said}: {signed(value)}" for said, value in rows)
    return svg(name, title, f"Contributions to the logit. {text}.", end + 22, *drawn, *marks)
