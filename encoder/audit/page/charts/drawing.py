"""A chart in the making: a matplotlib figure of a fixed width that becomes SVG within the page.

Every chart is 340 units wide and shown at 330 to 420 pixels, so that its smallest text stays readable on a phone.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from encoder.audit.page.charts.inline import inline
from encoder.audit.page.charts.palette import GREY, INK, RULE, SOFT
from encoder.audit.page.words import clean

WIDTH = 340
POINTS = 72
"""Units of an SVG of matplotlib in an inch."""

SIZE, SMALL = 12.0, 11.0
"""Sizes of letters."""

STYLE = {
    "svg.fonttype": "none",  # text stays text: it is searched, read aloud, and set in the letters of the page
    "svg.hashsalt": "clear-kb",  # the same chart gives the same bytes
    "text.parse_math": False,  # a "$" in a name is a "$"
    "axes.unicode_minus": True,
}

Margins = tuple[float, float, float, float]
"""Left, right, top and bottom, in units."""


class Drawing:
    """A figure with one pair of axes, without anything that matplotlib would put there by itself."""

    def __init__(self, height: float, margins: Margins):
        left, right, top, bottom = margins
        self.height = height
        self.figure = Figure(figsize=(WIDTH / POINTS, height / POINTS), facecolor="none")
        box = (left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH, (height - top - bottom) / height)
        self.axes = self.figure.add_axes(box, facecolor="none")
        for spine in self.axes.spines.values():
            spine.set_visible(False)
        self.axes.tick_params(length=0, labelsize=SMALL, labelcolor=SOFT, pad=4)
        self.axes.set_axisbelow(True)

    def write(self, x: float, y: float, said: str, **how: Any) -> None:
        """A text at a place of the axes' data; `how` as `Axes.text` takes it."""
        given = {"fontsize": SIZE, "color": INK, "va": "baseline", "parse_math": False, **how}
        self.axes.text(x, y, clean(said), **given)

    def name_axes(self, x: str, y: str | None = None) -> None:
        """What stands beside the axes."""
        self.axes.set_xlabel(clean(x), fontsize=SIZE, color=INK, labelpad=5, parse_math=False)
        if y is not None:
            self.axes.set_ylabel(clean(y), fontsize=SIZE, color=INK, labelpad=6, parse_math=False)

    def grid(self, axis: str, most: int = 6, at: Sequence[float] | None = None) -> None:
        """Fine lines at round values of one axis, which are written beside it."""
        ruled = self.axes.xaxis if axis == "x" else self.axes.yaxis
        ruled.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]) if at is None else FixedLocator(list(at)))
        ruled.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
        self.axes.grid(axis=axis, color=RULE, linewidth=0.6)  # type: ignore[arg-type]  # "x" or "y"

    def square(self, x: str, y: str) -> None:
        """Make both axes go from 0 to 1."""
        self.axes.set_xlim(0, 1)
        self.axes.set_ylim(0, 1)
        fifths = (0, 0.2, 0.4, 0.6, 0.8, 1)
        self.grid("x", at=fifths)
        self.grid("y", at=fifths)
        self.name_axes(x, y)

    def diagonal(self) -> None:
        """The dashed line from corner to corner."""
        self.axes.plot([0, 1], [0, 1], **DASHED)

    def svg(self, name: str, title: str, told: str) -> Markup:
        """The figure as SVG; `name` is unique on the page, `told` says in words all that it shows."""
        file = StringIO()
        with rc_context(STYLE), warnings.catch_warnings():
            # The letters that count are those of the browser, which may have what matplotlib's font has not.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            self.figure.savefig(
                file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
            )
        return inline(file.getvalue(), name=name, title=title, told=told)


DASHED: Mapping[str, Any] = {"color": GREY, "linewidth": 1.2, "linestyle": (0, (3.5, 2.5))}
"""How a line is drawn that something is held against."""


def tick_text(value: float) -> str:
    """A tick as it is written."""
    return f"{round(value, 9):g}".replace("-", "\u2212")
