"""`clear-kb observations`: the mentions behind the concepts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.options import (
    Format,
)
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.shared import Reading, reads
from kb.commands.target import Overwrite, check_target
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.agreement import Agreement, Counts, compare_observations, read_observations
from kb.vocabulary.observations import export_observations
from kb.whole_file import written_whole


@reads(output=False, quiet=True)
def export_command(
    reading: Reading,
    out: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - is standard output.")],
    overwrite: Overwrite = False,
) -> None:
    """Write every observation as a line of JSON (the fields are those of schemas/observation.schema.json)."""
    if out != "-":
        check_target(Path(out), overwrite=overwrite)
    opened = reading.base
    count = export_observations(opened, sys.stdout) if out == "-" else _export_to(opened, Path(out))
    reading.note_export("observations export", count, out)
    say(f"wrote {count:,} observations of commit {opened.commit.commit_id} to {escape(out)}", quiet=reading.quiet)


def _export_to(opened: KnowledgeBase, path: Path) -> int:
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent} to write {path.name} to")
    with written_whole(path) as partial, partial.open("w", encoding="utf-8") as file:
        return export_observations(opened, file)


@reads
def compare_command(
    reading: Reading,
    first: Annotated[
        str, typer.Argument(metavar="A", help="A knowledge base, a commit or tag of --kb, or a .jsonl file.")
    ],
    second: Annotated[
        str, typer.Argument(metavar="B", help="The same; a .jsonl file may be an export or a gold file.")
    ],
    min_iou: Annotated[
        float, typer.Option("--min-iou", min=0.01, max=1.0, help="Overlap of characters from which two are the same.")
    ] = 0.5,
    show: Annotated[int, typer.Option("--show", min=0, help="Observations of each alone that are listed.")] = 5,
) -> None:
    """Compare two minings of the same reports: what both find, what each finds alone, by assertion and finding."""
    sides = [read_observations(*_side(reading, name)) for name in (first, second)]
    found = compare_observations(*sides, overlap=min_iou)
    if reading.output is Format.json:
        print_json(found.to_dict())
        return
    rows = [_row("by assertion", name, counts) for name, counts in found.by_assertion.items()]
    rows += [_row("by finding", name, counts) for name, counts in found.by_finding.items()]
    if reading.output is Format.csv:
        print_rows([_row("all", "", found.all), *rows], _COLUMNS, reading.output)
        return
    _print_agreement(found, rows, show)


_COLUMNS = ("what", "value", "both", "only_a", "only_b", "f1")
MOST_FINDINGS = 15


def _side(reading: Reading, name: str) -> tuple[KnowledgeBase | None, Path | None]:
    """What an argument means: a file, a knowledge base, or a commit or tag of --kb."""
    path = Path(name)
    if path.is_file():
        return None, path
    if path.suffix in (".jsonl", ".json"):
        raise UsageError(f"there is no file {name}")
    if KnowledgeBase.exists(name, reading.storage_options):
        return KnowledgeBase.open(name, storage_options=reading.storage_options), None
    return reading.base.at(name), None


def _row(what: str, value: str, counts: Counts) -> dict[str, object]:
    f1 = None if counts.f1 is None else f"{counts.f1:.3f}"
    fields = {"both": counts.both, "only_a": counts.only_a, "only_b": counts.only_b}
    return {"what": what, "value": value, **fields, "f1": f1}


def _print_agreement(found: Agreement, rows: list[dict[str, object]], show: int) -> None:
    alike = f"{found.same_assertion / found.all.both:.3f} of the pairs" if found.all.both else "no pair"
    apart = ", ".join(f"{a} / {b} {count:,}" for (a, b), count in found.confusion.items() if a != b)
    facets = ", ".join(f"{name} {share:.3f}" for name, share in found.facets.items() if share is not None)
    entries = [
        (
            "reports",
            f"{found.reports:,} in both, {found.reports_only_a:,} only in A, {found.reports_only_b:,} only in B",
        ),
        ("found", f"{found.all.both:,} by both, {found.all.only_a:,} only by A, {found.all.only_b:,} only by B"),
        ("agreement", "-" if found.all.f1 is None else f"{found.all.f1:.3f} (F1 of the spans)"),
        ("same assertion", f"{alike}{f'; A / B: {apart}' if apart else ''}"),
        ("facets alike", facets),
    ]
    print_facts([(name, escape(value)) for name, value in entries if value])
    shown = [row for row in rows if row["what"] == "by assertion"]
    shown += [row for row in rows if row["what"] == "by finding"][:MOST_FINDINGS]
    print_rows(shown, _COLUMNS, Format.table, title=" ")
    for name, alone in (("A", found.alone_a), ("B", found.alone_b)):
        listed = [{name: one.get(name) for name in _ALONE} for one in alone[:show]]
        if listed:
            print_rows(listed, _ALONE, Format.table, title=f"\nonly by {name}, the first of {len(alone):,}")


_ALONE = ("report_id", "section", "text", "assertion")
