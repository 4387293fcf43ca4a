"""The rows of a drift audit: every prediction of a run and label with its period, of known truth or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from encoder.audit.drift.dates import DATE_NAMES, KnownDate, date_text, dates_of, is_period_attribute
from encoder.audit.drift.periods import UNITS, Periods, first_day, last_day, name_of, natural, periods_of
from encoder.audit.rows import AuditRows, as_arrays, check_run, labels_of, one_spelling, rows_of_views, rows_where
from encoder.audit.segments.threshold import chosen_threshold
from kb.errors import UsageError
from kb.images.patient_split import PARTS, lies_in
from kb.images.view_choice import FRONTAL, told_left_out
from kb.sql.views import Views

LEAST = 50
"""Rows of a period under which it is joined with the next."""

_MOST_NAMED, _MOST_LOOKED = 12, 6
_OLD = 1950


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSelection:
    """Which rows are looked at, and by which periods.

    Attributes:
        run: the name of the run.
        label: that it predicts; None where it predicts one only.
        by: week, month, quarter, year, or an attribute whose values have an order.
        date: the attribute that holds the date; default: the first of the usual ones that a row has.
        since: the first day, or the first value of the attribute.
        until: the last one, which counts.
        least: rows under which a period is joined with the next.
        threshold: what scores are cut at; default: the one that all audits share.
        source: of labels; needed if several speak.
        split: train, validation, test, external, internal or all.
        where: SQL over the view `outcomes`.
        views: of the images; see `kb.images.view_choice`.
    """

    run: str
    label: str | None = None
    by: str = "month"
    date: str | None = None
    since: str | None = None
    until: str | None = None
    least: int = LEAST
    threshold: float | None = None
    source: str | None = None
    split: str = "all"
    where: str | None = None
    views: str = FRONTAL


@dataclass(frozen=True, eq=False, kw_only=True)
class DriftRows:
    """Predictions in their periods.

    Attributes:
        rows: these; the truth of those that are not `labelled` is False and means nothing.
        labelled: of which rows the truth is known, (n,), bool.
        source: of the labels; None where no label speaks of any row.
        periods: and which one each row is of.
        threshold: what scores are cut at; None where nothing chose one.
        chosen_on: what chose it, as the view `thresholds` says it; "told" where it was asked for.
        notes: what was left out, and what is to be known of the dates.
    """

    rows: AuditRows
    labelled: np.ndarray
    source: str | None
    periods: Periods
    threshold: float | None
    chosen_on: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labelled)

    @property
    def chose(self) -> np.ndarray:
        """Which rows have chosen the threshold, and are not judged by it, (n,), bool."""
        if self.chosen_on != "validation" or self.rows.chose is None:
            return np.zeros(len(self), dtype=bool)
        return self.rows.chose

    def between(self, start: int, end: int) -> DriftRows:
        """The rows of the periods from one on and before another."""
        at = self.periods.at
        inside = np.flatnonzero((at >= start) & (at < end))
        periods = Periods(self.periods.names[start:end], at[inside] - start)
        return replace(self, rows=self.rows.part(inside), labelled=self.labelled[inside], periods=periods)


def read_drift_rows(session: Views, asked: DriftSelection) -> DriftRows:
    """The predictions that are asked for, each in its period.

    Raises:
        UsageError: there is no such run or label, several sources speak, no row has a date, or all are of one period.
    """
    if asked.split not in PARTS:
        raise UsageError(f"split '{asked.split}': one of {', '.join(PARTS)} was expected")
    label = asked.label or _only_label(session, asked.run)
    found = rows_where(session, asked.run, label, where=asked.where)
    if not found:
        check_run(session, asked.run, label)
        raise UsageError(f"no prediction of {label} by '{asked.run}' is left where {asked.where}")
    found = [row for row in one_spelling(found, label) if lies_in(row["split"], asked.split)]
    source = _source(found, asked.source, label)
    rows, left = rows_of_views(_one_a_unit(found, source), asked.views)
    if not rows:
        raise UsageError(f"no prediction of {label} by '{asked.run}' is in split '{asked.split}' and of these views")
    rows, names, more = _dated(rows, asked)
    periods = periods_of(names, asked.least)
    if len(periods) < 2:
        raise UsageError(
            f"all {len(rows):,} rows are of one period, {periods.names[0]} (a period has {asked.least} rows at the "
            "least): ask for finer ones, or for smaller ones",
            parameter="period",
        )
    unknown = sum(row["truth"] is None for row in rows)
    of_views = [f"left out for their view: {told_left_out(left)}"] if left else []
    threshold, chosen_on = _threshold(session, rows[0], source, asked.threshold)
    return DriftRows(
        rows=replace(as_arrays(asked.run, asked.split, rows, unknown), source=source or ""),
        labelled=np.array([row["truth"] is not None for row in rows], dtype=bool),
        source=source,
        periods=periods,
        threshold=threshold,
        chosen_on=chosen_on,
        notes=(*of_views, *more, *_joined(periods)),
    )


def _only_label(session: Views, run: str) -> str:
    labels = labels_of(session, run)
    if not labels:
        check_run(session, run, "")
    if len(labels) > 1:
        raise UsageError(f"run '{run}' predicts {', '.join(labels)}: name one", parameter="label")
    return labels[0]


def _source(rows: Sequence[Mapping[str, Any]], named: str | None, label: str) -> str | None:
    """The source of labels to go by; None where none says anything of these rows."""
    sources = sorted({row["source"] for row in rows if row["truth"] is not None})
    if named is not None and named not in sources:
        told = f"{label} is spoken of by {', '.join(sources)}" if sources else f"no label speaks of {label} here"
        raise UsageError(f"source '{named}': {told}")
    if named is None and len(sources) > 1:
        raise UsageError(f"several sources speak of {label}: {', '.join(sources)}; name one", parameter="source")
    return named or (sources[0] if sources else None)


def _one_a_unit(rows: Sequence[dict[str, Any]], source: str | None) -> list[dict[str, Any]]:
    """Each image or study once: beside what the source says of it, or with no truth where that is silent."""
    kept: dict[tuple[str | None, str | None, str | None], dict[str, Any]] = {}
    for row in rows:
        unit = (row["image_id"], row["study_id"], row["owner"])
        if row["source"] is not None and row["source"] == source:
            kept[unit] = row
        else:
            kept.setdefault(unit, {**row, "source": None, "truth": None})
    return list(kept.values())


def _dated(rows: Sequence[dict[str, Any]], asked: DriftSelection) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """The rows whose period is known and asked for, the period of each, and what is to be said of the others."""
    if asked.by in UNITS:
        return _by_date(rows, asked)
    name = asked.by.replace("_", " ").lower()
    told = [row["attributes"].get(name) if row["attributes"] else None for row in rows]
    if not any(told):
        raise UsageError(f"'{asked.by}' is none of {', '.join(UNITS)}, and no row has such an attribute; {_has(rows)}")
    low, high = (natural(bound) if bound else None for bound in (asked.since, asked.until))
    kept = [
        (row, value)
        for row, value in zip(rows, told, strict=True)
        if value and (low is None or natural(value) >= low) and (high is None or natural(value) <= high)
    ]
    found, names, notes = _kept(kept, rows, asked, unknown=sum(not value for value in told), what=f"attribute '{name}'")
    values = sorted(set(names), key=natural)
    shown = ", ".join(values[:_MOST_NAMED]) + (", ..." if len(values) > _MOST_NAMED else "")
    return found, names, [*notes, f"the values of '{name}' are taken to follow each other as {shown}"]


def _by_date(
    rows: Sequence[dict[str, Any]], asked: DriftSelection
) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    named = asked.date.replace("_", " ").lower() if asked.date else None
    dates = dates_of([row["attributes"] or {} for row in rows], named)
    if named is None:  # an image's date may only be known of the study that it belongs to
        dates = [known or _of_month(row["month"]) for known, row in zip(dates, rows, strict=True)]
    known_of = [(row, known) for row, known in zip(rows, dates, strict=True) if known is not None]
    if not known_of:
        raise UsageError(_no_date(rows, named), parameter="date")
    named_of = [(row, known, name_of(known, asked.by)) for row, known in known_of]  # type: ignore[arg-type]  # a unit
    if not any(name for *_, name in named_of):
        raise UsageError(
            f"dates are known by the {known_of[0][1].exact} only: ask for longer periods than a {asked.by}"
        )
    low, high = first_day(asked.since) if asked.since else None, last_day(asked.until) if asked.until else None
    kept = [
        (row, name)
        for row, known, name in named_of
        if name and (low is None or known.day >= low) and (high is None or known.day <= high)
    ]
    unknown = len(rows) - sum(name is not None for *_, name in named_of)
    found, names, notes = _kept(kept, rows, asked, unknown=unknown, what="date")
    return found, names, [*notes, *_strange([known.day for _, known in known_of])]


def _kept(
    kept: Sequence[tuple[dict[str, Any], str]],
    rows: Sequence[dict[str, Any]],
    asked: DriftSelection,
    *,
    unknown: int,
    what: str,
) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """The two columns apart, and a note on rows whose period nobody knows."""
    if not kept:
        bounds = f"from {asked.since or 'the first'} to {asked.until or 'the last'}"
        raise UsageError(f"no row is {bounds}: of {len(rows):,} rows none of known {what} lies there")
    notes = [f"{unknown:,} of {len(rows):,} rows are left out: their {what} is not known"] if unknown else []
    return [row for row, _ in kept], [name for _, name in kept], notes


def _no_date(rows: Sequence[Mapping[str, Any]], named: str | None) -> str:
    told = next((text for row in rows if (text := date_text(row["attributes"] or {}, named))), None)
    if told:
        return f"no row has a date: {told[0]} '{told[1]}' is none; {_has(rows)}"
    looked = named or f"{', '.join(DATE_NAMES[:_MOST_LOOKED])} and the like"
    return f"no row has a date: looked for {looked} among the attributes; {_has(rows)}"


def _of_month(month: str | None) -> KnownDate | None:
    return KnownDate(datetime.strptime(month, "%Y-%m").date(), "month") if month else None


def _has(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which attributes there are, those that may be dates first."""
    names = {name for row in rows for name in row["attributes"] or {} if not name.startswith("boxes: ")}
    ordered = sorted(names, key=lambda name: (not is_period_attribute(name), name))
    if not ordered:
        return "no attribute is known of these rows"
    more = f" and {len(ordered) - _MOST_NAMED} more" if len(ordered) > _MOST_NAMED else ""
    return f"known are {', '.join(ordered[:_MOST_NAMED])}{more}"


def _strange(days: Sequence[date]) -> list[str]:
    """A note on dates that cannot be those of the images."""
    today = datetime.now(UTC).date()
    if max(days) > today or min(days).year < _OLD:
        return [
            f"dates run from {min(days)} to {max(days)}: where they were shifted to hide who a patient is, what is "
            "told over time means nothing"
        ]
    return []


def _joined(periods: Periods) -> list[str]:
    joined = [name for name in periods.names if " to " in name]
    return [f"periods of few rows are joined: {', '.join(joined)}"] if joined else []


def _threshold(
    session: Views, row: Mapping[str, Any], source: str | None, told: float | None
) -> tuple[float | None, str]:
    if told is not None:
        return told, "told"
    found = chosen_threshold(session, row["run"], row["label"], source)
    if found is None or found["threshold"] is None:
        return None, ""
    return float(found["threshold"]), str(found["chosen_on"])
