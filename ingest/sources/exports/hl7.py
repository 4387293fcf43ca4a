"""HL7 version 2 as a source of reports: the observations (ORU) of a file, or of a folder of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ingest.report import LeftOut, Reject, Report
from ingest.sources.columns import report_from_row
from ingest.sources.exports.columns import export_columns
from ingest.sources.exports.hl7_messages import Segment, read_messages, segments_of
from ingest.sources.exports.hl7_report import FIELDS, Group, groups_of, row_of
from ingest.sources.exports.versions import Versions
from ingest.sources.text_folder import report_files

SUFFIXES = (".hl7", ".oru", ".msg", ".txt", ".hl7.gz", ".dat")


class Hl7Source:
    """The reports of HL7 messages, one for each order (OBR); the units of `size` are bytes, each read twice.

    Of several versions of a report (preliminary, final, corrected) the last one is taken.
    """

    unused_columns: tuple[str, ...] = ()

    def __init__(
        self, path: Path, *, mapping: Mapping[str, str], encoding: str, max_chars: int, fields: Sequence[str] = ()
    ):
        self.name = str(path.resolve())
        self.format = "hl7"
        self.done = 0
        self._path = path
        self._files = report_files(path, SUFFIXES)
        self.size = 2 * sum(file.stat().st_size for file in self._files)
        self._encoding = encoding
        self._max_chars = max_chars
        self._columns = export_columns(FIELDS, mapping, fields, str(path))

    def __iter__(self) -> Iterator[Report | Reject | LeftOut]:
        self.done = 0
        versions = Versions()
        for place, (_, item) in enumerate(self._groups()):
            if isinstance(item, Group) and item.report_id:
                versions.note(item.report_id, place, item.time)
        for place, (position, item) in enumerate(self._groups()):
            if not isinstance(item, Group):
                yield item
            elif earlier := versions.left_out(item.report_id, place, position):
                yield earlier
            else:
                yield self._report(item, position)

    def _groups(self) -> Iterator[tuple[str, Group | Reject | LeftOut]]:
        """Every order with its observations, and what became of messages that hold none."""
        root = self._path if self._path.is_dir() else self._path.parent
        for file in self._files:
            before = self.done
            counter = _Bytes()
            for message in read_messages(file, counter):
                self.done = before + counter.done
                place = f"message {message.number}" if message.number else "the beginning"
                position = f"{file.relative_to(root).as_posix()}: {place}" if self._path.is_dir() else place
                segments = segments_of(message, self._encoding)
                if isinstance(segments, str):
                    yield position, Reject(position, segments)
                else:
                    yield from _of_message(segments, position)
            self.done = before + file.stat().st_size

    def _report(self, group: Group, position: str) -> Report | Reject | LeftOut:
        if withdrawn := group.withdrawn():
            return LeftOut(position, "status", withdrawn, group.report_id or None)
        if not group.report_id:
            return Reject(position, "no report id: OBR-3, ORC-3, OBR-2 and ORC-2 are empty")
        row, sections = row_of(group, self._encoding)
        if isinstance(sections, str):
            return Reject(position, sections, group.report_id)
        return report_from_row(row, self._columns, position, max_chars=self._max_chars, sections=sections)


class _Bytes:
    done = 0


def _of_message(segments: list[Segment], position: str) -> Iterator[tuple[str, Group | Reject | LeftOut]]:
    header = segments[0]
    if header.part(9) != "ORU":
        kind = header.part(9) or "of no type"
        yield position, LeftOut(position, "message", f"{kind}, which holds no report")
        return
    groups = groups_of(segments)
    if not groups:
        yield position, Reject(position, "no order (OBR) in the message")
    for number, group in enumerate(groups, start=1):
        yield (position if len(groups) == 1 else f"{position}, order {number}"), group
