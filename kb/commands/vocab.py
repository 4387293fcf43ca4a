"""`clear-kb vocab`: list, show and count the concepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from kb.commands.aside import say_aside
from kb.commands.console import SafeConsole
from kb.commands.options import Format
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.shared import Reading, reads
from kb.commands.vocabulary_filters import (
    AssertionFilter,
    FindingFilter,
    KindFilter,
    LabelFilter,
    MinCount,
    PlaceFilter,
    SeverityFilter,
    SideFilter,
    SourceFilter,
    StatusFilter,
    TextFilter,
)
from kb.errors import UsageError
from kb.vocabulary.concept import Concept, Counts, Evidence
from kb.vocabulary.status import concept_totals
from kb.vocabulary.under import Around


@reads
def show_command(
    reading: Reading,
    concept: Annotated[
        str, typer.Argument(metavar="CONCEPT", help='A concept: its id or how it begins, or its text ("normal lungs").')
    ],
    evidence: Annotated[int, typer.Option("--evidence", min=0, help="How many sentences to show at most.")] = 5,
) -> None:
    """Show one concept: its facets, its counts, what stands above and below it, and the report sentences behind it."""
    vocabulary = reading.base.vocabulary
    known = vocabulary.named(concept)
    counts = vocabulary.counts([known.concept_id]).get(known.concept_id, Counts())
    mentions = vocabulary.evidence(known.concept_id, evidence)
    if reading.output is Format.json:
        around = vocabulary.around(known.concept_id).to_dict()
        print_json({**asdict(known), **asdict(counts), **around, "evidence": [asdict(one) for one in mentions]})
    elif reading.output is Format.csv:
        print_rows(
            [asdict(mention) for mention in mentions], list(asdict(mentions[0])) if mentions else [], reading.output
        )
    else:
        print_facts(_concept_facts(known, counts, vocabulary.around(known.concept_id)))
        _print_evidence(mentions, counts)


@reads
def list_command(
    reading: Reading,
    assertion: AssertionFilter = None,
    status: StatusFilter = None,
    side: SideFilter = None,
    finding: FindingFilter = None,
    place: PlaceFilter = None,
    severity: SeverityFilter = None,
    kind: KindFilter = None,
    source: SourceFilter = None,
    text: TextFilter = None,
    label: LabelFilter = None,
    min_count: MinCount = 0,
    under: Annotated[
        str | None,
        typer.Option(
            "--under",
            metavar="CONCEPT",
            help='Only what stands under it, with counts of all: an id, or any phrase ("fracture", "lower lobe").',
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 25,
    offset: Annotated[int, typer.Option("--offset", min=0, help="How many to pass over first.")] = 0,
) -> None:
    """List concepts, most mentioned first."""
    wanted: dict[str, Any] = {
        "assertion": assertion,
        "status": status,
        "laterality": side,
        "findings": finding,
        "min_count": min_count,
        "limit": limit,
        "offset": offset,
    }
    finer: dict[str, Any] = {
        "anatomy": place, "severity": severity, "kind": kind, "source": source, "text": text, "label": label,
    }  # fmt: skip
    if under is not None:
        if any(finer.values()):
            raise UsageError("--under takes --assertion, --status, --side, --finding and --min-count beside it")
        _list_under(reading, under, wanted)
        return
    rows = reading.base.vocabulary.list(**wanted, **finer)
    columns = ["concept_id", "text", "assertion", "status", "mentions", "reports"]
    print_rows(rows, columns, reading.output, empty="no concept is so")
    if status is None:
        say_aside(reading.base, "listed")


def _list_under(reading: Reading, under: str, wanted: dict[str, Any]) -> None:
    found = reading.base.vocabulary.under(under, **wanted)
    if reading.output is Format.json:
        print_json(found.to_dict())
        return
    print_rows(found.rows, list(found.rows.columns), reading.output, empty=f"nothing stands under '{escape(under)}'")
    counts = f"{found.counts.mentions:,} mentions in {found.counts.reports:,} reports"
    say(f"{found.concepts:,} concepts under '{escape(under)}': {counts}")


@reads
def wordings_command(
    reading: Reading,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many concepts at most.")] = 30,
    examples: Annotated[int, typer.Option("--examples", min=1, help="How many wordings of each to show.")] = 6,
) -> None:
    """Show how differently reports word one concept: what normalisation brings together, the largest groups first."""
    found = reading.base.vocabulary.wordings()
    totals = {name: sum(row[name] for row in found) for name in ("mentions", "wordings")} | {"concepts": len(found)}
    rows = found[:limit]
    if reading.output is Format.json:
        print_json({**totals, "groups": rows})
        return
    shown = [{**row, "worded": " | ".join(row["worded"][:examples])} for row in rows]
    columns = ["concept_id", "text", "wordings", "mentions", "worded"]
    print_rows(shown, columns, reading.output, empty="nothing was mined yet: clear-kb ingest reports")
    say(f"{totals['mentions']:,} mentions in {totals['wordings']:,} wordings are {totals['concepts']:,} concepts")


@reads
def stats_command(
    reading: Reading,
) -> None:
    """Count the concepts by assertion and status."""
    rows = concept_totals(reading.base)
    print_rows(
        rows, ["assertion", "status", "concepts", "not_embedded"], reading.output, empty="there are no concepts yet"
    )


MOST_AROUND = 8
"""Concepts above or below one that a terminal is shown; the rest is counted."""


def _concept_facts(concept: Concept, counts: Counts, around: Around) -> list[tuple[str, str]]:
    hedged = f", {counts.uncertain:,} of them uncertain" if counts.uncertain else ""
    facts = [*concept.facts(), ("mentions", f"{counts.mentions:,} in {counts.reports:,} reports{hedged}")]
    together = around.rolled_up
    if together.mentions != counts.mentions:
        facts.append(("with narrower", f"{together.mentions:,} in {together.reports:,} reports"))
    for name, rows in (("wider", around.wider), ("narrower", around.narrower)):
        facts += [(name if at == 0 else " ", _in_a_line(row)) for at, row in enumerate(rows[:MOST_AROUND])]
        facts += [(" ", f"and {len(rows) - MOST_AROUND:,} more")] if len(rows) > MOST_AROUND else []
    return [(name, escape(value)) for name, value in facts if value]


def _in_a_line(row: Mapping[str, Any]) -> str:
    """A concept above or below, with its counts and those of all that stands under it."""
    own = f"{row['mentions']:,} in {row['reports']:,} reports"
    together = f"; with narrower {row['mentions_under']:,} in {row['reports_under']:,}"
    return f"{row['concept_id']} {row['text']} ({own}{together if row['mentions_under'] != row['mentions'] else ''})"


def _print_evidence(mentions: list[Evidence], counts: Counts) -> None:
    console = SafeConsole(highlight=False)
    if mentions:
        shown = f"{len(mentions)} of {counts.mentions:,}" if counts.mentions > len(mentions) else "all"
        console.print(f"\n[bold]evidence[/bold] ({shown})")
    for mention in mentions:
        attributes = [mention.assertion, mention.certainty, mention.temporality]
        sentence = ", ".join(a for a in attributes if a not in ("definite", "current"))
        console.print(Text(f"  {mention.report_id} {mention.section} ({sentence})", style="dim"))
        console.print(Text("    ").append_text(_highlighted(mention)))


def _highlighted(mention: Evidence) -> Text:
    if mention.sentence is None:
        return Text(f"{mention.text}  (report texts are not stored)")
    text = Text(mention.sentence)
    for start, end in mention.spans:
        text.stylize("bold underline", start, end)
    return text
