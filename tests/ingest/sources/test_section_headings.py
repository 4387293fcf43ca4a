"""Sections of free text: what is a heading, what is none, and that nothing is lost or changed."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.sections import HEADINGS, number_repeats, section_name, section_spans, split_sections

MIMIC = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  Cough // pneumonia?

 TECHNIQUE:  Two views.

 COMPARISON:  None.

 FINDINGS:

 Heart: normal
 pneumothorax: none
 Bones:
 LUNGS: clear.

 IMPRESSION:

 No acute process.  RECOMMENDATION(S):  None.
"""


def parts(text: str) -> list[tuple[str, str]]:
    return [(section.name, section.text.strip()) for section in split_sections(text)]


def test_a_report_in_the_style_of_mimic() -> None:
    assert parts(MIMIC) == [
        ("examination", "CHEST (PA AND LAT)"),
        ("indication", "Cough // pneumonia?"),
        ("technique", "Two views."),
        ("comparison", "None."),
        ("findings", "Heart: normal\n pneumothorax: none\n Bones:\n LUNGS: clear."),
        ("impression", "No acute process."),
        ("recommendation", "None."),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Findings: a\nConclusion: b", [("findings", "a"), ("impression", "b")]),
        ("FINDINGS\r\na\r\nIMPRESSION\r\nb\r\n", [("findings", "a"), ("impression", "b")]),
        ("Findings\na\n\nImpression\nb", [("findings", "a"), ("impression", "b")]),
        ("findings : a\n  opinion: b", [("findings", "a"), ("impression", "b")]),
        ("Findings and impression: a", [("findings", "a")]),
        ("FINDINGS/IMPRESSION: a", [("findings", "a")]),
        ("HISTORY AND FINDINGS: a", [("findings", "a")]),
        ("CLINICAL HISTORY / INDICATION: a", [("indication", "a")]),
        ("REASON FOR THE EXAM (provided): a", [("indication", "a")]),
        ("**Findings:** a\n## Impression\nb", [("findings", "a"), ("impression", "b")]),
        ("WET READ: a", [("impression", "a")]),
        ("INDICATION: a. FINDINGS: b. IMPRESSION: c", [("indication", "a."), ("findings", "b."), ("impression", "c")]),
        ("INDICATION: cough FINDINGS: clear", [("indication", "cough"), ("findings", "clear")]),
        ("Clear lungs.", [("body", "Clear lungs.")]),
        ("FINAL REPORT\nClear lungs.", [("body", "Clear lungs.")]),
        ("Seen at night.\nFindings: a", [("body", "Seen at night."), ("findings", "a")]),
    ],
)
def test_what_is_a_heading(text: str, expected: list[tuple[str, str]]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Heart: normal\nPneumothorax: none\nLungs: clear",
        "HEART: NORMAL\nLUNGS: CLEAR",
        "NO ACUTE CHEST DISEASE\nHEART SIZE NORMAL",
        "as in the earlier\nfindings\nof this patient",
        "Correlate with history: none known. See impression: above.",
        "Comparison is made with an earlier film.",
        "THE IMPRESSION: GOOD",
    ],
)
def test_what_is_no_heading(text: str) -> None:
    assert parts(text) == [("body", text)]


def test_a_name_that_comes_again_is_numbered() -> None:
    assert parts("FINDINGS: a\nADDENDUM: b\nFINDINGS: c\nFINDINGS: d") == [
        ("findings", "a"),
        ("addendum", "b"),
        ("findings#2", "c"),
        ("findings#3", "d"),
    ]
    assert number_repeats(["a", "b", "a"]) == ["a", "b", "a#2"]


def test_findings_under_a_title_of_the_views_are_not_taken_for_the_comparison() -> None:
    text = "COMPARISON:  ___.\n\n PA AND LATERAL VIEWS OF THE CHEST:  No effusion.\n\n IMPRESSION:  Normal."
    assert parts(text) == [("comparison", "___."), ("findings", "No effusion."), ("impression", "Normal.")]
    assert parts("AP CHEST, 5:13 A.M., ___\n\nNo effusion.") == [("findings", "No effusion.")]


def test_a_description_below_the_comparison_is_body() -> None:
    text = "INDICATION: Cough.\n\nCOMPARISON: None.\r\n\r\nNo effusion.\n\nHeart normal."
    assert parts(text)[1:] == [("comparison", "None."), ("body", "No effusion.\n\nHeart normal.")]


def test_blank_sections_and_blank_texts_give_nothing() -> None:
    assert parts("FINDINGS:\n\nIMPRESSION: a") == [("impression", "a")]
    assert parts("") == parts(" \n") == parts("FINDINGS:") == []


@pytest.mark.parametrize("name", sorted(HEADINGS))
def test_every_heading_of_the_table_is_found(name: str) -> None:
    for heading in HEADINGS[name]:
        assert section_name(heading.upper()) == name
        assert parts(f"{heading.capitalize()}: a")[-1] == (name, "a")


HEADS = ["FINDINGS:", "Findings", "IMPRESSION:", "COMPARISON:", "PA CHEST", "FINAL REPORT", "AND", "/", "**"]
WORDS = st.sampled_from([*HEADS, "heart: normal", "No effusion.", "\n", "\r\n", "\n\n", " ", "  ", "(x)", "é"])


@given(st.one_of(st.text(), st.lists(WORDS, max_size=30).map("".join)))
def test_headings_and_texts_cover_the_text_without_gap_or_overlap(text: str) -> None:
    spans = section_spans(text)
    assert spans[0].heading == 0
    assert spans[-1].end == len(text)
    assert all(span.heading <= span.start <= span.end for span in spans)
    assert all(before.end == after.heading for before, after in pairwise(spans))


@given(st.one_of(st.text(), st.lists(WORDS, max_size=30).map("".join)))
def test_each_section_is_a_slice_of_the_text_in_order_under_a_name_of_its_own(text: str) -> None:
    sections = split_sections(text)
    after = 0
    for section in sections:
        after = text.index(section.text, after) + len(section.text)
    assert len({section.name for section in sections}) == len(sections)
    assert all(section.text.strip() for section in sections)


@pytest.mark.parametrize(
    "piece",
    [" ", "\n", "AP ", "a ", "FINDINGS ", "findings and ", "x\n\n", " x \n", "(", "FINDINGS (", "COMPARISON:\n"],
)
def test_a_hostile_megabyte_takes_no_more_than_seconds(piece: str) -> None:
    text = "COMPARISON: " + piece * (1_000_000 // len(piece))
    started = time.monotonic()
    split_sections(text)
    assert time.monotonic() - started < 10
