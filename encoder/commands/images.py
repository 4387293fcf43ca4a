"""`clear-kb images search`: images by a sentence, a concept or a likeness."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from encoder.commands.options import EncoderOption
from encoder.explanation.image_search import search_images, write_contact_sheet
from encoder.figures import check_figure
from encoder.vectors.encoders import find_encoder
from kb.commands.options import Format
from kb.commands.output import print_json, print_rows, say
from kb.commands.shared import Reading, reads
from kb.commands.target import Overwrite, check_target
from kb.vectors.embedding import load_stored_embedder
from kb.whole_file import written_whole


@reads
def search_command(
    reading: Reading,
    query: Annotated[
        str, typer.Argument(metavar="TEXT|CONCEPT|IMAGE", help="A sentence, a concept, or an image's id.")
    ],
    kind: Annotated[
        Literal["text", "concept", "image"] | None,
        typer.Option("--as", help="What the query is; default: the first that it can be: image, concept, text."),
    ] = None,
    space: Annotated[
        Literal["encoder", "llm"], typer.Option("--space", help="llm: where images are projected to.")
    ] = "encoder",
    k: Annotated[int, typer.Option("--k", min=1, help="How many at most.")] = 12,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", "-o", metavar="OUT.png", help="Write them as one picture.")
    ] = None,
    overwrite: Overwrite = False,
    encoder: EncoderOption = None,
) -> None:
    """Find the images nearest to a sentence, a concept, or another image."""
    if sheet is not None:
        check_figure(sheet, "--sheet")
        check_target(sheet, overwrite=overwrite)
    opened = reading.base
    stored = find_encoder(opened, encoder)
    found = search_images(
        opened,
        stored,
        query,
        kind=kind,
        space=space,
        k=k,
        embedder=lambda: load_stored_embedder(opened.require_embedder()),
    )
    if reading.output is Format.json:
        print_json({"query": query, "kind": found.kind, "space": found.space, "images": found.hits.rows()})
    else:
        rows = [{**row, "similarity": round(row["similarity"], 4)} for row in found.hits.rows()]
        title = f"{found.kind}: {escape(query)} (space {found.space})"
        print_rows(rows, found.hits.columns, reading.output, title=title)
    if sheet is not None:
        with written_whole(sheet) as partial:
            write_contact_sheet(opened, found, path=partial, encoder=stored)
        say(f"wrote {escape(str(sheet))}")
