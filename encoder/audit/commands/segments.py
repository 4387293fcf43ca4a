"""`clear-kb audit segments`: every group at one threshold, and the segments in which a model does worse."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from encoder.audit.commands.options import Label, Run, Source, Where
from encoder.audit.commands.parts import each_part, print_parts
from encoder.audit.face import segments
from encoder.audit.segments.flat import flat_groups
from encoder.audit.segments.outcomes import MEASURES
from encoder.audit.segments.result import Group, SegmentAudit
from encoder.audit.segments.sentences import between, overall, percent, power, tell
from encoder.commands.options import SplitOption, ViewsOption
from kb.commands.options import Format
from kb.commands.output import is_narrow, print_facts, print_rows, print_text, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads
from kb.images.view_choice import FRONTAL

NARROW = ("group", "rows", "positives", "sensitivity", "specificity", "alerts")
WIDE, WIDTH = (*NARROW, "PPV", "NPV", "AUROC"), 118
"""What a terminal is shown that is as wide as that; JSON and CSV hold all figures."""


class Looked(StrEnum):
    """What the search looks at."""

    false_alarms = "false-alarms"
    misses = "misses"
    bpsn = "bpsn"
    bnsp = "bnsp"
    auroc = "auroc"


WHOLE = 0.98
"""The share of the rows from which on a group is as good as all of them, and not shown to a person."""


@reads(quiet=True)
def segments_command(
    reading: Reading,
    run: Run,
    label: Label,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="NAME", help="Cut by this attribute, finding or property; default: by all."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", metavar="NUMBER", help="Of scores; default: that of the view thresholds."),
    ] = None,
    pairs: Annotated[bool, typer.Option("--pairs/--no-pairs", help="Look at pairs of conditions too.")] = True,
    measure: Annotated[
        list[Looked] | None, typer.Option("--measure", help="What the search looks at; repeatable. Default: all.")
    ] = None,
    min_size: Annotated[int, typer.Option("--min-size", min=2, help="Rows under which nothing is said.")] = 30,
    min_positives: Annotated[
        int, typer.Option("--min-positives", min=1, help="Positives, and negatives, under which nothing is said.")
    ] = 5,
    top: Annotated[int, typer.Option("--top", min=1, help="Segments that are named.")] = 10,
    seed: Annotated[int, typer.Option("--seed", help="Of what chance does.")] = 0,
    source: Source = None,
    split: SplitOption = None,
    views: ViewsOption = None,
    where: Where = None,
) -> None:
    """Judge every group of patients at one threshold, and name the segments in which the model does worse.

    Groups are those of every attribute, finding of reports and property of pictures that is known. The search cuts
    numbers where the data say and joins conditions in pairs; what it names is beyond chance for all that it looked at.
    CSV holds the groups, JSON all.
    """
    with Progress("steps", hidden=reading.quiet) as progress:

        def look(part: str) -> SegmentAudit:
            return segments(
                reading.base,
                run,
                label,
                by=tuple(by or ()),
                threshold=threshold,
                pairs=pairs,
                min_size=min_size,
                min_positives=min_positives,
                measures=[one for one in MEASURES if one.replace(" ", "-") in measure] if measure else MEASURES,
                most=top,
                source=source,
                split=part,
                where=where,
                views=views or FRONTAL,
                seed=seed,
                watcher=progress,
            )

        audits, untold = each_part(reading.base, run, split, look)
    print_parts(reading, audits, untold, show=_print, table=flat_groups)


def _print(found: SegmentAudit, quiet: bool) -> None:
    print_facts(
        [
            ("run", escape(f"{found.run}, {found.label}: AUROC {between(found.overall.auroc)}")),
            (
                "rows",
                f"{found.overall.n:,} ({found.split}), {found.overall.positives:,} positives, "
                f"{found.overall.patients:,} patients",
            ),
            ("threshold", escape(f"{found.threshold.value:.4g}: {found.threshold.origin}")),
            ("at it", escape(overall(found.overall))),
        ]
    )
    for number, one in enumerate(found.segments, start=1):
        head, *lines = tell(one)
        print_text(f"\n[bold]{number}. {escape(one.text)}[/bold]  {escape(head)}")
        for line in lines:
            print_text(escape(line))
    if not found.segments:
        print_text(f"\n{escape(power(found))}")
    told = [one for one in found.groups if one.figures is not None]
    shown = [one for one in told if one.n < WHOLE * found.overall.n]
    columns = NARROW if is_narrow(WIDTH) else WIDE
    title = "\nGroups at this threshold, in % with 95% intervals"
    print_rows([_shown(one) for one in shown], columns, Format.table, title=title, empty="no group is large enough")
    if quiet:
        return
    if whole := len(told) - len(shown):
        say(f"note: {whole:,} groups of nearly all rows do as all rows do (--format csv has them)")
    if small := len(found.groups) - len(told):
        say(f"note: {small:,} groups are too small for figures (--min-size, --min-positives)")
    for note in found.notes:
        say(f"note: {escape(note)}")


def _shown(one: Group) -> dict[str, Any]:
    figures = one.figures
    assert figures is not None
    return {
        "group": one.name,
        "rows": figures.n,
        "positives": figures.positives,
        "sensitivity": percent(figures.sensitivity),
        "specificity": percent(figures.specificity),
        "alerts": percent(figures.alerts),
        "PPV": percent(figures.ppv),
        "NPV": percent(figures.npv),
        "AUROC": between(figures.auroc),
    }
