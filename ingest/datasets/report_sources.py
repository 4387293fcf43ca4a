"""The reports of a data set as sources: a table of any format, text files, or the XML of Open-i."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ingest.datasets.cells import column_there, told
from ingest.datasets.description import ReportPart
from ingest.datasets.set_files import SetFiles
from ingest.identity.normal import patient_id, study_id
from ingest.report import Reject, Report
from ingest.sources.columns import Columns, report_from_row
from ingest.sources.openi import OpeniSource
from ingest.sources.source import Source
from ingest.sources.table_rows import table_rows
from ingest.sources.tables import TableFile
from ingest.sources.text_folder import TextFolderSource, identity

LIMIT = 1_000_000
"""Characters of a report: longer ones are rejected."""

_ID = "\0id"
"""The column that the id of a report is put into: no file has one of that name."""


def report_sources(part: ReportPart, there: SetFiles) -> list[Source]:
    """The sources of one part of a description.

    Raises:
        UsageError: a table has not the columns that the description names.
        ClearKbError: a file cannot be read.
    """
    places = there.find(part.files)
    if not places:
        return []
    if part.format == "table":
        return [TabledReports(there.path(place), part) for place in places]
    opened = TextFolderSource if part.format == "text" else OpeniSource
    archives = [place for place in places if place.endswith((".tgz", ".tar", ".tar.gz"))]
    lying = [there.path(place) for place in places if place not in archives]
    sources: list[Source] = [opened(there.path(place), encoding="utf-8", max_chars=LIMIT) for place in archives]
    if lying:
        sources.append(opened(there.root, encoding="utf-8", max_chars=LIMIT, files=lying))
    return sources


class TabledReports:
    """The reports of one table, whatever its format; the units of `size` are rows, which only reading tells."""

    def __init__(self, path: Path, part: ReportPart):
        self.name = str(path.resolve())
        self.done = self.size = 0
        self._file = TableFile(path)
        self.format = self._file.format
        names, where = self._file.names, str(path)
        self._patient = column_there(where, names, part.patient)
        self._study = column_there(where, names, part.study)
        self._id = column_there(where, names, part.id, ("study", "patient"))
        sections = {name: there for name, one in part.sections.items() if (there := column_there(where, names, one))}
        self._columns = Columns(_ID, column_there(where, names, part.text), None, None, sections)
        used = {*sections.values(), self._columns.text, self._id, self._study, self._patient}
        self.unused_columns = tuple(name for name in names if name not in used)

    def __iter__(self) -> Iterator[Report | Reject]:
        for row in table_rows(self._file):
            self.done += 1
            yield self._report(row.cells, row.position) if row.error is None else Reject(row.position, row.error)

    def _report(self, cells: Mapping[str, Any], position: str) -> Report | Reject:
        try:
            study = study_id(told(cells, self._study))
            patient = patient_id(told(cells, self._patient))
            report_id = told(cells, self._id, {"study": study, "patient": patient})
        except ValueError as error:
            return Reject(position, str(error))
        # Rows of one study that differ in their image only hold one report: it is the one report of that study.
        found = report_from_row({**cells, _ID: report_id}, self._columns, position, max_chars=LIMIT)
        if isinstance(found, Report):
            return replace(found, study_id=study, patient_id=patient)
        return found if report_id is not None else replace(found, reason=f"column '{self._id}' names no report")


def report_ids(part: ReportPart, sources: list[Source], there: SetFiles) -> tuple[int, set[str]]:
    """How many reports there are, and which studies they are of; nothing is mined, and no text file is opened."""
    if part.format == "text":
        named = [identity(there.path(place), there.root) for place in there.find(part.files)]
        return len({report for report, _, _ in named}), {study for _, study, _ in named if study is not None}
    reports: set[str] = set()
    studies: set[str] = set()
    for source in sources:
        for item in source:
            if isinstance(item, Report):
                reports.add(item.report_id)
                studies.update([item.study_id] if item.study_id is not None else [])
    return len(reports), studies
