"""Printing: data to standard output as a table, JSON or CSV; everything said beside it to standard error."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from kb.commands.console import SafeConsole, data_stream
from kb.commands.options import Format
from kb.display import facts_of, plain, table_of
from kb.visible import visible_json


def say(message: str, *, quiet: bool = False, wrapped: bool = False) -> None:
    """Say something to the person at the terminal: on standard error, so that it never mixes with data.

    What is `wrapped` is broken between words where a line of the terminal ends.
    """
    if not quiet:
        SafeConsole(stderr=True, highlight=False, soft_wrap=not (wrapped and sys.stderr.isatty())).print(message)


def print_json(data: Any) -> None:
    """Print `data` as indented JSON; what a terminal would act on is escaped, as JSON can."""
    sys.stdout.write(visible_json(json.dumps(data, indent=2, ensure_ascii=False, default=str)) + "\n")


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
        writer = csv.DictWriter(data_stream(), list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: plain(value) for name, value in row.items()} for row in chosen)
    elif not chosen:
        say(empty)
    else:
        _console().print(table_of(chosen, columns, title))


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print names and values (rich markup) in two columns."""
    _console().print(facts_of(facts))


def is_narrow(columns: int) -> bool:
    """Whether the terminal shows fewer columns than that; what is piped is wide enough."""
    return sys.stdout.isatty() and SafeConsole().width < columns


def print_text(text: str) -> None:
    """Print text (rich markup) for a person, wrapped to the terminal; nothing if it is empty."""
    if text:
        _console().print(text)


def print_result(
    told: Mapping[str, Any], facts: Sequence[tuple[str, str]], output: Format, *, quiet: bool = False
) -> None:
    """Print what a command did: as data in full, or as facts (rich markup) for a person, unless that is quiet."""
    if output is Format.json:
        print_json(told)
    elif output is Format.csv:
        print_rows([told], list(told), output)
    elif not quiet:
        print_facts(facts)


def _console() -> SafeConsole:
    # Piped output is not cut at 80 columns: a table in a file or a pager keeps its lines whole.
    return SafeConsole(highlight=False, width=None if sys.stdout.isatty() else 140)
