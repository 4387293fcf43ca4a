"""`clear-kb index`: the vector index, built on request, measured, and used only if it finds enough."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.markup import escape

from kb.commands.options import (
    DEFAULT_KB,
    By,
    DryRun,
    Format,
    KbUri,
    OnBranch,
    OutputFormat,
    Quiet,
    StorageOptions,
    Why,
    open_kb,
)
from kb.commands.output import print_json, print_rows, say


def index_command(
    kind: Annotated[
        Literal["hnsw", "pq"],
        typer.Option("--kind", help="hnsw: a graph, quick and thorough; pq: smaller, quicker to build."),
    ] = "hnsw",
    queries: Annotated[int, typer.Option("--queries", min=50, help="Vectors that recall is measured with.")] = 200,
    drop: Annotated[bool, typer.Option("--drop", help="Take the index away: search is exact again.")] = False,
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Build the vector index of the vocabulary; its recall against exact search is measured, and shown by `status`.

    Under 0.95 it is not used. Concepts that come later are searched beside it. Other writers wait while it is built:
    minutes for hundreds of thousands of concepts.
    """
    from kb.commands.progress import Progress
    from kb.vectors.vector_index import build_index, drop_index

    opened = open_kb(kb, None, storage_option, branch)
    if dry_run:
        embedder = opened.require_embedder()
        embedded = opened.dataset("concepts").count_rows("embedder IS NOT NULL")
        say(f"would {'drop the index' if drop else f'index {embedded:,} vectors of {embedder.dimension} numbers'}")
        return
    if drop:
        say("dropped the index" if drop_index(opened, by=by, why=why) else "there is no index", quiet=quiet)
        return
    with Progress("vectors", hidden=quiet) as progress:
        on_stage = lambda stage: progress.stage(stage, None)  # noqa: E731
        index = build_index(opened, kind, queries=queries, by=by, why=why, on_stage=on_stage)
    if output is not Format.table:
        print_rows([index.to_dict()], list(index.to_dict()), output) if output is Format.csv else print_json(
            index.to_dict()
        )
        return
    used = "used from now on" if index.used else "under 0.95, so it is not used: search stays exact"
    built = f"built {escape(index.kind)} over {index.rows:,} vectors in {index.build_s:,.0f} s"
    speed = f"{index.p50_ms:.1f} ms (exact {index.exact_ms:,.0f} ms)"
    say(f"{built}: recall@10 {index.recall:.3f} over {index.queries} queries, {speed}; {used}", quiet=quiet)
