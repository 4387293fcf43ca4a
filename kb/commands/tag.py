"""`clear-kb tag`: names for commits."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.output import print_rows, say
from kb.commands.shared import Writing, writes
from kb.store.commits import check_name


@writes(at=True)
def tag_command(
    writing: Writing,
    name: Annotated[str | None, typer.Argument(help="The name to give; without it, the tags are listed.")] = None,
) -> None:
    """Name a commit for good (the newest, or --at), or list the tags. Tagged data is never cleaned up."""
    opened = writing.state
    if name is None:
        rows = [{"tag": tag, "commit": commit_id} for tag, commit_id in sorted(opened.tags().items())]
        print_rows(rows, ["tag", "commit"], writing.output, empty="there are no tags")
        return
    check_name(name, "tag")
    if not writing.dry_run:
        opened.tag(name, by=writing.by, why=writing.why)
    say(f"{'would tag' if writing.dry_run else 'tagged'} commit {opened.commit.commit_id} as {escape(name)}")
