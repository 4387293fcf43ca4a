"""`clear-kb observations disputed`, `decide` and `review`: what two extractors read differently."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from kb.commands.options import Format
from kb.commands.output import print_json, print_result, print_rows, say
from kb.commands.shared import Reading, Writing, reads, writes
from kb.curation.disputes import NONE, OPEN, Dispute, decide, read_disputes
from kb.errors import UsageError
from kb.reading.spreadsheet import read_sheet

COLUMNS = ("dispute_id", "report_id", "section", "kind", "readings", "sentence", "decision")

OfReport = Annotated[str | None, typer.Option("--report", metavar="ID", help="Only those of this report.")]


@reads
def disputed_command(
    reading: Reading,
    report: OfReport = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Those that were decided as well.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="How many at most; default: all.")] = None,
) -> None:
    """List the statements that two extractors read differently (`ingest reports --second`), with both readings.

    As CSV it is what `observations decide --from` takes, once its column `decision` is filled in.
    """
    found = read_disputes(reading.base, report_id=report, all_of_them=all_of_them)
    shown = found[:limit]
    if reading.output is Format.json:
        print_json([one.to_dict() for one in shown])
    else:
        print_rows([_row(one) for one in shown], COLUMNS, reading.output, empty="there is nothing to decide")
    if len(shown) < len(found):
        say(f"{len(found):,} in all: --limit shows more")


@writes
def decide_command(
    writing: Writing,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Statements, by id or its start.")] = None,
    keep: Annotated[
        str | None,
        typer.Option("--keep", metavar="NAME|none|open", help="Whose reading; none: neither; open: undecided again."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE.csv", help="Decisions by dispute_id; blank ones are passed over."),
    ] = None,
) -> None:
    """Decide disputed statements: the reading that is kept becomes an observation, `none` drops the statement."""
    if source is not None and (ids or keep):
        raise UsageError("--from has the ids and the decisions: name no others beside it")
    if source is None and not (ids and keep):
        raise UsageError("name statements and --keep, or a file with --from; `observations disputed` lists them")
    decisions = _read(source) if source is not None else dict.fromkeys(ids or (), keep or "")
    done = decide(writing.base, decisions, **writing.act)
    counts = {to: count for to, count in done.decisions.items() if count}
    told = {"decisions": counts, "new_concepts": done.new_concepts, "commit": done.commit and done.commit.commit_id}
    facts = [("decided", ", ".join(f"{count:,} {_in_words(to)}" for to, count in counts.items()) or "nothing new")]
    if done.new_concepts:
        facts.append(("new concepts", f"{done.new_concepts:,}: clear-kb embed fills in their vectors"))
    facts.append(("commit", "none: a dry run" if writing.dry_run else str(told["commit"] or "none")))
    print_result(told, [(name, escape(value)) for name, value in facts], writing.output)


@writes(why=False, dry_run=False, output=False)
def review_disputes_command(writing: Writing, report: OfReport = None) -> None:
    """Walk through the statements that two extractors read differently, with the keyboard.

    A number keeps that reading, 0 neither; u takes the last decision back. Each decision is a commit at once, so
    stopping half-way loses nothing.
    """
    found = read_disputes(writing.base, report_id=report)
    if not found:
        say("there is nothing to decide")
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("a review needs a terminal; `observations disputed` lists them, `observations decide` decides")
    from kb.curation.review.dispute_screen import DisputeApp
    from kb.curation.review.dispute_session import DisputeSession

    session = DisputeSession(state=writing.base, items=found, by=writing.by)
    DisputeApp(session).run()
    say(f"{session.decided:,} decided, {len(session.items) - session.at:,} left: `observations disputed` lists them")


def _row(one: Dispute) -> dict[str, Any]:
    readings = "; ".join(f"{of.by}: {of.assertion} '{of.text}'" for of in one.readings)
    fields = {name: getattr(one, name) for name in COLUMNS if name != "readings"}
    return {**fields, "readings": readings, "sentence": " ".join((one.sentence or "").split())}


def _read(source: Path) -> dict[str, str]:
    """The decisions of a file, by statement; a blank one is none."""
    sheet = read_sheet(source)
    if not {"dispute_id", "decision"} <= set(sheet.columns):
        raise UsageError(f"{source} has no columns dispute_id and decision")
    return {row["dispute_id"]: row["decision"].strip() for _, row in sheet.records() if row["decision"].strip()}


def _in_words(to: str) -> str:
    return {NONE: "dropped", OPEN: "open again"}.get(to, f"as {to} reads them")
