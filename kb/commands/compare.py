"""`clear-kb vocab diff` and `apply`: two states of a vocabulary compared, and the difference carried elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from kb.commands.changes import print_change
from kb.commands.options import (
    Format,
)
from kb.commands.output import print_json, print_rows, say
from kb.commands.shared import Reading, Writing, reads, writes
from kb.curation.diff import read_patch
from kb.errors import UsageError


@reads
def diff_command(
    reading: Reading,
    old: Annotated[str, typer.Argument(metavar="A", help="A commit or tag.")],
    new: Annotated[str, typer.Argument(metavar="B", help="A commit or tag.")] = "HEAD",
) -> None:
    """Show how the vocabulary changed from A to B; as JSON it is a patch for `vocab apply`."""
    found = reading.base.diff(old, new)
    if reading.output is Format.json:
        print_json(found.to_patch())
        return
    print_rows(
        found.rows(), ["kind", "concept_id", "text", "change"], reading.output, empty="the vocabularies are the same"
    )
    kinds = Counter(row["kind"] for row in found.rows())
    if kinds:
        say(", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()))


@writes(branch=True)
def apply_command(
    writing: Writing,
    patch: Annotated[str, typer.Argument(metavar="FILE", help="What `vocab diff --format json` wrote; - reads stdin.")],
) -> None:
    """Apply a patch: all of it or, where a concept is not as the patch found it or a field cannot be, nothing."""
    path = Path(patch)
    if patch != "-" and not path.is_file():
        raise UsageError(f"there is no file {patch}")
    edits = read_patch(sys.stdin.buffer.read() if patch == "-" else path.read_bytes())
    print_change(writing, writing.base.curate.apply(edits, **writing.act))
