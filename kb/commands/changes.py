"""How acts of curation are told: the one that was just made, and those of the past."""

from __future__ import annotations

import sys

from rich.markup import escape

from kb.commands.options import Format
from kb.commands.output import print_json, print_rows, say
from kb.commands.shared import Reading, Writing
from kb.curation.change import Change
from kb.exchange.change_lines import change_lines

FIELDS = ["change_id", "time", "act", "author", "reason", "concept_ids", "before", "after", "reverts"]


def print_change(writing: Writing, change: Change | None) -> None:
    """Print the change that an act made or, in a dry run, would make."""
    if writing.output is Format.json:
        print_json({**change.to_dict(), "dry_run": writing.dry_run} if change else None)
    elif change is None:
        say("nothing to change: it is so already")
    else:
        say(f"{'would make' if writing.dry_run else change.change_id} {escape(change.line())}")


def print_change_lines(reading: Reading, concept_id: str | None, limit: int) -> None:
    """Print the newest acts of curation as lines of KGCL, the oldest of them first: so they can be applied."""
    base = reading.base
    wanted = None if concept_id is None else base.vocabulary.get(concept_id).concept_id
    for line in change_lines(base.changes(wanted)[-limit:], wanted):
        sys.stdout.write(f"{line}\n")


def print_changes(reading: Reading, concept_id: str | None, limit: int) -> None:
    """Print the acts of curation, newest first: all, or those on one concept."""
    base = reading.base
    wanted = None if concept_id is None else base.vocabulary.get(concept_id).concept_id
    shown = list(reversed(base.changes(wanted)))[:limit]
    rows = [{**change.to_dict(), "line": change.line(wanted)} for change in shown]
    columns = ["change_id", "time", "line"] if reading.output is Format.table else FIELDS
    print_rows(rows, columns, reading.output, empty="nothing was changed yet")
