"""Laws of temporality: what a comparison is told of, and what only sounds like one."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.extractors.rules import RulesExtractor
from ingest.grammar.temporal_words import told_by
from ingest.mention import Mention
from ingest.report import Section
from tests.support.single_findings import FINDINGS

RULES = RulesExtractor()
PREDICATES = st.sampled_from(
    [
        ("is unchanged", "stable"),
        ("remains present", "stable"),
        ("persists", "stable"),
        ("has increased", "increased"),
        ("is larger than before", "increased"),
        ("has decreased", "decreased"),
        ("is better", "decreased"),
        ("is new", "new"),
        ("was not present on the prior study", "new"),
    ]
)
ADJECTIVES = st.sampled_from(
    [
        ("stable", "stable"),
        ("worsening", "increased"),
        ("improving", "decreased"),
        ("new", "new"),
        ("old", "historical"),
    ]
)
SPATIAL = st.sampled_from(["larger on the left", "worse on the right", "more prominent at the right base"])


def mined(text: str) -> list[Mention]:
    return RULES.mentions([Section("findings", text)])


def plain(finding: str) -> bool:
    """Whether a finding is one mention that nothing is told of, and no change by its name ("decreased volume")."""
    found = mined(f"There is {finding}.")
    return [one.temporality for one in found] == ["current"] and told_by(finding) is None


@settings(max_examples=150, deadline=None)
@given(FINDINGS, PREDICATES)
def test_a_predicate_is_told_of_its_subject(finding: str, predicate: tuple[str, str]) -> None:
    assume(plain(finding))
    found = mined(f"The {finding} {predicate[0]}.")
    assume(found and found[0].assertion == "present")
    assert found[0].temporality == predicate[1]


@settings(max_examples=150, deadline=None)
@given(FINDINGS, FINDINGS, ADJECTIVES, ADJECTIVES)
def test_each_of_two_sentences_has_its_own(one: str, two: str, a: tuple[str, str], b: tuple[str, str]) -> None:
    told = [*mined(f"{a[0]} {one}."), *mined(f"{b[0]} {two}.")]
    both = mined(f"{a[0]} {one}. {b[0].capitalize()} {two}.")
    assert [mention.temporality for mention in both] == [mention.temporality for mention in told]


@settings(max_examples=150, deadline=None)
@given(FINDINGS, SPATIAL)
def test_where_it_is_worse_is_no_growth(finding: str, spatial: str) -> None:
    assume(plain(finding))
    found = mined(f"There is {finding}, {spatial}.")
    assert {mention.temporality for mention in found} == {"current"}


@settings(max_examples=100, deadline=None)
@given(st.integers(11, 99), st.integers(11, 99), st.sampled_from(["previously {} mm", "(prior {} mm)", "was {} mm"]))
def test_two_measures_tell_by_themselves(now: int, then: int, earlier: str) -> None:
    (mass,) = mined(f"Right upper lobe mass measures {now} mm, {earlier.format(then)}.")
    assert mass.temporality == ("stable" if now == then else "increased" if now > then else "decreased")


@settings(max_examples=100, deadline=None)
@given(FINDINGS, st.integers(2, 99))
def test_an_age_is_no_history(finding: str, years: int) -> None:
    assume(plain(finding))
    found = mined(f"There is {finding} in this {years}-year-old woman.")
    assert "historical" not in {mention.temporality for mention in found}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Increased interstitial markings.", "current"),
        ("Interval increase in interstitial markings.", "increased"),
        ("Lobectomy in 1998.", "historical"),
        ("Coronary artery disease history.", "historical"),
        ("Left lower lobe pneumonia two years ago.", "historical"),
        ("Chest pain two days ago.", "current"),
        ("Butterfly vertebra at T7, known.", "stable"),
    ],
)
def test_the_words_are_read_in_their_surroundings(text: str, told: str) -> None:
    assert {mention.temporality for mention in mined(text)} == {told}
