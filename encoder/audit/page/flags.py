"""Flags: figures beside the limits that a lab sets, those that fail first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from encoder.audit.page.numbers import NONE
from encoder.audit.page.views import Cell, Table
from encoder.audit.report.limits import COUNTED, HIGHER, MEASURES
from encoder.audit.report.report_data import Flag

VERDICTS = ("fail", "warn", "not judged", "pass")
MOST_SHOWN = 8
"""Failed figures that are shown at once; the others are folded."""


def flags(found: Sequence[Flag]) -> dict[str, object] | None:
    """How many fail, warn and pass, and each in a table; None where no limits were set."""
    if not found:
        return None
    counts: Counter[str] = Counter(one.verdict for one in found)
    told = [(verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict]]
    worst = [one for one in found if one.verdict == "fail"][:MOST_SHOWN]
    rest = [one for one in found if one not in worst]
    return {
        "counts": told,
        "table": _table("Figures beyond the limits that were set", worst) if worst else None,
        "rest": _table("The other figures that have limits", rest) if rest else None,
        "rest_title": f"{len(rest)} other figures that have limits",
    }


def in_words(flag: Flag) -> str:
    """A flag in a few words: "pneumothorax: sensitivity 0.712, under 0.800"."""
    side = "under" if flag.measure in HIGHER else "over"
    limit = flag.fail if flag.verdict == "fail" else flag.warn
    name = MEASURES[flag.measure]
    if flag.verdict == "not judged":
        return f"{flag.label}: {name} not judged: {flag.about}"
    if flag.verdict == "pass":
        return f"{flag.label}: {name} {_number(flag, flag.judged)}, within its limits"
    return f"{flag.label}: {name} {_number(flag, flag.judged)}, {side} {_number(flag, limit)}"


def _table(caption: str, found: Sequence[Flag]) -> Table:
    rows = [
        (
            Cell(one.label, one.about),
            Cell(one.verdict, strong=one.verdict == "fail"),
            MEASURES[one.measure],
            _number(one, one.value),
            _number(one, one.judged),
            _limit(one, one.warn),
            _limit(one, one.fail),
        )
        for one in found
    ]
    columns = ("label", "verdict", "figure", "value", "judged", "warns", "fails")
    return Table(caption, columns, rows, texts=(1, 2))


def _limit(flag: Flag, value: float | None) -> str:
    side = "under" if flag.measure in HIGHER else "over"
    return NONE if value is None else f"{side} {_number(flag, value)}"


def _number(flag: Flag, value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:g}" if flag.measure in COUNTED else f"{value:.3f}"
