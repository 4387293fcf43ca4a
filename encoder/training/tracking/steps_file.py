"""steps.csv: a row an optimiser step, beside the checkpoint."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

STEPS = "steps.csv"
COLUMNS = (
    "step",
    "epoch",
    "loss",
    "learning_rate",
    "gradient_norm",
    "clipped",
    "scale",
    "bias",
    "images_per_second",
    "share_of_peak",
)


class StepsFile:
    """The file of one training; rows are appended as it goes.

    Args:
        folder: of the checkpoint.
        step: the steps that are done: rows of later ones, left by an interrupted training, are taken away.
    """

    def __init__(self, folder: Path, step: int):
        self._path = folder / STEPS
        kept = [row for row in read_steps(folder) if row["step"] <= step] if step else []
        fresh = folder / f"new-{STEPS}"
        with fresh.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(_written(row) for row in kept)
        fresh.replace(self._path)

    def add(self, rows: Iterable[Mapping[str, float]]) -> None:
        """Append rows; a column that one lacks stays empty."""
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerows(_written(row) for row in rows)


def read_steps(folder: Path) -> list[dict[str, float]]:
    """The rows of the file in a checkpoint's folder, without empty columns; none where there is no file."""
    path = folder / STEPS
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in map(_read, csv.DictReader(file)) if row is not None]


def _read(row: Mapping[str, str | None]) -> dict[str, float] | None:
    """A row as numbers; None of one that a death cut short."""
    try:
        numbers = {name: float(value) for name, value in row.items() if name in COLUMNS and value}
    except ValueError:
        return None
    return numbers if "step" in numbers and "epoch" in numbers else None


def _written(row: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{row[name]:.7g}" for name in COLUMNS if name in row}
