"""`clear-kb vocab suggest`: what a curator may want to look at."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from kb.commands.options import Format
from kb.commands.output import print_json, print_rows, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads
from kb.curation.suggest.suggestion import Suggestion
from kb.errors import UsageError

NAMES = {"duplicates": "duplicate", "synonyms": "name_in_reports", "outliers": "nearest", "rare": "nearest"}
"""What the other text of a suggestion is called in the table, by kind."""

ACTS = {"merge": "merge with it", "reject": "reject", "rename": "call it so", "add name": "add it", "keep": "keep"}
"""What is proposed, in words."""


@reads(quiet=True)
def suggest_command(
    reading: Reading,
    kind: Annotated[
        Literal["duplicates", "synonyms", "outliers", "rare"], typer.Argument(help="What to look for.")
    ] = "duplicates",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 25,
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", min=0, max=1, help="Duplicates: from which likeness on; 0.9 unless told."),
    ] = None,
    max_mentions: Annotated[
        int | None, typer.Option("--max-mentions", min=0, help="Rare: mentioned so often at most; 1 unless told.")
    ] = None,
) -> None:
    """Suggest what to curate: duplicates, synonyms, outliers or rare concepts. `vocab review` walks through them.

    Duplicates say the same, by a rule that is named; names that reports use are suggested as synonyms; outliers lie far
    from the concepts of their own finding; of rare concepts, those come first with which something is probably wrong.
    """
    if min_score is not None and kind != "duplicates":
        raise UsageError(f"--min-score is for duplicates, not for {kind}")
    if max_mentions is not None and kind != "rare":
        raise UsageError(f"--max-mentions is for rare, not for {kind}")
    opened = reading.base
    if opened.embedder is None and kind in ("duplicates", "rare"):
        say("the concepts are not embedded yet (clear-kb embed): compared by their words alone", quiet=reading.quiet)
    with Progress("concepts", hidden=reading.quiet) as progress:
        found = opened.suggest(
            kind,
            limit=limit,
            min_score=min_score,
            max_mentions=max_mentions,
            on_stage=lambda stage: progress.stage(stage, None),
        )
    rows = [suggestion.to_dict() for suggestion in found.items]
    if reading.output is Format.json:
        print_json(rows)
    elif reading.output is Format.csv:
        print_rows(rows, list(rows[0]) if rows else [], reading.output)
    else:
        entries = [_in_a_row(suggestion, NAMES[kind]) for suggestion in found.items]
        columns = ["text", NAMES[kind], "proposed", "reason", "concept_id"]
        print_rows(entries, columns, reading.output, empty=f"there are no {kind} to suggest")
        if kind == "duplicates" and rows:
            sure = sum(suggestion.sure for suggestion in found.items)
            rest = "" if sure == len(rows) else "; look at the others before they are merged"
            say(f"{sure:,} of these {len(rows):,} say the same words{rest}", quiet=reading.quiet)
    if found.found > len(rows):
        say(f"{found.found:,} in all: --limit shows more", quiet=reading.quiet)
    if found.recall is not None:
        told_recall = f"the neighbours looked at are {found.recall:.1%} of those that brute force finds (on a sample)"
        say(told_recall, quiet=reading.quiet)


def _in_a_row(suggestion: Suggestion, other: str) -> dict[str, object]:
    """A suggestion as a row of the table: what it is about, and what is proposed, in words."""
    renamed = suggestion.act == "rename"
    return {
        "text": f"{suggestion.text} ({suggestion.mentions:,})",
        other: suggestion.target if renamed else suggestion.other_text,
        "proposed": ACTS[suggestion.act],
        "reason": suggestion.reason,
        "concept_id": suggestion.concept_id,
    }
