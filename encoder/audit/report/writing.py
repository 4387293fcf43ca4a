"""A report as a file: checked before the work begins, written aside, and then moved to its place whole."""

from __future__ import annotations

from pathlib import Path

from encoder.audit.page.page import GENERATOR, render
from encoder.audit.report.printing import check_printer, printed
from encoder.audit.report.report_data import ReportData
from kb.errors import UsageError
from kb.whole_file import written_whole

PDF = ".pdf"
MARK = f"% {GENERATOR}\n".encode()
"""A comment at the end of a PDF of ours, by which it is known."""

ENDINGS = (".html", ".htm", PDF)


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Refuse a file that no report can be written to (UsageError), before the work begins."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: a report ends in .html or .pdf")
    if path.suffix.lower() == PDF:
        check_printer()
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}")
    if path.is_dir():
        raise UsageError(f"{path}: that is a folder")
    if path.exists() and not overwrite and not _is_report(path):
        raise UsageError(
            f"{path}: a file of that name is there, is no report of ours, and is replaced only if asked",
            parameter="overwrite",
        )


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        if path.suffix.lower() == PDF:
            return file.read().endswith(MARK)
        return f'name="generator" content="{GENERATOR}"'.encode() in file.read(2_000)


def write_report(data: ReportData, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write the page, as HTML or PDF by the ending of the path.

    Raises:
        UsageError: the path is no .html or .pdf in a folder that is there, or another file stands there.
        ClearKbError: a PDF is asked for, and nothing here can print one.
    """
    path = Path(path)
    check_target(path, overwrite=overwrite)
    page = render(data)
    content = printed(page) + MARK if path.suffix.lower() == PDF else page.encode("utf-8")
    with written_whole(path) as fresh:
        fresh.write_bytes(content)
    return path
