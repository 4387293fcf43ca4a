"""Figures within a square: ROC curves of strata, and reliability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from encoder.audit.page.markup import Html, shortened, tag
from encoder.audit.page.numbers import between, count, share
from encoder.audit.page.plot import Scale, polyline, square_axes, stroke, svg, words
from encoder.audit.report.report_data import Bin

X, Y = Scale(0, 1, 48, 328), Scale(0, 1, 290, 10)
KINDS = ("line all", "line with", "line without")
"""Curves differ in their dashes as well as in colour."""


@dataclass(frozen=True, slots=True)
class Roc:
    """A ROC curve and what it is of."""

    name: str
    auroc: float
    false_positive_rate: Sequence[float]
    sensitivity: Sequence[float]

    def sensitivity_at(self, rate: float) -> float:
        """The best sensitivity at no more than this false positive rate."""
        return max(
            (s for f, s in zip(self.false_positive_rate, self.sensitivity, strict=True) if f <= rate), default=0.0
        )


def roc_figure(name: str, title: str, curves: Sequence[Roc]) -> Html:
    """ROC curves with a legend beneath."""
    drawn = [stroke(X(0), Y(0), X(1), y2=Y(1), kind="reference")]
    for number, curve in enumerate(curves):
        kind = KINDS[number % len(KINDS)]
        rates, sensitivities = _thinned(curve.false_positive_rate, curve.sensitivity)
        drawn.append(polyline(X, Y, rates, ys=sensitivities, kind=kind))
        at = 348 + 20 * number
        drawn.append(stroke(X(0), at - 4, X(0) + 34, y2=at - 4, kind=kind))
        drawn.append(words(X(0) + 42, at, f"{shortened(curve.name, 28)}: {share(curve.auroc)}"))
    text = "; ".join(
        f"{curve.name}: AUROC {share(curve.auroc)}, sensitivity {share(curve.sensitivity_at(0.1))} at a false "
        "positive rate of 0.1"
        for curve in curves
    )
    axes = square_axes(X, Y, "false positive rate", y_name="sensitivity")
    return svg(name, title, f"ROC curves. {text}.", 338 + 20 * len(curves), *axes, *drawn)


def reliability_figure(name: str, title: str, bins: Sequence[Bin]) -> Html:
    """The share of positives in each bin, with its interval, beside the mean score."""
    drawn = [stroke(X(0), Y(0), X(1), y2=Y(1), kind="reference")]
    drawn += [stroke(X(one.score), Y(one.low), X(one.score), y2=Y(one.high), kind="interval") for one in bins]
    drawn.append(polyline(X, Y, [one.score for one in bins], ys=[one.share for one in bins], kind="line thin"))
    drawn += [tag("circle", cx=X(one.score), cy=Y(one.share), r=4, class_="dot") for one in bins]
    text = "; ".join(
        f"mean score {share(one.score)}: {share(one.share)} positive ({between(one.low, one.high)}), n {count(one.n)}"
        for one in bins
    )
    axes = square_axes(X, Y, "mean score of the bin", y_name="share that is positive")
    about = f"Reliability in bins of equal size; on the dashed diagonal scores are what they say. {text}."
    return svg(name, title, about, 332, *axes, *drawn)


def _thinned(xs: Sequence[float], ys: Sequence[float], step: float = 0.006) -> tuple[list[float], list[float]]:
    """The points of a curve that can be told apart at this size."""
    kept = [(xs[0], ys[0])]
    for x, y in zip(xs[1:-1], ys[1:-1], strict=True):
        if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= step:
            kept.append((x, y))
    kept.append((xs[-1], ys[-1]))
    return [x for x, _ in kept], [y for _, y in kept]
