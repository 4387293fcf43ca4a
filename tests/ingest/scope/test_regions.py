"""Of an examination of chest and more, the other parts stand in sections of their own."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.report import Exam, Report, Section
from ingest.scope.asked import Asked
from ingest.scope.regions import set_other_parts_aside

MIXED = Exam(procedure=("CT CHEST ABDOMEN PELVIS",))


def cut(*sections: tuple[str, str]) -> list[tuple[str, str]]:
    report = Report("r", tuple(Section(*one) for one in sections), "row 1", exam=MIXED)
    judged = Asked().judge(report)
    assert isinstance(judged, Report)
    return [(section.name, section.text) for section in judged.sections]


def test_from_a_heading_of_another_part_to_the_next_of_the_chest() -> None:
    findings = "CHEST: Nodule.\nABDOMEN AND PELVIS:\nLiver: Cyst.\nKidneys: Stone.\nLungs and airways: Clear.\nEnd."
    assert cut(("findings", findings)) == [
        ("findings", "CHEST: Nodule.\n"),
        ("abdomen", "ABDOMEN AND PELVIS:\nLiver: Cyst.\nKidneys: Stone.\n"),
        ("findings#2", "Lungs and airways: Clear.\nEnd."),
    ]


def test_a_heading_in_capitals_may_stand_within_a_line() -> None:
    assert cut(("findings", "LUNGS: Clear. LIVER: Cyst. HEART: Normal.")) == [
        ("findings", "LUNGS: Clear. "),
        ("abdomen", "LIVER: Cyst. "),
        ("findings#2", "HEART: Normal."),
    ]


def test_what_stands_under_no_heading_of_another_part_stays() -> None:
    sections = [
        ("indication", "ABDOMEN: pain"),
        ("findings", "Bones: fine.\nHeart: big."),
        ("impression", "Cyst of the liver."),
    ]
    assert cut(*sections) == sections


def test_an_examination_of_the_chest_alone_is_not_cut() -> None:
    report = Report("r", (Section("findings", "UPPER ABDOMEN: Cyst."),), "row 1", exam=Exam(procedure=("CT CHEST",)))
    assert Asked().judge(report) == report


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["LIVER: a\n", "Lungs: b.\n", " c\n", "ABDOMEN\n", "\n", "HEART: d. ", "PELVIS: e. "])))
def test_the_pieces_are_the_text_but_for_blanks(parts: list[str]) -> None:
    text = "".join(parts)
    report = Report("r", (Section("findings", text), Section("impression", "x")), "row 1", exam=MIXED)
    pieces = set_other_parts_aside(report).sections
    assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(text.split()) + "x"
    assert len({piece.name for piece in pieces}) == len(pieces)
