"""`clear-kb audit queries` and `clear-kb audit run`: the library of named queries."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from encoder.audit.audit_session import open_session
from encoder.audit.commands.group import (
    DEFAULT_MEMORY,
    DEFAULT_SHOWN,
    DEFAULT_TIMEOUT,
    Memory,
    ShownRows,
    Timeout,
)
from encoder.audit.commands.rows import show_result
from encoder.audit.commands.sql import Out
from encoder.commands.options import EncoderOption
from kb.commands.options import Format, OutputFormat, parse_pairs
from kb.commands.output import print_facts, print_json, print_rows
from kb.commands.shared import Reading, reads
from kb.commands.target import Overwrite, check_target
from kb.errors import UsageError
from kb.sql.limits import Limits
from kb.sql.queries import NamedQuery, all_queries, find_query
from kb.sql.query_process import begin
from kb.sql.writing import check_file


def queries_command(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one, with its SQL.")] = None,
    output: OutputFormat = Format.table,
) -> None:
    """List the named queries: what each tells, and what it may be told."""
    if name is not None and output is Format.table:
        _tell(find_query(name))
        return
    chosen = all_queries().values() if name is None else [find_query(name)]
    if output is Format.json:
        print_json([_as_data(query) for query in chosen])
        return
    rows = [
        {"query": query.name, "tells": query.about, "parameters": ", ".join(map(str, query.parameters))}
        for query in chosen
    ]
    print_rows(rows, ["query", "tells", "parameters"], output)


@reads
def run_command(
    reading: Reading,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A named query: see `clear-kb audit queries`.")],
    run: Annotated[str | None, typer.Option("--run", metavar="NAME", help="Only this run.")] = None,
    label: Annotated[str | None, typer.Option("--label", metavar="L", help="Only this label.")] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Only by this source of labels.")
    ] = None,
    under: Annotated[
        str | None,
        typer.Option("--under", metavar="CONCEPT", help="Only what stands under this concept or finding."),
    ] = None,
    roll_up: Annotated[
        bool, typer.Option("--roll-up", help="Count a mention for all wider concepts too, where the query can.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another parameter of the query; repeatable."),
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    limit: ShownRows = DEFAULT_SHOWN,
    timeout: Timeout = DEFAULT_TIMEOUT,
    memory: Memory = DEFAULT_MEMORY,
    encoder: EncoderOption = None,
) -> None:
    """Run a named query: calibration, subgroup_gaps, drift, label_noise, false_positives_by_concept, ..."""
    query, limits = find_query(name), Limits(timeout, memory)
    rolled = "1" if roll_up else None
    values = query.values(_given(settings, run=run, label=label, source=source, under=under, roll_up=rolled))
    if out is not None:
        check_file(out)
        check_target(out, overwrite=overwrite)
    begin()
    with open_session(reading.base, limits, encoder) as session:
        result = session.query(query.sql, values)
        count = show_result(session, query.sql, result, output=reading.output, shown=limit, file=out, values=values)
    if out is not None:
        reading.note_export("audit run", count, out, query=query.name, **values)


def _given(settings: list[str] | None, **options: str | None) -> dict[str, Any]:
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    for name, value in parse_pairs(settings, "--set").items():
        if name in given:
            raise UsageError(f"--set {name}=... and --{name.replace('_', '-')} say the same thing twice: leave one out")
        given[name] = value
    return given


def _as_data(query: NamedQuery) -> dict[str, Any]:
    parameters = [
        {"name": told.name, "kind": told.kind, "default": told.default, "about": told.about}
        for told in query.parameters
    ]
    return {"query": query.name, "tells": query.about, "parameters": parameters, "notes": query.notes, "sql": query.sql}


def _tell(query: NamedQuery) -> None:
    facts = [("query", query.name), ("tells", query.about)]
    facts += [(str(parameter), f"{parameter.about} ({parameter.kind})") for parameter in query.parameters]
    facts += [("notes", query.notes)] if query.notes else []
    print_facts([(escape(key), escape(value)) for key, value in facts])
    typer.echo(f"\n{query.sql};")
