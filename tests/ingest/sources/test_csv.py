"""CSV and TSV as a source: what is read verbatim, what is rejected, and that the rest is taken."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.report import Reject, Report, Section
from ingest.sources import open_source
from kb.errors import ClearKbError, UsageError

HEADER = b"uid,findings\n"


def read(folder: Path, data: bytes, name: str = "reports.csv", **options: object) -> list[Report | Reject]:
    path = folder / name
    path.write_bytes(data)
    return list(open_source(path, **options))  # type: ignore[arg-type]


def texts(items: list[Report | Reject]) -> dict[str, str]:
    """Each report's id and the text of its only section."""
    return {item.report_id: item.sections[0].text for item in items if isinstance(item, Report)}


def rejects(items: list[Report | Reject]) -> list[tuple[str, str]]:
    return [(item.position, item.reason) for item in items if isinstance(item, Reject)]


class TestWhatIsRead:
    def test_a_row_becomes_a_report_with_its_place(self, tmp_path: Path) -> None:
        data = b"UID,Subject ID,Study_ID,Findings,Conclusion\nr1,p1,s1,Clear.,Normal.\n"
        sections = (Section("findings", "Clear."), Section("impression", "Normal."))
        assert read(tmp_path, data) == [Report("r1", sections, "row 1 (line 2)", "s1", "p1")]

    def test_multi_line_fields_and_line_ends_stand_as_they_are(self, tmp_path: Path) -> None:
        data = b'uid,findings\r\na,"one\r\ntwo ""x"", three"\r\nb,\xc2\xa0y \r\n'
        items = read(tmp_path, data)
        assert texts(items) == {"a": 'one\r\ntwo "x", three', "b": "\xa0y "}
        assert [item.position for item in items] == ["row 1 (line 2)", "row 2 (line 4)"]

    def test_blank_lines_are_passed_over(self, tmp_path: Path) -> None:
        assert [type(item) for item in read(tmp_path, HEADER + b"a,x\n\n\r\nb,y\n\n")] == [Report, Report]

    @pytest.mark.parametrize(("name", "sign"), [("r.csv", ";"), ("r.csv", "\t"), ("r.csv", "|"), ("r.tsv", "\t")])
    def test_other_delimiters(self, tmp_path: Path, name: str, sign: str) -> None:
        data = f'uid{sign}"findings, all"{sign}impression\na{sign}b, c{sign}d\n'.encode()
        assert texts(read(tmp_path, data, name)) == {"a": "d"}

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
    def test_a_byte_order_mark_tells_the_encoding(self, tmp_path: Path, encoding: str) -> None:
        # U+0A0A and U+010A hold a line feed's byte; U+2028 ends a line for some, but not here.
        data = "uid,findings\na,naïve \u0a0a\u010a\u2028 x\nb,y\n".encode(encoding)
        assert texts(read(tmp_path, data)) == {"a": "naïve \u0a0a\u010a\u2028 x", "b": "y"}

    @pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-be"])
    def test_the_encoding_can_be_named(self, tmp_path: Path, encoding: str) -> None:
        written = "utf-16-le" if encoding == "utf-16" else encoding
        data = "uid,findings\na,café\n".encode(written)
        assert texts(read(tmp_path, data, encoding=encoding)) == {"a": "café"}

    def test_gzip_whatever_its_name_says(self, tmp_path: Path) -> None:
        packed = gzip.compress(HEADER + b"a,x\n")
        assert texts(read(tmp_path, packed, "r.csv.gz")) == {"a": "x"}
        assert texts(read(tmp_path, packed, "R.CSV.GZ")) == {"a": "x"}
        assert texts(read(tmp_path, HEADER + b"a,x\n", "r.csv.gz")) == {"a": "x"}

    def test_it_can_be_read_twice_and_tells_how_far_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "r.csv"
        path.write_bytes(b"uid,findings,age,sex\na,x,1,m\n")
        source = open_source(path)
        assert list(source) == list(source)
        assert (source.name, source.format, source.unused_columns) == (str(path), "csv", ("age", "sex"))
        assert source.done == source.size == path.stat().st_size

    def test_a_header_without_rows_gives_nothing(self, tmp_path: Path) -> None:
        assert read(tmp_path, HEADER) == []

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip),
            max_size=6,
        ),
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
    )
    def test_any_text_comes_back_as_it_was_written(self, written: list[str], line_end: str, encoding: str) -> None:
        file = io.StringIO(newline="")
        # Without quotes a text that ends in \r could not be told from a line end.
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator=line_end)
        writer.writerows([["uid", "findings"], *([str(n), text] for n, text in enumerate(written))])
        with tempfile.TemporaryDirectory() as folder:
            items = read(Path(folder), file.getvalue().encode(encoding))
        assert texts(items) == {str(n): text for n, text in enumerate(written)}

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=300))
    def test_any_bytes_give_reports_rejects_or_a_clear_error(self, data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            assert all(isinstance(item, Report | Reject) for item in read(Path(folder), HEADER + data))
            try:
                read(Path(folder), data)
            except ClearKbError as error:
                assert str(error)


class TestWhatIsRejected:
    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (b" ,x", "no report id in column 'uid'"),
            (b"b,  ", "no text"),
            (b"b,x\0y", "NUL byte in the text"),
            (b"b\0,x", "NUL byte in column 'uid'"),
            (b"b,x,y", "3 fields, and the header has 2"),
            (b"b", "1 fields, and the header has 2"),
            (b'b,"x"y', "broken quoting"),
            (b"b,x\ry", "broken quoting"),
            (b"b,caf\xe9", "not utf-8: byte 0xe9 at byte 6 (try encoding latin-1)"),
        ],
    )
    def test_a_bad_row_is_told_and_the_others_are_taken(self, tmp_path: Path, row: bytes, reason: str) -> None:
        items = read(tmp_path, HEADER + b"a,x\n" + row + b"\nc,y\n")
        assert texts(items) == {"a": "x", "c": "y"}
        [(position, said)] = rejects(items)
        assert position == "row 2 (line 3)"
        assert reason in said

    def test_a_stray_quote_costs_its_line_alone(self, tmp_path: Path) -> None:
        items = read(tmp_path, HEADER + b'a,x\nb,"oops\nc,y\nd,"z"\ne,w\n')
        assert texts(items) == {"a": "x", "c": "y", "d": "z", "e": "w"}
        assert [position for position, _ in rejects(items)] == ["row 2 (line 3)"]

    def test_an_unclosed_quote_at_the_end_costs_its_line_alone(self, tmp_path: Path) -> None:
        items = read(tmp_path, HEADER + b'a,x\nb,"oops\nc,y\n')
        assert texts(items) == {"a": "x", "c": "y"}
        assert rejects(items) == [("row 2 (line 3)", "broken quoting (unexpected end of data)")]

    def test_bad_bytes_within_a_field_cost_the_record_and_make_up_no_other(self, tmp_path: Path) -> None:
        items = read(tmp_path, HEADER + b'a,x\nb,"one\ncaf\xe9\nmore, two"\nc,y\n')
        assert texts(items) == {"a": "x", "c": "y"}
        [(position, reason)] = rejects(items)
        assert position == "row 2 (line 3)"
        assert reason.startswith("line 4: not utf-8: byte 0xe9 at byte 4")

    @pytest.mark.soak
    @pytest.mark.parametrize("text", [b"x " * 5_000_000, b'"%b"' % (b"x x x x x\n" * 1_000_000)], ids=["line", "lines"])
    def test_a_report_of_10_mb_is_over_the_limit(self, tmp_path: Path, text: bytes) -> None:
        items = read(tmp_path, HEADER + b"a," + text + b"\nb,y\n")
        assert texts(items) == {"b": "y"}
        assert items[0] == Reject(
            "row 1 (line 2)", "10,000,000 characters, over the limit of 1,000,000 (max_chars)", "a"
        )
        assert len(texts(read(tmp_path, HEADER + b"a," + text + b"\nb,y\n", max_chars=10_000_000))) == 2

    def test_a_line_beyond_all_measure_is_not_held_in_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ingest.sources.lines.LINE_LIMIT", 100)
        items = read(tmp_path, HEADER + b"a," + b"x" * 1_000 + b"\nb,y\n")
        assert texts(items) == {"b": "y"}
        assert "a line over" in rejects(items)[0][1]

    def test_a_quote_that_never_closes_stops_at_the_record_limit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ingest.sources.csv_records.RECORD_LIMIT", 1_000)
        items = read(tmp_path, HEADER + b'a,"oops\n' + b"b,yyyyyyyy\n" * 1_000)
        assert (len(items), len(rejects(items))) == (1_001, 1)

    @pytest.mark.soak
    def test_stray_quotes_everywhere_do_not_cost_quadratic_time(self, tmp_path: Path) -> None:
        # Each of these lines leaves a quote open, whether it is read from the start or within a field.
        seconds = {}
        for lines in (2_000, 8_000):
            started = time.process_time()
            assert len(rejects(read(tmp_path, HEADER + b'a","\n' * lines))) == lines
            seconds[lines] = time.process_time() - started
        assert seconds[8_000] < 10 * seconds[2_000]  # 16 times, were it quadratic


class TestWhatCannotBeRead:
    def test_an_empty_file(self, tmp_path: Path) -> None:
        for data in (b"", b"\n\n", b"\xef\xbb\xbf"):
            with pytest.raises(ClearKbError, match="is empty"):
                read(tmp_path, data)
        with pytest.raises(ClearKbError, match="is empty"):
            read(tmp_path, gzip.compress(b""), "r.csv.gz")

    def test_a_truncated_gzip_is_told_after_what_could_be_read(self, tmp_path: Path) -> None:
        path = tmp_path / "r.csv.gz"
        rows = b"".join(b"r%d,text %d\n" % (n, n * 7919 % 1_000) for n in range(50_000))
        path.write_bytes(gzip.compress(HEADER + rows)[:-20_000])
        taken = []
        with pytest.raises(ClearKbError, match=r"r\.csv\.gz is damaged after line [\d,]+: "):
            for item in open_source(path):
                taken.append(item)
        assert len(taken) > 1_000

    def test_a_gzip_cut_in_its_header(self, tmp_path: Path) -> None:
        with pytest.raises(ClearKbError, match="is damaged"):
            read(tmp_path, gzip.compress(HEADER)[:12], "r.csv.gz")

    def test_carriage_returns_alone(self, tmp_path: Path) -> None:
        with pytest.raises(ClearKbError, match="carriage returns"):
            read(tmp_path, b"uid,findings\ra,x\r")

    def test_a_binary_file(self, tmp_path: Path) -> None:
        with pytest.raises(ClearKbError, match="NUL bytes"):
            read(tmp_path, b"uid,\0\0findings\n")

    @pytest.mark.parametrize("name", ["utf-9", "hex", "cp037"])
    def test_an_encoding_that_does_not_serve(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UsageError, match=f"encoding '{name}'"):
            read(tmp_path, HEADER, encoding=name)


def test_the_real_open_i_reports(openi_csv: Path) -> None:
    source = open_source(openi_csv)
    items = list(source)
    assert len(items) == 1_904
    assert source.unused_columns == ("mesh_major",)
    with openi_csv.open(newline="", encoding="utf-8") as file:
        rows = {row["uid"]: row for row in csv.DictReader(file)}
    for item in items:
        for section in item.sections if isinstance(item, Report) else ():
            assert section.text == rows[str(item.report_id)][section.name]
