"""`clear-kb datasets` and `clear-kb ingest dataset`: the sets that are known, and taking one in as it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from ingest.commands.counts import by_kind, spelt
from ingest.datasets.description import Description, LabelPart, Patterns
from ingest.datasets.known import known_datasets, named_dataset
from ingest.datasets.result import DatasetResult, ImageCounts, LabelCounts
from ingest.datasets.take import DatasetOptions, ingest_dataset
from kb.commands.engine import EngineAddressOption, EngineOption, WorkersOption, asked_engine
from kb.commands.options import Format, HashIds, OutputFormat, id_key
from kb.commands.output import print_facts, print_json, print_result, print_rows
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.cores import share_cores
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.vectors.embedding import Embedder, EmbedderOptions, choose_embedder

PARTS = ("reports", "images", "labels")
SHOWN_LEFT = 12
"""Files that the table names of those of which nothing was taken."""


def datasets_command(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE", help="Only this set, or a description of your own.")
    ] = None,
    output: OutputFormat = Format.table,
) -> None:
    """List the data sets that are known by their files, or show what one is read by."""
    if name is not None:
        shown = named_dataset(name)
        if output is Format.table:
            print_facts(_described(shown))
            return
        chosen = [shown]
    else:
        chosen = list(known_datasets())
    rows = [_row(one) for one in chosen]
    if output is Format.json:
        print_json(rows)
    else:
        print_rows(rows, ["name", "title", "holds", "language"], output)


@writes(quiet=True)
def dataset_command(
    writing: Writing,
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="The folder that the set lies in.")],
    named: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME|FILE", help="Which set it is, or a description; default: by its files."),
    ] = None,
    external: Annotated[
        bool, typer.Option("--external", help="Another site: never trained on nor chosen by, judged whole.")
    ] = False,
    only: Annotated[
        str, typer.Option("--only", metavar="A,B", help="Of reports, images and labels, these only.")
    ] = ",".join(PARTS),
    size: Annotated[int, typer.Option("--size", min=16, max=4096, help="Pixels of a side, as they are kept.")] = 448,
    fit: Annotated[
        Literal["pad", "crop", "stretch"], typer.Option("--fit", help="What becomes of an oblong picture.")
    ] = "pad",
    resample: Annotated[
        Literal["bicubic", "bilinear", "lanczos"],
        typer.Option("--resample", help="The filter that scales; lanczos pads as the published CLEAR code does."),
    ] = "bicubic",
    allow_unjoined: Annotated[
        bool, typer.Option("--allow-unjoined", help="Store the set also where its parts do not meet.")
    ] = False,
    hash_ids: HashIds = None,
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", envvar="CLEAR_KB_EMBEDDER", metavar="NAME", help="What embeds new concepts."),
    ] = None,
    no_embed: Annotated[bool, typer.Option("--no-embed", help="Mine alone; `clear-kb embed` fills in later.")] = False,
    engine: EngineOption = "local",
    engine_address: EngineAddressOption = None,
    workers: WorkersOption = None,
) -> None:
    """Ingest a known data set as it was downloaded: reports, images, labels, readers and the official split.

    The set is recognised by its files; a commit each for its reports, its images and its labels. Interrupted, the same
    command goes on where it was; again, it stores nothing new.
    """
    wanted = [part.strip() for part in only.split(",") if part.strip()]
    if unknown := [part for part in wanted if part not in PARTS]:
        raise UsageError(f"--only {unknown[0]}: choose of {', '.join(PARTS)}")
    chosen = partial(
        DatasetOptions,
        external=external,
        reports="reports" in wanted,
        images="images" in wanted,
        labels="labels" in wanted,
        preprocessing=Preprocessing(size, fit, resample),
        allow_unjoined=allow_unjoined,
        key=id_key(hash_ids),
    )

    def embedding() -> Embedder:
        share_cores()
        return choose_embedder(writing.base_or_new.embedder, EmbedderOptions(name=embedder))

    made: Callable[[], Embedder] | None = None if no_embed else embedding
    work = asked_engine(engine, engine_address, workers)
    with work as does_it, Progress("items", hidden=writing.quiet) as progress:
        result = ingest_dataset(
            partial(getattr, writing, "base_or_new"),
            root,
            named,
            chosen(engine=does_it),
            embedder=made,
            **writing.act,
            watcher=progress,
        )
    print_result(result.to_dict(), _facts(result, writing.uri), writing.output, quiet=writing.quiet)


def _facts(result: DatasetResult, kb: str) -> list[tuple[str, str]]:
    by = ", ".join(result.recognised_by) or "its description alone: none of its files is here"
    facts = [
        ("data set", f"{result.title} ({result.name}), by {by}"),
        ("licence", result.licence),
        ("cite", result.citation),
        ("reports", _reports(result)),
        *_images(result),
    ]
    facts += [(f"labels {one.source}" if not _reader(one) else "reader", _labels(one)) for one in result.labels]
    if not result.labels:
        facts.append(("labels", "none"))
    left = list(result.left.items())
    told = [f"{place} ({reason})" if reason else place for place, reason in left[:SHOWN_LEFT]]
    if len(left) > SHOWN_LEFT:
        told.append(f"and {len(left) - SHOWN_LEFT:,} more")
    told += [f"{result.left_pictures:,} pictures that are of no part of it"] if result.left_pictures else []
    facts.append(("left", "; ".join(told)))
    where = f": clear-kb status --rejects --kb {kb}" if not result.dry_run else ""
    facts.append(("rejected", f"{result.rejected:,}{where if result.rejected else ''}"))
    made = ", ".join(f"{what} {commit}" for what, commit in result.commits.items())
    facts.append(("commits", "none: a dry run" if result.dry_run else made or "none: there was nothing new"))
    return [(name, escape(value)) for name, value in facts if value]


def _reports(result: DatasetResult) -> str:
    reports = result.reports
    if reports.left_out:
        return f"none taken: {reports.left_out}"
    done = reports.result
    if done is None:
        return f"{reports.found:,}"
    mined = f"{done.new:,} new, {done.changed:,} changed, {done.unchanged:,} unchanged, {done.rejected:,} rejected"
    concepts = f"{done.new_concepts:,} new concepts" + (f", {done.put_aside:,} put aside" if done.put_aside else "")
    return f"{reports.found:,}: {mined}; {done.observations:,} observations, {concepts}"


def _images(result: DatasetResult) -> list[tuple[str, str]]:
    images = result.images
    if not images.found:
        return [("images", f"no file of the {images.named:,} that are named is here" if images.named else "none here")]
    done = images.result
    told = f"{images.found:,}"
    if done is not None:
        told += (
            f": {done.new:,} new, {done.changed:,} changed, {done.unchanged:,} unchanged, {done.rejected:,} rejected"
        )
    missing = f"{images.missing:,} named in tables have no file here ({images.first_missing}, ...)"
    facts = [
        ("images", told),
        ("not here", missing if images.missing else ""),
        ("not named", f"{images.unlisted:,} files that no table names" if images.unlisted else ""),
        (
            "patients",
            f"{images.patients:,}" + (f"; {images.of_no_patient:,} images of none" * bool(images.of_no_patient)),
        ),
        ("views", by_kind(images.views)),
        ("split", _splits(images, external=result.external)),
        ("joined", f"{images.with_report:,} of {images.found:,} images have a report" if result.reports.found else ""),
    ]
    if done is not None:
        facts += [
            ("known", f"{done.known:,} were stored under another id: they are those images" if done.known else ""),
            ("alike", f"{done.alike:,} have the very pixels of another" if done.alike else ""),
            ("as given", f"{by_kind(done.as_given)}: kept as an attribute" if done.as_given else ""),
            ("because", by_kind(done.refused)),
            ("messages", f"{by_kind(done.messages)} (of libraries)" if done.messages else ""),
            ("other spellings", spelt(done.resolved)),
        ]
    return [(name, value) for name, value in facts if value]


def _labels(one: LabelCounts) -> str:
    by = f"; {len(one.readers)} readers" if len(one.readers) > 1 else ""
    done = f", {one.result.stored}" if one.result is not None else ""
    values = f"{one.positive:,} positive, {one.negative:,} negative, {one.unknown:,} unknown"
    who = f"{one.readers[0]}: " if _reader(one) else ""
    rejected = f", {one.rejected:,} rejected" if one.rejected else ""
    return f"{who}{len(one.labels)} labels of {one.units:,}, {one.here:,} here{by}: {values}{rejected}{done}"


def _reader(one: LabelCounts) -> bool:
    return len(one.readers) == 1


def _splits(images: ImageCounts, *, external: bool) -> str:
    """The official split, and what becomes of it."""
    known = by_kind(images.splits) if set(images.splits) != {"none"} else ""
    if external:
        return f"external, all of them{f'; published as {known}' if known else ''}"
    return known or "none is given out: it is drawn"


def _row(one: Description) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "holds": _holds(one),
        "language": one.language,
        "about": one.about,
        "licence": one.licence,
        "citation": one.citation,
        "recognised_by": [_patterns(signature.files) for signature in one.recognised_by],
        "sources": [part.source for part in one.labels],
        "file": str(one.file),
    }


def _holds(one: Description) -> str:
    readers = any(part.by_reader or part.readers for part in one.labels)
    held = {"reports": one.reports, "images": one.images, "labels": one.labels, "readers": readers}
    return ", ".join(name for name, there in held.items() if there)


def _described(one: Description) -> list[tuple[str, str]]:
    images = one.images
    facts = [
        ("data set", f"{one.title} ({one.name})"),
        ("about", one.about),
        ("licence", one.licence),
        ("cite", one.citation),
        ("language", one.language),
        ("recognised by", "; or ".join(_patterns(signature.files) for signature in one.recognised_by)),
        ("reports", one.reports_left_out or "; else ".join(_patterns(part.files) for part in one.reports) or "none"),
        ("images", _patterns(images.files) if images else "none"),
        ("told by", "; ".join(_patterns(table.files) for table in (*images.tables, *images.more)) if images else ""),
        *[(f"labels {part.source}", _read_as(part)) for part in one.labels],
        ("left out", "; ".join(f"{pattern}: {reason}" for pattern, reason in one.left_out.items())),
        ("description", str(one.file)),
    ]
    return [(name, escape(value)) for name, value in facts if value]


def _read_as(part: LabelPart) -> str:
    said = [_patterns(part.files)]
    said += [f"{what} in {column}" for what, column in part.columns.items()]
    said += [f"readers in {part.readers}, {part.consensus}"] if part.readers else []
    said += ["each file is one reader's"] if part.by_reader else []
    said += [f"blank is {part.blank}, -1 is {part.uncertain}"]
    return ", ".join(said)


def _patterns(patterns: Patterns) -> str:
    return " and ".join(" or ".join(one) for one in patterns)
