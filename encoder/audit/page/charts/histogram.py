"""Scores by truth: those of positives above the line, those of negatives beneath it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from encoder.audit.page.charts.drawing import DASHED, SMALL, Drawing, tick_text
from encoder.audit.page.charts.palette import BLUE, GREY, PAPER, RUST, SOFT
from encoder.audit.page.numbers import share
from encoder.audit.report.report_data import Scores


def histogram_chart(name: str, title: str, scores: Scores, threshold: float | None) -> Markup:
    """Each truth as shares of its own rows, so that the rarer one is seen; the dashed line is the threshold."""
    positive, negative = _shares(scores.positives), _shares(scores.negatives)
    high = 1.15 * max([*positive, *negative, 1e-9])
    low, wide = scores.edges[0], scores.edges[-1] - scores.edges[0] or 1.0
    drawing = Drawing(338, (48, 12, 24, 48))
    axes = drawing.axes
    axes.set_xlim(low, low + wide)
    axes.set_ylim(-high, high)
    widths = [after - before for before, after in zip(scores.edges, scores.edges[1:], strict=False)]
    axes.bar(scores.edges[:-1], positive, widths, align="edge", color=BLUE, edgecolor=PAPER, linewidth=0.6)
    # Negatives are hollow: they are told apart without colour, too.
    axes.bar(
        scores.edges[:-1],
        [-value for value in negative],
        widths,
        align="edge",
        color=PAPER,
        edgecolor=RUST,
        linewidth=1.2,
    )
    axes.axhline(0, color=GREY, linewidth=1.2)
    drawing.grid("x", 5)
    drawing.grid("y", 6)
    axes.yaxis.set_major_formatter(lambda value, _: tick_text(abs(value)))
    drawing.name_axes("score", "share of its rows")
    drawing.write(low + 0.02 * wide, 0.9 * high, f"positive (n {sum(scores.positives):,})", color=BLUE)
    drawing.write(low + 0.98 * wide, -0.94 * high, f"negative (n {sum(scores.negatives):,})", color=RUST, ha="right")
    if threshold is not None and low <= threshold <= low + wide:
        axes.axvline(threshold, **DASHED)
        anchor = "right" if threshold > low + wide / 2 else "left"
        drawing.write(threshold, 1.04 * high, f"threshold {share(threshold)}", ha=anchor, fontsize=SMALL, color=SOFT)
    return drawing.svg(name, title, _told(scores, threshold))


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def _told(scores: Scores, threshold: float | None) -> str:
    """The bins that hold anything, in words."""
    bins = [
        f"{share(start)} to {share(end)}: {positives} and {negatives}"
        for start, end, positives, negatives in zip(
            scores.edges, scores.edges[1:], scores.positives, scores.negatives, strict=False
        )
        if positives or negatives
    ]
    cut = "" if threshold is None else f" The threshold is {share(threshold)}."
    return f"Positives and negatives by score, {'; '.join(bins)}.{cut}"
