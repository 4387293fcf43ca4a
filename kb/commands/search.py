"""`clear-kb vocab search`: the concepts that a query means."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.options import Format
from kb.commands.output import print_rows, say
from kb.commands.shared import Reading, reads
from kb.commands.vocabulary_filters import (
    AssertionFilter,
    FindingFilter,
    KindFilter,
    MinCount,
    PlaceFilter,
    SeverityFilter,
    SideFilter,
    SourceFilter,
    StatusFilter,
)
from kb.vectors.embedding.in_use import read_embedder
from kb.vocabulary.filters import Filters
from kb.vocabulary.search.hit import NEAR, SearchHit
from kb.vocabulary.search.search import search


@reads
def search_command(
    reading: Reading,
    query: Annotated[str, typer.Argument(help='An observation in plain words: "collapsed lung", "effusion NOT left".')],
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="How many hits at most.")] = 10,
    finding: FindingFilter = None,
    place: PlaceFilter = None,
    side: SideFilter = None,
    severity: SeverityFilter = None,
    assertion: AssertionFilter = None,
    kind: KindFilter = None,
    source: SourceFilter = None,
    status: StatusFilter = None,
    min_count: MinCount = 0,
    words: Annotated[bool, typer.Option("--words", help="By words and lexicon alone: no model is loaded.")] = False,
    far: Annotated[bool, typer.Option("--all", help="Show what comes next too, though it is not near.")] = False,
    names: Annotated[
        Path | None,
        typer.Option(
            "--names", envvar="CLEAR_KB_NAMES", help="A table of other names, read after ours (see the docs)."
        ),
    ] = None,
) -> None:
    """Find concepts by meaning and by words, with how near each is; what is not near is no hit.

    Lay words, Latin and other languages are understood by a table of names; "not" leaves out.
    """
    state = reading.state  # enough, and opened in less time than all that a knowledge base can do
    if not words and read_embedder(state) is None:
        say("the concepts are not embedded yet (clear-kb embed): searching by words alone")
    filters = Filters(
        assertion=assertion,
        status=status,
        laterality=side,
        findings=finding,
        anatomy=place,
        severity=severity,
        kind=kind,
        source=source,
        min_count=min_count,
    )
    hits = search(state, query, k=k, filters=filters, words_only=words, names=names, least=0.0 if far else NEAR)
    if reading.output is not Format.table:
        print_rows([asdict(hit) for hit in hits], [field.name for field in fields(SearchHit)], reading.output)
        return
    rows = [{**asdict(hit), "similarity": f"{hit.similarity:.2f}"} for hit in hits]
    empty = f"nothing is near '{escape(query)}'" + (": --all shows what comes next" if hits.farther else "")
    print_rows(rows, hits.columns, reading.output, empty=empty)
    for told in dict.fromkeys(hit.found_by for hit in hits if hit.found_by):
        say(f"found by: {escape(told)}", quiet=reading.quiet)
