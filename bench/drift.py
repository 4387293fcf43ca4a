"""Drift: is nothing called where nothing changed, and is a planted change found, in time and for what it is?

Tables of 3,000 predictions over 12 months are simulated: patients come back within three months, and their rows are
alike in score and truth. From month 9 on something changes, or nothing does.

    python -m bench.drift     the whole table
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.drawn_rows import drawn_rows
from bench.measure import Row
from encoder.audit.drift.audit import DriftOptions, find_drift
from encoder.audit.drift.periods import Periods
from encoder.audit.drift.result import DriftAudit
from encoder.audit.drift.rows import DriftRows

Planted = Literal["nothing", "ranking", "ranking, slightly", "prevalence", "scores"]

ROWS, MONTHS, CHANGE = 3_000, 12, 8
STABLE, CHANGED = 200, 30
PERMUTATIONS = 999
NAMES = tuple(f"2024-{month:02d}" for month in range(1, MONTHS + 1))
NEAR = NAMES[CHANGE - 1 : CHANGE + 2]
EXPECTED: dict[Planted, tuple[str, ...]] = {
    "nothing": (),
    "ranking": ("performance lost", "scores at the same truth"),
    "ranking, slightly": ("performance lost", "scores at the same truth"),
    "prevalence": ("prevalence",),
    "scores": ("scores at the same truth",),
}


def table_of(planted: Planted, seed: int, *, labelled: bool = True) -> DriftRows:
    """One table: prevalence 0.2, AUROC 0.91; from the ninth month on ranking, prevalence or scores change."""
    draw = np.random.default_rng(seed)
    owners = np.repeat(np.arange(ROWS), draw.choice([1, 2, 3, 4], ROWS, p=[0.6, 0.2, 0.1, 0.1]))[:ROWS]
    at = np.minimum(draw.integers(0, MONTHS, ROWS)[owners] + draw.integers(0, 3, ROWS), MONTHS - 1)
    late = at >= CHANGE
    rate = -1.6 + 0.8 * draw.standard_normal(ROWS)[owners] + (0.9 * late if planted == "prevalence" else 0)
    truth = draw.random(ROWS) < 1 / (1 + np.exp(-rate))
    noise = 0.6 * draw.standard_normal(ROWS)[owners] + 0.8 * draw.standard_normal(ROWS)
    logit = 1.9 * truth + noise - 1.5
    if planted == "ranking":  # AUROC 0.9 to 0.7, twice the alerts
        logit = np.where(late, 0.8 * truth + 1.2 * noise - 0.3, logit)
    elif planted == "ranking, slightly":  # AUROC 0.91 to 0.84, as many alerts
        logit = np.where(late, 1.5 * truth + 1.05 * noise - 1.4, logit)
    elif planted == "scores":
        logit = logit + 0.5 * late
    rows = drawn_rows(truth & labelled, logit, owners)
    return DriftRows(
        rows=rows,
        labelled=np.full(ROWS, labelled),
        source="s" if labelled else None,
        periods=Periods(NAMES, at),
        threshold=0.35,
        chosen_on="told",
    )


def audits_of(planted: Planted, count: int, *, labelled: bool = True) -> list[DriftAudit]:
    """The audits of so many tables."""
    options = DriftOptions(permutations=PERMUTATIONS)
    return [find_drift(table_of(planted, seed, labelled=labelled), options=options) for seed in range(count)]


def run() -> list[Row]:
    """Measure the level, and how often each planted change is found, placed and named."""
    return [
        *(_stable(labelled) for labelled in (True, False)),
        *(_found(planted, labelled=True) for planted in ("ranking", "ranking, slightly", "prevalence", "scores")),
        _found("ranking", labelled=False),
    ]


def _stable(labelled: bool) -> Row:
    called = sum(audit.drifted for audit in audits_of("nothing", STABLE, labelled=labelled))
    return Row(
        f"drift called in stable tables, {_told(labelled)}",
        f"{called} of {STABLE}",
        "",
        "at most 5 in 100 are allowed",
        number=called,
        better="lower",
    )


def _found(planted: Planted, *, labelled: bool) -> Row:
    audits = audits_of(planted, CHANGED, labelled=labelled)
    placed = sum(audit.since is not None and audit.since.since in NEAR for audit in audits)
    held = sum(audit.since is not None and NAMES[CHANGE] in audit.since.within for audit in audits)
    named = Counter(audit.causes for audit in audits)
    wanted = EXPECTED[planted] if labelled else ("scores",)
    return Row(
        f"{planted} changed in month 9, {_told(labelled)}",
        f"{placed} of {CHANGED} placed in months 8 to 10",
        f"the set of months holds the ninth: {held}",
        f"named as {' and '.join(wanted)}: {named[wanted]}",  # type: ignore[index]  # causes are words
        number=placed,
        better="higher",
    )


def _told(labelled: bool) -> str:
    return "with labels" if labelled else "without labels"


def main() -> None:
    """Print the table."""
    table = Table("what", "found", "place", "against", box=None, header_style="bold")
    for row in run():
        table.add_row(row.what, row.value, row.spread, row.against)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
