"""`clear-kb vocab`: list, search, show and count the concepts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text

from kb.commands.options import (
    DEFAULT_KB,
    AssertionChoice,
    At,
    Format,
    KbUri,
    LateralityChoice,
    OutputFormat,
    StatusChoice,
    StorageOptions,
    open_kb,
)
from kb.commands.output import print_facts, print_json, print_rows, say

if TYPE_CHECKING:
    from kb.vocabulary.vocabulary import Concept, Counts, Evidence

app = typer.Typer(no_args_is_help=True, help="The concepts: search, show, list, and curate them.")

AssertionFilter = Annotated[AssertionChoice | None, typer.Option("--assertion", help="Only present or absent ones.")]
StatusFilter = Annotated[StatusChoice | None, typer.Option("--status", help="Only those of this status.")]
LateralityFilter = Annotated[LateralityChoice | None, typer.Option("--laterality", help="Only those of this side.")]
MinCount = Annotated[int, typer.Option("--min-count", min=0, help="Only those mentioned at least so often.")]


@app.command("search")
def search_command(
    query: Annotated[str, typer.Argument(help='An observation in plain words: "collapsed lung", "no effusion".')],
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="How many hits at most.")] = 10,
    assertion: AssertionFilter = None,
    status: StatusFilter = None,
    laterality: LateralityFilter = None,
    min_count: MinCount = 0,
    words: Annotated[bool, typer.Option("--words", help="By words and lexicon alone: no model is loaded.")] = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Find concepts by meaning and by words."""
    from kb.vocabulary.search import Filters, search

    opened = open_kb(kb, at, storage_option)
    if opened.embedder is None and not words:
        say("the concepts are not embedded yet (clear-kb embed): searching by words alone")
    filters = Filters(_value(assertion), _value(status), _value(laterality), min_count)
    hits = search(opened, query, k=k, filters=filters, words_only=words)
    columns = ["concept_id", "text", "assertion", "score", "mentions"]
    print_rows([asdict(hit) for hit in hits], columns, output, empty=f"no concept found for '{escape(query)}'")


@app.command("show")
def show_command(
    concept_id: Annotated[str, typer.Argument(help="The id of a concept, or its first letters.")],
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    evidence: Annotated[int, typer.Option("--evidence", min=0, help="How many sentences to show at most.")] = 5,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Show one concept: its facets, its counts, and the report sentences behind it."""
    from kb.vocabulary.vocabulary import Counts

    opened = open_kb(kb, at, storage_option)
    concept = opened.vocabulary.get(concept_id)
    counts = opened.vocabulary.counts([concept.concept_id]).get(concept.concept_id, Counts())
    mentions = opened.vocabulary.evidence(concept.concept_id, evidence)
    if output is Format.json:
        print_json({**asdict(concept), **asdict(counts), "evidence": [asdict(mention) for mention in mentions]})
    elif output is Format.csv:
        print_rows([asdict(mention) for mention in mentions], list(asdict(mentions[0])) if mentions else [], output)
    else:
        print_facts(_concept_facts(concept, counts))
        _print_evidence(mentions, counts)


@app.command("list")
def list_command(
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    assertion: AssertionFilter = None,
    status: StatusFilter = None,
    laterality: LateralityFilter = None,
    min_count: MinCount = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 25,
    offset: Annotated[int, typer.Option("--offset", min=0, help="How many to pass over first.")] = 0,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """List concepts, most mentioned first."""
    opened = open_kb(kb, at, storage_option)
    rows = opened.vocabulary.list(
        assertion=_value(assertion),
        status=_value(status),
        laterality=_value(laterality),
        min_count=min_count,
        limit=limit,
        offset=offset,
    )
    print_rows(rows, ["concept_id", "text", "assertion", "status", "mentions", "reports"], output)


@app.command("wordings")
def wordings_command(
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many concepts at most.")] = 30,
    examples: Annotated[int, typer.Option("--examples", min=1, help="How many wordings of each to show.")] = 6,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Show how differently reports word one concept: what normalisation brings together, the largest groups first."""
    found = open_kb(kb, at, storage_option).vocabulary.wordings()
    totals = {name: sum(row[name] for row in found) for name in ("mentions", "wordings")} | {"concepts": len(found)}
    rows = found[:limit]
    if output is Format.json:
        print_json({**totals, "groups": rows})
        return
    shown = [{**row, "worded": " | ".join(row["worded"][:examples])} for row in rows]
    columns = ["concept_id", "text", "wordings", "mentions", "worded"]
    print_rows(shown, columns, output, empty="nothing was mined yet: clear-kb ingest reports")
    say(f"{totals['mentions']:,} mentions in {totals['wordings']:,} wordings are {totals['concepts']:,} concepts")


@app.command("stats")
def stats_command(
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Count the concepts by assertion and status."""
    from kb.vocabulary.query import run_named

    rows = run_named(open_kb(kb, at, storage_option), "concept_totals")
    print_rows(rows, ["assertion", "status", "concepts", "not_embedded"], output, empty="there are no concepts yet")


def _value(choice: AssertionChoice | StatusChoice | LateralityChoice | None) -> str | None:
    return None if choice is None else choice.value


def _concept_facts(concept: Concept, counts: Counts) -> list[tuple[str, str]]:
    hedged = f", {counts.uncertain:,} of them uncertain" if counts.uncertain else ""
    facts = [*concept.facts(), ("mentions", f"{counts.mentions:,} in {counts.reports:,} reports{hedged}")]
    return [(name, escape(value)) for name, value in facts if value]


def _print_evidence(mentions: list[Evidence], counts: Counts) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if mentions:
        shown = f"{len(mentions)} of {counts.mentions:,}" if counts.mentions > len(mentions) else "all"
        console.print(f"\n[bold]evidence[/bold] ({shown})")
    for mention in mentions:
        attributes = [mention.assertion, mention.certainty, mention.temporality]
        told = ", ".join(a for a in attributes if a not in ("definite", "current"))
        console.print(Text(f"  {mention.report_id} {mention.section} ({told})", style="dim"))
        console.print(Text("    ").append_text(_highlighted(mention)))


def _highlighted(mention: Evidence) -> Text:
    if mention.sentence is None:
        return Text(f"{mention.text}  (report texts are not stored)")
    text = Text(mention.sentence)
    for start, end in mention.spans:
        text.stylize("bold underline", start, end)
    return text
