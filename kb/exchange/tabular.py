"""Concepts as CSV, JSON lines or Parquet: a record a row. Parquet carries the vectors too, where asked.

In CSV a list of texts is one cell with " | " between them, for people who edit in a spreadsheet; a bar inside a text
is written "\\|". Splits and mappings are JSON.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kb.batched import batched
from kb.errors import UsageError
from kb.vectors.embedding import EmbedderInfo
from kb.vocabulary.records import FIELDS, Record
from schemas.tables import CONCEPTS

TEXT_LISTS = ("descriptors", "synonyms", "distinct_from", "dismissed")
OBJECT_LISTS = ("splits", "mappings")
NULLABLE = ("anatomy", "severity", "replaced_by", "note")
ROWS = 2_048
EMBEDDER_KEY = b"clear_kb_embedder"


def write_csv(records: Iterable[Record], path: Path) -> int:
    """Write records as CSV; says how many."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*FIELDS, "mentions"], lineterminator="\n", restval="")
        writer.writeheader()
        return sum(1 for record in records if writer.writerow(_cells(record)) is not None)


def read_csv(path: Path) -> Iterator[Record]:
    """The rows of a CSV file as records; a cell that is empty says that there is nothing."""
    csv.field_size_limit(sys.maxsize)  # a concept may have any number of names
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            facts = {name: _value(name, cell) for name, cell in row.items() if name and cell is not None}
            # A cell that is empty if something is needed says nothing: a row may be typed under a header.
            yield {name: value for name, value in facts.items() if value != "" or name not in FIELDS}


def write_jsonl(records: Iterable[Record], path: Path) -> int:
    """Write records as lines of JSON; says how many."""
    with path.open("w", encoding="utf-8", newline="") as file:
        return sum(bool(file.write(json.dumps(dict(record), ensure_ascii=False) + "\n")) for record in records)


def read_jsonl(path: Path) -> Iterator[Record]:
    """The lines of a JSON lines file as records; a line that is no object is one that tells nothing but why."""
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            if line.strip():
                yield _object(line)


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
            yield from batch.to_pylist()


def parquet_embedder(path: Path) -> EmbedderInfo | None:
    """The embedder of the vectors in a Parquet file; None if it has none, or does not say whose they are."""
    with _parquet(path) as file:
        said = (file.schema_arrow.metadata or {}).get(EMBEDDER_KEY)
        if said is None or "embedding" not in file.schema_arrow.names:
            return None
    return EmbedderInfo.from_row(json.loads(said))


def parquet_vectors(path: Path) -> Iterator[pa.Array]:
    """The vectors of a Parquet file, batch by batch in the order of its rows; null if a row has none."""
    with _parquet(path) as file:
        for batch in file.iter_batches(ROWS, columns=["embedding"]):
            yield batch["embedding"]


@contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise UsageError(f"{path} is no Parquet file: {error}") from error
    with file:
        yield file


def _cells(record: Record) -> Mapping[str, Any]:
    return {name: _cell(name, value) for name, value in record.items()}


def _cell(name: str, value: Any) -> Any:
    if name in TEXT_LISTS:
        return " | ".join(text.replace("\\", "\\\\").replace("|", "\\|") for text in value)
    if name in OBJECT_LISTS:
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value


def _value(name: str, cell: str) -> Any:
    if name in TEXT_LISTS:
        parts = re.split(r"(?<!\\)((?:\\\\)*)\|", cell)
        # The split keeps the backslashes before each bar as a part of its own: they go back to the text they end.
        texts = ["".join(parts[at : at + 2]) for at in range(0, len(parts), 2)]
        return [re.sub(r"\\(.)", r"\1", text.strip()) for text in texts if text.strip()]
    if name in OBJECT_LISTS:
        return _json(cell) if cell.strip() else []
    return None if name in NULLABLE and not cell else cell


def _json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell  # it is refused as the field is read, with its name


def _object(line: str) -> Record:
    try:
        found = json.loads(line)
    except ValueError as error:
        return {"unreadable": f"no JSON: {error}"}
    return found if isinstance(found, dict) else {"unreadable": "no JSON object"}
