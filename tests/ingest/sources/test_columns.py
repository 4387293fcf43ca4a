"""Which columns are read: by their usual names, by the user's mapping, and what is refused."""

from __future__ import annotations

import pytest

from ingest.report import Reject, Report, Section
from ingest.sources.columns import Columns, find_columns, report_from_row, with_late_sections
from kb.errors import UsageError


def found(*names: str, **mapping: str) -> Columns:
    return find_columns(names, mapping, "r.csv")


@pytest.mark.parametrize("name", ["uid", "UID", "report_id", "Report ID", "reportId", "study-id", "accession.number"])
def test_the_id_goes_by_many_names(name: str) -> None:
    assert found("x", name, "findings").report_id == name


def test_a_column_may_be_id_and_study_at_once() -> None:
    assert found("study_id", "subject_id", "report") == Columns("study_id", "report", "study_id", "subject_id")


def test_section_columns_go_before_a_column_of_the_whole_text() -> None:
    columns = found("id", "report", "section_findings", "section_impression", "Clinical History", "deid_patient_id")
    assert columns.text is None
    assert columns.sections == {
        "findings": "section_findings",
        "impression": "section_impression",
        "indication": "Clinical History",
    }
    assert columns.patient == "deid_patient_id"


def test_without_findings_and_impression_the_whole_text_is_read() -> None:
    columns = found("id", "note", "technique")
    assert (columns.text, columns.sections) == ("note", {})


def test_two_columns_of_one_section_are_both_read() -> None:
    assert found("id", "Impression", "Conclusion").sections == {
        "impression": "Impression",
        "impression#2": "Conclusion",
    }


class TestMapping:
    def test_it_goes_before_the_usual_names(self) -> None:
        columns = found("id", "nr", "findings", "Befund", id="nr", findings="Befund")
        assert (columns.report_id, columns.sections) == ("nr", {"findings": "Befund"})
        assert found("id", "findings", "all", text="all") == Columns("id", "all")

    def test_a_usual_name_of_a_section_stands_for_the_section(self) -> None:
        assert found("id", "B", conclusion="B").sections == {"impression": "B"}

    def test_a_column_is_found_in_spite_of_case_and_spaces(self) -> None:
        assert found("id", "Report Text", text="report_text").text == "Report Text"
        with pytest.raises(UsageError, match="no such column"):
            found("id", "Rep", "REP", text="rep")

    def test_what_is_not_there_is_refused_with_what_is(self) -> None:
        with pytest.raises(
            UsageError, match=r"columns: 'Nope' for 'text': r\.csv has no such column, but id, findings"
        ):
            found("id", "findings", text="Nope")
        with pytest.raises(
            UsageError, match=r"there is no 'txt'; choose one of id, text, study, patient, modality, proc"
        ):
            found("id", "findings", txt="findings")


class TestRefused:
    def test_no_id(self) -> None:
        with pytest.raises(
            UsageError, match=r"no column of report ids: r\.csv has the columns a, b; .*name it in columns as 'id'"
        ):
            found("a", "b")

    def test_no_text(self) -> None:
        with pytest.raises(UsageError, match=r"no column of report text: .* id, age; name it in columns as 'text'"):
            found("id", "age")

    def test_a_column_to_read_that_stands_there_twice(self) -> None:
        with pytest.raises(UsageError, match=r"r\.csv has two columns named findings: rename one"):
            found("id", "findings", "findings")
        assert found("id", "findings", "age", "age").report_id == "id"


class TestRows:
    columns = Columns("id", None, "study", "patient", {"findings": "f", "impression": "i"})

    def read(self, max_chars: int = 100, **row: object) -> Report | Reject:
        return report_from_row(row, self.columns, "row 1", max_chars=max_chars)

    def test_texts_stand_as_they_are_and_blank_ones_are_left_out(self) -> None:
        report = self.read(id=" a ", f=" x\r\n", i=" ", study=7, patient="")
        assert report == Report("a", (Section("findings", " x\r\n"),), "row 1", "7", None)

    @pytest.mark.parametrize(("value", "read"), [(7, "7"), (7.0, "7"), (7.5, "7.5"), ("07", "07"), (b"a", "a")])
    def test_numbers_are_ids_too(self, value: object, read: str) -> None:
        assert self.read(id=value, f="x").report_id == read

    @pytest.mark.parametrize("value", [None, "", "  ", float("nan")])
    def test_no_id(self, value: object) -> None:
        assert self.read(id=value, f="x") == Reject("row 1", "no report id in column 'id'")

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ({}, "no text"),
            ({"f": "x" * 101}, "101 characters, over the limit of 100 (max_chars)"),
            ({"f": "x" * 60, "i": "y" * 60}, "120 characters, over the limit of 100 (max_chars)"),
            ({"f": "a\0"}, "NUL byte in the text"),
            ({"f": "\udc00"}, "half a surrogate pair (\\udc00) in the text"),
            ({"f": b"\xff"}, "column 'f' is not utf-8: byte 1"),
            ({"f": ["x"]}, "column 'f' holds a list, not text"),
            ({"f": 1}, "column 'f' holds a number, not text"),
            ({"f": "x", "study": {}}, "column 'study' holds an object, not an id"),
            ({"f": "x", "patient": "\0"}, "NUL byte in column 'patient'"),
        ],
    )
    def test_what_cannot_be_taken_keeps_its_id(self, row: dict[str, object], reason: str) -> None:
        assert self.read(id="a", **row) == Reject("row 1", reason, "a")

    def test_a_whole_text_is_cut_at_its_headings(self) -> None:
        report = report_from_row({"id": 1, "t": "FINDINGS: x"}, Columns("id", "t"), "row 1", max_chars=100)
        assert report == Report("1", (Section("findings", " x"),), "row 1")


def test_late_sections_are_numbered_after_those_known() -> None:
    columns = with_late_sections(Columns("id", sections={"impression": "impression"}), ["age", "conclusion", "exam"])
    assert columns.sections == {"impression": "impression", "impression#2": "conclusion", "examination": "exam"}
    assert with_late_sections(Columns("id", "text"), ["findings"]) == Columns("id", "text")
