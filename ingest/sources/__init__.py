"""Where reports come from: one opener a format, chosen by name or found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ingest.sources.delimited import DelimitedSource
from ingest.sources.detect import detect_format
from ingest.sources.json_document import JsonDocumentSource
from ingest.sources.jsonl import JsonLinesSource
from ingest.sources.lines import known_encoding
from ingest.sources.openi import OpeniSource
from ingest.sources.parquet import ParquetSource
from ingest.sources.source import Source
from ingest.sources.text_folder import TextFolderSource
from kb.errors import UsageError

__all__ = ["SOURCE_FORMATS", "Source", "open_source"]

TABLES: dict[str, Callable[..., Source]] = {
    "csv": partial(DelimitedSource, delimiter=","),
    "tsv": partial(DelimitedSource, delimiter="\t"),
    "jsonl": JsonLinesSource,
    "json": JsonDocumentSource,
    "parquet": ParquetSource,
}
DOCUMENTS: dict[str, Callable[..., Source]] = {"text": TextFolderSource, "openi": OpeniSource}
SOURCE_FORMATS = (*TABLES, *DOCUMENTS)
"""The formats by name."""


def open_source(
    path: str | Path,
    *,
    source_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    max_chars: int = 1_000_000,
) -> Source:
    """Open a file or folder of reports.

    Args:
        path: the file or folder.
        source_format: one of `SOURCE_FORMATS`; default: found out.
        mapping: "id", "text", "study", "patient" or a section's name, to the column that holds it.
        encoding: of text files.
        max_chars: longer reports are rejected.

    Raises:
        UsageError: there is no such path, format, column or encoding.
        ClearKbError: the file is empty or not what it says it is.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}")
    if source_format is not None and source_format not in SOURCE_FORMATS:
        raise UsageError(f"source_format '{source_format}': choose one of {', '.join(SOURCE_FORMATS)}")
    name = source_format or detect_format(path)
    common = {"encoding": known_encoding(encoding), "max_chars": max_chars}
    if name in TABLES and path.is_dir():
        raise UsageError(f"{path} is a folder, and {name} is read from a file: name the files")
    if name in TABLES:
        return TABLES[name](path, mapping=mapping or {}, **common)
    if mapping:
        raise UsageError(f"{path} has no columns to name (its format is {name})")
    return DOCUMENTS[name](path, **common)
