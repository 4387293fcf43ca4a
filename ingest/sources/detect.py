"""Which format a file or folder is: told by its name and how it begins.

A name that several kinds of content go by (.json, .ndjson, .csv, .txt, .xml) is looked into: an export of FHIR, HL7 or
REDCap is known by how it begins, whatever it is called.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from itertools import islice
from pathlib import Path

from ingest.sources.exports.redcap import is_redcap
from ingest.sources.json_records import is_document
from ingest.sources.lines import UNREADABLE, open_raw
from ingest.sources.text_folder import walk
from kb.errors import ClearKbError, UsageError
from kb.reading.regular_file import open_regular

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
EXPECTED = (
    "a .csv, .tsv, .json, .jsonl or .parquet file, FHIR (.json, .ndjson), HL7 messages, a folder of .txt files, or "
    "Open-i .xml (a folder or .tgz)"
)
HEAD = 1 << 20
"""Bytes that a format is told by: a bundle may have a long head, and the first line of a JSON document be long."""

_FHIR = re.compile(rb'"resourceType"\s*:\s*"[A-Z]')
_HL7 = re.compile(rb"[\s\x0b]*(?:MSH|FHS|BHS)[^\w\s]{5}")
_FOLDERS = {
    "text": (".txt",),
    "openi": (".xml",),
    "fhir": (".json", ".ndjson", ".json.gz", ".ndjson.gz"),
    "hl7": (".hl7", ".oru", ".msg", ".hl7.gz"),
}
"""The files that tell what a folder is."""

_OF_FOLDER = {suffix: name for name, suffixes in _FOLDERS.items() for suffix in suffixes}


def detect_format(path: Path) -> str:
    """The name of the format of `path`.

    Raises:
        UsageError: nobody could tell, or a folder holds nothing of what is known.
        ClearKbError: the file is empty.
    """
    if path.is_dir():
        return _folder_format(path)
    try:
        open_regular(path).close()
    except OSError as error:
        raise ClearKbError(f"{path} cannot be read: {error.strerror}") from error
    if path.stat().st_size == 0:
        raise ClearKbError(f"{path} is empty")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-2:] == [".tar", ".gz"]:
        return "openi"
    last = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]
    named = SUFFIXES.get(last)
    if named in ("parquet", "openi") and last != ".xml":
        return named
    head = _head(path, named)
    return _export(head, path) or named or _sniff(path, head)


def _folder_format(path: Path) -> str:
    files: dict[str, list[Path]] = {name: [] for name in _FOLDERS}
    for file in walk(path, tuple(_OF_FOLDER)):
        files[next(name for suffix, name in _OF_FOLDER.items() if file.name.lower().endswith(suffix))].append(file)
    if files["text"] and all(_HL7.match(_head(file, "text")) for file in files["text"][:3]):
        files["hl7"] += files.pop("text")
    if files["fhir"] and not any(_FHIR.search(_head(file, "fhir")) for file in files["fhir"][:20]):
        del files["fhir"]
    found = {name: these for name, these in files.items() if these}
    if len(found) > 1:
        kinds = [f"{len(these)} {_FOLDERS[name][0]}" for name, these in found.items()]
        raise UsageError(
            f"{path} holds {' and '.join(kinds)} files: name its format, {' or '.join(found)}",
            parameter="source_format",
        )
    if found:
        return next(iter(found))
    shown = ", ".join(sorted(p.name for p in islice(path.iterdir(), 3))) or "nothing"
    raise UsageError(f"{path} holds neither .txt nor .xml reports, but {shown}: expected {EXPECTED}")


def _head(path: Path, named: str | None = None) -> bytes:
    """How a file begins, unpacked; of a file whose name tells its format only as much as can be read."""
    try:
        with open_raw(path) as (_, data):
            return data.read(HEAD)
    except UNREADABLE as error:
        if named:
            return b""  # its own reader tells what is wrong
        raise ClearKbError(f"{path} cannot be read: {error}") from error


def _export(head: bytes, path: Path) -> str | None:
    """The format of an export that is known by how it begins."""
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _HL7.match(plain):
        return "hl7"
    if plain[:1] in (b"{", b"[") and _FHIR.search(plain):
        return "fhir"
    if plain[:1] == b"<" and b"http://hl7.org/fhir" in plain[:2_048]:
        raise UsageError(f"{path} is FHIR as XML, which is not read: have it exported as JSON")
    if plain.startswith(b"PK\x03\x04") and path.suffix.lower() in (".xlsx", ".xlsm", ".ods"):
        raise UsageError(f"{path} is a workbook, which is not read: save its sheet as CSV (UTF-8)")
    first = plain.split(b"\n")[0].decode("utf-8", "replace")
    return "redcap" if is_redcap([name.strip(' "\r') for name in re.split(r"[,;\t|]", first)]) else None


def _sniff(path: Path, head: bytes) -> str:
    if _is_archive(path):
        return "openi"
    if head.startswith(b"PAR1"):
        return "parquet"
    first = head.lstrip(b"\xef\xbb\xbf \r\n").split(b"\n")[0]
    if first[:1] in (b"{", b"["):
        return "json" if is_document(head) else "jsonl"
    if first.startswith(b"<"):
        return "openi"
    if path.suffix.lower() == ".txt" and b"\t" not in first:
        return "text"
    if any(sign in first for sign in (b"\t", b",", b";")):
        return "tsv" if first.count(b"\t") > first.count(b",") + first.count(b";") else "csv"
    raise UsageError(
        f"{path}: cannot tell its format; expected {EXPECTED}, or name its format", parameter="source_format"
    )


def _is_archive(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except (EOFError, zlib.error):  # gzip that is cut short, of whatever
        return False
