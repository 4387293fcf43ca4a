"""`clear-kb vocab diff` and `apply`: two states of a vocabulary compared, and the difference carried elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from kb.commands.changes import print_change
from kb.commands.console import data_stream
from kb.commands.options import (
    Format,
)
from kb.commands.output import print_json, print_rows, say
from kb.commands.shared import Reading, Writing, reads, writes
from kb.curation.diff import read_patch
from kb.errors import UsageError
from kb.exchange.change_line_reading import apply_change_lines
from kb.exchange.markdown_diff import diff_as_markdown


@reads(output=False)
def diff_command(
    reading: Reading,
    old: Annotated[str, typer.Argument(metavar="A", help="A commit or tag.")],
    new: Annotated[str, typer.Argument(metavar="B", help="A commit or tag.")] = "HEAD",
    output: Annotated[
        Literal["table", "json", "csv", "markdown"],
        typer.Option("--format", help="How to print; json: a patch for `vocab apply`, markdown: for a pull request."),
    ] = "table",
) -> None:
    """Show how the vocabulary changed from A to B; as JSON it is a patch for `vocab apply`."""
    found = reading.base.diff(old, new)
    if output == "json":
        print_json(found.to_patch())
        return
    if output == "markdown":
        data_stream().write(diff_as_markdown(found, reading.base.at(new)))
        return
    columns = ["kind", "concept_id", "text", "change"]
    print_rows(found.rows(), columns, Format(output), empty="the vocabularies are the same")
    kinds = Counter(row["kind"] for row in found.rows())
    if kinds:
        say(", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()))


@writes(branch=True)
def apply_command(
    writing: Writing,
    patch: Annotated[str, typer.Argument(metavar="FILE", help="A patch, or lines of KGCL; - reads stdin.")],
) -> None:
    """Apply a patch of `vocab diff --format json`, or lines of KGCL: all of it, or nothing where one does not fit."""
    path = Path(patch)
    if patch != "-" and not path.is_file():
        raise UsageError(f"there is no file {patch}")
    told = sys.stdin.buffer.read() if patch == "-" else path.read_bytes()
    if path.suffix == ".kgcl" or (patch == "-" and not told.lstrip().startswith(b"{")):
        print_change(writing, apply_change_lines(writing.base, _decoded(told, patch), **writing.act))
    else:
        print_change(writing, writing.base.curate.apply(read_patch(told), **writing.act))


def _decoded(told: bytes, source: str) -> str:
    try:
        return told.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is not UTF-8: {error}") from error
