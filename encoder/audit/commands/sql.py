"""`clear-kb audit sql`: one SELECT over the views."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

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
    typed,
)
from encoder.audit.commands.rows import show_result
from encoder.commands.options import EncoderOption
from kb.commands.options import Format, parse_pairs
from kb.commands.output import print_json, print_rows
from kb.commands.shared import Reading, reads
from kb.commands.target import Overwrite, check_target
from kb.errors import UsageError
from kb.sql.limits import Limits
from kb.sql.query_process import begin
from kb.sql.reference import schema_rows, schema_text
from kb.sql.writing import check_file

Out = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write the rows here: .csv, .json, .jsonl or .parquet."),
]


@reads
def sql_command(
    reading: Reading,
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="One SELECT; with --schema: the name of a view.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE", help="Read the query from here; -: standard input.")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME=VALUE", help="What $NAME stands for in the query; repeatable."),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Tell of the views and functions, and run nothing.")] = False,
    out: Out = None,
    overwrite: Overwrite = False,
    own_tables: OwnTables = None,
    limit: ShownRows = DEFAULT_SHOWN,
    timeout: Timeout = DEFAULT_TIMEOUT,
    memory: Memory = DEFAULT_MEMORY,
    encoder: EncoderOption = None,
) -> None:
    """Run one SELECT over the views: predictions, labels, outcomes, metrics, errors, concepts, observations, ...

    Nothing but the views and what --with names can be read, and nothing written: no file, no network, no setting.
    """
    if schema:
        _tell_schema(query, reading.output)
        return
    sql, limits = _read(query, file), Limits(timeout, memory)
    if out is not None:
        check_file(out)
        check_target(out, overwrite=overwrite)
    begin()
    values = {name: typed(value) for name, value in parse_pairs(param, "--param").items()}
    with open_session(reading.base, limits, encoder, tables=named_files(own_tables)) as session:
        count = show_result(
            session, sql, session.query(sql, values), output=reading.output, shown=limit, file=out, values=values
        )
    if out is not None:
        reading.note_export("audit sql", count, out, query=sql)


def _read(query: str | None, file: str | None) -> str:
    if (query is None) == (file is None):
        raise UsageError('one query was expected: clear-kb audit sql "SELECT ...", or -f FILE')
    if query is not None:
        return query
    if file == "-":
        return sys.stdin.read()
    path = Path(str(file))
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8") from error


def _tell_schema(name: str | None, output: Format) -> None:
    if output is Format.json:
        print_json(schema_rows(name))
    elif output is Format.csv:
        rows = [{**row, **column} for row in schema_rows(name) for column in row.pop("columns")]
        print_rows(rows, ["relation", "kind", "column", "what"], output)
    else:
        sys.stdout.write(schema_text(name))
