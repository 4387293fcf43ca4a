"""FHIR as a source of reports: the DiagnosticReports of a bundle, a bulk export, or a folder of either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ingest.report import LeftOut, Reject, Report
from ingest.sources.columns import report_from_row
from ingest.sources.exports.columns import export_columns
from ingest.sources.exports.fhir_files import Entry, read_resources
from ingest.sources.exports.fhir_references import References, text_at
from ingest.sources.exports.fhir_report import FIELDS, is_withdrawn, row_of, sections_of, time_of
from ingest.sources.exports.versions import Versions
from ingest.sources.text_folder import report_files
from kb.errors import ClearKbError

SUFFIXES = (".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz")
REPORT = "DiagnosticReport"


class FhirSource:
    """The reports of FHIR resources; the units of `size` are bytes, each read twice.

    What reports refer to may stand in other files of the folder. Of several versions of a report (preliminary, final,
    amended) the last one is taken; one that was withdrawn is left out.
    """

    unused_columns: tuple[str, ...] = ()

    def __init__(
        self, path: Path, *, mapping: Mapping[str, str], encoding: str, max_chars: int, fields: Sequence[str] = ()
    ):
        self.name = str(path.resolve())
        self.format = "fhir"
        self.done = 0
        self._path = path
        self._files = report_files(path, SUFFIXES)
        self.size = 2 * sum(file.stat().st_size for file in self._files)
        self._max_chars = max_chars
        self._columns = export_columns(FIELDS, mapping, fields, str(path))

    def __iter__(self) -> Iterator[Report | Reject | LeftOut]:
        self.done = 0
        references, versions = self._noted()
        for place, entry in enumerate(self._entries()):
            if entry.error:
                yield Reject(entry.position, entry.error)
            elif entry.resource.get("resourceType") == REPORT:
                yield from self._items(entry, place, references, versions)

    def _noted(self) -> tuple[References, Versions]:
        """What reports refer to and which versions stand, of a first reading."""
        references, versions, kinds = References(), Versions(), Counter[str]()
        for place, entry in enumerate(self._entries()):
            kinds[text_at(entry.resource, "resourceType") or "(none)"] += 1
            references.note(entry.resource, entry.address)
            if entry.resource.get("resourceType") == REPORT and (identity := text_at(entry.resource, "id")):
                versions.note(identity, place, time_of(entry.resource))
        if not kinds[REPORT]:
            found = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(5)) or "nothing"
            raise ClearKbError(f"{self._path} holds no {REPORT}, but {found}")
        return references, versions

    def _entries(self) -> Iterator[Entry]:
        root = self._path if self._path.is_dir() else self._path.parent
        for file in self._files:
            before, counter = self.done, _Bytes()
            for entry in read_resources(file, counter):
                self.done = before + counter.done
                place = f"{file.relative_to(root).as_posix()}: {entry.position}"
                yield entry._replace(position=place) if self._path.is_dir() else entry
            self.done = before + file.stat().st_size

    def _items(
        self, entry: Entry, place: int, references: References, versions: Versions
    ) -> Iterator[Report | Reject | LeftOut]:
        """The report of one resource, with a reject for what of it could not be read."""
        report, position = entry.resource, entry.position
        identity = text_at(report, "id")
        if earlier := versions.left_out(identity, place, position):
            yield earlier
            return
        if withdrawn := is_withdrawn(report):
            yield LeftOut(position, "status", withdrawn, identity or None)
            return
        row = row_of(report, references)
        if not row["id"]:
            yield Reject(position, f"no report id: the {REPORT} has neither an id nor an identifier")
            return
        sections, unread = sections_of(report, self._max_chars)
        if sections:
            yield report_from_row(row, self._columns, position, max_chars=self._max_chars, sections=sections)
        if unread:
            yield Reject(position, unread, str(row["id"]))


class _Bytes:
    done = 0
