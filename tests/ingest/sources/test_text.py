"""Text files as a source: MIMIC-CXR's folders, other folders, one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.report import Reject, Report, Section
from ingest.sources import open_source
from kb.errors import UsageError

MIMIC = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PORTABLE AP)

 INDICATION:  ___ year old woman, new line  // position?

 COMPARISON:  ___.

 FINDINGS:

 The line ends in the upper SVC.  No pneumothorax.

 IMPRESSION:

 1. Line in good position.
"""


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("opened", [".", "files/p10", "files/p10/p10000032", "files/p10/p10000032/s50414267.txt"])
def test_mimic_cxr_tells_patient_and_study_whichever_folder_is_opened(tmp_path: Path, opened: str) -> None:
    write(tmp_path, "files/p10/p10000032/s50414267.txt", MIMIC)
    source = open_source(tmp_path / opened)
    [report] = source
    assert isinstance(report, Report)
    assert (report.report_id, report.study_id, report.patient_id) == ("s50414267", "50414267", "10000032")
    assert [s.name for s in report.sections] == ["examination", "indication", "comparison", "findings", "impression"]
    assert all(section.text in MIMIC for section in report.sections)
    assert (source.format, source.done, source.size) == ("text", 1, 1)


def test_other_files_go_by_their_place_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/10.TXT", "a.txt", "b/.hidden.txt", ".git/x.txt", "b/scan.dcm"):
        write(tmp_path, name, "Clear.\r\n")
    items = list(open_source(tmp_path))
    assert [(item.report_id, item.position) for item in items] == [
        ("a", "a.txt"),
        ("b/10", "b/10.TXT"),
        ("b/2", "b/2.txt"),
    ]
    assert isinstance(items[0], Report)
    assert items[0].sections == (Section("body", "Clear.\r\n"),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no text"),
        (b" \n", "no text"),
        (b"a\0b", "NUL byte in the text"),
        (b"caf\xe9", "not utf-8: byte 0xe9 at byte 4 (try encoding latin-1)"),
        (b"x " * 5_000_000, "over the limit"),
        (b"x" * 1_000_001, "1,000,001 characters, over the limit of 1,000,000 (max_chars)"),
    ],
)
def test_a_bad_file_is_told_and_the_others_are_taken(tmp_path: Path, data: bytes, reason: str) -> None:
    write(tmp_path, "a.txt", data)
    write(tmp_path, "b.txt", "Clear.")
    reject, report = open_source(tmp_path)
    assert isinstance(reject, Reject)
    assert isinstance(report, Report)
    assert reject.position == "a.txt"
    assert reason in reject.reason


def test_a_file_that_goes_away_is_a_reject(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "Clear.")
    gone = write(tmp_path, "b.txt", "Clear.")
    source = open_source(tmp_path)
    gone.unlink()
    assert [type(item) for item in source] == [Report, Reject]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    [report] = open_source(write(tmp_path, "a.txt", "naïve".encode(encoding)))
    assert isinstance(report, Report)
    assert report.sections == (Section("body", "naïve"),)


def test_there_is_nothing_to_map(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no columns"):
        open_source(write(tmp_path, "a.txt", "Clear."), mapping={"text": "Report"})
