"""`clear-kb make-key` and `clear-kb hash-id`: keys for ids, and what an id is stored as."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from ingest.identity.normal import patient_id, plain_id, study_id
from kb.commands.options import Format, OutputFormat
from kb.commands.output import print_rows, say
from kb.errors import UsageError
from kb.privacy.id_key import make_key, read_key

NORMAL: dict[str, Callable[[str | None], str | None]] = {
    "report": plain_id,
    "image": plain_id,
    "study": study_id,
    "patient": patient_id,
}


def make_key_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; one that is there stays as it is.")],
) -> None:
    """Make a key for --hash-ids: a file that only you can read.

    Keep it apart from the knowledge base, and keep it: without it nothing more joins what was hashed with it.
    """
    key = make_key(file)
    say(f"wrote the key {key.tag} to {escape(str(file))}: keep a copy, apart from the knowledge base")


def hash_id_command(
    keyfile: Annotated[Path, typer.Argument(metavar="KEYFILE", help="The key that --hash-ids was given.")],
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Plain ids.")],
    kind: Annotated[
        Literal["patient", "study", "image", "report"],
        typer.Option("--of", help="What they are ids of: each kind has its normal form."),
    ] = "patient",
    output: OutputFormat = Format.table,
) -> None:
    """Say what ids are stored as under --hash-ids, for commands that are given one."""
    key = read_key(keyfile)
    rows = []
    for one in ids:
        normal = NORMAL[kind](one)
        if normal is None:
            raise UsageError("an id was expected, and this is blank")
        rows.append({"id": one, "stored": key.hash(normal)})
    print_rows(rows, ["id", "stored"], output)
