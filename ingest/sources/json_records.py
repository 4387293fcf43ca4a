"""The records of one JSON document: an array of objects, or an object of them, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ingest.sources.lines import UNREADABLE, open_raw, sniff_bom
from kb.errors import ClearKbError
from kb.reading.json_stream import stream_items, stream_members
from kb.reading.json_text import read_json
from kb.reading.unreadable import Unreadable

KEY = "key"
"""The column that holds the names of the records where a document is an object of them."""


def read_records_of(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON array, or of a JSON object of objects: there `KEY` is the name of each.

    Raises:
        ClearKbError: it is neither, or broken; the records before the fault were handed out.
    """
    met = 0
    try:
        with open_raw(path) as (_, data):
            for record in _records(data):
                if not isinstance(record, dict):
                    raise ClearKbError(f"{path}: record {met + 1} is no JSON object: an array of objects was expected")
                met += 1
                yield record
    except (Unreadable, *UNREADABLE) as error:
        after = f" after record {met:,}" if met else ""
        first = " ".join(str(error).split())[:80]
        raise ClearKbError(f"{path} is not JSON that can be read{after}: {first}") from error
    if not met:
        raise ClearKbError(f"{path} holds no records: a JSON array of objects, or an object of objects, was expected")


def _records(data: IO[bytes]) -> Iterator[Any]:
    _, mark = sniff_bom(data.peek(4)[:4], "utf-8")  # type: ignore[attr-defined]
    data.read(mark)
    start = data.peek(4096).lstrip()[:1]  # type: ignore[attr-defined]
    if start == b"[":
        yield from stream_items(data, "item")
        return
    for key, record in stream_members(data):
        yield {KEY: key, **record} if isinstance(record, dict) else record


def is_document(head: bytes) -> bool:
    """Whether a file that begins with `head` is one JSON document, and not an object a line.

    An array is; an object is where its first line is no whole object of its own, or holds objects.
    """
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if not text.startswith(b"{"):
        return text.startswith(b"[")
    line, _, rest = text.partition(b"\n")
    try:
        first = read_json(line)
    except Unreadable:
        # An object over several lines, or one longer than what was read of it; or a broken line before others.
        return not rest.startswith(b"{")
    return isinstance(first, dict) and bool(first) and all(isinstance(value, dict) for value in first.values())
