"""Printing: data to standard output as a table, JSON or CSV; everything said beside it to standard error."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kb.commands.options import Format

NUMBERS = (int, float)


def say(message: str, *, quiet: bool = False) -> None:
    """Say something to the person at the terminal: on standard error, so that it never mixes with data."""
    if not quiet:
        Console(stderr=True, highlight=False, soft_wrap=True).print(message)


def print_json(data: Any) -> None:
    """Print `data` as indented JSON."""
    json.dump(data, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def print_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    output: Format,
    *,
    title: str | None = None,
    empty: str = "nothing found",
) -> None:
    """Print `rows` in the format asked for; a table shows `columns`, JSON and CSV hold the same ones."""
    chosen = [{column: row.get(column) for column in columns} for row in rows]
    if output is Format.json:
        print_json(chosen)
    elif output is Format.csv:
        writer = csv.DictWriter(sys.stdout, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _flat(value) for name, value in row.items()} for row in chosen)
    elif not chosen:
        say(empty)
    else:
        _print_table(chosen, columns, title)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print names and values in two columns."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, value)
    _console().print(table)


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str | None) -> None:
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        number = all(isinstance(row[column], NUMBERS) for row in rows)
        table.add_column(
            column.replace("_", " "),
            justify="right" if number else "left",
            no_wrap=number or column.endswith(("_id", "commit")),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(escape(_flat(row[column])) for column in columns))
    _console().print(table)


def _console() -> Console:
    # Piped output is not cut at 80 columns: a table in a file or a pager keeps its lines whole.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def _flat(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
