"""Which format a path is taken for, and what is said where none fits."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.sources import SOURCE_FORMATS, open_source
from kb.errors import ClearKbError, UsageError

CSV, TSV = b"uid,findings\na,x\n", b"uid\tfindings\na\tx\n"
JSON = b'{"uid": "a", "findings": "x"}\n'
XML = b'<eCitation><uId id="a"/><AbstractText Label="FINDINGS">x</AbstractText></eCitation>'


def test_the_formats_that_can_be_named() -> None:
    tables = {"csv", "tsv", "jsonl", "json", "parquet", "redcap"}
    assert set(SOURCE_FORMATS) == {*tables, "fhir", "hl7", "text", "openi"}


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("r.csv", CSV, "csv"),
        ("R.CSV", CSV, "csv"),
        ("r.csv.gz", gzip.compress(CSV, mtime=0), "csv"),
        ("r.tsv", TSV, "tsv"),
        ("r.tab", TSV, "tsv"),
        ("r.tsv.gz", gzip.compress(TSV, mtime=0), "tsv"),
        ("r.jsonl", JSON, "jsonl"),
        ("r.ndjson.gz", gzip.compress(JSON, mtime=0), "jsonl"),
        ("r.xml", XML, "openi"),
        ("r.txt", b"FINDINGS: x, y", "text"),
        ("export", CSV, "csv"),
        ("export.dat", TSV, "tsv"),
        ("export.json", b"\n" + JSON, "jsonl"),
        ("export.gz", gzip.compress(JSON, mtime=0), "jsonl"),
        ("export.2024", b'<?xml version="1.0"?>' + XML, "openi"),
    ],
)
def test_a_file_goes_by_its_name_and_else_by_how_it_begins(
    tmp_path: Path, name: str, data: bytes, expected: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    source = open_source(path)
    assert source.format == expected
    assert len(list(source)) == 1


def test_a_workbook_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "ris.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(UsageError, match="is a workbook, which is not read: save its sheet as CSV"):
        open_source(tmp_path / "ris.xlsx")


def test_a_folder_of_other_json_beside_reports_is_no_export(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"FINDINGS: x")
    (tmp_path / "a.json").write_bytes(b'{"site": "hill"}')
    assert open_source(tmp_path).format == "text"
    (tmp_path / "b.json").write_bytes(b'{"resourceType": "DiagnosticReport", "id": "r", "conclusion": "x"}')
    with pytest.raises(UsageError, match=r"1 \.txt and 2 \.json files: name its format, text or fhir"):
        open_source(tmp_path)


@pytest.mark.parametrize("name", ["r.parquet", "r.pq", "export"])
def test_parquet(tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({"uid": ["a"], "findings": ["x"]}), tmp_path / name)
    assert open_source(str(tmp_path / name)).format == "parquet"


@pytest.mark.parametrize(("inside", "expected"), [("p10/a.txt", "text"), ("ecgen/1.xml", "openi")])
def test_a_folder_goes_by_what_it_holds(tmp_path: Path, inside: str, expected: str) -> None:
    path = tmp_path / inside
    path.parent.mkdir()
    path.write_bytes(XML)
    (tmp_path / "image.png").touch()
    assert open_source(tmp_path).format == expected


def test_a_named_format_goes_before_the_name(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_bytes(TSV)
    assert open_source(path, source_format="tsv").format == "tsv"
    assert open_source(path, source_format="text").format == "text"


class TestRefused:
    def refused(self, path: Path, match: str, kind: type[ClearKbError] = UsageError, **options: str) -> None:
        with pytest.raises(kind, match=match):
            open_source(path, **options)  # type: ignore[arg-type]

    def test_a_path_that_is_not_there(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "nope.csv", r"no file or folder .*nope\.csv")

    def test_a_format_that_is_not_known(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "source_format 'cvs': choose one of csv, tsv", source_format="cvs")

    def test_a_file_that_nobody_could_tell(self, tmp_path: Path) -> None:
        (tmp_path / "r.foo").write_bytes(b"hello\nworld\n")
        self.refused(tmp_path / "r.foo", "cannot tell its format; expected ")

    @pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet", "r.xml", "r.tgz", "r.txt", "r"])
    def test_an_empty_file(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).touch()
        self.refused(tmp_path / name, "is empty", ClearKbError)

    @pytest.mark.parametrize("name", ["r", "r.dat.gz"])
    def test_a_gzip_that_is_cut_short(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(gzip.compress(CSV, mtime=0)[:12])
        self.refused(tmp_path / name, "cannot be read", ClearKbError)

    def test_a_folder_of_other_files_or_of_none(self, tmp_path: Path) -> None:
        self.refused(tmp_path, r"neither \.txt nor \.xml reports, but nothing: expected a \.csv")
        (tmp_path / "scan.dcm").touch()
        self.refused(tmp_path, r"but scan\.dcm")
        self.refused(tmp_path, r"no \.txt files", source_format="text")
        self.refused(tmp_path, r"no \.xml files", source_format="openi")

    def test_a_folder_of_both(self, tmp_path: Path) -> None:
        (tmp_path / "README.txt").touch()
        (tmp_path / "1.xml").touch()
        self.refused(tmp_path, r"1 \.txt and 1 \.xml files: name its format, text or openi")

    @pytest.mark.parametrize("name", ["csv", "tsv", "jsonl", "parquet"])
    def test_a_folder_where_a_file_is_needed(self, tmp_path: Path, name: str) -> None:
        self.refused(tmp_path, f"is a folder, and {name} is read from a file", source_format=name)


def test_a_pipe_that_is_named_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.csv")
    with pytest.raises(ClearKbError, match="not a file but a pipe"):
        open_source(tmp_path / "p.csv")
