"""`clear-kb ingest vectors`: what a model from elsewhere makes of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ingest.commands.counts import spelt
from ingest.vectors.ingest import VectorResult, ingest_vectors
from kb.commands.options import HashIds, id_key, parse_pairs
from kb.commands.output import print_result
from kb.commands.shared import Writing, writes


@writes(quiet=True)
def vectors_command(
    writing: Writing,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Parquet, CSV, .npy, .npz, HDF5 or safetensors; nothing pickled.")
    ],
    encoder: Annotated[str, typer.Option("--encoder", metavar="NAME", help="What the model is called from now on.")],
    ids: Annotated[
        Path | None,
        typer.Option("--ids", metavar="FILE", help="Ids of the images in the order of an array: text, table or .npy."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="WHAT=COLUMN", help="image or vector: a column, an array, or 'feat_*' for numbered ones."
        ),
    ] = None,
    patches: Annotated[
        bool, typer.Option("--patches", help="An image has several vectors: their mean is stored.")
    ] = False,
    normalise: Annotated[
        bool, typer.Option("--normalise", help="Bring vectors to length 1; default: as they come.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put them in the place of all vectors of this name.")
    ] = False,
    hash_ids: HashIds = None,
    encoding: Annotated[str, typer.Option("--encoding", help="The encoding of text files.")] = "utf-8",
) -> None:
    """Ingest vectors of images by any model, for confounders, slices, likeness and the page.

    Images are those that are stored, or that labels and predictions speak of.
    """
    key = id_key(hash_ids)
    result = ingest_vectors(
        writing.base,
        file,
        encoder,
        ids=ids,
        columns=parse_pairs(mapping, "--map"),
        patches=patches,
        normalise=normalise,
        replace=replace,
        encoding=encoding,
        key=key,
        **writing.act,
    )
    shown = [(name, escape(value)) for name, value in _facts(result, writing.uri, dry_run=writing.dry_run) if value]
    print_result({**result.to_dict(), "dry_run": writing.dry_run}, shown, writing.output, quiet=writing.quiet)
    if result.rejected and not result.taken:
        raise typer.Exit(1)


def _facts(result: VectorResult, kb: str, *, dry_run: bool) -> list[tuple[str, str]]:
    where = f": clear-kb status --rejects --kb {kb}" if result.rejected and not dry_run else ""
    commit = result.commit.commit_id if result.commit else "none: there was nothing new"
    return [
        ("read", f"{result.read:,} rows of {result.source} ({result.form})"),
        ("encoder", f"{result.encoder}, {result.dimension:,} numbers a vector"),
        ("lengths", _lengths(result)),
        ("images", f"{result.here:,} of the {result.images:,} that it names are here"),
        ("not here", _elsewhere(result)),
        ("other spellings", spelt(result.resolved)),
        ("said twice", f"{result.repeated:,} rows, with the same vector" if result.repeated else ""),
        ("columns not used", ", ".join(result.columns_not_used)),
        ("rejected", f"{result.rejected:,}{where}"),
        ("stored", f"{result.stored}: {result.new:,} of {result.taken:,} vectors are new"),
        ("commit", "none: a dry run writes nothing" if dry_run else commit),
    ]


def _lengths(result: VectorResult) -> str:
    if result.shortest is None:
        return ""
    came = f"{result.shortest:.4g} to {result.longest:.4g}"
    return f"{came}, brought to 1" if result.normalised else f"{came}, kept as they come"


def _elsewhere(result: VectorResult) -> str:
    count = result.images - result.here
    if not result.elsewhere:
        return ""
    more = ", ..." if count > len(result.elsewhere) else ""
    return f"{', '.join(result.elsewhere)}{more}: ingest the file again once they are"
