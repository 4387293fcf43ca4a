"""`clear-kb observations`: the mentions behind the concepts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from kb.commands.options import DEFAULT_KB, At, KbUri, Quiet, StorageOptions, open_kb
from kb.commands.output import say
from kb.errors import UsageError

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase

app = typer.Typer(no_args_is_help=True, help="The mentions behind the concepts: export.")


@app.callback()
def observations_group() -> None:
    """The mentions behind the concepts."""
    # A callback makes typer keep the group while it has a single command.


@app.command("export")
def export_command(
    out: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - is standard output.")],
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    quiet: Quiet = False,
    storage_option: StorageOptions = None,
) -> None:
    """Write every observation as a line of JSON (the fields are those of schemas/observation.schema.json)."""
    from kb.observations import export_observations

    opened = open_kb(kb, at, storage_option)
    count = export_observations(opened, sys.stdout) if out == "-" else _export_to(opened, Path(out))
    say(f"wrote {count:,} observations of commit {opened.commit.commit_id} to {escape(out)}", quiet=quiet)


def _export_to(opened: KnowledgeBase, path: Path) -> int:
    from kb.observations import export_observations

    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent} to write {path.name} to")
    # A half-written file never has the name that was asked for.
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8") as file:
            count = export_observations(opened, file)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count
