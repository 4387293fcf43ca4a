"""`clear-kb audit operating-points`: the thresholds of runs, what they come to, and those that are given."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from encoder.audit.audit_session import open_session
from encoder.audit.commands.group import DEFAULT_SHOWN, ShownRows
from encoder.audit.commands.rows import show_result
from kb.commands.options import Format
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.shared import Writing, writes
from kb.errors import UsageError
from kb.sql.limits import UNHURRIED
from kb.sql.operating_points import GivenPoints, give_points
from kb.sql.queries import find_query

Points = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NUMBER|LABEL=NUMBER|FILE", help="Give the run these thresholds; repeatable."),
]


@writes(quiet=True)
def operating_points_command(
    writing: Writing,
    run: Annotated[str | None, typer.Option("--run", metavar="NAME", help="Only this run.")] = None,
    label: Annotated[str | None, typer.Option("--label", metavar="L", help="Only this label.")] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Only by this source of labels.")
    ] = None,
    points: Points = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the thresholds that the run was given.")] = False,
    limit: ShownRows = DEFAULT_SHOWN,
) -> None:
    """Show where scores are cut, by what, and what that comes to; or give a run the thresholds it is used with."""
    if points or clear:
        if run is None or (points and clear):
            raise UsageError("--set and --clear are each of one run: name it with --run")
        _tell(give_points(writing.base, run, points or (), **writing.act), writing)
        return
    query = find_query("operating_points")
    values = query.values({"run": run, "label": label, "source": source})
    with open_session(writing.base, UNHURRIED) as session:
        result = session.query(query.sql, values)
        show_result(session, query.sql, result, output=writing.output, shown=limit, values=values)


def _tell(given: GivenPoints, writing: Writing) -> None:
    if given.passed_over:
        say(escape(f"passed over, for the run does not predict them: {', '.join(given.passed_over)}"))
    if writing.output is Format.json:
        print_json({**given.to_dict(), "dry_run": writing.dry_run})
    elif writing.output is Format.csv:
        rows = [{"run": given.run, "label": label, "threshold": cut} for label, cut in given.points.items()]
        print_rows(rows, ("run", "label", "threshold"), writing.output)
    elif not writing.quiet:
        told = ", ".join(f"{label} {cut:.4g}" for label, cut in given.points.items()) or "none"
        commit = "none: a dry run writes nothing" if writing.dry_run else given.commit or "none: nothing is new"
        print_facts([("run", escape(given.run)), ("operating points", escape(told)), ("commit", commit)])
