"""Files of FHIR as a stream of resources: bundles, bulk exports (NDJSON), arrays and single resources.

A bundle is parsed entry by entry, and a bulk export line by line, so that memory holds one resource at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from ingest.sources.lines import LINE_LIMIT, UNREADABLE, Counter, open_raw, read_lines
from kb.errors import ClearKbError
from kb.reading.json_stream import stream_items
from kb.reading.json_text import read_json, require_whole_letters
from kb.reading.unreadable import Unreadable

FIRST_LINE = 8 << 20
"""Bytes of a first line that are parsed to see whether each line is a resource; a longer one is a bundle."""

DELETED = "deleted"
"""The type given to what a bundle says was deleted."""


class Entry(NamedTuple):
    """A resource, where it stands and the address that a bundle gives it; `error` where there is none."""

    position: str
    resource: dict[str, Any]
    address: str = ""
    error: str | None = None


def read_resources(path: Path, counter: Counter | None = None) -> Iterator[Entry]:
    """The resources of a file (gzip too), those of a bundle one by one.

    Raises:
        ClearKbError: the file is not JSON to its end.
    """
    if _by_lines(path):
        yield from _lines(path, counter)
        return
    found = False
    for entry in _entries(path, counter):
        found = True
        yield entry
    if not found:
        yield from _single(path, counter)


def _by_lines(path: Path) -> bool:
    """Whether the first line is a resource by itself, and no bundle."""
    with _opened(path) as (_, data):
        _skip_mark(data)
        line = data.readline(FIRST_LINE)
        while line and not line.strip():
            line = data.readline(FIRST_LINE)
        if path.name.lower().removesuffix(".gz").endswith((".ndjson", ".jsonl")):
            return line.strip() not in (b"{", b"[")
        try:
            resource = read_json(line)
        except Unreadable:
            return False
        more = data.read(4_096).strip()
    return isinstance(resource, dict) and (bool(more) or resource.get("resourceType") != "Bundle")


def _lines(path: Path, counter: Counter | None) -> Iterator[Entry]:
    for line in read_lines(path, "utf-8", counter):
        position = f"line {line.number}"
        if line.error:
            yield Entry(position, {}, error=line.error)
        elif line.text.strip():
            try:
                resource = read_json(line.text)
            except Unreadable as error:
                yield Entry(position, {}, error=f"not JSON: {error}")
            else:
                yield from _unpacked(resource, position)


def _entries(path: Path, counter: Counter | None) -> Iterator[Entry]:
    """The entries of a bundle, or the elements of an array."""
    number = 0
    try:
        with _opened(path) as (raw, data):
            _skip_mark(data)
            prefix = "item" if data.peek(64).lstrip()[:1] == b"[" else "entry.item"  # type: ignore[attr-defined]
            for number, entry in enumerate(stream_items(data, prefix), start=1):
                if counter is not None:
                    counter.done = raw.tell()
                position = f"entry {number}"
                if prefix == "item":
                    yield from _unpacked(entry, position)
                else:
                    yield _of_bundle(entry, position)
    except Unreadable as error:
        after = f" after entry {number:,}" if number else ""
        raise ClearKbError(f"{path} is not JSON to its end: it is damaged{after}: {error}") from error


def _single(path: Path, counter: Counter | None) -> Iterator[Entry]:
    with _opened(path) as (raw, data):
        _skip_mark(data)
        text = data.read(LINE_LIMIT + 1)
        if counter is not None:
            counter.done = raw.tell()
    if len(text) > LINE_LIMIT:
        raise ClearKbError(f"{path} is one resource of more than {LINE_LIMIT >> 20} MB, and no bundle")
    try:
        resource = read_json(text)
    except Unreadable as error:
        raise ClearKbError(f"{path} is not JSON: {error}") from error
    yield from _unpacked(resource, "the resource")


def _unpacked(resource: Any, position: str) -> Iterator[Entry]:
    """A resource, or the entries of one that is a bundle."""
    if not isinstance(resource, dict):
        yield Entry(position, {}, error="not a JSON object")
    elif resource.get("resourceType") == "Bundle":
        entries = resource.get("entry")
        for number, entry in enumerate(entries if isinstance(entries, list) else (), start=1):
            yield _of_bundle(entry, f"{position}, entry {number}")
    else:
        yield _whole(position, resource)


def _whole(position: str, resource: dict[str, Any], address: str = "") -> Entry:
    """A resource, or why it cannot be taken: half a letter in its id could be looked up nowhere."""
    try:
        require_whole_letters([resource.get("id"), resource.get("resourceType"), address])
    except Unreadable as error:
        return Entry(position, {}, error=str(error))
    return Entry(position, resource, address)


def _of_bundle(entry: Any, position: str) -> Entry:
    if not isinstance(entry, dict):
        return Entry(position, {}, error="an entry that is no JSON object")
    address = entry.get("fullUrl")
    resource, request = entry.get("resource"), entry.get("request")
    if isinstance(resource, dict):
        return _whole(position, resource, address if isinstance(address, str) else "")
    if isinstance(request, dict) and str(request.get("method")).upper() == "DELETE":
        kind, _, identity = str(request.get("url")).partition("?")[0].strip("/").rpartition("/")
        return Entry(position, {"resourceType": kind.rpartition("/")[2], "id": identity, "status": DELETED})
    return Entry(position, {})


class _opened:
    """A file's bytes as they lie and unpacked; ClearKbError if they cannot be read."""

    def __init__(self, path: Path):
        self._path = path
        self._open = open_raw(path)

    def __enter__(self) -> tuple[IO[bytes], IO[bytes]]:
        return self._open.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._open.__exit__(kind, error, trace)
        if isinstance(error, UNREADABLE):
            raise ClearKbError(f"{self._path} is damaged: {error}") from error


def _skip_mark(data: IO[bytes]) -> None:
    if data.peek(3)[:3] == b"\xef\xbb\xbf":  # type: ignore[attr-defined]
        data.read(3)
