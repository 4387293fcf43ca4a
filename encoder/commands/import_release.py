"""`clear-kb import-release`: the published release, its encoder and its bank, in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from encoder.release.release_folder import ReleaseResult, import_folder
from kb.commands.output import print_result
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.exchange.clear_bank import PUBLISHED_NAME
from kb.images.preprocessing import Preprocessing


@writes(dry_run=False, quiet=True)
def import_release_command(
    writing: Writing,
    release: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="best_model.pt, mimic_concepts.csv and concept_embeddings*.pt lie there."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the checkpoint goes.")] = Path(
        "clear-encoder"
    ),
    merges: Annotated[
        Path | None,
        typer.Option("--merges", metavar="PATH", help="CLIP's merges; default: in DIR, or of an installed open_clip."),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", metavar="NAME", help="What made the embeddings; default: the published model."),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=16, max=4096, help="Pixels of a side that it reads.")] = 448,
) -> None:
    """Import the published CLEAR release: its encoder as a checkpoint, its bank so that every text of it counts."""
    with Progress("concepts", hidden=writing.quiet) as progress:
        result = import_folder(
            writing.base_or_new,
            release,
            out,
            merges=merges,
            embedder=embedder,
            preprocessing=Preprocessing(size, "pad", "lanczos"),
            by=writing.by,
            why=writing.why,
            watcher=progress,
        )
    print_result(result.to_dict(), _facts(result), writing.output, quiet=writing.quiet)


def _facts(result: ReleaseResult) -> list[tuple[str, str]]:
    bank = result.bank
    known = " (from before)" if result.known else ""
    vectors = f", {bank.embedded:,} with their vector" if bank.embedded else ""
    facts = [
        ("checkpoint", f"{escape(str(result.checkpoint.folder))}{known}"),
        ("encoder", f"{result.checkpoint.encoder_id}, pictures of {result.checkpoint.preprocessing.described}"),
        ("concepts", f"{bank.added:,} of {bank.read:,} texts added{vectors}"),
        ("kept apart", f"{bank.apart:,} texts that would be another name of a concept" if bank.apart else ""),
        ("rejected", f"{bank.rejected:,}" if bank.rejected else ""),
        ("note", escape("; ".join(bank.notes))),
        ("embedder", escape(result.embedder or "")),
        ("lacks", escape(result.lacks)),
        ("say", escape(_advice(result))),
        ("commit", bank.commit.commit_id if bank.commit else "none: there was nothing new"),
    ]
    return [(name, value) for name, value in facts if value]


def _advice(result: ReleaseResult) -> str:
    if not result.lacks:
        return ""
    if result.lacks.startswith("embeddings"):
        return f"clear-kb embed --model NAME (published: {PUBLISHED_NAME})"
    return "clear-kb vocab embedder NAME"
