"""`clear-kb backup` and `clear-kb restore-from`: whole copies, to a folder or a store and back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.options import Format
from kb.commands.output import print_result, say
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.errors import ClearKbError
from kb.privacy.exports import note_export
from kb.store.safety.copying import Copied, copy_knowledge_base
from kb.store.state import State
from kb.store.storage import Storage, existing

Prune = Annotated[
    bool,
    typer.Option("--prune", help="Delete from the copy what is no longer readable here: dropped, or forgotten."),
]


@writes(why=False)
def backup_command(
    writing: Writing,
    dest: Annotated[str, typer.Argument(help="A folder or s3:// address: new, or an earlier backup of this one.")],
    prune: Prune = False,
) -> None:
    """Copy the knowledge base, with its history, to DEST: only what is not there; in a folder all of it is compared."""
    target = Storage(dest, writing.storage_options)
    _copy(writing, writing.storage, target, prune)
    if not writing.dry_run:
        _note(writing, target)


@writes(why=False, by=False)
def restore_from_command(
    writing: Writing,
    src: Annotated[str, typer.Argument(help="A backup: a folder or s3:// address.")],
    prune: Prune = False,
) -> None:
    """Bring a backup back to where --kb names: a new place, or the same knowledge base at an earlier state."""
    _copy(writing, existing(src, writing.storage_options), Storage(writing.uri, writing.storage_options), prune)


def _copy(writing: Writing, source: Storage, target: Storage, prune: bool) -> None:
    with Progress("files") as progress:
        progress.stage("copying", None)
        result: Copied = copy_knowledge_base(
            source, target, prune=prune, dry_run=writing.dry_run, on_file=lambda done, _: progress.advance(done, done)
        )
    if writing.output is not Format.table:
        print_result(result.to_dict(), (), writing.output)
        return
    done, deleted = ("would copy", "would delete") if writing.dry_run else ("copied", "deleted")
    say(
        f"{done} {result.files:,} files ({result.bytes / 1e6:,.1f} MB) of {escape(source.uri)} to "
        f"{escape(target.uri)}, {result.there:,} were there: commit {result.commit}, {result.commits:,} commits"
    )
    if prune:
        say(f"{deleted} {result.pruned:,} files that only older commits had")


def _note(writing: Writing, target: Storage) -> None:
    """Note in the log of exports that everything was taken out; where that cannot be, it is said."""
    where = target.uri if target.folder is None else str(target.folder.absolute())
    try:
        state = State.open(writing.uri, storage_options=writing.storage_options)
        rows = sum(state.dataset(table).count_rows() for table in state.commit.pins)
        note_export(state, what="backup", rows=rows, target=where, filters={}, by=writing.by)
    except ClearKbError as error:
        say(f"note: {escape(str(error))}")
