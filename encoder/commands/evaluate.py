"""`clear-kb evaluate`: how well runs predict the ground truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from encoder.commands.options import AdjustOption, ReadersOption, SplitOption, ViewsOption
from encoder.evaluation import Evaluation
from encoder.evaluation.figure import draw
from encoder.evaluation.flat import csv_rows
from encoder.face import evaluate
from encoder.figures import check_figure
from kb.commands.options import Format
from kb.commands.output import is_narrow, print_facts, print_json, print_rows, print_text, say
from kb.commands.shared import Reading, reads
from kb.commands.target import Overwrite, check_target
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.whole_file import written_whole


@reads
def evaluate_command(
    reading: Reading,
    run: Annotated[
        list[str] | None, typer.Option("--run", metavar="NAME", help="This run; repeatable; default: all.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="L", help="This label, or a named list (chexpert5); repeatable."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="RUN", help="Compare each run with this one, on the rows of both."),
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only these images: \"view = 'PA' AND age > 60\".")
    ] = None,
    split: SplitOption = None,
    views: ViewsOption = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="COLUMN", help="Group rows: site, source, view, sex, age_band or an attribute."),
    ] = None,
    adjust: AdjustOption = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="The labels to go by, where several disagree.")
    ] = None,
    min_positives: Annotated[
        int, typer.Option("--min-positives", min=1, help="Labels with fewer positives or negatives are left out.")
    ] = 10,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, max=100_000, help="Resamples of the patients; 0: only what needs none.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="This threshold for all labels, instead of a chosen one.")
    ] = None,
    threshold_from: Annotated[
        str | None,
        typer.Option(
            "--threshold-from",
            metavar="SOURCE",
            help="auto, given, validation, cross-fitted, target:sensitivity=0.9, or a run.",
        ),
    ] = None,
    threshold_by: Annotated[
        Literal["youden", "f1"], typer.Option("--threshold-by", help="What a threshold is chosen to make highest.")
    ] = "youden",
    readers: ReadersOption = None,
    figure: Annotated[
        Path | None, typer.Option("-o", "--figure", metavar="FIGURE.png", help="Draw the curves: .png, .pdf or .svg.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Score runs against the labels: AUROC, AUPRC, F1, MCC, calibration, with 95% intervals."""
    if threshold is not None and threshold_from is not None:
        raise UsageError("--threshold and --threshold-from say the same thing twice: leave one out")
    if figure is not None:
        check_figure(figure, "-o")
        check_target(figure, overwrite=overwrite)
    found = threshold if threshold is not None else threshold_from or "auto"
    result = evaluate(
        reading.base,
        tuple(run or ()),
        labels=tuple(label or ()),
        split=split,
        where=where,
        views=views or FRONTAL,
        source=source,
        min_positives=min_positives,
        bootstrap=bootstrap,
        seed=seed,
        threshold_by=threshold_by,
        threshold_from=found,
        against=against,
        readers=readers or None,
        by=by,
        adjust=adjust,
    )
    left = _draw(result, figure)
    _print(result, reading.output)
    if figure is not None:
        missing = f" (no room for {', '.join(left)}: name them with --label)" if left else ""
        say(f"figure: {figure}{missing}")
    if not result.rows:
        raise typer.Exit(1)


WIDE = 120
"""Columns of a terminal from which on an interval stands beside its figure, and not under it."""

_INTERVAL = re.compile(r" \(([^()]*(?:-| to )[^()]*)\)$")


def _stacked(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose intervals stand under their figures, to two digits, so that no number is cut."""
    return {name: _INTERVAL.sub(_under, cell) if isinstance(cell, str) else cell for name, cell in row.items()}


def _under(interval: re.Match[str]) -> str:
    return "\n" + re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.2f}", interval[1])


def _draw(result: Evaluation, figure: Path | None) -> tuple[str, ...]:
    if figure is None:
        return ()
    with written_whole(figure) as partial:
        return draw(result, partial)


def _print(result: Evaluation, output: Format) -> None:
    """The data on standard output; the notes go with a table and JSON, and beside CSV."""
    if output is Format.json:
        print_json(result.to_dict())
        return
    if output is Format.csv:
        rows = csv_rows(result)
        print_rows(rows, list(dict.fromkeys(name for row in rows for name in row)), output)
        for note in result.notes:
            say(note)
        return
    for title, table in result.tables():
        print_text(f"\n[bold]{escape(title)}[/bold]")
        rows = [_stacked(row) for row in table] if is_narrow(WIDE) else table
        print_rows(rows, list(rows[0]), output)
    print_facts([("note", escape(note)) for note in result.notes])
