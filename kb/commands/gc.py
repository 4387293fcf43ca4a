"""`clear-kb gc`: storage that nothing names, given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kb.commands.options import (
    Format,
)
from kb.commands.output import print_json, say
from kb.commands.shared import Writing, writes

if TYPE_CHECKING:
    pass


@writes
def gc_command(
    writing: Writing,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="Newest commits that stay readable beside tagged ones; all.")
    ] = None,
) -> None:
    """Give storage back: what no commit names, and with --keep what older, untagged commits name."""
    result = writing.base.gc(keep=keep, **writing.act)
    if writing.output is Format.json:
        print_json(result.to_dict())
        return
    would = "would drop" if writing.dry_run else "dropped"
    freed = "" if writing.dry_run else f", gave {result.bytes_removed / 1e6:,.1f} MB back"
    say(f"kept {result.kept:,} commits, {would} {result.dropped:,}{freed}")
