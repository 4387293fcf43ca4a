"""How the rows of an audit's query are shown: as a table for people, as CSV or JSON, or in a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kb.commands.console import SafeConsole, data_stream
from kb.commands.failures import HINTS
from kb.commands.options import Format
from kb.commands.output import say
from kb.display import are_numbers
from kb.sql.hints import empty_tables
from kb.sql.result import Result
from kb.sql.session import AuditSession
from kb.sql.writing import as_cell, first_rows, write_csv, write_file, write_json
from kb.visible import visible

WIDEST = 400
"""Characters of a line that goes to a file or a pager."""

LONGEST = 34
"""Characters of a text on a terminal that is narrower than its table."""

DIGITS = 4
"""Of a number in a table; CSV, JSON and files hold all of them."""


SOURCES: Mapping[str, str] = {
    "predictions": HINTS["predictions"],
    "labels": HINTS["labels"],
    "images": HINTS["images"],
    "observations": "`clear-kb ingest reports SRC` brings them in",
    "concepts": "`clear-kb ingest reports SRC` brings them in",
    "attributions": "`clear-kb explain --all` keeps them",
}
"""What to type for the rows of each table that a query may stand on."""


def show_result(
    session: AuditSession,
    sql: str,
    result: Result,
    *,
    output: Format,
    shown: int,
    file: Path | None = None,
    values: Mapping[str, Any] | None = None,
) -> int:
    """Print the rows, or write them to a file; say on standard error how many were left out, or why there are none.

    Returns:
        How many rows were written.
    """
    if file is not None:
        count = write_file(result, file)
        say(f"wrote {count:,} rows to {escape(str(file))}")
    elif output is Format.table:
        count = _print_table(result, shown)
    else:
        count = (write_json if output is Format.json else write_csv)(result, data_stream())
    if not count and file is None:
        say("no rows")
    for reason in session.remarks(sql, values, rows=bool(count)):
        say(escape(reason))
    for table in () if count else empty_tables(session.kb, sql):
        say(f"{table}: {SOURCES[table]}")
    return count


def _print_table(result: Result, shown: int) -> int:
    rows, more, all_counted = first_rows(result, shown)
    if rows:
        print_cells(rows, result.columns)
    if more:
        say(f"{'' if all_counted else 'more than '}{more:,} more rows: --limit shows them, -o FILE keeps them")
    return len(rows)


def print_cells(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a table: numbers stand right, with few digits; what is NULL is blank.

    Columns without any value are left out. On a terminal that is narrower than the table long texts are shortened in
    their middle, and if that does not do, each row is written as lines of name and value: a number is never cut.
    """
    entries = [column for column in columns if any(row[column] is not None for row in rows)] or list(columns)
    if hidden := [column for column in columns if column not in entries]:
        say(f"without any value: {escape(', '.join(hidden))}")
    cells = [[_cell(row[column]) for column in entries] for row in rows]
    titles = [visible(column) for column in entries]
    width = SafeConsole().width if sys.stdout.isatty() else WIDEST
    if _width(cells, titles) > width:
        whole, cells = cells, [[_shortened(cell) for cell in line] for line in cells]
        if _width(cells, titles) > width:
            _print_records(whole, titles)
            return
    numbers = [are_numbers(row[column] for row in rows) for column in entries]
    _print_table_of(cells, titles, numbers, width if sys.stdout.isatty() else _width(cells, titles))


def _print_table_of(
    cells: Sequence[Sequence[str]], columns: Sequence[str], numbers: Sequence[bool], width: int
) -> None:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for column, number in zip(columns, numbers, strict=True):
        table.add_column(Text(column), justify="right" if number else "left", no_wrap=True)
    for line in cells:
        table.add_row(*map(Text, line))
    SafeConsole(highlight=False, width=width).print(table)


def _print_records(cells: Sequence[Sequence[str]], columns: Sequence[str]) -> None:
    """Each row as lines of name and value, a blank line between."""
    longest = max(map(len, columns))
    for line in cells:
        for column, cell in zip(columns, line, strict=True):
            if cell:
                sys.stdout.write(f"{column:<{longest}}  {cell}\n")
        sys.stdout.write("\n")


def _cell(value: Any) -> str:
    return visible(as_cell(value, DIGITS))


def _shortened(cell: str) -> str:
    half = LONGEST // 2
    return cell if len(cell) <= LONGEST else f"{cell[: half - 1]}...{cell[-half + 2 :]}"


def _width(cells: Sequence[Sequence[str]], columns: Sequence[str]) -> int:
    """As wide as the lines are."""
    widest = (max(len(column), *(len(line[at]) for line in cells)) for at, column in enumerate(columns))
    return sum(width + 3 for width in widest) - 1
