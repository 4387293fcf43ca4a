"""`clear-kb audit compare`: runs side by side on one label, with the points that figures are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

from encoder.audit.commands.options import Label, Source
from encoder.audit.page.numbers import share, signed
from encoder.audit.runs_compared import SHOWN, Shown, SideBySide, side_by_side
from encoder.commands.options import SplitOption, ViewsOption
from kb.commands.options import Format
from kb.commands.output import is_narrow, print_facts, print_json, print_rows, say
from kb.commands.shared import Reading, reads
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.statistics.p_values import told_p

FIGURES = {"AUROC": "auroc", "AUPRC": "auprc", "sensitivity": "sensitivity", "specificity": "specificity"}
NARROW, WIDE = {"AUROC": "auroc", "sens.": "sensitivity", "spec.": "specificity"}, 140
"""What a terminal is shown that is narrower than all intervals beside their figures."""


@reads
def compare_command(
    reading: Reading,
    run: Annotated[
        list[str], typer.Option("--run", metavar="NAME", help="A run; repeated, the others are held against the first.")
    ],
    label: Label,
    show: Annotated[
        Shown | None,
        typer.Option("--show", help="Print the rows of this figure; default: the figures, and in JSON all."),
    ] = None,
    source: Source = None,
    split: SplitOption = None,
    views: ViewsOption = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only these images: \"view = 'PA' AND age > 60\".")
    ] = None,
    min_positives: Annotated[
        int, typer.Option("--min-positives", min=1, help="Runs with fewer positives or negatives are left out.")
    ] = 10,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, max=100_000, help="Resamples of the patients; 0: only what needs none.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
) -> None:
    """Show runs side by side on one label: AUROC, ROC and precision-recall points, reliability, confusion."""
    found = side_by_side(
        reading.base,
        run,
        label,
        source=source,
        split=split,
        where=where,
        views=views or FRONTAL,
        min_positives=min_positives,
        bootstrap=bootstrap,
        seed=seed,
    )
    _print(found, show, reading.output)


def _print(found: SideBySide, show: Shown | None, output: Format) -> None:
    if output is Format.json and show is None:
        print_json(found.to_dict())
    elif output is Format.table and show is None:
        _print_figures(found)
    else:
        rows = found.points(show or SHOWN[0])
        print_rows(rows, list(dict.fromkeys(name for row in rows for name in row)), output)
    for left in found.evaluation.left_out:
        say(escape(f"note: {left.run}: {left.label} was not scored: {left.reason}"))
    if not found.operating:
        raise UsageError(f"no run could be scored on {found.label}")


def _print_figures(found: SideBySide) -> None:
    """The figures for a person: what ranks, what the threshold does, and how the runs differ."""
    print_facts([("label", escape(found.label)), ("rows", escape(found.split))])
    narrow = is_narrow(WIDE)
    rows = [_shown(one, narrow) for one in found.points("figures")]
    print_rows(rows, list(rows[0]) if rows else ["run"], Format.table, empty="no run could be scored")
    for note in found.evaluation.notes:
        say(escape(f"note: {note}"))


def _shown(one: Mapping[str, Any], narrow: bool) -> dict[str, str]:
    """One run as a line of the table; on a narrow terminal intervals stand under their figures, to two digits."""
    difference, low, high = (one[f"auroc_less_first{end}"] for end in ("", "_low", "_high"))
    less = _with(signed(difference), f"{low:+.2f} to {high:+.2f}" if low is not None else "", narrow)
    return {
        "run": one["run"],
        "positives": f"{one['positives']:,} of {one['n']:,}",
        **{title: _told(one, name, narrow) for title, name in (NARROW if narrow else FIGURES).items()},
        "less the first": less,
        "p": told_p(one["p"], is_floor=bool(one["p_is_floor"])),
    }


def _told(row: Mapping[str, Any], name: str, narrow: bool) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    digits = 2 if narrow else 3
    return _with(share(row[name]), f"{low:.{digits}f}-{high:.{digits}f}" if low is not None else "", narrow)


def _with(value: str, interval: str, narrow: bool) -> str:
    if not interval:
        return value
    return f"{value}\n{interval}" if narrow else f"{value} ({interval})"
