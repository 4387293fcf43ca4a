"""Laws of polarity: what may be put into a sentence, or behind it, without turning what it denies or affirms."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.extractors.rules import RulesExtractor
from ingest.mention import Mention
from ingest.report import Section
from kb.language.grammar.cues import written_out
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query
from tests.support.examples import examples
from tests.support.single_findings import FINDINGS

RULES = RulesExtractor()
LEXICON = load_lexicon()


def cues(*effects: str) -> list[str]:
    """Phrases of these effects, a few of each row, so that each word of a row comes."""
    chosen: list[str] = []
    for line in (files("kb.language.grammar") / "cues.tsv").read_text(encoding="utf-8").splitlines():
        if line.split("\t")[-1] in effects and not line.startswith("#"):
            new: set[str] = set()
            for cue in written_out(line.split("\t")[0]):
                if cue[0].isalpha() and not new.issuperset(cue.split()):
                    new.update(cue.split())
                    chosen.append(cue)
    return chosen


DENIALS = st.sampled_from(cues("deny"))
DOUBTS = st.sampled_from(cues("doubt"))
ADJECTIVES = st.sampled_from(["acute", "focal", "significant", "definite", "large", "new", "suspicious", "displaced"])
REFERENCES = st.sampled_from(["(series 3, image 12)", "(se 2/im 40)", "(image 7)", "[image 3]"])
NEXT = st.sampled_from(
    [
        ", the heart is enlarged",
        ", the left effusion has grown",
        " - small left effusion",
        " \u2013 cardiomegaly",
        "\nThe heart is enlarged",
        "<br>Mild scoliosis",
        ", the chest tube has been removed",
        " and the PICC remains in place",
    ]
)


def mined(text: str) -> list[Mention]:
    return RULES.mentions([Section("findings", text)])


def meant(text: str, finding: str) -> set[str]:
    """How the mentions of a finding's words are meant."""
    words = set(finding.lower().split())
    return {mention.assertion for mention in mined(text) if words & set(mention.text.lower().split())}


@settings(max_examples=examples(150), deadline=None)
@given(DENIALS, FINDINGS, ADJECTIVES)
def test_an_adjective_turns_no_denial(cue: str, finding: str, adjective: str) -> None:
    assume(meant(f"{cue} {finding}.", finding) == {"absent"})
    assert meant(f"{cue} {adjective} {finding}.", finding) == {"absent"}


@settings(max_examples=examples(150), deadline=None)
@given(st.one_of(DENIALS, DOUBTS, st.just("there is")), FINDINGS, REFERENCES)
def test_a_reference_to_an_image_turns_nothing_and_is_nothing(cue: str, finding: str, reference: str) -> None:
    before = [(mention.text, mention.assertion) for mention in mined(f"{cue} {finding}.")]
    assert [(mention.text, mention.assertion) for mention in mined(f"{cue} {finding} {reference}.")] == before


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from(["no", "without", "there is no", "lungs show no", "negative for"]), FINDINGS)
def test_evidence_is_denied_as_the_thing_is(cue: str, finding: str) -> None:
    assume(meant(f"{cue} {finding}.", finding) == {"absent"})
    for spoken_of in ("evidence of", "CT evidence of", "significant evidence of", "convincing evidence of"):
        assert meant(f"{cue} {spoken_of} {finding}.", finding) == {"absent"}


@settings(max_examples=examples(200), deadline=None)
@given(st.one_of(DENIALS, DOUBTS, st.just("there is")), FINDINGS, NEXT)
def test_a_clause_behind_another_turns_nothing_before_it(cue: str, finding: str, clause: str) -> None:
    text = f"{cue} {finding}"
    before = [(mention.text, mention.assertion) for mention in mined(text)]
    assume(len(before) == 1)
    after = [(mention.text, mention.assertion) for mention in mined(text + clause) if mention.spans[0][0] < len(text)]
    assert after == before


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.one_of(FINDINGS, DENIALS, st.sampled_from(["has resolved", "is gone", ",", "and", "but"])), max_size=6)
)
def test_nothing_is_present_and_resolved(parts: list[str]) -> None:
    assert not [m for m in mined(" ".join(parts)) if m.assertion == "present" and m.temporality == "resolved"]


@settings(max_examples=examples(150), deadline=None)
@given(st.one_of(DENIALS, DOUBTS, st.just("there is")), FINDINGS)
def test_a_phrase_is_one_concept_in_a_query_and_in_a_report(cue: str, finding: str) -> None:
    phrase = f"{cue} {finding}"
    mentions = mined(phrase)
    assume(len(mentions) == 1)
    read = read_query(phrase)
    assert (read.concept_id, read.assertion) == (mentions[0].facets.concept_id, mentions[0].facets.assertion)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The effusion is not loculated.", [("effusion", "present")]),
        ("The heart is not enlarged.", [("heart enlarged", "absent")]),
        ("No growth of the nodule.", [("nodule", "present")]),
        ("No shift of the mediastinum.", [("shift of the mediastinum", "absent")]),
        ("The chest tube has been pulled.", [("chest tube", "absent")]),
        ("The chest tube has been pulled back 2 cm.", [("chest tube", "present")]),
    ],
)
def test_what_is_denied_of_a_thing_does_not_deny_it(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(mention.text, mention.assertion) for mention in mined(text)] == expected
