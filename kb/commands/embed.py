"""`clear-kb embed`: vectors for the concepts."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.engine import EngineAddressOption, EngineOption, WorkersOption, asked_engine
from kb.commands.options import (
    BatchSize,
    Device,
    Dtype,
    Format,
    Prompt,
    QueryPrompt,
    Revision,
    Store,
)
from kb.commands.output import print_json, say
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.cores import share_cores
from kb.vectors.embedding import EmbedderOptions, choose_embedder
from kb.vectors.vector_storage import store_vectors
from kb.vocabulary.embed_concepts import EmbedResult, embed_concepts


@writes(branch=True, quiet=True)
def embed_command(
    writing: Writing,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "--embedder",
            envvar="CLEAR_KB_EMBEDDER",
            metavar="NAME|PATH|openai:MODEL@URL",
            help="The embedder; default: the one in use, else the bundled all-MiniLM-L6-v2.",
        ),
    ] = None,
    revision: Revision = None,
    dtype: Dtype = None,
    prompt: Prompt = None,
    query_prompt: QueryPrompt = None,
    device: Device = None,
    batch_size: BatchSize = 64,
    store: Store = None,
    engine: EngineOption = "local",
    engine_address: EngineAddressOption = None,
    workers: WorkersOption = None,
) -> None:
    """Embed the concepts that have no vector yet; another model replaces all vectors, as a new commit."""
    opened = writing.base
    options = EmbedderOptions(
        name=model,
        revision=revision,
        dtype=dtype,
        prompt=prompt,
        query_prompt=query_prompt,
        device=device,
        batch_size=batch_size,
    )
    share_cores()
    embedder = choose_embedder(opened.embedder, options)
    work = asked_engine(engine, engine_address, workers, threaded=True)
    with work as does_it, Progress("concepts", hidden=writing.quiet) as progress:
        done = 0

        def on_done(count: int) -> None:
            nonlocal done
            done += count
            progress.advance(done, done)

        result = embed_concepts(
            opened,
            embedder,
            **writing.act,
            engine=does_it,
            on_start=lambda total: progress.stage("embedding", total),
            on_done=on_done,
        )
    if writing.output is Format.json:
        print_json({**result.to_dict(), "dry_run": writing.dry_run})
    else:
        say(_embed_told(result, writing.dry_run), quiet=writing.quiet)
    if store is not None and not writing.dry_run:
        index = opened.vector_index
        stored = store_vectors(opened, store, by=writing.by, why=writing.why)
        lost = "" if stored.recall is None else f": recall@10 {stored.recall:.3f} against float32"
        gone = "; their index went with the old ones: clear-kb index" if index and not opened.vector_index else ""
        say(f"the vectors are stored as {stored.stored_as}{lost}{gone}", quiet=writing.quiet)


def _embed_told(result: EmbedResult, dry_run: bool) -> str:
    name = escape(result.embedder.name)
    if dry_run:
        return f"would embed {result.embedded:,} concepts with {name}"
    if not result.embedded:
        return f"every concept has its {name} vector already"
    commit = f" at commit {result.commit.commit_id}" if result.commit else ""
    computed = f"{result.computed:,} computed, {result.embedded - result.computed:,} known from before"
    return f"embedded {result.embedded:,} concepts with {name} ({computed}){commit}"
