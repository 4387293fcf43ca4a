"""`clear-kb ingest images`: radiographs into the knowledge base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from ingest.commands.counts import by_kind, spelt
from ingest.images.images import ImageResult, ingest_images
from kb.commands.engine import EngineAddressOption, EngineOption, WorkersOption, asked_engine
from kb.commands.options import HashIds, id_key, parse_pairs
from kb.commands.output import print_result
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.errors import UsageError
from kb.images.patient_split import Split
from kb.images.preprocessing import Preprocessing


@writes(quiet=True)
def images_command(
    writing: Writing,
    sources: Annotated[
        list[Path] | None, typer.Argument(metavar="SRC...", help="Folders and files: PNG, JPEG, DICOM.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="A table (CSV, TSV, JSON, Parquet) that names the images.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="WHAT=COLUMN", help="image, study, patient, view, sex or age; repeatable."),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=16, max=4096, help="Pixels of a side, as they are kept.")] = 448,
    fit: Annotated[
        Literal["pad", "crop", "stretch"], typer.Option("--fit", help="What becomes of an oblong picture.")
    ] = "pad",
    resample: Annotated[
        Literal["bicubic", "bilinear", "lanczos"],
        typer.Option("--resample", help="The filter that scales; lanczos pads as the published CLEAR code does."),
    ] = "bicubic",
    allow_unjoined: Annotated[
        bool,
        typer.Option(
            "--allow-unjoined", help="Store them also where none has any of the reports or labels that are here."
        ),
    ] = False,
    any_body_part: Annotated[
        bool, typer.Option("--any-body-part", help="Take DICOM radiographs of hands, abdomens, ... too.")
    ] = False,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="All of them lie in this split; external: another place, only ever judged."),
    ] = None,
    hash_ids: HashIds = None,
    engine: EngineOption = "local",
    engine_address: EngineAddressOption = None,
    workers: WorkersOption = None,
) -> None:
    """Ingest radiographs: PNG and JPEG of 8 or 16 bits, DICOM; their pixels are kept once, as one commit."""
    if not sources and table is None:
        raise UsageError("name folders or files of images, or a --table that does")
    pairs = parse_pairs(mapping, "--map")
    key = id_key(hash_ids)
    opened = writing.base_or_new
    work = asked_engine(engine, engine_address, workers)
    with work as does_it, Progress("images", hidden=writing.quiet) as progress:
        result = ingest_images(
            opened,
            list(sources or []),
            table=table,
            mapping=pairs,
            preprocessing=Preprocessing(size, fit, resample),
            split=split,
            engine=does_it,
            **writing.act,
            allow_unjoined=allow_unjoined,
            any_body_part=any_body_part,
            key=key,
            watcher=progress,
        )
    print_result(
        {**result.to_dict(), "dry_run": writing.dry_run},
        _facts(result, writing.dry_run, writing.uri),
        writing.output,
        quiet=writing.quiet,
    )
    if result.rejected and not (result.new or result.changed or result.unchanged):
        raise typer.Exit(1)


def _facts(result: ImageResult, dry_run: bool, kb: str) -> list[tuple[str, str]]:
    commit = result.commit.commit_id if result.commit else "none: there was nothing new"
    where = f": clear-kb status --rejects --kb {escape(kb)}" if result.rejected and not dry_run else ""
    parts = sum(count for kind, count in result.refused.items() if kind.startswith("body part"))
    hint = f"; --any-body-part takes the {parts:,} of other parts of the body" if parts else ""
    told = [
        ("views", result.views, ""),
        ("because", result.refused, hint),
        ("as given", result.as_given, ": kept as an attribute"),
        ("mended", result.mended, ""),
        ("messages", result.messages, " (of libraries)"),
    ]
    facts = [
        ("read", f"{result.read:,} images"),
        ("new", f"{result.new:,}"),
        ("changed", f"{result.changed:,}"),
        ("unchanged", f"{result.unchanged:,}"),
        ("rejected", f"{result.rejected:,}{where}"),
        *((name, f"{escape(by_kind(counts, MOST_KINDS))}{more}") for name, counts, more in told if counts),
        ("known", f"{result.known:,} under another id: they are those images" if result.known else ""),
        ("alike", f"{result.alike:,} have the very pixels of another, of another id" if result.alike else ""),
        ("other spellings", spelt(result.resolved)),
        ("pixels", f"{result.decoded:,} made, the others known from before"),
        ("joined", f"{result.with_report:,} of the {result.images:,} images here have a report, by their study"),
        ("commit", "none: a dry run writes nothing" if dry_run else commit),
    ]
    return [(name, value) for name, value in facts if value]


MOST_KINDS = 8
"""Kinds that are named one by one; the JSON has them all."""
