"""`clear-kb audit drift`: what changed over time, since when, and what it fits."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from encoder.audit.commands.options import Run, Source, Where
from encoder.audit.commands.parts import each_part, print_parts
from encoder.audit.drift.flat import FIGURES, flat_periods
from encoder.audit.drift.result import Change, DriftAudit, PeriodFigures
from encoder.audit.drift.rows import LEAST
from encoder.audit.drift.scan import PERMUTATIONS
from encoder.audit.drift.sentences import small
from encoder.audit.face import drift
from encoder.commands.options import EncoderOption, SplitOption, ViewsOption
from kb.commands.options import Format
from kb.commands.output import is_narrow, print_facts, print_rows, print_text, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads
from kb.images.view_choice import FRONTAL
from kb.statistics.interval import Interval

WIDE = 120
"""Columns that all intervals of changes take."""

BARS, MOST_BARS = "▁▂▃▄▅▆▇█", 24

OptionalLabel = Annotated[
    str | None,
    typer.Option("--label", metavar="LABEL", help="The label that it predicts; not needed where it is the only one."),
]


@reads(quiet=True)
def drift_command(
    reading: Reading,
    run: Run,
    label: OptionalLabel = None,
    by: Annotated[
        str, typer.Option("--by", metavar="week|month|quarter|year|ATTRIBUTE", help="What periods are.")
    ] = "month",
    date: Annotated[
        str | None,
        typer.Option("--date", metavar="ATTRIBUTE", help="The attribute that holds the date; default: the usual ones."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Only rows from then on: 2024, 2024-03, 2024-03-31.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Only rows up to then, which counts.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="PERIOD", help="What the last period is held against; default: the first."),
    ] = None,
    least: Annotated[
        int, typer.Option("--least", min=1, help="Rows of a period under which it is joined with the next.")
    ] = LEAST,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="What scores are cut at; default: that of the view thresholds."),
    ] = None,
    permutations: Annotated[
        int, typer.Option("--permutations", min=1, help="Draws of patients exchanged over time, behind each p.")
    ] = PERMUTATIONS,
    top: Annotated[int, typer.Option("--top", min=1, help="Concepts, and findings and attributes, at the most.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 0,
    source: Source = None,
    split: SplitOption = None,
    views: ViewsOption = None,
    where: Where = None,
    encoder: EncoderOption = None,
) -> None:
    """Show what changed over time, since when, and what it fits: other patients, other images, or a poorer ranking.

    Every split of the timeline is tried, and the last period against the first; without labels, by scores and images.
    """
    with Progress("draws", hidden=reading.quiet) as progress:

        def look(part: str) -> DriftAudit:
            return drift(
                reading.base,
                run,
                label,
                by=by,
                date=date,
                since=since,
                until=until,
                reference=reference,
                least=least,
                threshold=threshold,
                source=source,
                split=part,
                where=where,
                views=views or FRONTAL,
                permutations=permutations,
                top=top,
                encoder=encoder,
                seed=seed,
                watcher=progress,
            )

        audits, untold = each_part(reading.base, run, split, look)
    print_parts(reading, audits, untold, show=_print, table=flat_periods)


def _print(found: DriftAudit, quiet: bool) -> None:
    labelled = f", {found.labelled:,} labelled" if found.labelled < found.n else ""
    positives = f", {sum(one.positives for one in found.timeline):,} positives" if found.labelled else ""
    chosen = {
        "told": "as told",
        "given": "given with the run",
        "validation": "chosen on the validation rows",
        "cross-fitted": "cross-fitted",
    }
    cut = None if found.threshold is None else f"{found.threshold:.3g}, {chosen[found.threshold_from]}"
    facts = [
        ("run", f"{found.run}, {found.label}"),
        ("rows", f"{found.n:,} ({found.split}){labelled}{positives}, {found.patients:,} patients"),
        ("truth", found.source or "no label speaks of these rows"),
        ("threshold", cut or "none is known"),
    ]
    print_facts([(name, escape(value)) for name, value in facts])
    known = [name for name in FIGURES if any(getattr(one, name) is not None for one in found.timeline)]
    print_rows(
        [_shown(one) for one in found.timeline],
        ["period", "rows", *(_HEADS[name] for name in known)],
        Format.table,
        title=" ",
    )
    columns = ["measure", "first", "last", "change", "p", "over time", "since", "its p"]
    print_rows([_changed(one) for one in found.changes], columns, Format.table, title=" ")
    for sentence in found.sentences:
        print_text(f"\n{escape(sentence)}")
    for note in found.notes if not quiet else ():
        say(f"note: {escape(note)}")


_HEADS = {
    "prevalence": "prev.",
    "alerts": "alerts",
    "mean_score": "score",
    "sensitivity": "sens.",
    "specificity": "spec.",
    "auroc": "AUROC",
    "calibration": "calib.",
}


def _shown(one: PeriodFigures) -> dict[str, object]:
    """A period as a line of the table: shares as such, alerts per 100, the interval of the AUROC."""
    ranked = one.auroc
    return {
        "period": one.period,
        "rows": f"{one.n:,}",
        "prev.": _short(one.prevalence),
        "alerts": "" if one.alerts is None else f"{100 * one.alerts.value:.0f}",
        "score": _short(one.mean_score),
        "sens.": _short(one.sensitivity),
        "spec.": _short(one.specificity),
        "AUROC": "" if ranked is None else f"{ranked.value:.2f} ({ranked.low:.2f} to {ranked.high:.2f})",
        "calib.": "" if one.calibration is None else f"{one.calibration.value:+.2f}",
    }


def _changed(one: Change) -> dict[str, object]:
    moved, point = one.change, one.point
    interval = "" if moved is None or is_narrow(WIDE) else f" ({moved.low:+.3f} to {moved.high:+.3f})"
    return {
        "measure": one.measure,
        "first": _number(one.first),
        "last": _number(one.last),
        "change": "" if moved is None else f"{moved.value:+.3f}{interval}",
        "p": _p(one.p),
        "over time": bars(one.values),
        "since": ", ".join(found.since for found in one.points if found.sure),
        "its p": "" if point is None else _p(point.p),
    }


def bars(values: tuple[float, ...]) -> str:
    """Values as bars from the lowest to the highest; of many periods, several share a bar."""
    parts = np.array_split(np.array(values), min(len(values), MOST_BARS))
    means = [float(np.nanmean(part)) if np.isfinite(part).any() else math.nan for part in parts]
    known = [mean for mean in means if math.isfinite(mean)]
    if not known:
        return ""
    low, reach = min(known), max(known) - min(known)
    top = len(BARS) - 1
    return "".join(
        " " if not math.isfinite(mean) else BARS[round((mean - low) / reach * top)] if reach > 0 else BARS[0]
        for mean in means
    )


def _number(one: Interval | None) -> str:
    return "" if one is None else f"{one.value:.3f}"


def _short(one: Interval | None) -> str:
    return "" if one is None else f"{one.value:.2f}"


def _p(p: float) -> str:
    return small(p) if math.isfinite(p) else ""
