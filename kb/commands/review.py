"""`clear-kb vocab review`: a screen that walks through what a curator has to decide, group by group."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from kb.commands.output import say
from kb.commands.shared import Writing, writes
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
    TextFilter,
    filters_of,
)
from kb.curation.review.group_session import GroupSession
from kb.curation.review.groups import review_groups
from kb.errors import UsageError


@writes(branch=True, why=False, dry_run=False, output=False)
def review_command(
    writing: Writing,
    queue: Annotated[
        Literal["duplicates", "synonyms", "outliers", "rare", "new", "unreviewed", "aside"],
        typer.Argument(
            help="Suggestions of a kind, concepts new since a tag, the most used unreviewed ones, or those put aside."
        ),
    ] = "unreviewed",
    since: Annotated[str | None, typer.Option("--since", metavar="COMMIT|TAG", help="What 'new' counts from.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many groups at most.")] = 500,
    assertion: AssertionFilter = None,
    side: SideFilter = None,
    finding: FindingFilter = None,
    place: PlaceFilter = None,
    severity: SeverityFilter = None,
    kind: KindFilter = None,
    source: SourceFilter = None,
    text: TextFilter = None,
    label: LabelFilter = None,
    min_count: MinCount = 0,
) -> None:
    """Review what there is to decide, in groups, with the keyboard: ? on the screen shows all keys.

    The first line says in words what Enter would do. A key means the same everywhere, a number only marks, and nothing
    is rejected by one key. Every decision is a change at once (see `vocab changes`), so stopping half-way loses
    nothing; the same queue begins with what is still undecided.
    """
    filters = filters_of(
        assertion=assertion, laterality=side, findings=finding, anatomy=place, severity=severity, kind=kind,
        source=source, text=text, label=label, min_count=min_count,
    )  # fmt: skip
    opened = writing.base
    groups = review_groups(opened, queue, filters=filters, since=since, limit=limit)
    if not groups:
        say(f"there is nothing to review: no {queue}" if queue != "new" else f"nothing is new since {since}")
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("a review needs a terminal; `vocab suggest` lists what there is to decide")
    from kb.curation.review.screen import ReviewApp

    session = GroupSession(state=opened, groups=groups, by=writing.by)
    ReviewApp(session, queue).run()
    say(f"{session.decided:,} decided, {session.left:,} left: see `clear-kb vocab changes`")
