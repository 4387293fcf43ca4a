"""`clear-kb audit export`: the views in a DuckDB file, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from encoder.audit.commands.group import app
from encoder.commands.options import EncoderOption
from kb.commands.options import DEFAULT_KB, At, Format, KbUri, OutputFormat, Quiet, StorageOptions, open_kb
from kb.commands.output import print_result, say


@app.command("export")
def export_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.duckdb", help="The file to write.")],
    vectors: Annotated[
        bool, typer.Option("--vectors", help="With concept_vectors and image_vectors of one encoder: large.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where there is one.")] = False,
    encoder: EncoderOption = None,
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    storage_option: StorageOptions = None,
    quiet: Quiet = False,
    output: OutputFormat = Format.table,
) -> None:
    """Write the views into a DuckDB file that DBeaver, notebooks and BI tools open; it holds a copy, not a link."""
    from encoder.audit.session import EncoderVectors
    from kb.sql.export import export_audit

    opened = open_kb(kb, at, storage_option)
    source = EncoderVectors(opened, encoder) if vectors else None
    more = {"concept_vectors": source.concepts, "image_vectors": source.images} if source is not None else {}
    done = export_audit(opened, file, more=more, overwrite=overwrite)
    facts = [
        ("file", escape(str(done.path))),
        ("commit", done.commit),
        ("rows", ", ".join(f"{name} {count:,}" for name, count in done.rows.items())),
        ("size", f"{done.size / 1e6:,.1f} MB"),
    ]
    print_result(done.to_dict(), facts, output, quiet=quiet)
    say("the file holds ids of patients and the texts of their reports", quiet=quiet)
