"""`clear-kb audit heatmaps`: whether the heat maps of a run fall on the boxes that readers drew."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from encoder.audit.commands.options import Run
from encoder.audit.heatmaps import HeatmapAudit, HeatmapRow, audit_heatmaps
from encoder.commands.options import EncoderOption, LabelsOption, SplitOption
from kb.commands.options import Format
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads

COLUMNS = tuple(HeatmapRow.__dataclass_fields__)


@reads(quiet=True)
def heatmaps_command(
    reading: Reading,
    run: Run,
    labels: LabelsOption = None,
    split: SplitOption = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Images of each label; of more, so many are drawn.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of that draw.")] = 0,
    encoder: EncoderOption = None,
) -> None:
    """Show how often heat maps fall on the boxes that readers drew: pointing game and overlap, with intervals."""
    with Progress("images", hidden=reading.quiet) as progress:
        found = audit_heatmaps(
            reading.base, run, labels=labels or (), split=split, most=most, encoder=encoder, seed=seed, watcher=progress
        )
    if reading.output is Format.json:
        print_json(found.to_dict())
    elif reading.output is Format.csv:
        print_rows(found.to_dict()["rows"], COLUMNS, reading.output)
    else:
        _print(found, quiet=reading.quiet)


def _print(found: HeatmapAudit, *, quiet: bool) -> None:
    print_facts([("run", escape(found.run))])
    rows = [_shown(row) for row in found.rows]
    print_rows(rows, list(rows[0]), Format.table, title=" ")
    for note in found.notes:
        say(escape(note), quiet=quiet)


def _shown(row: HeatmapRow) -> dict[str, str]:
    return {
        "label": row.label,
        "split": row.split,
        "n": f"{row.images:,}" if row.images == row.boxed else f"{row.images:,} of {row.boxed:,}",
        "hit": _share(row.hit, row.hit_low, row.hit_high),
        "overlap": _share(row.overlap, row.overlap_low, row.overlap_high),
        "area": f"{row.area:.3f}",
    }


def _share(value: float, low: float | None, high: float | None) -> str:
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.2f}-{high:.2f})"
