"""`clear-kb audit confounders`: what a model leans on that is not the disease."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from encoder.audit.commands.options import Against, Label, Run, Source, Where
from encoder.audit.commands.parts import each_part, print_parts
from encoder.audit.confounders.audit_space import KINDS
from encoder.audit.confounders.flat import flat_confounders
from encoder.audit.confounders.result import Confounder, ConfounderAudit
from encoder.audit.confounders.sentences import conclusion, in_general, number, signed, small, tell
from encoder.audit.face import confounders
from encoder.commands.options import EncoderOption, SplitOption, ViewsOption
from kb.commands.options import Format
from kb.commands.output import is_narrow, print_facts, print_rows, print_text, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads
from kb.images.view_choice import FRONTAL

COLUMNS = (
    "name",
    "by",
    "with it",
    "leans on it",
    "q",
    "goes with it",
    "both q",
    "AUROC with/without/against",
    "verdict",
)
NARROW, WIDE = ("name", "with it", "leans", "q", "goes with", "both q", "against it", "verdict"), 140
"""What a terminal is shown that is narrower than all columns: their intervals stand in the sentences below."""
BY = {"report": "reports", "image": "images", "attribute": "attribute"}


class Measure(StrEnum):
    """What things are measured by."""

    image = "image"
    report = "report"
    attribute = "attribute"


@reads(quiet=True)
def confounders_command(
    reading: Reading,
    run: Run,
    label: Label,
    disease: Annotated[
        list[str] | None,
        typer.Option("--disease", metavar="FINDING", help="This counts as the disease too, and is no confounder."),
    ] = None,
    by: Annotated[
        list[Measure] | None,
        typer.Option("--by", help="Test by scores of images, findings of reports, attributes; default: all."),
    ] = None,
    against: Against = None,
    correlates: Annotated[
        Path | None,
        typer.Option(
            "--correlates",
            metavar="FILE",
            help="What is known to go with a label without being it (label, kind, findings), beside the bundled table.",
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Rows that are shown.")] = 10,
    least: Annotated[
        int, typer.Option("--least", min=2, help="Images with a thing, and without it, for it to be tested.")
    ] = 10,
    source: Source = None,
    split: SplitOption = None,
    views: ViewsOption = None,
    where: Where = None,
    encoder: EncoderOption = None,
) -> None:
    """Name what a model leans on that is not the disease, the most harmful first, with the proof.

    A confounder goes with the label in this data; a correlate does so as what belongs to a disease does; a harmful lean
    makes the model err though it goes with nothing here. Concepts are tested by their scores in images, findings by
    what reports state, attributes as they are. Any model's predictions will do.
    """
    with Progress("steps", hidden=reading.quiet) as progress:

        def look(part: str) -> ConfounderAudit:
            return confounders(
                reading.base,
                run,
                label,
                source=source,
                split=part,
                where=where,
                views=views or FRONTAL,
                disease=tuple(disease or ()),
                by=tuple(one.value for one in by) if by else KINDS,
                top=top,
                least=least,
                encoder=encoder,
                against=against,
                correlates=correlates,
                watcher=progress,
            )

        audits, untold = each_part(reading.base, run, split, look)
    print_parts(reading, audits, untold, show=_print, table=flat_confounders)


def _print(found: ConfounderAudit, quiet: bool) -> None:
    tested = ", ".join(f"{count:,} {_TESTED[kind]}" for kind, count in found.tested.items())
    apart = "; the rows above are without it" if found.against.startswith("site ") else ""
    entries = [
        ("run", f"{found.run}, {found.label}: AUROC {number(found.auroc)}"),
        ("rows", f"{found.n:,} ({found.split}), {found.positives:,} positives, {found.patients:,} patients"),
        ("truth", found.source),
        ("tested", f"{tested}; at the same truth, patients as clusters"),
        ("held against", in_general(found.found)),
        ("disease", ", ".join(found.disease) or "nothing is known of this label"),
        ("against", f"{found.against}{apart}" if found.against else ""),
    ]
    print_facts([(name, escape(value)) for name, value in entries if value])
    columns, before = (NARROW, 6) if is_narrow(WIDE) else (COLUMNS, 7)
    columns = (*columns[:before], *(("there",) if found.against else ()), *columns[before:])
    print_rows([_shown(row) for row in found.found], columns, Format.table, title=" ", empty="nothing was tested")
    for sentence in conclusion(found):
        print_text(f"\n{escape(sentence)}")
    for row in _told(found):
        print_text(f"\n[bold]{escape(row.name)}[/bold]  {escape(tell(row, found.label))}")
    for note in found.notes if not quiet else ():
        say(f"note: {escape(note)}")


def _told(found: ConfounderAudit) -> list[Confounder]:
    """The rows that are told in sentences: all that may be wrong; if there are none, the first that is leaned on."""
    rows = [row for row in found.found if row.verdict in ("confounder", "harmful lean", "correlate")]
    return rows or found.called("leaned on")[:1]


_TESTED = {"image": "concepts by images", "report": "findings of reports", "attribute": "attributes"}


def _shown(row: Confounder) -> dict[str, str]:
    strata, there = row.strata, row.elsewhere
    aurocs = (strata.auroc_present, strata.auroc_absent, strata.auroc_against) if strata else (None, None, None)
    return {
        "name": row.name if row.finding in (None, row.name) else f"{row.name} ({row.finding})",
        "by": BY[row.kind],
        "with it": f"{strata.present:,} of {strata.present + strata.absent:,}" if strata else "",
        "leans": f"{row.leans.value:+.2f}",
        "goes with": f"{row.goes_with.value:+.2f}",
        "against it": number(aurocs[2]),
        "leans on it": signed(row.leans),
        "goes with it": signed(row.goes_with),
        "q": small(row.leans.q),
        "both q": small(row.q),
        "there": "not measured"
        if there is None
        else f"leans {signed(there.leans)} (q {small(there.leans.q)}), with {signed(there.goes_with)} "
        f"(q {small(there.goes_with.q)})",
        "AUROC with/without/against": " / ".join(map(number, aurocs)),
        "verdict": row.verdict,
    }
