"""The rows of a query as a table for people, as CSV or JSON on standard output, or as a file; streamed as they come."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow.parquet as pq

from kb.errors import UsageError
from kb.sql.result import Result
from kb.visible import visible_json
from kb.whole_file import written_whole

SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")
MOST_COUNTED = 1_000_000
"""Rows beyond those of a table that are counted."""


def as_json(value: Any) -> Any:
    """A value of DuckDB as JSON has it: what is no finite number is null, times and the like are text."""
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value.hex() if isinstance(value, bytes | bytearray) else str(value)


def as_cell(value: Any, digits: int | None = None) -> str:
    """A value as one cell: NULL is blank, a list or map is JSON; `digits` are those that a number is rounded to."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        return str(value) if digits is None or not math.isfinite(value) else f"{float(value):.{digits}g}"
    plain = as_json(_rounded(value, digits))
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, dict | list) else str(plain)


def write_csv(result: Result, to: TextIO) -> int:
    """Write the rows as CSV with a head; how many they were."""
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow(result.columns)
    count = 0
    for row in result:
        writer.writerow([as_cell(value) for value in row.values()])
        count += 1
    return count


def write_json(result: Result, to: TextIO) -> int:
    """Write the rows as one JSON array of objects; how many they were."""
    count = 0
    for row in result:
        to.write(",\n  " if count else "[\n  ")
        to.write(_line(row))
        count += 1
    to.write("\n]\n" if count else "[]\n")
    return count


def write_json_lines(result: Result, to: TextIO) -> int:
    """Write every row as a line of JSON; how many they were."""
    count = 0
    for row in result:
        to.write(_line(row) + "\n")
        count += 1
    return count


def write_file(result: Result, path: Path) -> int:
    """Write the rows to a file whose suffix says how; it has its name only once it is whole.

    Raises:
        UsageError: the suffix is none of .csv, .json, .jsonl and .parquet, or there is no such folder.
    """
    check_file(path)
    with written_whole(path) as partial:
        if path.suffix.lower() == ".parquet":
            return _write_parquet(result, partial)
        with partial.open("w", encoding="utf-8", newline="") as file:
            return _TEXT[path.suffix.lower()](result, file)


_TEXT: Mapping[str, Callable[[Result, TextIO], int]] = {
    ".csv": write_csv,
    ".json": write_json,
    ".jsonl": write_json_lines,
}


def check_file(path: Path) -> None:
    """Raise UsageError if rows cannot be written to `path`: before a query has run for it."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: a file that ends in {', '.join(SUFFIXES)} was expected")
    check_folder(path)


def check_folder(path: Path) -> None:
    """Raise UsageError if there is no folder for a file, or a folder of its name."""
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent} to write {path.name} to")
    if path.is_dir():
        raise UsageError(f"{path} is a folder")


def first_rows(result: Result, most: int) -> tuple[list[dict[str, Any]], int, bool]:
    """The first rows, how many follow them, and whether that is all (or only as many as were counted)."""
    rows = iter(result)
    shown = list(islice(rows, most))
    more = sum(1 for _ in islice(rows, MOST_COUNTED))
    return shown, more, more < MOST_COUNTED


def _write_parquet(result: Result, path: Path) -> int:
    batches = result.batches()
    head = next(batches)
    count = 0
    with pq.ParquetWriter(path, head.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _line(row: Mapping[str, Any]) -> str:
    return visible_json(json.dumps(as_json(row), ensure_ascii=False))


def _rounded(value: Any, digits: int | None) -> Any:
    if isinstance(value, float | Decimal) and digits is not None and math.isfinite(value):
        return float(f"{float(value):.{digits}g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item, digits) for item in value]
    return value
