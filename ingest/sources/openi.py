"""Open-i's NLMCXR reports as a source: a folder, a tar archive, or one file of XML."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from ingest.report import Reject, Report, Section
from ingest.sources.columns import refusal
from ingest.sources.sections import number_repeats, section_name
from ingest.sources.text_folder import LEADS_OUT, leads_out, report_files
from kb.errors import ClearKbError, UsageError
from kb.reading.regular_file import open_regular, read_regular
from kb.reading.unreadable import Unreadable
from kb.reading.xml_text import read_xml

FILE_LIMIT = 32 << 20
"""Bytes of one XML file that are read; the published ones have a few thousand."""

TOO_LARGE = f"more than {FILE_LIMIT >> 20} MB"


class OpeniSource:
    """The reports of Open-i XML files; the units of `size` are files, or bytes of an archive."""

    unused_columns: tuple[str, ...] = ()

    def __init__(self, path: Path, *, encoding: str, max_chars: int, files: Sequence[Path] | None = None):
        self.name = str(path.resolve())
        self.format = "openi"
        self.done = 0
        self._path = path
        self._max_chars = max_chars
        self._files = report_files(path, ".xml") if files is None else list(files)
        self._root = path if path.is_dir() and files is None else None
        self._is_archive = path.is_file() and not _is_xml(path)
        self.size = path.stat().st_size if self._is_archive else len(self._files)

    def __iter__(self) -> Iterator[Report | Reject]:
        for position, data in self._archived() if self._is_archive else self._lying():
            yield data if isinstance(data, Reject) else parse_openi(data, position, self._max_chars)

    def documents(self) -> Iterator[bytes]:
        """The XML files as they are, those that can be read."""
        for _, data in self._archived() if self._is_archive else self._lying():
            if not isinstance(data, Reject):
                yield data

    def _lying(self) -> Iterator[tuple[str, bytes | Reject]]:
        root = self._path if self._path.is_dir() else self._path.parent
        for done, path in enumerate(self._files, start=1):
            self.done = done
            position = path.relative_to(root).as_posix()
            yield position, self._read(path, position)

    def _read(self, path: Path, position: str) -> bytes | Reject:
        if self._root is not None and leads_out(path, self._root):
            return Reject(position, LEADS_OUT)
        try:
            data = read_regular(path, FILE_LIMIT)
        except OSError as error:
            return Reject(position, f"cannot be read: {error.strerror}")
        return Reject(position, TOO_LARGE) if len(data) > FILE_LIMIT else data

    def _archived(self) -> Iterator[tuple[str, bytes | Reject]]:
        # Read as a stream, member by member: nothing is unpacked to disk, so no member can choose its place.
        try:
            with open_regular(self._path) as raw, tarfile.open(fileobj=raw, mode="r|*") as archive:
                found = False
                for member in archive:
                    self.done = raw.tell()
                    if not _is_report(member.name):
                        continue
                    if member.issym() or member.islnk() or member.isdev():
                        yield member.name, Reject(member.name, "a link, a device or a pipe: only files are read")
                    elif member.isfile():
                        found = True
                        file = archive.extractfile(member)
                        data = file.read(FILE_LIMIT + 1) if file else b""
                        yield member.name, Reject(member.name, TOO_LARGE) if len(data) > FILE_LIMIT else data
        except (tarfile.TarError, EOFError, zlib.error, OSError, TypeError, ValueError, OverflowError) as error:
            # TypeError: what tarfile raises where gzip's own header is cut short; the last two: numbers that are none.
            raise ClearKbError(f"{self._path} is damaged: {error}") from error
        if not found:
            raise UsageError(f"{self._path} holds no .xml files: an archive of other files is to be unpacked first")


def parse_openi(data: bytes, position: str, max_chars: int) -> Report | Reject:
    """The report of one Open-i XML file, or why there is none; its study goes by the same id, as its images do."""
    try:
        root = read_xml(data)
    except Unreadable as error:
        return Reject(position, f"not readable XML: {error}")
    report_id = _report_id(root)
    if report_id is None:
        return Reject(position, "no report id: an Open-i report has <uId id=...>")
    parts = [(section_name(part.get("Label", "body")), "".join(part.itertext())) for part in root.iter("AbstractText")]
    parts = [(name, text) for name, text in parts if text.strip()]
    names = number_repeats([name for name, _ in parts])
    sections = tuple(Section(name, text) for name, (_, text) in zip(names, parts, strict=True))
    reason = refusal(sections, max_chars)
    return Reject(position, reason, report_id) if reason else Report(report_id, sections, position, report_id)


def _report_id(root: Element) -> str | None:
    uid = root.find(".//uId")
    return None if uid is None else (uid.get("id") or uid.text or "").strip() or None


def _is_xml(path: Path) -> bool:
    """Tell one XML file from an archive, also where its name does not."""
    with open_regular(path) as file:
        return path.suffix.lower() == ".xml" or file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")


def _is_report(name: str) -> bool:
    """Tell a report from what macOS puts beside each file of an archive ("._CXR1.xml")."""
    return name.lower().endswith(".xml") and not name.rpartition("/")[2].startswith(".")
