"""Groups and segments: every group at the threshold that all share, and the segments in which a run does worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from encoder.audit.page.charts.intervals import Dot, intervals_chart
from encoder.audit.page.numbers import NONE, count, share, signed, signed_interval, with_interval
from encoder.audit.page.views import Cell, Chart, Picture, Table
from encoder.audit.report.report_data import ReportData
from encoder.audit.segments.result import Figures, Group, Segment, SegmentAudit
from encoder.audit.segments.sentences import overall, power, tell
from kb.statistics.interval import Interval

DRAWN = {"sensitivity": "sensitivity", "specificity": "specificity", "auroc": "AUROC"}
FIRST = ("sex", "age", "view", "site")
"""Attributes that are drawn before any others."""

MOST_GROUPS = 20
"""Groups that are drawn; all stand in the table."""

MOST_TOLD = 3
"""Segments that are told at once; the others are folded."""

Galleries = Mapping[str, Sequence[tuple[str, Sequence[Picture]]]]
"""Pictures by what they are of, each row of them with its heading."""

COLUMNS = (
    "group",
    "n",
    "positives",
    "sensitivity",
    "specificity",
    "PPV",
    "NPV",
    "alerts",
    "truth less score",
    "slope",
    "AUROC",
    "BPSN",
    "BNSP",
)


def segments(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    return {
        "labels": [segments_of_label(number, one) for number, one in enumerate(data.segments)],
        "notes": data.notes_of("segments"),
    }


def weakest(found: SegmentAudit) -> Segment | None:
    """The most harmful segment."""
    return found.segments[0] if len(found.segments) else None


def segments_of_label(number: int, found: SegmentAudit, galleries: Galleries | None = None) -> dict[str, object]:
    """What is shown of one label; `galleries` has pictures of the segments by their text, where there are any."""
    shown_pictures = galleries or {}
    known = [(group, group.figures) for group in found.groups if group.figures is not None]
    shown = _chosen([group for group, _ in known if group.attribute != "month"])
    more = len(known) - len(shown)  # months have a section of their own
    small = len(found.groups) - len(known)
    told = [(one.text, tell(one), shown_pictures.get(one.text, ())) for one in found.segments]
    notes = [
        *([f"{count(more)} more groups stand in the table"] if more else []),
        *([f"{count(small)} groups are too small to say anything of"] if small else []),
        *found.notes,
    ]
    return {
        "id": f"segments-{number}",
        "label": found.label,
        "threshold": f"Threshold {share(found.threshold.value)} ({found.threshold.origin}): {overall(found.overall)}.",
        "segments": told[:MOST_TOLD],
        "more_segments": told[MOST_TOLD:],
        "power": power(found),
        "charts": [_chart(number, measure, found, shown) for measure in DRAWN] if shown else [],
        "table": _table(found, [(group.name, figures) for group, figures in known]) if known else None,
        "notes": notes,
    }


def _chosen(groups: Sequence[Group]) -> list[Group]:
    """The groups that are drawn: attributes that everybody asks for, then others, then findings and properties."""
    kinds = ("attribute", "image", "report")

    def order(group: Group) -> tuple[int, int]:
        asked = FIRST.index(group.attribute) if group.attribute in FIRST else len(FIRST)
        return asked, kinds.index(group.kind)

    return sorted(groups, key=order)[:MOST_GROUPS]


def _chart(number: int, measure: str, found: SegmentAudit, shown: Sequence[Group]) -> Chart:
    all_rows: Interval | None = getattr(found.overall, measure)
    value = None if all_rows is None else all_rows.value
    rows: list[Dot | str] = []
    points = [
        {"attribute": group.attribute, "value": group.value, measure: known.value, "low": known.low, "high": known.high}
        for group in shown
        if (known := getattr(group.figures, measure)) is not None
    ]
    for attribute in dict.fromkeys(group.attribute for group in shown):
        dots = [dot for group in shown if group.attribute == attribute if (dot := _dot(group, measure, value))]
        rows += [attribute, *dots] if dots else []
    name = DRAWN[measure]
    drawn = intervals_chart(
        f"segments-{number}-{measure}",
        f"{found.label}: {name} by group",
        rows,
        reference=value,
        reference_name=f"all rows {share(value)}",
    )
    return Chart(drawn, f"{name[:1].upper()}{name[1:]} by group.", name=measure, points=points)


def _dot(group: Group, measure: str, all_rows: float | None) -> Dot | None:
    known: Interval | None = getattr(group.figures, measure)
    if known is None:
        return None
    under = all_rows is not None and known.high < all_rows
    return Dot(group.value, known.value, known.low, known.high, "under all rows" if under else "")


def _table(found: SegmentAudit, groups: Sequence[tuple[str, Figures]]) -> Table:
    rows = [_row("all rows", found.overall, strong=True), *(_row(name, figures) for name, figures in groups)]
    return Table(f"{found.label} by group, with 95% intervals", COLUMNS, rows)


def _row(name: str, figures: Figures, *, strong: bool = False) -> list[str | Cell]:
    shares = [
        _interval(known)
        for known in (figures.sensitivity, figures.specificity, figures.ppv, figures.npv, figures.alerts)
    ]
    aurocs = [_interval(known) for known in (figures.auroc, figures.bpsn, figures.bnsp)]
    gap = figures.calibration
    calibration = NONE if gap is None else Cell(signed(gap.value), signed_interval(gap.low, gap.high))
    counts = (count(figures.n), count(figures.positives))
    return [Cell(name, strong=strong), *counts, *shares, calibration, _interval(figures.slope), *aurocs]


def _interval(known: Interval | None) -> str | Cell:
    if known is None:
        return NONE
    value, _, interval = with_interval(known.value, (known.low, known.high)).partition(" ")
    return Cell(value, interval.strip("()"))
