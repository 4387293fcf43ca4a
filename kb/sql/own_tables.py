"""An analyst's own tables beside the views: read from files before the sandbox closes, and joined by name in it.

    with encoder.audit.session(base, tables={"fleet": "scanners.csv"}) as session:
        session.query("SELECT f.vendor, c.* FROM confusion_by(site) c JOIN fleet f ON f.site = c.value").rows()

The query itself still reaches no file: what it joins was read by us, whole and within bounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json

from kb.errors import ClearKbError, UsageError
from kb.reading.parquet_file import UNREADABLE, open_parquet
from schemas.sql.audit_views import BEHIND, ORDER, VECTORS

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
MOST_BYTES = 500_000_000
MOST_COLUMNS = 1_000
MOST_TABLES = 20

_NAME = re.compile(r"[A-Za-z_]\w*")


def read_own_tables(named: Mapping[str, str | Path]) -> dict[str, pa.Table]:
    """The tables that a session serves beside its views, by name.

    Args:
        named: files by the name that queries call them: CSV, TSV, Parquet or JSON lines.

    Raises:
        UsageError: a name is no plain word or means a view, or there is no such file, or it is too large.
        ClearKbError: a file cannot be read as what its suffix says.
    """
    if len(named) > MOST_TABLES:
        raise UsageError(f"{len(named)} tables: at most {MOST_TABLES} are joined")
    taken: dict[str, str] = {}
    for name in named:
        if name.lower() in taken:
            raise UsageError(f"two tables are named '{name}': SQL does not tell {taken[name.lower()]} and {name} apart")
        taken[name.lower()] = name
        _check_name(name)
    return {name: _read(name, Path(path)) for name, path in named.items()}


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"a table named '{name}': a word of letters, digits and _ was expected")
    if name.lower() in {*ORDER, *BEHIND, *VECTORS, "stored"}:
        raise UsageError(f"a table named '{name}': there is a view of that name; call it otherwise")


def _read(name: str, path: Path) -> pa.Table:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise UsageError(f"there is no file {path} for the table {name}")
    if suffix not in SUFFIXES:
        raise UsageError(f"{path}: a file that ends in {', '.join(SUFFIXES)} was expected")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise UsageError(f"{path} has {size / 1e6:,.0f} MB: at most {MOST_BYTES / 1e6:,.0f} MB are joined")
    try:
        table = _tables(path, suffix)
        columns = [column.strip() for column in table.column_names]
    except (ArithmeticError, *UNREADABLE) as error:
        raise ClearKbError(f"{path} cannot be read as {suffix[1:]}: {' '.join(str(error).split())[:200]}") from error
    if table.num_columns > MOST_COLUMNS:
        raise UsageError(f"{path} has {table.num_columns:,} columns: at most {MOST_COLUMNS:,} are joined")
    lower = [column.lower() for column in columns]
    if twice := next((column for column in lower if lower.count(column) > 1), None):
        raise UsageError(f"{path}: two columns are named '{twice}'")
    return table.rename_columns(columns)


def _tables(path: Path, suffix: str) -> pa.Table:
    if suffix == ".parquet":
        return _parquet(path)
    if suffix in (".csv", ".tsv"):
        parsing = pa_csv.ParseOptions(delimiter="\t" if suffix == ".tsv" else ",", newlines_in_values=True)
        # A blank cell is NULL, of text too: a join by it would else match every other blank.
        reading = pa_csv.ConvertOptions(strings_can_be_null=True, null_values=["", "NULL", "null", "NaN", "nan", "NA"])
        return pa_csv.read_csv(path, parse_options=parsing, convert_options=reading)
    return pa_json.read_json(path)


def _parquet(path: Path) -> pa.Table:
    """The rows of a Parquet file, batch by batch: what is small on disk may be large."""
    file = open_parquet(path)
    batches: list[pa.RecordBatch] = []
    size = 0
    for batch in file.iter_batches():
        size += batch.nbytes
        if size > MOST_BYTES:
            raise UsageError(f"{path} holds more than {MOST_BYTES / 1e6:,.0f} MB, which is the most that is joined")
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=file.schema_arrow)
