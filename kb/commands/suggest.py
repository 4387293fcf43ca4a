"""`clear-kb vocab suggest`: what a curator may want to look at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from kb.commands.options import DEFAULT_KB, At, Format, KbUri, OutputFormat, Quiet, StorageOptions, open_kb
from kb.commands.output import print_json, print_rows, say
from kb.commands.vocab import app
from kb.errors import UsageError

COLUMNS = {
    "duplicates": {"concept_id": "concept_id", "text": "text", "other_id": "duplicate_id", "other_text": "duplicate"},
    "synonyms": {"concept_id": "concept_id", "text": "text", "other_text": "name_in_reports"},
    "outliers": {"concept_id": "concept_id", "text": "text", "other_id": "nearest_id", "other_text": "nearest"},
    "rare": {"concept_id": "concept_id", "text": "text", "other_id": "nearest_id", "other_text": "nearest"},
}
"""What a suggestion's fields are called in the table, by kind."""


@app.command("suggest")
def suggest_command(
    kind: Annotated[
        Literal["duplicates", "synonyms", "outliers", "rare"], typer.Argument(help="What to look for.")
    ] = "duplicates",
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 25,
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", min=0, max=1, help="Duplicates: from which likeness on; 0.9 unless told."),
    ] = None,
    max_mentions: Annotated[
        int | None, typer.Option("--max-mentions", min=0, help="Rare: mentioned so often at most; 1 unless told.")
    ] = None,
    quiet: Quiet = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Suggest what to curate: duplicates, synonyms, outliers or rare concepts. `vocab review` walks through them.

    Duplicates are of one assertion, side and severity, and say the same words; names that reports use are suggested as
    synonyms; outliers lie far from the concepts of their own finding.
    """
    from kb.commands.progress import Progress
    from kb.curation.suggest import suggest

    options: dict[str, Any] = {"limit": limit}
    if min_score is not None:
        options["min_score"] = _only(kind, "duplicates", "--min-score", min_score)
    if max_mentions is not None:
        options["max_mentions"] = _only(kind, "rare", "--max-mentions", max_mentions)
    opened = open_kb(kb, at, storage_option)
    if opened.embedder is None and kind in ("duplicates", "rare"):
        say("the concepts are not embedded yet (clear-kb embed): compared by their words alone", quiet=quiet)
    with Progress("concepts", hidden=quiet) as progress:
        if kind == "duplicates":
            options["on_stage"] = lambda stage: progress.stage(stage, None)
        found = suggest(opened, kind, **options)
    rows = [suggestion.to_dict() for suggestion in found.items]
    if output is Format.json:
        print_json(rows)
    elif output is Format.csv:
        print_rows(rows, list(rows[0]) if rows else [], output)
    else:
        names = COLUMNS[kind]
        told = [{**{names.get(name, name): value for name, value in row.items()}} for row in rows]
        columns = ["score", *names.values(), "mentions", "reason"]
        print_rows(told, columns, output, empty=f"there are no {kind} to suggest")
    if found.found > len(rows):
        say(f"{found.found:,} in all: --limit shows more", quiet=quiet)
    if found.recall is not None:
        told_recall = f"the neighbours looked at are {found.recall:.1%} of those that brute force finds (on a sample)"
        say(told_recall, quiet=quiet)


def _only(kind: str, right: str, flag: str, value: Any) -> Any:
    if kind != right:
        raise UsageError(f"{flag} is for {right}, not for {kind}")
    return value
