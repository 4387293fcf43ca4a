"""`clear-kb vocab diff` and `apply`: two states of a vocabulary compared, and the difference carried elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from kb.commands.curate import act_and_print
from kb.commands.options import (
    DEFAULT_KB,
    By,
    DryRun,
    Format,
    KbUri,
    OnBranch,
    OutputFormat,
    StorageOptions,
    Why,
    open_kb,
)
from kb.commands.output import print_json, print_rows, say
from kb.commands.vocab import app
from kb.errors import UsageError


@app.command("diff")
def diff_command(
    old: Annotated[str, typer.Argument(metavar="A", help="A commit or tag.")],
    new: Annotated[str, typer.Argument(metavar="B", help="A commit or tag.")] = "HEAD",
    kb: KbUri = DEFAULT_KB,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Show how the vocabulary changed from A to B; as JSON it is a patch for `vocab apply`."""
    found = open_kb(kb, None, storage_option).vocabulary.diff(old, new)
    if output is Format.json:
        print_json(found.to_patch())
        return
    print_rows(found.rows(), ["kind", "concept_id", "text", "change"], output, empty="the vocabularies are the same")
    kinds = Counter(row["kind"] for row in found.rows())
    if kinds:
        say(", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()))


@app.command("apply")
def apply_command(
    patch: Annotated[str, typer.Argument(metavar="FILE", help="What `vocab diff --format json` wrote; - reads stdin.")],
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Apply a patch: all of it or, where a concept is not as the patch found it or a field cannot be, nothing."""
    from kb.curation.diff import read_patch

    path = Path(patch)
    if patch != "-" and not path.is_file():
        raise UsageError(f"there is no file {patch}")
    edits = read_patch(sys.stdin.buffer.read() if patch == "-" else path.read_bytes())
    act_and_print(kb, branch, storage_option, output, by, why, dry_run, lambda v, o: v.apply(edits, **o))
