"""`clear-kb log`: the commits."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kb.commands.options import (
    Format,
)
from kb.commands.output import print_rows, say
from kb.commands.shared import Reading, reads
from kb.privacy.exports import read_exports
from kb.store.commits import Commit
from kb.store.foundations import founded_on


@reads
def log_command(
    reading: Reading,
    concept: Annotated[
        str | None, typer.Option("--concept", metavar="ID", help="The acts of curation on this concept instead.")
    ] = None,
    exports: Annotated[
        bool, typer.Option("--exports", help="Who took data out instead: what, when, how much and where to.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 50,
) -> None:
    """List the commits, newest first: what was done, by whom, when and why."""
    if concept is not None:
        from kb.commands.changes import print_changes  # which reads concepts: most listings ask for none

        print_changes(reading, concept, limit)
        return
    opened = reading.state
    if exports:
        rows = [one.to_dict() for one in read_exports(opened)[:limit]]
        print_rows(
            rows, ["time", "by", "what", "rows", "target", "commit", "filters"], reading.output, empty="no exports"
        )
        return
    names = opened.tags()
    chain = opened.log()[:limit]
    there = {commit.commit_id for commit in opened.commits.readable(chain)}
    founded = founded_on(opened.storage, [opened.commit])
    rows = [
        _log_row(commit, [name for name, commit_id in names.items() if commit_id == commit.commit_id], reading.output)
        | {"used_by": founded.get(commit.commit_id, []), "readable": commit.commit_id in there}
        for commit in chain
    ]
    columns = ["commit", "time", "by", "operation", "summary", "tags", "why"]
    print_rows(rows, columns if reading.output is Format.table else [*columns, "used_by", "readable"], reading.output)
    if used := [row for row in rows if row["used_by"] and row["readable"]]:
        say(f"{len(used):,} of these stay readable, for runs and encoders were made of them: {_used(used)}")
    if stranded := [row for row in rows if row["used_by"] and not row["readable"]]:
        say(f"of {len(stranded):,} the data is gone, though runs or encoders were made of them: {_used(stranded)}")
    lost = {commit.commit_id for of in opened.commits.lost(chain).values() for commit in of}
    if lost:
        say(f"{len(lost):,} of these are damaged, for files of them are gone: `clear-kb check --storage` tells which")
    if gone := len(chain) - len(there | lost):
        say(f"{gone:,} of these are history whose data was dropped: `clear-kb keep` says which commits stay readable")


def _used(rows: list[dict[str, Any]]) -> str:
    """Commits and what was made of each, in words."""
    more = f", and {len(rows) - 4:,} more" if len(rows) > 4 else ""
    return "; ".join(f"{row['commit']} ({', '.join(row['used_by'])})" for row in rows[:4]) + more


def _log_row(commit: Commit, tags: list[str], output: Format) -> dict[str, Any]:
    fields = {name: value for name, value in commit.summary.items() if name != "run" and value != 0}
    return {
        "commit": commit.commit_id,
        "time": commit.time.isoformat(timespec="seconds" if output is not Format.table else "minutes"),
        "by": commit.author,
        "operation": commit.operation,
        "summary": fields
        if output is Format.json
        else ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in fields.items()),
        "tags": tags,
        "why": commit.reason,
    }
