"""JSON Lines as a source of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ingest.report import Reject, Report
from ingest.sources.columns import find_columns, report_from_row, with_late_sections
from ingest.sources.lines import Line, read_lines
from kb.errors import ClearKbError
from kb.reading.json_text import read_json
from kb.reading.unreadable import Unreadable

HEADER_LINES = 100
"""Lines whose keys together are taken for the columns: keys may differ from one object to the next.

A section whose key comes later is taken from there on; the other columns stay as the first lines tell.
"""


class JsonLinesSource:
    """The reports of one JSON Lines file, an object a line; the units of `size` are bytes."""

    def __init__(
        self, path: Path, *, mapping: Mapping[str, str], encoding: str, max_chars: int, fields: Sequence[str] = ()
    ):
        self.name = str(path.resolve())
        self.format = "jsonl"
        self.size = path.stat().st_size
        self.done = 0
        self._path = path
        self._encoding = encoding
        self._max_chars = max_chars
        names = self._first_keys()
        self._known = frozenset(names)
        self._columns = find_columns(names, mapping, str(path), fields)
        self.unused_columns = tuple(name for name in names if name not in self._columns.used())

    def __iter__(self) -> Iterator[Report | Reject]:
        columns = self._columns
        for line in read_lines(self._path, self._encoding, self):
            if line.error is None and not line.text.strip():
                continue
            row = _object(line)
            position = f"line {line.number}"
            if isinstance(row, str):
                yield Reject(position, row)
                continue
            if not row.keys() <= self._known:
                columns = with_late_sections(columns, [key for key in row if key not in self._known])
            yield report_from_row(row, columns, position, max_chars=self._max_chars)

    def _first_keys(self) -> list[str]:
        keys: dict[str, None] = {}
        empty, array = True, False
        for line in islice(read_lines(self._path, self._encoding), HEADER_LINES):
            array = array or (empty and line.text.lstrip().startswith("["))
            empty = empty and not line.text.strip() and line.error is None
            row = _object(line)
            if not isinstance(row, str):
                keys.update(dict.fromkeys(row))
        if empty:
            raise ClearKbError(f"{self._path} is empty")
        if not keys:
            hint = "; one JSON array becomes JSON Lines with `jq -c '.[]'`" if array else ""
            raise ClearKbError(f"{self._path} is not JSON Lines: none of its first lines is a JSON object{hint}")
        return list(keys)


def _object(line: Line) -> dict[str, Any] | str:
    """The object on a line, or why there is none."""
    if line.error:
        return line.error
    try:
        row = read_json(line.text)
    except Unreadable as error:
        return f"not JSON: {error}"
    return row if isinstance(row, dict) else "not a JSON object"
