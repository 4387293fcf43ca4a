"""`clear-kb keep`: which commits stay readable."""

from __future__ import annotations

from typing import Annotated

import typer

from kb.commands.options import Format
from kb.commands.output import print_json, say
from kb.commands.shared import Writing, writes


@writes
def keep_command(
    writing: Writing,
    newest: Annotated[int | None, typer.Option("--newest", min=4, help="The newest commits.")] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=0, help="The last commit of main of each of these days before today.")
    ] = None,
) -> None:
    """Settle which commits stay readable, or say it; writers drop the data of others as they go.

    Tagged commits, the newest of every branch, what a branch would be merged against, what runs and encoders were made
    of and what a reader at work holds stay always. The log keeps every commit, also those whose data was dropped.
    """
    base = writing.base
    settled = base.retention if newest is None and days is None else base.keep(newest=newest, days=days, **writing.act)
    if writing.output is Format.json:
        print_json(settled.to_dict())
        return
    would = "would stay" if writing.dry_run else "stay"
    say(
        f"readable {would}: the newest {settled.newest:,} commits, the last one of each of the {settled.days:,} days "
        "before today, tagged ones, and those that runs and encoders were made of"
    )
