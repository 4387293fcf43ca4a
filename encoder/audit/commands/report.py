"""`clear-kb audit report`: everything about one run as one page, for people who would rather look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from encoder.audit.page.flags import VERDICTS, in_words
from encoder.audit.report.options import ReportOptions
from encoder.audit.report.report import gather
from encoder.audit.report.report_data import Flag, ReportData
from encoder.audit.report.writing import check_target, write_report
from encoder.commands.options import EncoderOption, SourceOption, SplitOption, ViewsOption
from kb.commands.options import Format
from kb.commands.output import print_result
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads
from kb.commands.target import check_target as ask_first
from kb.errors import ClearKbError, UsageError
from kb.images.view_choice import FRONTAL


class ReportFormat(StrEnum):
    """How the page is written, or how what is told of it is printed."""

    html = "html"
    pdf = "pdf"
    table = "table"
    json = "json"
    csv = "csv"


FailOn = Literal["fail", "warn"]


@reads(output=False, quiet=True)
def report_command(
    reading: Reading,
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            metavar="NAME",
            help="The run; not needed where there is only one. Repeated, the others stand beside the first.",
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="L", help="Show this label in full; repeatable; default: six at most."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The page to write, .html or .pdf; default: report.html."),
    ] = None,
    source: SourceOption = None,
    split: SplitOption = None,
    views: ViewsOption = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only these images: \"view = 'PA' AND age > 60\".")
    ] = None,
    encoder: EncoderOption = None,
    min_positives: Annotated[
        int, typer.Option("--min-positives", min=1, help="Labels and groups with fewer of either truth are left out.")
    ] = 10,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, max=100_000, help="Resamples of the patients; 0: only what needs none.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
    limits: Annotated[
        Path | None, typer.Option("--limits", metavar="FILE.yaml", help="Limits that figures pass, warn of or fail.")
    ] = None,
    fail_on: Annotated[
        FailOn | None, typer.Option("--fail-on", help="Exit with 1 where a flag fails (or warns), after writing.")
    ] = None,
    card: Annotated[
        Path | None, typer.Option("--card", metavar="FILE.yaml", help="What the model is for, as its makers state it.")
    ] = None,
    no_heatmaps: Annotated[
        bool, typer.Option("--no-heatmaps", help="Leave the heat maps out: they take time.")
    ] = False,
    no_evidence: Annotated[bool, typer.Option("--no-evidence", help="Leave the report sentences out.")] = False,
    no_images: Annotated[bool, typer.Option("--no-images", help="Leave the thumbnails out.")] = False,
    no_ids: Annotated[
        bool, typer.Option("--no-ids", help="Short labels in the place of ids, no report sentences, no paths.")
    ] = False,
    title: Annotated[str | None, typer.Option("--title", help="Of the page; default: Audit of RUN.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is no earlier report.")] = False,
    output: Annotated[
        ReportFormat,
        typer.Option("--format", help="How the page is written (html, pdf), or what is told of it printed."),
    ] = ReportFormat.table,
) -> None:
    """Write one page on a run, HTML or PDF: metrics, threshold, calibration, groups, confounders, slices, errors."""
    if fail_on is not None and limits is None:
        raise UsageError("--fail-on goes with --limits FILE.yaml")
    path = _path(out, output)
    check_target(path, overwrite=overwrite)
    ask_first(path, overwrite=overwrite or path.is_file())  # an earlier report of ours is replaced
    name, *beside = run or (None,)
    options = ReportOptions(
        labels=tuple(label or ()),
        source=source,
        split=split,
        views=views or FRONTAL,
        where=where,
        encoder=encoder,
        min_positives=min_positives,
        bootstrap=bootstrap,
        seed=seed,
        beside=tuple(beside),
        limits=limits,
        card=card,
        heatmaps=not no_heatmaps,
        evidence=not no_evidence,
        images=not no_images,
        ids=not no_ids,
        title=title,
    )
    with Progress("labels", hidden=reading.quiet) as progress:
        data = gather(reading.base, name, options, watcher=progress)
    write_report(data, path, overwrite=overwrite)
    stated = _told(data, path)
    reading.note_export(
        "audit report",
        len(data.examples),
        path,
        run=data.run,
        where=where,
        evidence=data.with_evidence,
        images=options.images,
        no_ids=no_ids,
    )
    print_result(stated, _facts(stated), _printed(output), quiet=reading.quiet)
    if fail_on is not None:
        _refuse(data.flags, fail_on)


def _path(out: Path | None, output: ReportFormat) -> Path:
    """The file to write, whose ending says its format."""
    if output not in (ReportFormat.html, ReportFormat.pdf):
        return out or Path("report.html")
    path = out or Path(f"report.{output}")
    if path.suffix.lower().removeprefix(".") not in {output.value, "htm" if output is ReportFormat.html else ""}:
        raise UsageError(f"{path}: with --format {output} the page ends in .{output}")
    return path


def _printed(output: ReportFormat) -> Format:
    return Format(output.value) if output.value in {one.value for one in Format} else Format.table


def _refuse(flags: Sequence[Flag], fail_on: FailOn) -> None:
    """End with exit code 1 where a figure is beyond its limits, or cannot be held against them."""
    beyond = ("fail", "not judged") if fail_on == "fail" else ("fail", "not judged", "warn")
    if found := [in_words(one) for one in flags if one.verdict in beyond]:
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise ClearKbError(
            f"{len(found)} of {len(flags)} figures are beyond their limits or could not be judged: "
            f"{'; '.join(found[:3])}{more}"
        )


def _told(data: ReportData, path: Path) -> dict[str, Any]:
    """What was written, as plain data."""
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "run": data.run,
        "commit": data.evaluation.commit,
        "split": data.evaluation.split,
        "beside": list(dict.fromkeys(row.run for row in data.beside.rows)) if data.beside is not None else [],
        "labels": list(data.labels),
        "flags": [asdict(one) for one in data.flags],
        "confounders": [
            {"label": audit.label, "name": one.name, "q": one.q}
            for audit in data.confounders
            for one in audit.confounders
        ],
        "low_slices": sum(one.verdict == "low" for found in data.slices for one in found.slices),
        "examples": len(data.examples),
        "thumbnails": len(data.thumbnails),
        "notes": [note for notes in data.notes.values() for note in notes],
    }


def _facts(told: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for a person, in rich markup."""
    called: dict[str, list[str]] = {}
    for one in told["confounders"]:
        called.setdefault(one["label"], []).append(one["name"])
    return [
        ("report", escape(f"{told['path']} ({told['bytes'] / 1e3:,.0f} kB)")),
        ("run", escape(f"{told['run']}, commit {told['commit']}, split {told['split']}")),
        ("labels", escape(", ".join(told["labels"]) or "none could be scored")),
        *(("confounders", escape(f"{label}: {', '.join(names[:3])}")) for label, names in called.items()),
        ("low slices", f"{told['low_slices']:,}"),
        *(("flags", escape(_flagged(told["flags"]))) for _ in range(bool(told["flags"]))),
        *(("note", escape(note)) for note in told["notes"]),
    ]


def _flagged(flags: Sequence[dict[str, Any]]) -> str:
    counts = Counter(one["verdict"] for one in flags)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
