"""How acts of curation are told: the one that was just made, and those of the past."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape

from kb.commands.console import data_stream
from kb.commands.options import Format
from kb.commands.output import print_json, print_rows, say
from kb.commands.shared import Reading, Writing
from kb.curation.change import Change
from kb.exchange.change_lines import change_lines
from kb.store.state import State
from kb.vocabulary.query import mention_counts

FIELDS = ["change_id", "time", "act", "author", "reason", "concept_ids", "before", "after", "reverts"]

SHOWN = 20
"""Sentences that one change is told in; those beyond are counted."""


def print_change(writing: Writing, change: Change | None) -> None:
    """Print the change that an act made or, in a dry run, would make: what became of what, with mentions."""
    if writing.output is Format.json:
        print_json({**change.to_dict(), "dry_run": writing.dry_run} if change else None)
    elif change is None:
        say("nothing to change: it is so already")
    else:
        print_words(change.words(_mentions_before(writing, change)))
        why = f" ({escape(change.reason)})" if change.reason else ""
        done = "a dry run: nothing was written" if writing.dry_run else change.change_id
        say(f"{done}, by {escape(change.author)}{why}")


def print_words(words: Sequence[str]) -> None:
    """Say what an act did, a sentence a line, wrapped to the terminal."""
    for sentence in words[:SHOWN]:
        say(escape(sentence), wrapped=True)
    if len(words) > SHOWN:
        say(f"and {len(words) - SHOWN:,} more (--format json has all)")


def print_change_lines(reading: Reading, concept: str | None, limit: int) -> None:
    """Print the newest acts of curation as lines of KGCL, the oldest of them first: so they can be applied."""
    base = reading.base
    wanted = None if concept is None else base.vocabulary.named(concept).concept_id
    for line in change_lines(base.changes(wanted)[-limit:], wanted):
        data_stream().write(f"{line}\n")


def print_changes(reading: Reading, concept: str | None, limit: int) -> None:
    """Print the acts of curation, newest first: all, or those on one concept."""
    base = reading.base
    wanted = None if concept is None else base.vocabulary.named(concept).concept_id
    shown = list(reversed(base.changes(wanted)))[:limit]
    if reading.output is Format.table:
        rows = [_told(change, wanted) for change in shown]
        print_rows(rows, ["change_id", "when", "by", "what"], reading.output, empty="nothing was changed yet")
    else:
        print_rows([change.to_dict() for change in shown], FIELDS, reading.output)


def _told(change: Change, concept_id: str | None) -> dict[str, str]:
    when = change.time.astimezone().strftime("%d %b %H:%M")
    what = change.line(concept_id).removeprefix(f"{change.author}: ")
    return {"change_id": change.change_id, "when": when, "by": change.author, "what": what}


def _mentions_before(writing: Writing, change: Change) -> dict[str, int]:
    """How often what it touched was mentioned before it."""
    state: State = writing.base
    if not writing.dry_run and state.commit.parent is not None:
        state = state.at(state.commit.parent)
    counts = mention_counts(state, change.texts)
    return {of: counts.get(of, 0) for of in change.texts}
