"""`clear-kb audit export`: the views in a DuckDB file, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from encoder.audit.encoder_vectors import EncoderVectors
from encoder.commands.options import EncoderOption
from kb.commands.output import print_result, say
from kb.commands.shared import Reading, reads
from kb.commands.target import Overwrite, check_target
from kb.sql.export import export_audit


@reads(quiet=True)
def export_command(
    reading: Reading,
    file: Annotated[Path, typer.Argument(metavar="FILE.duckdb", help="The file to write.")],
    vectors: Annotated[
        bool, typer.Option("--vectors", help="With concept_vectors and image_vectors of one encoder: large.")
    ] = False,
    no_ids: Annotated[
        bool, typer.Option("--no-ids", help="Short labels in the place of ids; names of files and folders stay behind.")
    ] = False,
    overwrite: Overwrite = False,
    encoder: EncoderOption = None,
) -> None:
    """Write the views into a DuckDB file that DBeaver, notebooks and BI tools open; it holds a copy, not a link."""
    check_target(file, overwrite=overwrite)
    opened = reading.base
    source = EncoderVectors(opened, encoder) if vectors else None
    more = {"concept_vectors": source.concepts, "image_vectors": source.images} if source is not None else {}
    done = export_audit(opened, file, more=more, overwrite=True, ids=not no_ids)
    reading.note_export("audit export", sum(done.rows.values()), done.path, vectors=vectors, no_ids=no_ids)
    facts = [
        ("file", escape(str(done.path))),
        ("commit", done.commit),
        ("rows", ", ".join(f"{name} {count:,}" for name, count in done.rows.items())),
        ("size", f"{done.size / 1e6:,.1f} MB"),
    ]
    print_result(done.to_dict(), facts, reading.output, quiet=reading.quiet)
    held = "the texts of reports" if no_ids else "ids of patients and the texts of their reports"
    say(f"the file holds {held}", quiet=reading.quiet)
