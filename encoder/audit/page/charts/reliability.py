"""Reliability: the share of positives in each bin of scores, with its interval, beside the mean score."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from encoder.audit.page.charts.drawing import Drawing
from encoder.audit.page.charts.palette import BLUE
from encoder.audit.page.numbers import between, count, share
from encoder.audit.report.report_data import Bin


def reliability_chart(name: str, title: str, bins: Sequence[Bin]) -> Markup:
    """Dots on the dashed diagonal are scores that are what they say."""
    drawing = Drawing(338, (48, 12, 10, 48))
    drawing.square("mean score of the bin", "share that is positive")
    drawing.diagonal()
    scores, shares = [one.score for one in bins], [one.share for one in bins]
    drawing.axes.vlines(scores, [one.low for one in bins], [one.high for one in bins], color=BLUE, linewidth=2)
    drawing.axes.plot(scores, shares, color=BLUE, linewidth=1.2, marker="o", markersize=8, clip_on=False)
    text = "; ".join(
        f"mean score {share(one.score)}: {share(one.share)} positive ({between(one.low, one.high)}), n {count(one.n)}"
        for one in bins
    )
    about = f"Reliability in bins of equal size; on the dashed diagonal scores are what they say. {text}."
    return drawing.svg(name, title, about)
