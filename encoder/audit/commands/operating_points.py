"""`clear-kb audit operating-points`: the thresholds of runs, what they come to, and those that are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from encoder.audit.audit_session import open_session
from encoder.audit.commands.group import DEFAULT_SHOWN
from encoder.audit.commands.rows import show_result
from kb.commands.options import Format
from kb.commands.output import print_facts, print_json, print_rows, print_text, say
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
        rows = result.rows() if writing.output is Format.table else []
        if rows:
            _show(rows)
        else:
            show_result(session, query.sql, result, output=writing.output, shown=DEFAULT_SHOWN, values=values)


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    """A table of each run and source, intervals under the figures, alerts of 100; then how thresholds were chosen."""
    for run, source in dict.fromkeys((row["run"], row["source"]) for row in rows):
        mine = [row for row in rows if (row["run"], row["source"]) == (run, source)]
        told = [run, *([f"judged by {source}"] if source else []), *_on(mine)]
        print_text(f"\n[bold]{escape(', '.join(told))}[/bold]")
        print_rows([_cells(row) for row in mine], list(_cells(mine[0])), Format.table)
        for how in dict.fromkeys(row["chosen_on"] for row in mine):
            labels = [row["label"] for row in mine if row["chosen_on"] == how]
            which = "" if len(labels) == len(mine) else f": {', '.join(labels)}"
            say(escape(f"{run}: {HOW[how]}{which}"))
    for row in rows:
        if row["warning"]:
            say(escape(f"{row['label']} ({row['run']}): {row['warning']}"))


def _on(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The splits that they are judged on, and the patients of the label that has most."""
    splits = ", ".join(dict.fromkeys(name for row in rows for name in (row["judged_on"] or "").split(", ") if name))
    patients = max((row["patients"] or 0 for row in rows), default=0)
    return [f"on rows of {splits}", f"{patients:,} patients"] if splits else []


HOW: Mapping[str, str] = {
    "given": "thresholds given with the run",
    "validation": "thresholds chosen on the validation split, which is not judged by them",
    "cross-fitted": "cross-fitted thresholds: each fifth of the patients is judged by the cut of the other four",
    "nothing": "no threshold",
}
"""How a threshold came about, in words."""

FIGURES = {"sens.": "sensitivity", "spec.": "specificity", "PPV": "ppv", "NPV": "npv"}


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    told = {title: _with_interval(row, name, "{:.2f}") for title, name in FIGURES.items()}
    cut = "" if row["threshold"] is None else f"{row['threshold']:.3g}"
    alerts = _with_interval(row, "alerts_per_100", "{:.0f}")
    counted = "" if row["n"] is None else f"{row['positives']:,} of {row['n']:,}"
    return {"label": escape(row["label"]), "positives": counted, "cut": cut, **told, "alerts": alerts}


def _with_interval(row: Mapping[str, Any], name: str, form: str) -> str:
    if row[name] is None:
        return ""
    low, high = (form.format(row[f"{name}_{end}"]) for end in ("low", "high"))
    return f"{form.format(row[name])}\n{low}-{high}"


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
