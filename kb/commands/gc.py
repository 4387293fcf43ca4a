"""`clear-kb gc`: storage that nothing names, given back."""

from __future__ import annotations

from typing import Annotated

import typer

from kb.commands.options import (
    Format,
)
from kb.commands.output import print_json, say
from kb.commands.shared import Writing, writes


@writes
def gc_command(
    writing: Writing,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, help="Newest commits that stay readable; default: what `clear-kb keep` says."),
    ] = None,
) -> None:
    """Give back storage that no readable commit names: dead rows, what dead writers left, with --keep older commits.

    Writers tidy up after themselves, so this is seldom needed. Readable stay, whatever --keep says: tagged commits, the
    newest of every branch, what a branch would be merged against, and what a reader at work holds.
    """
    result = writing.base.gc(keep=keep, **writing.act)
    if writing.output is Format.json:
        print_json(result.to_dict())
        return
    size = "" if result.bytes_removed is None else f"{result.bytes_removed / 1e6:,.1f} MB"
    if writing.dry_run:
        say(f"kept {result.kept:,} commits, would drop {result.dropped:,}{size and f' and give {size} back'}")
    else:
        say(f"kept {result.kept:,} commits, dropped {result.dropped:,}, gave {size} back")
