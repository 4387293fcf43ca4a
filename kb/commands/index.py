"""`clear-kb index`: the vector index, built on request, measured, and used only if it finds enough."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.options import (
    Format,
)
from kb.commands.output import print_json, print_rows, say
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.vectors.vector_index import build_index, drop_index


@writes(branch=True, quiet=True)
def index_command(
    writing: Writing,
    queries: Annotated[int, typer.Option("--queries", min=50, help="Vectors that recall is measured with.")] = 200,
    drop: Annotated[bool, typer.Option("--drop", help="Take the index away: search is exact again.")] = False,
) -> None:
    """Build the vector index of the vocabulary; its recall against exact search is measured, and shown by `status`.

    Under 0.95 it is not used. Concepts that come later are searched beside it. Other writers wait while it is built:
    minutes for hundreds of thousands of concepts.
    """
    opened = writing.base
    if writing.dry_run:
        embedder = opened.require_embedder()
        embedded = opened.dataset("concepts").count_rows("embedder IS NOT NULL")
        say(f"would {'drop the index' if drop else f'index {embedded:,} vectors of {embedder.dimension} numbers'}")
        return
    if drop:
        dropped = drop_index(opened, by=writing.by, why=writing.why)
        say("dropped the index" if dropped else "there is no index", quiet=writing.quiet)
        return
    with Progress("vectors", hidden=writing.quiet) as progress:
        index = build_index(
            opened,
            queries=queries,
            by=writing.by,
            why=writing.why,
            on_stage=lambda stage: progress.stage(stage, None),
        )
    if writing.output is not Format.table:
        fields = index.to_dict()
        print_json(fields) if writing.output is Format.json else print_rows([fields], list(fields), writing.output)
        return
    used = "used from now on" if index.used else "under 0.95, so it is not used: search stays exact"
    built = f"built {escape(index.kind)} over {index.rows:,} vectors in {index.build_s:,.0f} s"
    speed = f"{index.p50_ms:.1f} ms (exact {index.exact_ms:,.0f} ms)"
    say(f"{built}: recall@10 {index.recall:.3f} over {index.queries} queries, {speed}; {used}", quiet=writing.quiet)
