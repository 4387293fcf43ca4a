"""Free text into sections by its headings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.report import Report
from ingest.reports.rows import mined_sections
from ingest.sources.sections import split_sections


def named(text: str) -> dict[str, str]:
    return {section.name: section.text.strip() for section in split_sections(text)}


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("FINDINGS: Clear lungs.\nIMPRESSION: Normal.", {"findings": "Clear lungs.", "impression": "Normal."}),
        ("Findings:\nClear.\n\nConclusion:\nNormal.", {"findings": "Clear.", "impression": "Normal."}),
        ("IMPRESSION\nNormal chest", {"impression": "Normal chest"}),
        ("Clear lungs. IMPRESSION: Normal.", {"body": "Clear lungs.", "impression": "Normal."}),
        ("FINAL REPORT\nClear lungs.", {"body": "Clear lungs."}),
        ("FINDINGS AND IMPRESSION: Clear.", {"findings": "Clear."}),
        ("Clear lungs.", {"body": "Clear lungs."}),
        ("FINDINGS:\nHeart: normal\nPneumothorax: none", {"findings": "Heart: normal\nPneumothorax: none"}),
        ("HISTORY: cough\n\nThe lungs are clear.", {"indication": "cough", "body": "The lungs are clear."}),
        ("FINDINGS: one\nADDENDUM: x\nFINDINGS: two", {"findings": "one", "addendum": "x", "findings#2": "two"}),
        ("FINDINGS:\nIMPRESSION: Normal.", {"impression": "Normal."}),
        ("", {}),
    ],
)
def test_known_headings_begin_sections(text: str, sections: dict[str, str]) -> None:
    assert named(text) == sections


@pytest.mark.parametrize(
    ("text", "mined"),
    [
        ("FINDINGS: a\nIMPRESSION: b\nHISTORY: c", ["findings", "impression"]),
        ("Clear lungs.", ["body"]),
        ("Clear lungs.\nIMPRESSION: Normal.", ["body", "impression"]),
        ("FINDINGS: a\nFINDINGS: b", ["findings", "findings#2"]),
        ("Title\nFINDINGS: a", ["findings"]),
    ],
)
def test_text_under_no_heading_stands_for_missing_findings(text: str, mined: list[str]) -> None:
    report = Report("r", split_sections(text), "row 1")
    assert [section.name for section in mined_sections(report, ("findings", "impression"))] == mined


@given(
    st.lists(st.sampled_from(["FINDINGS:", "IMPRESSION", "Heart:", "\n", " ", "clear.", "HISTORY: x\n\n"]), max_size=12)
)
def test_sections_are_slices_in_order(parts: list[str]) -> None:
    text = "".join(parts)
    at = 0
    sections = split_sections(text)
    for section in sections:
        at = text.index(section.text, at) + len(section.text)
    assert len({section.name for section in sections}) == len(sections)
