"""A folder of text files as a source of reports, a file a report; MIMIC-CXR's layout is known."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.identity.normal import study_id, told_by_place
from ingest.report import Reject, Report, Section
from ingest.sources.columns import refusal
from ingest.sources.lines import encoding_error, sniff_bom
from ingest.sources.sections import split_sections
from kb.errors import ClearKbError, UsageError
from kb.reading.file_name import NOT_UTF8, as_text, is_text
from kb.reading.regular_file import read_regular

MIMIC_STUDY = re.compile(r"s\d{8}")
LEADS_OUT = "a link that leads out of the folder: name what it leads to as a source of its own"


class TextFolderSource:
    """The reports of a folder of `.txt` files, of one, or of some of it; the units of `size` are files."""

    unused_columns: tuple[str, ...] = ()

    def __init__(self, path: Path, *, encoding: str, max_chars: int, files: Sequence[Path] | None = None):
        self.name = str(path.resolve())
        self.format = "text"
        self.done = 0
        self._root = path if path.is_dir() else path.parent
        self._files = report_files(path, ".txt") if files is None else list(files)
        self._bound_to = path if path.is_dir() and files is None else None
        self.size = len(self._files)
        self._encoding = encoding
        self._max_chars = max_chars

    def __iter__(self) -> Iterator[Report | Reject]:
        for done, path in enumerate(self._files, start=1):
            self.done = done
            yield self._report(path)

    def _report(self, path: Path) -> Report | Reject:
        position = path.relative_to(self._root).as_posix()
        if not is_text(position):
            return Reject(as_text(position), NOT_UTF8)
        if self._bound_to is not None and leads_out(path, self._bound_to):
            return Reject(position, LEADS_OUT)
        try:
            data = read_regular(path, 4 * self._max_chars)
            if len(data) > 4 * self._max_chars:
                return Reject(position, f"{path.stat().st_size:,} bytes, over the limit (max_chars)")
            encoding, skip = sniff_bom(data[:4], self._encoding)
            text = data[skip:].decode(encoding)
        except OSError as error:
            return Reject(position, f"cannot be read: {error.strerror}")
        except UnicodeDecodeError as error:
            return Reject(position, encoding_error(error, encoding))
        report_id, study, patient = identity(path, self._root)
        reason = refusal((Section("text", text),), self._max_chars)
        if reason:
            return Reject(position, reason, report_id)
        return Report(report_id, split_sections(text), position, study, patient)


def leads_out(path: Path, root: Path) -> bool:
    """Whether a file is, by links, one that does not lie under `root`: what was not named is not taken in.

    Where `root` itself is a link, it is what that leads to.
    """
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def identity(path: Path, root: Path) -> tuple[str, str | None, str | None]:
    """The report, study and patient ids that a file's place tells.

    MIMIC-CXR's `p10/p10000032/s50414267.txt` is report s50414267, study 50414267 of patient 10000032, whichever of
    its folders is opened; any other file is named by its place under `root`, without the suffix.
    """
    if MIMIC_STUDY.fullmatch(path.stem):
        place = told_by_place(path.absolute().as_posix())
        return path.stem, study_id(path.stem), place.patient_id
    return path.relative_to(root).with_suffix("").as_posix(), None, None


def report_files(path: Path, suffix: str | tuple[str, ...]) -> list[Path]:
    """The files to read of a folder, or the one file that `path` is; UsageError if a folder has none."""
    files = list(walk(path, suffix)) if path.is_dir() else [path]
    if not files:
        named = suffix if isinstance(suffix, str) else suffix[0]
        raise UsageError(f"{path} holds no {named} files", parameter="source_format")
    return files


def walk(folder: Path, suffix: str | tuple[str, ...]) -> Iterator[Path]:
    """The files of that suffix (or those) under `folder`, always in the same order; hidden ones are passed over."""
    for root, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(suffix) and not name.startswith("."):
                yield Path(root) / name


def _refuse(error: OSError) -> None:
    raise ClearKbError(f"{error.filename} cannot be listed: {error.strerror}")
