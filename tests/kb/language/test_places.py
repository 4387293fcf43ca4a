"""Laws of place: wherever a sentence tells it, the place belongs to the thing, and neither turns its sign."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.extractors.rules import RulesExtractor
from ingest.mention import Mention
from ingest.report import Section
from tests.support.examples import examples
from tests.support.single_findings import FINDINGS

RULES = RulesExtractor()
SIDED = [
    ("left", "on the left"),
    ("left", "on the left side"),
    ("right", "on the right"),
    ("right", "at the right base"),
    ("left", "in the left lower lobe"),
    ("right", "within the right lung base"),
    ("bilateral", "on both sides"),
    ("bilateral", "at both bases"),
    ("bilateral", "bilaterally"),
    ("bilateral", "on the right > left"),
]
PLACES = st.sampled_from(SIDED)
BEFORE = st.sampled_from([place for place in SIDED if ">" not in place[1]])
SEEN = st.sampled_from(["seen", "present", "noted", "identified", "demonstrated", "visible", "evident", "visualised"])
AGAIN = st.sampled_from(["", "again ", "now ", "clearly "])


def mined(text: str) -> list[Mention]:
    return RULES.mentions([Section("findings", text)])


def sided(finding: str) -> bool:
    """Whether a finding has a side of its own, or is not one mention, which a "no" denies."""
    found, denied = mined(f"There is {finding}."), mined(f"No {finding}.")
    signs = [one.assertion for one in (*found, *denied)]
    return signs != ["present", "absent"] or found[0].laterality != "none"


@settings(max_examples=examples(200), deadline=None)
@given(FINDINGS, SEEN, AGAIN, PLACES, st.sampled_from(["is", "are", "was"]))
def test_a_place_behind_the_verb_is_told_of_the_subject(
    finding: str, seen: str, again: str, place: tuple[str, str], verb: str
) -> None:
    assume(not sided(finding))
    found = mined(f"{finding.capitalize()} {verb} {again}{seen} {place[1]}.")
    assert [(one.laterality, one.assertion) for one in found] == [(place[0], "present")]


@settings(max_examples=examples(200), deadline=None)
@given(FINDINGS, SEEN, BEFORE, st.sampled_from(["there is {}", "a {} is {}", "{} is {}", "no {} is {}"]))
def test_a_place_at_the_beginning_is_told_of_what_follows(
    finding: str, seen: str, place: tuple[str, str], frame: str
) -> None:
    assume(not sided(finding))
    found = mined(f"{place[1].capitalize()}, {frame.format(finding, seen)}.")
    sign = "absent" if frame.startswith("no") else "present"
    assert [(one.laterality, one.assertion) for one in found] == [(place[0], sign)]


@settings(max_examples=examples(150), deadline=None)
@given(FINDINGS, BEFORE, st.sampled_from(["{} is not seen {}", "No {} is seen {}", "There is no {} {}"]))
def test_a_place_stays_with_what_is_denied(finding: str, place: tuple[str, str], frame: str) -> None:
    assume(not sided(finding))
    found = mined(f"{frame.format(finding, place[1])}.")
    assert [(one.laterality, one.assertion) for one in found] == [(place[0], "absent")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Seen on the right is a small pneumothorax.", "right"),
        ("A nodule, right upper lobe.", "right"),
        ("Effusion seen on the lateral view.", "none"),
        ("The effusion is better seen on the left lateral view.", "none"),
        ("An effusion is seen on prior films.", "none"),
    ],
)
def test_a_view_is_no_place(text: str, told: str) -> None:
    assert [one.laterality for one in mined(text)] == [told]
