"""REDCap's CSV export as a source of reports: a row is an event of a record, or one instance of an instrument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.report import LeftOut, Reject, Report
from ingest.sources.cells import identifier
from ingest.sources.columns import Columns, find_columns, report_from_row
from ingest.sources.csv_records import read_records
from ingest.sources.delimited import delimiter_of, read_header, rows_of
from ingest.sources.lines import read_lines

EVENT_NAMES = (
    ("redcap_event_name", "event name"),
    ("redcap_repeat_instrument", "repeat instrument"),
    ("redcap_repeat_instance", "repeat instance"),
)
"""The columns that tell the rows of a record apart, as raw exports call them and as labelled ones do."""

ADMINISTRATION = frozenset(
    ["redcap_data_access_group", "data access group", "redcap_survey_identifier", "survey identifier"]
)
_CHECKBOX = re.compile(r"___[\w-]+$|\(choice=.*\)$", re.DOTALL)
_COMPLETE = re.compile(r"(?i)_complete$|^complete\?$|_timestamp$|^survey timestamp$")
REPORT = "record, event and instance"


def is_redcap(header: Sequence[str]) -> bool:
    """Whether these columns are of a REDCap export."""
    names = {name.strip().lower() for name in header}
    raw, labels = (set(column) for column in zip(*EVENT_NAMES, strict=True))
    return bool(names & raw) or len(names & labels) > 1


class RedcapSource:
    """The reports of a REDCap export; the units of `size` are bytes.

    A report is known by its record (the first column), event, instrument and instance; its patient is the record,
    unless a column names one. Rows of other instruments have no report, and are counted apart.
    """

    def __init__(
        self, path: Path, *, mapping: Mapping[str, str], encoding: str, max_chars: int, fields: Sequence[str] = ()
    ):
        self.name = str(path.resolve())
        self.format = "redcap"
        self.size = path.stat().st_size
        self.done = 0
        self._path = path
        self._encoding = encoding
        self._delimiter = delimiter_of(path, encoding)
        self._max_chars = max_chars
        self._header = read_header(path, self._delimiter, encoding)
        self._columns = self._find(mapping, fields)
        self._key = [self._header[0], *_key_columns(self._header)]
        used = self._columns.used() | set(self._key)
        self.unused_columns = tuple(name for name in _asked(self._header) if name not in used)

    def __iter__(self) -> Iterator[Report | Reject | LeftOut]:
        records = read_records(read_lines(self._path, self._encoding, self), self._delimiter)
        for position, row in rows_of(records, self._header):
            yield Reject(position, row) if isinstance(row, str) else self._report(row, position)

    def _report(self, row: dict[str, object], position: str) -> Report | Reject | LeftOut:
        columns = self._columns
        texts = [columns.text, *columns.sections.values()]
        if not any(str(row.get(column) or "").strip() for column in texts if column is not None):
            instrument = str(row.get(self._named(1)) or "").strip() or "no instrument that repeats"
            return LeftOut(position, "no report in the row", instrument)
        if columns.report_id == REPORT:
            try:
                parts = [identifier(row, column) for column in self._key]
            except ValueError as error:
                return Reject(position, str(error))
            if parts[0] is None:
                return Reject(position, f"no record id in column '{self._key[0]}'")
            row[REPORT] = "/".join(part for part in parts if part is not None)
        return report_from_row(row, columns, position, max_chars=self._max_chars)

    def _named(self, which: int) -> str:
        return next((name for name in self._header if name.strip().lower() in EVENT_NAMES[which]), "")

    def _find(self, mapping: Mapping[str, str], fields: Sequence[str]) -> Columns:
        """The columns of the report; without a mapping, its id and its patient are made of the record."""
        names = _asked(self._header)
        if "id" in mapping:
            columns = find_columns(names, mapping, str(self._path), fields)
        else:
            columns = find_columns([REPORT, *names], {**mapping, "id": REPORT}, str(self._path), fields)
        return columns if columns.patient is not None else replace(columns, patient=self._header[0])


def _key_columns(header: Sequence[str]) -> list[str]:
    wanted = {name for names in EVENT_NAMES for name in names}
    return [name for name in header if name.strip().lower() in wanted]


def _asked(header: Sequence[str]) -> list[str]:
    """The columns without checkboxes, marks of completeness and administration."""
    return [
        name
        for name in header
        if not (_CHECKBOX.search(name) or _COMPLETE.search(name) or name.strip().lower() in ADMINISTRATION)
    ]
