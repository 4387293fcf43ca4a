"""ROC and precision-recall curves, several in one square, with the points at which a model is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from encoder.audit.page.charts.drawing import SIZE, Drawing
from encoder.audit.page.charts.palette import BLUE, GREEN, GREY, INK, OCHRE, PAPER, RUST
from encoder.audit.page.numbers import share
from encoder.audit.page.words import shortened

SQUARE, LINE, FOOT = 280, 20, 48
MARGINS = (48, 12)
DRAWN: tuple[Mapping[str, Any], ...] = (
    {"color": INK, "linestyle": "-"},
    {"color": RUST, "linestyle": (0, (5, 1.8))},
    {"color": BLUE, "linestyle": (0, (1.6, 1.6))},
    {"color": GREEN, "linestyle": (0, (6, 1.5, 1.2, 1.5))},
    {"color": OCHRE, "linestyle": (0, (3, 1, 1, 1, 1, 1))},
    {"color": GREY, "linestyle": (0, (9, 2))},
)
"""Curves differ in their dashes as well as in colour."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve, what it is of, its area, and the point at which the model is run, if there is one."""

    name: str
    area: float | None
    x: Sequence[float]
    y: Sequence[float]
    point: tuple[float, float] | None = None


def roc_chart(name: str, title: str, lines: Sequence[Line]) -> Markup:
    """ROC curves with a legend beneath."""
    told = [f"{one.name}: AUROC {share(one.area)}{_run_at(one, 'false positive rate', 'sensitivity')}" for one in lines]
    drawing = _square(lines, "false positive rate", "sensitivity")
    drawing.diagonal()
    return drawing.svg(name, title, f"ROC curves. {'; '.join(told)}.")


def precision_chart(name: str, title: str, lines: Sequence[Line], prevalence: float) -> Markup:
    """Precision-recall curves with a legend beneath; the dashed line is the precision of calling everything."""
    told = [f"{one.name}: AUPRC {share(one.area)}{_run_at(one, 'sensitivity', 'precision')}" for one in lines]
    drawing = _square(lines, "sensitivity (recall)", "precision (PPV)")
    drawing.axes.plot([0, 1], [prevalence, prevalence], color=GREY, linewidth=1.2, linestyle=(0, (3.5, 2.5)))
    about = f"Precision-recall curves. {'; '.join(told)}; calling everything positive has {share(prevalence)}."
    return drawing.svg(name, title, about)


def _run_at(one: Line, x: str, y: str) -> str:
    return "" if one.point is None else f", run at {x} {share(one.point[0])} and {y} {share(one.point[1])}"


def _square(lines: Sequence[Line], x: str, y: str) -> Drawing:
    left, right = MARGINS
    below = FOOT + LINE * len(lines)
    drawing = Drawing(10 + SQUARE + below, (left, right, 10, below))
    drawing.square(x, y)
    for number, one in enumerate(lines):
        how = DRAWN[number % len(DRAWN)]
        xs, ys = thinned(one.x, one.y)
        drawing.axes.plot(xs, ys, linewidth=2, clip_on=False, **how)
        if one.point is not None:
            point: dict[str, Any] = {"marker": "o", "markersize": 9, "markerfacecolor": PAPER, "markeredgewidth": 2}
            drawing.axes.plot(*([value] for value in one.point), color=how["color"], clip_on=False, zorder=5, **point)
        at = -(58 + LINE * number) / SQUARE
        drawing.axes.plot([0, 34 / SQUARE], [at + 4 / SQUARE] * 2, linewidth=2, clip_on=False, **how)
        drawing.write(42 / SQUARE, at, f"{shortened(one.name, 30)}: {share(one.area)}", fontsize=SIZE)
    return drawing


def thinned(xs: Sequence[float], ys: Sequence[float], step: float = 0.006) -> tuple[list[float], list[float]]:
    """The points of a curve that can be told apart at this size."""
    kept = [(xs[0], ys[0])]
    for x, y in zip(xs[1:-1], ys[1:-1], strict=True):
        if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= step:
            kept.append((x, y))
    kept.append((xs[-1], ys[-1]))
    return [x for x, _ in kept], [y for _, y in kept]
