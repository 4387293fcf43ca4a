"""How the rows of an audit's query are shown: as a table for people, as CSV or JSON, or in a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.commands.options import Format
from kb.commands.output import say

if TYPE_CHECKING:
    from kb.audit.session import AuditSession, Result

DIGITS = 4
"""Of a number in a table; CSV, JSON and files hold all of them."""


def show_result(
    session: AuditSession,
    sql: str,
    result: Result,
    *,
    output: Format,
    shown: int,
    file: Path | None = None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Print the rows, or write them to a file; say on standard error how many were left out, or why there are none."""
    from rich.markup import escape

    from kb.audit.hints import why_no_rows
    from kb.audit.writing import write_csv, write_file, write_json

    if file is not None:
        count = write_file(result, file)
        say(f"wrote {count:,} rows to {escape(str(file))}")
    elif output is Format.table:
        count = _print_table(result, shown)
    else:
        count = (write_json if output is Format.json else write_csv)(result, sys.stdout)
    if not count:
        if file is None:
            say("no rows")
        for reason in why_no_rows(session, sql, values):
            say(escape(reason))


def _print_table(result: Result, shown: int) -> int:
    from kb.audit.writing import first_rows

    rows, more, all_counted = first_rows(result, shown)
    if rows:
        print_cells(rows, result.columns)
    if more:
        say(f"{'' if all_counted else 'more than '}{more:,} more rows: --limit shows them, -o FILE keeps them")
    return len(rows)


def print_cells(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a table: numbers stand right, with few digits; what is NULL is blank."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from kb.audit.writing import as_cell

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for column in columns:
        values = [row[column] for row in rows if row[column] is not None]
        number = bool(values) and all(
            isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in values
        )
        table.add_column(
            Text(column), justify="right" if number else "left", no_wrap=number, overflow="fold", min_width=1
        )
    for row in rows:
        table.add_row(*(Text(as_cell(row[column], DIGITS)) for column in columns))
    width = None if sys.stdout.isatty() else _width(rows, columns)
    Console(highlight=False, width=width).print(table)


def _width(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> int:
    """As wide as the lines are, for a file or a pager; no wider than any can use."""
    from kb.audit.writing import as_cell

    widest = (max(len(column), *(len(as_cell(row[column], DIGITS)) for row in rows)) for column in columns)
    return min(sum(width + 3 for width in widest), 400)
