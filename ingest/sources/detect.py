"""Which format a file or folder is: told by its name first, then by how it begins."""

from __future__ import annotations

import tarfile
import zlib
from itertools import islice
from pathlib import Path

from ingest.sources.json_records import is_document
from ingest.sources.lines import UNREADABLE, open_raw
from ingest.sources.text_folder import walk
from kb.errors import ClearKbError, UsageError

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xml": "openi",
    ".tgz": "openi",
    ".tar": "openi",
}
HEAD = 1 << 20
"""Bytes that a format is told by: the first line of a JSON document may be long."""

EXPECTED = "a .csv, .tsv, .json, .jsonl or .parquet file, a folder of .txt files, or Open-i .xml (a folder or .tgz)"


def detect_format(path: Path) -> str:
    """The name of the format of `path`.

    Raises:
        UsageError: nobody could tell, or a folder holds nothing of what is known.
        ClearKbError: the file is empty.
    """
    if path.is_dir():
        return _folder_format(path)
    if path.stat().st_size == 0:
        raise ClearKbError(f"{path} is empty")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-2:] == [".tar", ".gz"]:
        return "openi"
    last = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]
    return SUFFIXES.get(last) or _sniff(path)


def _folder_format(path: Path) -> str:
    texts, documents = (sum(1 for _ in walk(path, suffix)) for suffix in (".txt", ".xml"))
    if texts and documents:
        raise UsageError(
            f"{path} holds {texts} .txt and {documents} .xml files: name its format, text or openi",
            parameter="source_format",
        )
    if texts or documents:
        return "text" if texts else "openi"
    found = ", ".join(sorted(p.name for p in islice(path.iterdir(), 3))) or "nothing"
    raise UsageError(f"{path} holds neither .txt nor .xml reports, but {found}: expected {EXPECTED}")


def _sniff(path: Path) -> str:
    if _is_archive(path):
        return "openi"
    try:
        with open_raw(path) as (_, data):
            head = data.read(HEAD)
    except UNREADABLE as error:
        raise ClearKbError(f"{path} cannot be read: {error}") from error
    if head.startswith(b"PAR1"):
        return "parquet"
    first = head.lstrip(b"\xef\xbb\xbf \r\n").split(b"\n")[0]
    if first[:1] in (b"{", b"["):
        return "json" if is_document(head) else "jsonl"
    if first.startswith(b"<"):
        return "openi"
    if path.suffix.lower() == ".txt" and b"\t" not in first:
        return "text"
    if b"\t" in first or b"," in first:
        return "tsv" if first.count(b"\t") > first.count(b",") else "csv"
    raise UsageError(
        f"{path}: cannot tell its format; expected {EXPECTED}, or name its format", parameter="source_format"
    )


def _is_archive(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except (EOFError, zlib.error):  # gzip that is cut short, of whatever
        return False
