"""Open-i XML as a source: a folder, an archive, one file, and files that are broken or hostile."""

from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path

import pytest

from ingest.report import Reject, Report, Section
from ingest.sources import open_source
from kb.errors import ClearKbError, UsageError


def citation(uid: str = "CXR1", *parts: tuple[str, str]) -> bytes:
    texts = "".join(
        f'<AbstractText Label="{label}">{text}</AbstractText>' for label, text in parts or [("FINDINGS", "Clear.")]
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><eCitation><meta type="rr"/><uId id="{uid}"/><MedlineCitation>'
        f"<Article><Abstract>{texts}</Abstract></Article></MedlineCitation></eCitation>"
    ).encode()


def archive(path: Path, files: dict[str, bytes], cut: int | None = None, mode: str = "w:gz") -> Path:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    path.write_bytes(packed.getvalue()[:cut])
    return path


def test_a_file_becomes_a_report(tmp_path: Path) -> None:
    path = tmp_path / "1.xml"
    parts = [("INDICATION", "Cough"), ("FINDINGS", " 2 &lt; 3 <i>cm</i> "), ("FINDINGS", "More"), ("IMPRESSION", "")]
    path.write_bytes(citation("CXR1", *parts))
    sections = (Section("indication", "Cough"), Section("findings", " 2 < 3 cm "), Section("findings#2", "More"))
    assert list(open_source(path)) == [Report("CXR1", sections, "1.xml", "CXR1")]


@pytest.mark.parametrize(
    ("name", "mode"), [("r.tgz", "w:gz"), ("r.tar.gz", "w:gz"), ("r.tar", "w"), ("reports", "w:gz")]
)
def test_an_archive_is_read_member_by_member(tmp_path: Path, name: str, mode: str) -> None:
    members = {"x/1.xml": citation("CXR1"), "x/._1.xml": b"\0\5", "x/notes.md": b"", "x/2.xml": citation("CXR2")}
    source = open_source(archive(tmp_path / name, members, mode=mode))
    assert [(item.report_id, item.position) for item in source] == [("CXR1", "x/1.xml"), ("CXR2", "x/2.xml")]
    assert (source.format, source.name) == ("openi", str(tmp_path / name))
    assert 0 < source.done <= source.size
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<eCitation>", "not readable XML"),
        (b"", "not readable XML"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "not readable XML: it defines entities"),
        (b"<a/>", "no report id"),
        (citation("CXR9", ("FINDINGS", " ")), "no text"),
    ],
)
def test_a_bad_file_is_told_and_the_others_are_taken(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "1.xml").write_bytes(data)
    (tmp_path / "2.xml").write_bytes(citation("CXR2"))
    source = open_source(tmp_path)
    reject, report = source
    assert isinstance(reject, Reject)
    assert (reject.position, report.report_id) == ("1.xml", "CXR2")
    assert reason in reject.reason
    assert (source.done, source.size) == (2, 2)


def test_a_truncated_archive_is_told_after_what_could_be_read(tmp_path: Path) -> None:
    noise = random.Random(0)
    files = {f"{n}.xml": citation(f"CXR{n}", ("FINDINGS", noise.randbytes(2_000).hex())) for n in range(30)}
    taken = []
    with pytest.raises(ClearKbError, match="is damaged"):
        for item in open_source(archive(tmp_path / "r.tgz", files, cut=-20_000)):
            taken.append(item)
    assert taken
    assert all(isinstance(item, Report) for item in taken)


@pytest.mark.parametrize("data", [b"not an archive", b"\x1f\x8b\x08"])
def test_a_file_that_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "r.tgz").write_bytes(data)
    with pytest.raises(ClearKbError, match="is damaged"):
        list(open_source(tmp_path / "r.tgz"))


def test_an_archive_of_other_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no \.xml files"):
        list(open_source(archive(tmp_path / "r.tgz", {"a.txt": b"Clear."})))
