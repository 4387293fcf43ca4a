"""How much a query of an audit may take, as its commands are told it, and the values of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kb.errors import UsageError

_LIMITS = "Limits"
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", help="A query is stopped then.", rich_help_panel=_LIMITS)
]
Memory = Annotated[
    str, typer.Option("--memory", metavar="SIZE", help="What a query may take: 500MB, 4GB.", rich_help_panel=_LIMITS)
]
OwnTables = Annotated[
    list[str] | None,
    typer.Option(
        "--with", metavar="NAME=FILE", help="Join a table of your own: CSV, TSV, Parquet, JSON lines; repeatable."
    ),
]
ShownRows = Annotated[
    int, typer.Option("--limit", min=1, help="Rows of a table that are shown; CSV, JSON and files hold all.")
]

DEFAULT_TIMEOUT, DEFAULT_MEMORY, DEFAULT_SHOWN = 60.0, "3GB", 100


def typed(value: str) -> Any:
    """The value of --param as it is written: a number, true, false, null, or text; '"5"' is text."""
    plain = {"true": True, "false": False, "null": None}
    if value.lower() in plain:
        return plain[value.lower()]
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    for kind in (int, float):
        try:
            number = kind(value)
            return number if kind is float or str(number) == value else value  # "007" is an id
        except ValueError:
            continue
    return value


def named_files(told: Sequence[str] | None) -> dict[str, str]:
    """The files of --with by the name that queries call them; one without a name is called as the file is."""
    found: dict[str, str] = {}
    for one in told or ():
        name, equals, path = one.partition("=")
        name, path = (name, path) if equals else (Path(one).stem, one)
        if name in found:
            raise UsageError(f"--with {name}=...: that name stands there twice")
        found[name] = path
    return found
