"""Interventions of a bottleneck run on the command line: kept under a name, listed, and shown again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape

from encoder.prediction.intervention import Interventions
from encoder.prediction.runs import read_run
from encoder.prediction.saved_interventions import (
    SavedIntervention,
    apply_saved,
    save_intervention,
    saved_interventions,
)
from encoder.vectors.encoders import find_checkpoint
from kb.commands.output import print_rows, say
from kb.commands.shared import Writing
from kb.errors import UsageError

LIST = "?"
"""What stands for a name where all of them are asked for."""


def show_saved(writing: Writing, run: str, name: str, *, encoder: str | None) -> Interventions | None:
    """What a saved intervention comes to; where all are asked for they are listed, and nothing is told."""
    read = read_run(writing.base, run)
    if name == LIST:
        rows = [_row(one) for one in saved_interventions(read)]
        print_rows(rows, ("name", "image", "sets", "labels", "by", "time"), writing.output, empty="none is kept")
        return None
    return apply_saved(writing.base, find_checkpoint(writing.base, encoder or read.encoder), run, name)


def keep(
    writing: Writing,
    run: str,
    name: str,
    concepts: Mapping[str, float],
    *,
    labels: Sequence[str],
    images: Sequence[str],
) -> None:
    """Keep what was set under a name."""
    if len(images) > 1:
        raise UsageError("--save keeps what is set of one image, or of all: name one --image at most")
    if writing.at is not None or writing.dry_run:
        raise UsageError("--save writes to the newest state: leave out --at and --dry-run")
    image = images[0] if images else None
    kept = save_intervention(
        writing.base, run, name, concepts, labels=tuple(labels), image=image, by=writing.by, why=writing.why
    )
    say(f"kept as '{escape(kept.name)}': {escape(kept.in_words())}", quiet=writing.quiet)


def _row(one: SavedIntervention) -> dict[str, str]:
    return {
        "name": one.name,
        "image": one.image or "all",
        "sets": one.in_words(),
        "labels": ", ".join(one.labels) or "all",
        "by": one.by,
        "time": one.time,
    }
