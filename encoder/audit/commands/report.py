"""`clear-kb audit report`: everything about one run as one page, for people who would rather look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from encoder.audit.report.options import ReportOptions
from encoder.audit.report.report import check_target, gather, write_report
from encoder.audit.report.report_data import ReportData
from encoder.commands.options import EncoderOption, SourceOption, SplitOption, ViewsOption
from kb.commands.output import print_result
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads
from kb.images.view_choice import FRONTAL


@reads(quiet=True)
def report_command(
    reading: Reading,
    run: Annotated[
        str | None, typer.Option("--run", metavar="NAME", help="The run; not needed where there is only one.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="L", help="Show this label in full; repeatable; default: six at most."),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.html", help="The page to write.")] = Path(
        "report.html"
    ),
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
    no_evidence: Annotated[bool, typer.Option("--no-evidence", help="Leave the report sentences out.")] = False,
    no_images: Annotated[bool, typer.Option("--no-images", help="Leave the thumbnails out.")] = False,
    title: Annotated[str | None, typer.Option("--title", help="Of the page; default: Audit of RUN.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is no earlier report.")] = False,
) -> None:
    """Write one HTML page on a run: metrics, calibration, subgroups, confounders, slices, examples, provenance."""
    check_target(out, overwrite=overwrite)
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
        evidence=not no_evidence,
        images=not no_images,
        title=title,
    )
    with Progress("labels", hidden=reading.quiet) as progress:
        data = gather(reading.base, run, options, watcher=progress)
    write_report(data, out, overwrite=overwrite)
    stated = _told(data, out)
    print_result(stated, _facts(stated), reading.output, quiet=reading.quiet)


def _told(data: ReportData, path: Path) -> dict[str, Any]:
    """What was written, as plain data."""
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "run": data.run,
        "commit": data.evaluation.commit,
        "split": data.evaluation.split,
        "labels": list(data.labels),
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
        *(("note", escape(note)) for note in told["notes"]),
    ]
