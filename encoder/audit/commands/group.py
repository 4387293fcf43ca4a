"""`clear-kb audit`: the group, and the options that its commands share."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kb.sql.limits import Limits
    from kb.sql.session import AuditSession

app = typer.Typer(no_args_is_help=True, help="Ask why a model fails: SQL over predictions, concepts, confounders.")

_LIMITS = "Limits"
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", help="A query is stopped then.", rich_help_panel=_LIMITS)
]
Memory = Annotated[
    str, typer.Option("--memory", metavar="SIZE", help="What a query may take: 500MB, 4GB.", rich_help_panel=_LIMITS)
]
ShownRows = Annotated[
    int, typer.Option("--limit", min=1, help="Rows of a table that are shown; CSV, JSON and files hold all.")
]

DEFAULT_TIMEOUT, DEFAULT_MEMORY, DEFAULT_SHOWN = 60.0, "2GB", 100


def command_limits(timeout: float, memory: str) -> Limits:
    """The limits of a command that runs a query: one that cannot be interrupted ends with the process."""
    from kb.sql.limits import Limits

    def end(reason: str) -> None:
        from kb.sql.writing import unfinished

        for partial in list(unfinished):
            partial.unlink(missing_ok=True)
        sys.stderr.write(f"error: {limits.told(reason)}\n")
        sys.stderr.flush()
        os._exit(1)

    limits = Limits(timeout, memory, when_stuck=end)
    return limits


def open_audit(
    kb: str, at: str | None, storage_option: list[str] | None, limits: Limits, encoder: str | None
) -> AuditSession:
    """The session of a command."""
    from encoder.audit.session import open_session
    from kb.commands.options import open_kb

    return open_session(open_kb(kb, at, storage_option), limits, encoder)


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
