"""What readers say: kept with the labels, or in tables of their own: a row a reading, or a wide file a reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import plain_label
from kb.reading.parquet_file import opened_parquet, values
from kb.reading.spreadsheet import read_sheet
from kb.store.sqltext import literals

STORED = "stored"
"""The readings of all sources that are kept with the labels."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "reader": ("reader", "reader_id", "radiologist", "rater", "rad_id"),
    "image": ("image_id", "image", "path", "image index"),
    "study": ("study_id", "study"),
    "label": ("label", "finding"),
    "value": ("value", "reading", "call"),
}
_VALUES = {"1": True, "1.0": True, "true": True, "yes": True, "0": False, "0.0": False, "false": False, "no": False}
_UNKNOWN = ("", "-1", "-1.0", "nan", "none", "null", "unknown")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader said of one image (or, where it names none, of a study), for one label."""

    reader: str
    unit: str
    label: str
    value: bool


def find_readings(kb: KnowledgeBase, told: str | Path | Sequence[str | Path], labels: Sequence[str]) -> list[Reading]:
    """The readings of files, of sources of labels that keep some, or of all these ("stored").

    Args:
        kb: where readings are kept.
        told: files and names of sources.
        labels: those that matter.

    Raises:
        UsageError: there is no such file or source, or a column is missing.
        ClearKbError: a value is none.
    """
    found: list[Reading] = []
    for one in [told] if isinstance(told, str | Path) else told:
        found += read_readings(Path(one), labels) if Path(one).is_file() else _stored(kb, str(one), labels)
    return found


def _stored(kb: KnowledgeBase, name: str, labels: Sequence[str]) -> list[Reading]:
    stored = kb.dataset("readings")
    sources = sorted(set(stored.to_table(columns=["source"])["source"].to_pylist()))
    if name != STORED and name not in sources:
        kept = f", and readings are kept of {', '.join(sources)}" if sources else ", and no readings are kept"
        raise UsageError(f"readers: there is no file {name}{kept}")
    if not sources:
        raise UsageError("readers: no readings are kept: ingest labels with a column of readers, or name a file")
    wanted = {plain_label(label) for label in labels}
    named = set(stored.to_table(columns=["label"])["label"].to_pylist())
    mine = [label for label in named if plain_label(label) in wanted]
    where = f"value IS NOT NULL AND label IN {literals(mine or [''])}"
    if name != STORED:
        where += f" AND source IN {literals([name])}"
    found = stored.to_table(columns=["reader", "image_id", "study_id", "label", "value"], filter=where)
    units = pc.if_else(
        pc.is_valid(found["image_id"]),
        pc.binary_join_element_wise("image", found["image_id"], " "),
        pc.binary_join_element_wise("study", found["study_id"], " "),
    )
    rows = zip(
        *(column.to_pylist() for column in (found["reader"], units, found["label"], found["value"])), strict=True
    )
    return [Reading(reader, unit, label, value == 1) for reader, unit, label, value in rows]


def read_readings(path: Path, labels: Sequence[str]) -> list[Reading]:
    """The readings of a table (CSV, TSV or Parquet): 1 or 0, blank or -1 for none.

    Either a row is a reading (reader, image_id or study_id, label, value), or there is a column a label, and the whole
    file is one reader's, who is called as the file is, or a column of readers says whose a row is.

    Raises:
        UsageError: there is no such file, or a column is missing.
        ClearKbError: a value is none.
    """
    if not path.is_file():
        raise UsageError(f"readers: there is no file {path}")
    names, rows = _table(path)
    by_name = {name.strip().lower(): name for name in names}
    columns = {what: next((by_name[u] for u in usual if u in by_name), None) for what, usual in COLUMNS.items()}
    if columns["image"] is None and columns["study"] is None:
        raise UsageError(f"readers {path}: it has no column 'image_id or study_id', but {', '.join(names)}")
    if columns["label"] is None and (wide := _wide(names, labels)):
        found = [_wide_readings(path, number, row, columns, wide) for number, row in enumerate(rows, start=1)]
        return [reading for readings in found for reading in readings]
    if missing := [what for what in ("reader", "label", "value") if columns[what] is None]:
        raise UsageError(f"readers {path}: it has no column '{missing[0]}', but {', '.join(names)}")
    long = (_reading(path, number, row, columns) for number, row in enumerate(rows, start=1))
    return [reading for reading in long if reading is not None]


def _wide(names: Sequence[str], labels: Sequence[str]) -> list[str]:
    wanted = {plain_label(label) for label in labels}
    return [name for name in names if plain_label(name) in wanted]


def _wide_readings(
    path: Path, number: int, row: Mapping[str, Any], columns: Mapping[str, str | None], wide: Sequence[str]
) -> list[Reading]:
    reader, unit = _cell(row, columns["reader"]) or path.name.split(".")[0], _unit(row, columns)
    if not unit:
        raise ClearKbError(f"{path}, row {number}: an image or study was expected")
    values = {label: _value(path, number, _cell(row, label)) for label in wide}
    return [Reading(reader, unit, label, value) for label, value in values.items() if value is not None]


def _reading(path: Path, number: int, row: Mapping[str, Any], columns: Mapping[str, str | None]) -> Reading | None:
    value = _value(path, number, _cell(row, columns["value"]))
    if value is None:
        return None
    reader, label, unit = _cell(row, columns["reader"]), _cell(row, columns["label"]), _unit(row, columns)
    if not reader or not label or not unit:
        raise ClearKbError(f"{path}, row {number}: a reader, a label and an image or study were expected")
    return Reading(reader, unit, label, value)


def _value(path: Path, number: int, told: str) -> bool | None:
    if told.lower() in _UNKNOWN:
        return None
    if told.lower() not in _VALUES:
        raise ClearKbError(f"{path}, row {number}: '{told}' is no reading: 1 or 0 was expected")
    return _VALUES[told.lower()]


def _unit(row: Mapping[str, Any], columns: Mapping[str, str | None]) -> str:
    return next((f"{what} {name}" for what in ("image", "study") if (name := _cell(row, columns[what]))), "")


def _cell(row: Mapping[str, Any], column: str | None) -> str:
    value = None if column is None else row.get(column)
    return "" if value is None else str(value).strip()


def _table(path: Path) -> tuple[list[str], list[Mapping[str, Any]]]:
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    if plain.suffix.lower() in (".parquet", ".pq"):
        with opened_parquet(path) as file:
            names = file.schema_arrow.names
            rows: list[Mapping[str, Any]] = []
            for batch in file.iter_batches():
                cells = [values(column) for column in batch.columns]
                rows += [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
        return names, rows
    sheet = read_sheet(path)
    return list(sheet.columns), [row for _, row in sheet.records()]
