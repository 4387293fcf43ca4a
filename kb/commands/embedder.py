"""`clear-kb vocab embedder`: which model made the vectors that came from a file."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.options import Device, Dtype, Format, Prompt, QueryPrompt, Revision
from kb.commands.output import print_json, say
from kb.commands.shared import Writing, writes
from kb.vectors.embedding import EmbedderOptions, load_embedder
from kb.vocabulary.name_embedder import name_embedder


@writes(quiet=True)
def embedder_command(
    writing: Writing,
    name: Annotated[str, typer.Argument(metavar="NAME|PATH|openai:MODEL@URL", help="The model; it is tried.")],
    revision: Revision = None,
    dtype: Dtype = None,
    prompt: Prompt = None,
    query_prompt: QueryPrompt = None,
    device: Device = None,
) -> None:
    """Name the model that made the vectors which came from a file; nothing is computed anew, a few are checked."""
    opened = writing.base
    options = EmbedderOptions(
        name=name, revision=revision, dtype=dtype, prompt=prompt, query_prompt=query_prompt, device=device
    )
    result = name_embedder(opened, load_embedder(options), **writing.act)
    if writing.output is Format.json:
        print_json({**result.to_dict(), "dry_run": writing.dry_run})
        return
    checked = f"{result.tried} of them computed again: lowest cosine {result.lowest:.4f}"
    at = "would be named (a dry run)" if writing.dry_run else "are named"
    say(
        f"the vectors of {escape(result.before.name)} {at}: {escape(result.embedder.name)}; {checked}",
        quiet=writing.quiet,
    )
