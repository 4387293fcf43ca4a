"""What came of a query, as a page shows it: rows as plain data, no more than a server can keep, or what was wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.commands.failures import describe
from kb.errors import ClearKbError, UsageError
from kb.sql.session import AuditSession
from kb.sql.writing import as_json, write_file

MOST_ROWS = 10_000
"""Rows that are shown and drawn; a file that is downloaded holds all."""

MOST_COLUMNS = 200
"""Columns that are shown."""

MOST_LETTERS = 20_000_000
"""Letters of all values that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a query: rows as plain data, or the reason why there are none.

    Attributes:
        columns: their names.
        rows: their values, `MOST_ROWS` at the most.
        more: whether there are more.
        seconds: that it took.
        notes: what the rows count too, or why there are none.
        error: what was wrong; "" where nothing was.
        written: rows that went to a file.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    more: bool = False
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: str = ""
    written: int = 0


def answered(session: AuditSession, sql: str, values: Mapping[str, Any], path: Path | None = None) -> Answer:
    """Run a query; its rows are in the answer, or all of them go to a file."""
    started = time.monotonic()
    try:
        if path is not None:
            written = write_file(session.query(sql, values), path)
            return Answer(written=written, seconds=time.monotonic() - started)
        return _shown(session, sql, values, started)
    except (ClearKbError, OSError) as error:
        return Answer(error=describe(error), seconds=time.monotonic() - started)


def _shown(session: AuditSession, sql: str, values: Mapping[str, Any], started: float) -> Answer:
    result = session.query(sql, values)
    columns = tuple(result.columns[:MOST_COLUMNS])
    notes = [f"{len(result.columns) - len(columns):,} more columns are not shown: a file holds all"] * (
        len(result.columns) > len(columns)
    )
    rows: list[tuple[Any, ...]] = []
    letters, more = 0, False
    for row in _plain(result):
        letters += sum(len(value) if isinstance(value, str) else len(str(value)) for value in row)
        if len(rows) == MOST_ROWS or letters > MOST_LETTERS:
            more = True
            break
        rows.append(row)
    if more and not rows:
        raise UsageError(f"a row of more than {MOST_LETTERS:,} letters: ask for less of it")
    seconds = time.monotonic() - started
    notes += session.remarks(sql, values, rows=bool(rows))
    return Answer(columns=columns, rows=tuple(rows), more=more, notes=tuple(notes), seconds=seconds)


def _plain(rows: Iterator[dict[str, Any]] | Any) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield tuple(as_json(value) for value in list(row.values())[:MOST_COLUMNS])
