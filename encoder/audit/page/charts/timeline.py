"""Figures over time: one line a figure, with its intervals, period by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from encoder.audit.page.charts.curves import DRAWN
from encoder.audit.page.charts.drawing import DASHED, SMALL, Drawing
from encoder.audit.page.charts.palette import SOFT
from encoder.audit.page.numbers import with_interval
from encoder.audit.page.words import shortened
from kb.statistics.interval import Interval

HEIGHT, LINE, FOOT, MOST_NAMES = 180, 20, 44, 5


@dataclass(frozen=True, slots=True)
class Series:
    """One figure in every period; None where there is none."""

    name: str
    values: Sequence[Interval | None]


def timeline_chart(
    name: str, title: str, periods: Sequence[str], series: Sequence[Series], since: str | None = None
) -> Markup:
    """The figures with a legend beneath; the dashed line is where they changed."""
    below = FOOT + LINE * len(series)
    drawing = Drawing(22 + HEIGHT + below, (44, 14, 22, below))
    axes = drawing.axes
    low, high = _ends(series)
    axes.set_xlim(-0.5, len(periods) - 0.5)
    axes.set_ylim(low, high)
    drawing.grid("y", 5)
    step = -(-len(periods) // MOST_NAMES)
    axes.set_xticks(range(0, len(periods), step), [shortened(one, 10) for one in periods[::step]])
    if since is not None and since in periods:
        at = list(periods).index(since) - 0.5
        axes.axvline(at, **DASHED)
        anchor = "right" if at > len(periods) / 2 else "left"
        drawing.write(at, high + 0.04 * (high - low), f"since {since}", ha=anchor, fontsize=SMALL, color=SOFT)
    for number, one in enumerate(series):
        how = DRAWN[number % len(DRAWN)]
        known = [(at, value) for at, value in enumerate(one.values) if value is not None]
        # A little apart, so that intervals do not cover each other.
        xs = [at + (number - (len(series) - 1) / 2) * 0.12 for at, _ in known]
        axes.vlines(
            xs, [value.low for _, value in known], [value.high for _, value in known], color=how["color"], linewidth=1
        )
        axes.plot(xs, [value.value for _, value in known], linewidth=1.6, marker="o", markersize=5, **how)
        y = low - (38 + LINE * number) / HEIGHT * (high - low)
        edge, width = -0.5, len(periods) / 282
        axes.plot([edge, edge + 34 * width], [y, y], linewidth=2, clip_on=False, **how)
        drawing.write(edge + 42 * width, y - 4 / HEIGHT * (high - low), one.name)
    told = "; ".join(f"{one.name}: {_told(one, periods)}" for one in series)
    changed = f" The dashed line: since {since}." if since in periods else ""
    return drawing.svg(name, title, f"Over time. {told}.{changed}")


def _told(one: Series, periods: Sequence[str]) -> str:
    return ", ".join(
        f"{period} {with_interval(value.value, (value.low, value.high))}"
        for period, value in zip(periods, one.values, strict=True)
        if value is not None
    )


def _ends(series: Sequence[Series]) -> tuple[float, float]:
    """Where the axis begins and ends: around every interval."""
    values = [end for one in series for value in one.values if value is not None for end in (value.low, value.high)]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or 0.05
    return low - room, high + room
