"""`clear-kb vocab review`: a screen that walks through what a curator has to decide."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from kb.commands.output import say
from kb.commands.shared import Writing, writes
from kb.curation.review.queue import review_queue
from kb.curation.review.review_session import ReviewSession
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
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many items at most.")] = 500,
) -> None:
    """Review concepts one by one, with the keyboard: accept, reject, merge, rename, skip, undo.

    A number only marks a neighbour; m merges, and the concept with more mentions stays (x: the other one).
    Every decision is a change at once (see `vocab changes`), so stopping half-way loses nothing; the same queue begins
    with what is still undecided.
    """
    opened = writing.base
    items = review_queue(opened, queue, limit=limit, since=since)
    if not items:
        say(f"there is nothing to review: no {queue}" if queue != "new" else f"nothing is new since {since}")
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("a review needs a terminal; `vocab suggest` lists what there is to decide")
    from kb.curation.review.screen import ReviewApp

    session = ReviewSession(state=opened, items=items, by=writing.by)
    ReviewApp(session, queue).run()
    left = len(items) - min(session.at, len(items))
    say(f"{session.decided:,} decided, {left:,} left: see `clear-kb vocab changes`")
