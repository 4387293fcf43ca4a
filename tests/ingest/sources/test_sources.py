"""Every source: what it yields from good input, and where bad input ends."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.report import Reject, Report
from ingest.sources import open_source
from kb.errors import ClearKbError, UsageError

XML = '<eCitation><uId id="{}"/><MedlineCitation><Abstract>{}</Abstract></MedlineCitation></eCitation>'


def abstract(label: str, text: str) -> str:
    return f'<AbstractText Label="{label}">{text}</AbstractText>'


def taken(path: Path, **options) -> list[tuple[str, dict[str, str]]]:
    return [
        (item.report_id, {section.name: section.text for section in item.sections})
        for item in open_source(path, **options)
        if isinstance(item, Report)
    ]


def refused(path: Path, **options) -> list[tuple[str, str]]:
    return [(item.position, item.reason) for item in open_source(path, **options) if isinstance(item, Reject)]


def write(path: Path, data: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


class TestFormats:
    """The same two reports from every format, found out by themselves."""

    expected = (("a", {"findings": "Clear lungs."}), ("b", {"findings": "No effusion.", "impression": "Normal."}))

    @pytest.mark.parametrize("name", ["r.csv", "r.csv.gz", "r.tsv", "r.jsonl", "r.parquet", "xml", "r.tgz", "noname"])
    def test_reports_come_through(self, tmp_path: Path, name: str) -> None:
        assert taken(self.make(tmp_path / name)) == list(self.expected)

    def make(self, path: Path) -> Path:
        rows = [
            {"uid": uid, "findings": s.get("findings", ""), "impression": s.get("impression", "")}
            for uid, s in self.expected
        ]
        if path.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
            return path
        if path.name == "r.jsonl":
            return write(path, "\n".join(map(json.dumps, rows)))
        if path.name in ("xml", "r.tgz"):
            return self.make_xml(path)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
        data = text.getvalue().encode()
        return write(path, gzip.compress(data) if path.suffix == ".gz" else data)

    def make_xml(self, path: Path) -> Path:
        texts = {
            f"ecgen/{n}.xml": XML.format(uid, "".join(abstract(k.upper(), v) for k, v in sections.items()))
            for n, (uid, sections) in enumerate(self.expected)
        }
        if path.name == "xml":
            for name, text in texts.items():
                write(path / name, text)
            return path
        with tarfile.open(path, "w:gz") as archive:
            for name, text in texts.items():
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        return path

    def test_a_folder_of_text_files(self, tmp_path: Path) -> None:
        write(tmp_path / "one.txt", "FINDINGS: Clear lungs.")
        write(tmp_path / "deep" / "two.txt", "No effusion.")
        write(tmp_path / "picture.jpg", b"\xff\xd8")
        assert taken(tmp_path) == [("one", {"findings": " Clear lungs."}), ("deep/two", {"body": "No effusion."})]

    def test_mimic_cxr_tells_patient_and_study_by_its_folders(self, tmp_path: Path) -> None:
        write(tmp_path / "files" / "p10" / "p10000032" / "s50414267.txt", "FINDINGS: Clear.")
        (report,) = open_source(tmp_path)
        assert (report.report_id, report.study_id, report.patient_id) == ("s50414267", "50414267", "10000032")

    def test_progress_reaches_the_end(self, tmp_path: Path) -> None:
        for name in ("r.csv", "r.jsonl", "r.parquet", "xml"):
            source = open_source(self.make(tmp_path / name))
            assert source.done == 0
            list(source)
            assert source.done == source.size

    def test_a_source_can_be_read_again(self, tmp_path: Path) -> None:
        source = open_source(self.make(tmp_path / "r.parquet"))
        assert [str(item) for item in source] == [str(item) for item in source]


class TestColumns:
    @pytest.mark.parametrize(
        "header",
        ["uid,findings", "Report ID,Findings", "study_id,FINDINGS", "accession_number,Section Findings", "id,finding"],
    )
    def test_usual_names_are_known(self, tmp_path: Path, header: str) -> None:
        assert taken(write(tmp_path / "r.csv", f"{header}\n7,Clear.\n")) == [("7", {"findings": "Clear."})]

    def test_a_text_column_is_cut_into_sections(self, tmp_path: Path) -> None:
        path = write(tmp_path / "r.csv", 'id,report\n7,"FINDINGS: Clear.\nIMPRESSION: Normal."\n')
        assert taken(path) == [("7", {"findings": " Clear.\n", "impression": " Normal."})]

    def test_columns_are_mapped(self, tmp_path: Path) -> None:
        path = write(tmp_path / "r.csv", "key,Befund,Beurteilung,Pat\n7,Clear.,Normal.,P1\n")
        mapping = {"id": "key", "findings": "Befund", "impression": "Beurteilung", "patient": "Pat"}
        (report,) = open_source(path, mapping=mapping)
        assert [(s.name, s.text) for s in report.sections] == [("findings", "Clear."), ("impression", "Normal.")]
        assert report.patient_id == "P1"

    def test_columns_that_are_not_used_are_told(self, tmp_path: Path) -> None:
        assert open_source(write(tmp_path / "r.csv", "id,findings,mesh\n1,a,b\n")).unused_columns == ("mesh",)

    @pytest.mark.parametrize(
        ("header", "mapping", "message"),
        [
            ("name,findings", {}, "name it in columns as 'id'"),
            ("id,name", {}, "name it in columns as 'text'"),
            ("id,findings", {"text": "nope"}, "no such column"),
            ("id,findings,findings", {}, "two columns"),
        ],
    )
    def test_columns_that_are_not_there_are_wrong_usage(
        self, tmp_path: Path, header: str, mapping: dict[str, str], message: str
    ) -> None:
        with pytest.raises(UsageError, match=message):
            open_source(write(tmp_path / "r.csv", f"{header}\n1,2,3\n"), mapping=mapping)

    def test_numbers_are_ids_too(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"id": [1, 2], "text": ["Clear.", None]}), tmp_path / "r.parquet")
        assert taken(tmp_path / "r.parquet") == [("1", {"body": "Clear."})]
        assert refused(tmp_path / "r.parquet") == [("row 2", "no text")]


class TestBadRows:
    """One bad row costs one row: it is told, and all others are taken."""

    @pytest.mark.parametrize(
        ("row", "position", "reason"),
        [
            (b",No id.", "row 2 (line 3)", "no report id"),
            (b"x,", "row 2 (line 3)", "no text"),
            (b"x,  ", "row 2 (line 3)", "no text"),
            (b"x,nul \0 byte", "row 2 (line 3)", "NUL"),
            (b"x,a,b", "row 2 (line 3)", "3 fields, and the header has 2"),
            (b"x", "row 2 (line 3)", "1 fields, and the header has 2"),
            (b'x,"unclosed', "row 2 (line 3)", "broken quoting"),
            (b'x,"quoted" and more', "row 2 (line 3)", "broken quoting"),
            (b"x,\xe9panchement", "row 2 (line 3)", "try encoding latin-1"),
        ],
    )
    def test_csv(self, tmp_path: Path, row: bytes, position: str, reason: str) -> None:
        path = write(tmp_path / "r.csv", b"id,findings\na,Clear.\n" + row + b'\nb,Normal.\nc,"Quoted, fine."\n')
        assert [uid for uid, _ in taken(path)] == ["a", "b", "c"]
        ((where, why),) = refused(path)
        assert where == position
        assert reason in why

    def test_a_quote_left_open_at_the_end(self, tmp_path: Path) -> None:
        path = write(tmp_path / "r.csv", 'id,findings\na,Clear.\nb,"never closed\nc,Normal.\n')
        assert [uid for uid, _ in taken(path)] == ["a", "c"]
        assert len(refused(path)) == 1

    def test_a_report_over_the_limit(self, tmp_path: Path) -> None:
        path = write(tmp_path / "r.csv", f"id,findings\na,{'long ' * 2_100_000}\nb,Clear.\n")
        assert [uid for uid, _ in taken(path)] == ["b"]
        assert "max_chars" in refused(path)[0][1]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"{not json}", "not JSON"),
            (b'["a", "b"]', "not a JSON object"),
            (b'{"id": "x"}', "no text"),
            (b'{"findings": "x"}', "no report id"),
            (b'{"id": "x", "findings": "\xff"}', "try encoding latin-1"),
            (b"[" * 100_000, "not JSON"),
        ],
    )
    def test_jsonl(self, tmp_path: Path, line: bytes, reason: str) -> None:
        path = write(
            tmp_path / "r.jsonl", b'{"id": "a", "findings": "Clear."}\n' + line + b'\n\n{"id": "b", "findings": "x"}'
        )
        assert [uid for uid, _ in taken(path)] == ["a", "b"]
        ((where, why),) = refused(path)
        assert where == "line 2"
        assert reason in why

    def test_text_files(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "Clear.")
        write(tmp_path / "b.txt", b"\xe9")
        write(tmp_path / "c.txt", "")
        write(tmp_path / "d.txt", b"nul \0")
        assert [uid for uid, _ in taken(tmp_path)] == ["a"]
        assert [where for where, _ in refused(tmp_path)] == ["b.txt", "c.txt", "d.txt"]
        assert [uid for uid, _ in taken(tmp_path, encoding="latin-1")] == ["a", "b"]

    def test_xml(self, tmp_path: Path) -> None:
        write(tmp_path / "a.xml", XML.format("a", abstract("FINDINGS", "Clear.")))
        write(tmp_path / "b.xml", "<broken")
        write(tmp_path / "c.xml", "<eCitation/>")
        write(tmp_path / "d.xml", XML.format("d", ""))
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
        write(tmp_path / "e.xml", bomb + XML.format("e", abstract("FINDINGS", "&b;")))
        assert [uid for uid, _ in taken(tmp_path)] == ["a"]
        assert [where for where, _ in refused(tmp_path)] == ["b.xml", "c.xml", "d.xml", "e.xml"]


class TestBadFiles:
    @pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet", "r.tgz", "noname"])
    def test_an_empty_file_says_so(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ClearKbError, match="is empty"):
            open_source(write(tmp_path / name, b""))

    def test_a_header_alone_has_no_reports(self, tmp_path: Path) -> None:
        assert list(open_source(write(tmp_path / "r.csv", "id,findings\n"))) == []

    def test_a_folder_without_reports_names_what_it_holds(self, tmp_path: Path) -> None:
        write(tmp_path / "a.jpg", b"x")
        with pytest.raises(UsageError, match=r"a\.jpg"):
            open_source(tmp_path)

    def test_what_nobody_could_tell_asks_for_the_format(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="name its format"):
            open_source(write(tmp_path / "r.bin", b"\x00\x01\x02"))

    def test_a_file_that_is_not_what_its_name_says(self, tmp_path: Path) -> None:
        with pytest.raises(ClearKbError, match="not a Parquet file"):
            open_source(write(tmp_path / "r.parquet", b"id,findings\n1,2\n"))
        with pytest.raises(ClearKbError, match="not JSON Lines"):
            open_source(write(tmp_path / "r.jsonl", b"id,findings\n1,2\n"))

    @pytest.mark.parametrize("name", ["r.csv.gz", "r.tgz"])
    def test_a_truncated_archive_says_so(self, tmp_path: Path, name: str) -> None:
        path = TestFormats().make(tmp_path / name)
        path.write_bytes(path.read_bytes()[:-30])
        with pytest.raises(ClearKbError, match="damaged"):
            list(open_source(path))

    @pytest.mark.parametrize(
        ("options", "message"),
        [({"source_format": "docx"}, "choose one of"), ({"encoding": "klingon"}, "no such encoding")],
    )
    def test_options_that_do_not_exist_are_wrong_usage(
        self, tmp_path: Path, options: dict[str, str], message: str
    ) -> None:
        with pytest.raises(UsageError, match=message):
            open_source(write(tmp_path / "r.csv", "id,findings\n1,x\n"), **options)


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le-bom", "latin-1"])
    def test_text_comes_through(self, tmp_path: Path, encoding: str) -> None:
        text = "id,findings\n1,épanchement\n"
        data = (
            "\ufeff".encode("utf-16-le") + text.encode("utf-16-le")
            if encoding == "utf-16-le-bom"
            else text.encode(encoding)
        )
        path = write(tmp_path / "r.csv", data)
        options = {"encoding": "latin-1"} if encoding == "latin-1" else {}
        assert taken(path, **options) == [("1", {"findings": "épanchement"})]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda t: t.strip()
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_a_csv_that_was_written_by_the_book_is_read_verbatim(tmp_path_factory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "r.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "findings"])
        writer.writerows(rows)
    assert taken(path) == [(uid.strip(), {"findings": text}) for uid, text in rows]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_reports_rejects_or_a_clear_error(tmp_path_factory, data: bytes) -> None:
    path = write(tmp_path_factory.mktemp("any") / "r.csv", b"id,findings\n1,Clear.\n" + data)
    assert all(isinstance(item, Report | Reject) for item in open_source(path))
