"""`clear-kb restore`: an earlier state, made the newest one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.output import say
from kb.commands.shared import Writing, writes


@writes(output=False)
def restore_command(
    writing: Writing,
    ref: Annotated[str, typer.Argument(metavar="COMMIT|TAG", help="The state to go back to.")],
) -> None:
    """Make an earlier state the newest one, by a new commit: what came between stays in the log."""
    opened = writing.state
    target = opened.at(ref).commit
    if writing.dry_run:
        say(f"would restore commit {target.commit_id} ({escape(target.operation)})")
        return
    commit = opened.restore(ref, by=writing.by, why=writing.why)
    done = (
        f"restored {target.commit_id} as commit {commit.commit_id}" if commit else f"{target.commit_id} is the newest"
    )
    say(done)
