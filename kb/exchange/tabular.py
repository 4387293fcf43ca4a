"""Concepts as CSV, JSON lines or Parquet: a record a row. Parquet carries the vectors too, where asked.

In CSV a list of texts is one cell with " | " between them, for people who edit in a spreadsheet; a bar inside a text
is written "\\|". Splits and mappings are JSON.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kb.batched import batched
from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json
from kb.reading.parquet_file import opened_parquet, values
from kb.reading.spreadsheet import read_sheet
from kb.reading.text_lines import lines_of
from kb.reading.unreadable import Unreadable
from kb.vectors.embedding import EmbedderInfo
from kb.vocabulary.records import FIELDS, NO_RECORD, Record
from schemas.tables import CONCEPTS

TEXT_LISTS = ("descriptors", "synonyms", "distinct_from", "dismissed")
OBJECT_LISTS = ("splits", "mappings")
NULLABLE = ("anatomy", "severity", "replaced_by", "note")
CLOSED = ("assertion", "laterality", "severity", "status")
"""The fields whose words are of a closed set."""
ROWS = 2_048
EMBEDDER_KEY = b"clear_kb_embedder"


def write_csv(records: Iterable[Record], path: Path) -> int:
    """Write records as CSV; says how many."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*FIELDS, "mentions"], lineterminator="\n", restval="")
        writer.writeheader()
        return sum(1 for record in records if writer.writerow(_cells(record)) is not None)


def read_csv(path: Path) -> Iterator[Record]:
    """The rows of a CSV file as records, as a spreadsheet of any locale saves them (`kb.reading.spreadsheet`).

    Columns may be written "Concept ID" or "concept_id", words of a closed set in capitals. A cell that is empty says
    that there is nothing; a row that is empty is `NO_RECORD`.

    Raises:
        UsageError: the file is no text, or two of its columns are one field.
    """
    sheet = read_sheet(path)
    columns = [_column(name) for name in sheet.columns]
    if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
        raise UsageError(f"{path} has the column {', '.join(twice)} more than once")
    for cells, last in _with_last(sheet.rows()):
        if not any(cell.strip() for cell in cells):
            yield NO_RECORD
        elif any(cell.strip() for cell in cells[len(columns) :]):
            yield {"unreadable": f"it has {len(cells)} cells and the header {len(columns)}: is a cell not quoted?"}
        elif last and len(cells) < len(columns) and not _ends_a_line(path):
            # A row may be typed without its last cells. Of a file that was cut off, the last text would be another one.
            yield {
                "unreadable": f"it has {len(cells)} cells of {len(columns)}, and no end of line: is the file cut off?"
            }
        else:
            facts = {name: from_cell(name, cell) for name, cell in zip(columns, cells, strict=False) if name}
            # A cell that is empty if something is needed says nothing: a row may be typed under a header.
            yield {name: value for name, value in facts.items() if value != "" or name not in FIELDS}


def _with_last(rows: Iterable[list[str]]) -> Iterator[tuple[list[str], bool]]:
    """Each row, and whether it is the last."""
    before: list[str] | None = None
    for row in rows:
        if before is not None:
            yield before, False
        before = row
    if before is not None:
        yield before, True


def _ends_a_line(path: Path) -> bool:
    """Whether a text file ends with the end of a line, in whatever encoding."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4))
        return file.read().rstrip(b"\0").endswith((b"\n", b"\r"))  # a zero behind it is of UTF-16


def tells_of_concepts(path: Path) -> bool:
    """Whether a table separated by tabs is one of concepts, and not one of mappings."""
    return bool({_column(name) for name in read_sheet(path).columns} & {"concept_id", "text"})


def csv_notes(path: Path) -> tuple[str, ...]:
    """How a CSV file was read, where that is not plain."""
    return read_sheet(path).notes


def _column(name: str) -> str:
    """The field that a column is: capitals, blanks and hyphens are no difference."""
    return "_".join(name.replace("-", " ").replace("_", " ").lower().split())


def write_jsonl(records: Iterable[Record], path: Path) -> int:
    """Write records as lines of JSON; says how many."""
    with path.open("w", encoding="utf-8", newline="") as file:
        return sum(bool(file.write(json.dumps(dict(record), ensure_ascii=False) + "\n")) for record in records)


def read_jsonl(path: Path) -> Iterator[Record]:
    """The lines of a JSON lines file as records; a line that is no object is one that tells nothing but why."""
    return (_object(line) for _, line in lines_of(path) if line.strip())


def write_parquet(records: Iterable[Record], path: Path, info: EmbedderInfo | None = None) -> int:
    """Write records as Parquet; says how many.

    With `info` every record's `embedding` goes in too, and the embedder that they are of, so that an import knows it.
    """
    fields = [CONCEPTS.schema.field(name) for name in FIELDS] + [pa.field("mentions", pa.int64())]
    metadata: dict[bytes, bytes] = {}
    if info is not None:
        fields.append(pa.field("embedding", pa.list_(pa.float32(), info.dimension)))
        metadata[EMBEDDER_KEY] = json.dumps(info.to_row()).encode()
    schema = pa.schema(fields, metadata=metadata)
    written = 0
    with pq.ParquetWriter(path, schema) as writer:
        for chunk in batched(records, ROWS):
            writer.write_batch(pa.RecordBatch.from_pylist([dict(record) for record in chunk], schema=schema))
            written += len(chunk)
    return written


def read_parquet(path: Path) -> Iterator[Record]:
    """The rows of a Parquet file as records, without vectors."""
    with _parquet(path) as file:
        columns = [name for name in file.schema_arrow.names if name != "embedding"]
        for batch in file.iter_batches(ROWS, columns=columns):
            cells = [values(column) for column in batch.columns]
            yield from (dict(zip(batch.schema.names, row, strict=True)) for row in zip(*cells, strict=True))


def parquet_embedder(path: Path) -> EmbedderInfo | None:
    """The embedder of the vectors in a Parquet file; None if it has none, or does not say whose they are."""
    with _parquet(path) as file:
        said = (file.schema_arrow.metadata or {}).get(EMBEDDER_KEY)
        if said is None or "embedding" not in file.schema_arrow.names:
            return None
    try:
        return EmbedderInfo.from_row(read_json(said, exact=True))
    except (Unreadable, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} does not say of which embedder its vectors are: {error}") from error


def parquet_vectors(path: Path) -> Iterator[pa.Array]:
    """The vectors of a Parquet file, batch by batch in the order of its rows; null if a row has none."""
    with _parquet(path) as file:
        for batch in file.iter_batches(ROWS, columns=["embedding"]):
            yield batch["embedding"]


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file that is to be imported: one that is broken was wrongly named."""
    try:
        with opened_parquet(path) as file:
            yield file
    except UsageError:
        raise
    except ClearKbError as error:
        raise UsageError(str(error)) from error


def _cells(record: Record) -> Mapping[str, Any]:
    return {name: as_cell(name, value) for name, value in record.items()}


def as_cell(name: str, value: Any) -> Any:
    """The value of a field as a cell of a table."""
    if name in TEXT_LISTS:
        return " | ".join(text.replace("\\", "\\\\").replace("|", "\\|") for text in value)
    if name in OBJECT_LISTS:
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value


def from_cell(name: str, cell: str) -> Any:
    """The value of a field that a cell of a table holds, not yet checked."""
    if name in TEXT_LISTS:
        parts = re.split(r"(?<!\\)((?:\\\\)*)\|", cell)
        # The split keeps the backslashes before each bar as a part of its own: they go back to the text they end.
        texts = ["".join(parts[at : at + 2]) for at in range(0, len(parts), 2)]
        return [re.sub(r"\\(.)", r"\1", text.strip()) for text in texts if text.strip()]
    if name in OBJECT_LISTS:
        return _json(cell) if cell.strip() else []
    if name in CLOSED:
        cell = cell.strip().lower()
    return None if name in NULLABLE and not cell.strip() else cell


def _json(cell: str) -> Any:
    try:
        return read_json(cell)
    except Unreadable:
        return cell  # it is refused as the field is read, with its name


def _object(line: bytes) -> Record:
    try:
        found = read_json(line, exact=True)
    except Unreadable as error:
        return {"unreadable": f"no JSON: {error}"}
    return found if isinstance(found, dict) else {"unreadable": "no JSON object"}
