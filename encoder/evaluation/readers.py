"""Readers beside a model: each reader's sensitivity and specificity, and where that lies to the model's ROC curve."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from encoder.evaluation.evaluation import ReaderScore
from encoder.evaluation.rows import LabelRows
from kb.errors import ClearKbError, UsageError
from kb.language.label_names import plain_label
from kb.statistics.ranking import Ranking, sensitivity_at

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "reader": ("reader", "reader_id", "radiologist", "rater"),
    "image": ("image_id", "image"),
    "study": ("study_id", "study"),
    "label": ("label", "finding"),
    "value": ("value", "reading", "call"),
}
_VALUES = {"1": True, "1.0": True, "true": True, "yes": True, "0": False, "0.0": False, "false": False, "no": False}
_UNKNOWN = ("", "-1", "-1.0", "nan", "none", "null", "unknown")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader said of one image or study, for one label."""

    reader: str
    units: tuple[str, ...]
    label: str
    value: bool


def read_readings(path: Path) -> list[Reading]:
    """The readings of a table (CSV, TSV or Parquet): reader, image_id or study_id, label, value (1, 0; blank: none).

    Raises:
        UsageError: there is no such file, or a column is missing.
        ClearKbError: a value is none.
    """
    if not path.is_file():
        raise UsageError(f"readers: there is no file {path}")
    names, rows = _table(path)
    by_name = {name.strip().lower(): name for name in names}
    columns = {what: next((by_name[u] for u in usual if u in by_name), None) for what, usual in COLUMNS.items()}
    missing = [what for what in ("reader", "label", "value") if columns[what] is None]
    if missing or (columns["image"] is None and columns["study"] is None):
        what = missing[0] if missing else "image_id or study_id"
        raise UsageError(f"readers {path}: it has no column '{what}', but {', '.join(names)}")
    found = (_reading(path, number, row, columns) for number, row in enumerate(rows, start=1))
    return [reading for reading in found if reading is not None]


def score_readers(rows: Sequence[LabelRows], readings: Sequence[Reading]) -> list[ReaderScore]:
    """Every reader beside every run, on the rows that the reader read and whose truth is known."""
    by_label: dict[str, dict[str, dict[str, bool]]] = {}
    for reading in readings:
        values = by_label.setdefault(plain_label(reading.label), {}).setdefault(reading.reader, {})
        values.update(dict.fromkeys(reading.units, reading.value))
    found = [
        _beside(mine, reader, values)
        for mine in rows
        for reader, values in sorted(by_label.get(plain_label(mine.label), {}).items())
    ]
    return [one for one in found if one is not None]


def _beside(rows: LabelRows, reader: str, values: Mapping[str, bool]) -> ReaderScore | None:
    read = np.array([unit in values for unit in rows.unit], dtype=bool)
    mine = rows.take(read)
    if not mine.positives or not mine.negatives:
        return None
    said = np.array([values[unit] for unit in mine.unit], dtype=bool)
    sensitivity, specificity = float(said[mine.truth].mean()), float((~said[~mine.truth]).mean())
    model = sensitivity_at(Ranking(mine.truth, mine.rank).curve(), specificity)
    gap = sensitivity - model
    lies = "on" if abs(gap) < 1e-9 else "above" if gap > 0 else "below"
    return ReaderScore(
        run=rows.run,
        label=rows.label,
        reader=reader,
        n=len(said),
        positives=mine.positives,
        sensitivity=sensitivity,
        specificity=specificity,
        model_sensitivity=model,
        lies=lies,
        split=rows.split,
        group=rows.group,
    )


def _table(path: Path) -> tuple[list[str], list[Mapping[str, Any]]]:
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            table = pq.read_table(path)
        except pa.ArrowException as error:
            raise ClearKbError(f"{path} is not a Parquet file: {error}") from error
        return table.schema.names, table.to_pylist()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            rows: list[Mapping[str, Any]] = list(reader)
            return list(reader.fieldnames or ()), rows
    except (UnicodeDecodeError, csv.Error) as error:
        raise ClearKbError(f"{path} cannot be read as a table: {error}") from error


def _reading(path: Path, number: int, row: Mapping[str, Any], columns: Mapping[str, str | None]) -> Reading | None:
    fields = {
        what: "" if column is None or row.get(column) is None else str(row[column]).strip()
        for what, column in columns.items()
    }
    value = fields["value"].lower()
    if value in _UNKNOWN:
        return None
    if value not in _VALUES:
        raise ClearKbError(f"{path}, row {number}: '{fields['value']}' is no reading: 1 or 0 was expected")
    units = tuple(f"{what} {fields[what]}" for what in ("image", "study") if fields[what])
    if not fields["reader"] or not fields["label"] or not units:
        raise ClearKbError(f"{path}, row {number}: a reader, a label and an image or study were expected")
    return Reading(fields["reader"], units, fields["label"], _VALUES[value])
