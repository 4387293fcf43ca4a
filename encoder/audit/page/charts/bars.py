"""Bars to both sides of 0: what concepts add to a logit or take from it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from encoder.audit.page.charts.drawing import WIDTH, Drawing
from encoder.audit.page.charts.palette import BLUE, GREY, PAPER, RUST
from encoder.audit.page.numbers import signed
from encoder.audit.page.words import shortened

SIDE, ROW, FOOT = 14, 36, 22


def bars_chart(name: str, title: str, rows: Sequence[tuple[str, float]]) -> Markup:
    """A bar for each name and value: to the right what speaks for the label, to the left what speaks against it."""
    values = [value for _, value in rows]
    low, high = min([0.0, *values]), max([0.0, *values])
    if high == low:
        low, high = -1.0, 1.0
    height = ROW * len(rows)
    drawing = Drawing(4 + height + FOOT, (SIDE, SIDE, 4, FOOT))
    drawing.axes.set_xlim(low, high)
    drawing.axes.set_ylim(height, 0)
    drawing.axes.set_yticks([])
    drawing.grid("x", 5)
    drawing.axes.axvline(0, color=GREY, linewidth=1.2, zorder=0.9)
    left, right = (low + (at - SIDE) / (WIDTH - 2 * SIDE) * (high - low) for at in (4, WIDTH - 4))
    behind = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
    for at, (said, value) in enumerate(rows):
        y, colour = ROW * at, BLUE if value >= 0 else RUST
        # The bar of what speaks against is hollow: it is told apart without colour, too.
        drawing.axes.barh(
            y + 24.5, value, height=11, color=colour if value >= 0 else PAPER, edgecolor=colour, linewidth=1.5
        )
        drawing.write(left, y + 14, shortened(said, 36), bbox=behind)
        drawing.write(right, y + 14, signed(value), ha="right", bbox=behind)
    text = "; ".join(f"{said}: {signed(value)}" for said, value in rows)
    return drawing.svg(name, title, f"Contributions to the logit. {text}.")
