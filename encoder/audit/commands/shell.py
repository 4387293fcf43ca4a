"""`clear-kb audit shell`: a prompt for SQL over the views."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import typer

from encoder.audit.audit_session import open_session
from encoder.audit.commands.group import (
    DEFAULT_MEMORY,
    DEFAULT_SHOWN,
    DEFAULT_TIMEOUT,
    Memory,
    OwnTables,
    ShownRows,
    Timeout,
    named_files,
)
from encoder.audit.commands.rows import show_result
from encoder.commands.options import EncoderOption
from kb.commands.options import Format
from kb.commands.shared import Reading, reads
from kb.sql.limits import Limits
from kb.sql.query_process import begin
from kb.sql.shell import Shell
from kb.sql.terminal import run_shell


@reads
def shell_command(
    reading: Reading,
    own_tables: OwnTables = None,
    limit: ShownRows = DEFAULT_SHOWN,
    timeout: Timeout = DEFAULT_TIMEOUT,
    memory: Memory = DEFAULT_MEMORY,
    encoder: EncoderOption = None,
) -> None:
    """Ask in SQL, one query after another: history, completion, .tables, .schema, .queries, .run; .help tells of all.

    With a pipe on standard input it runs what that says, prints no prompt, and exits with 1 if a query failed.
    """
    begin()
    tables = named_files(own_tables)
    with open_session(reading.base, Limits(timeout, memory), encoder, tables=tables) as session:

        def show(result: object, sql: str, chosen: Format, values: Mapping[str, object]) -> None:
            show_result(session, sql, result, output=chosen, shown=limit, values=values)  # type: ignore[arg-type]
            sys.stdout.flush()

        shell = Shell(session, show)
        shell.format = reading.output
        if sys.stdin.isatty():
            commit = session.kb.commit.commit_id
            sys.stderr.write(f"{session.kb.uri} at {commit}: SELECT ... ; over the views (.tables), .help, .quit\n")
        code = run_shell(shell)
    if code:
        raise typer.Exit(code)
