"""`clear-kb backup` and `clear-kb restore-from`: whole copies, to a folder or a store and back."""

from __future__ import annotations

from typing import Annotated

import typer

from kb.commands.options import Format
from kb.commands.output import print_json, say
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.store.safety.copying import Copied, copy_knowledge_base
from kb.store.storage import Storage, existing


@writes(why=False)
def backup_command(
    writing: Writing,
    dest: Annotated[str, typer.Argument(help="A folder or s3:// address: new, or an earlier backup of this one.")],
) -> None:
    """Copy the knowledge base, with its history, to DEST: only what is not there; every file is compared."""
    _tell(writing, writing.storage, Storage(dest, writing.storage_options))


@writes(why=False)
def restore_from_command(
    writing: Writing,
    src: Annotated[str, typer.Argument(help="A backup: a folder or s3:// address.")],
) -> None:
    """Bring a backup back to where --kb names: a new place, or the same knowledge base at an earlier state."""
    _tell(writing, existing(src, writing.storage_options), Storage(writing.uri, writing.storage_options))


def _tell(writing: Writing, source: Storage, target: Storage) -> None:
    with Progress("files") as progress:
        progress.stage("copying", None)
        result: Copied = copy_knowledge_base(
            source, target, dry_run=writing.dry_run, on_file=lambda done, _: progress.advance(done, done)
        )
    if writing.output is Format.json:
        print_json(result.to_dict())
        return
    done = "would copy" if writing.dry_run else "copied"
    say(
        f"{done} {result.files:,} files ({result.bytes / 1e6:,.1f} MB) of {source.uri} to {target.uri}, "
        f"{result.there:,} were there: commit {result.commit}, {result.commits:,} commits"
    )
