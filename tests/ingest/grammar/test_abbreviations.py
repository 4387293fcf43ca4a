"""Abbreviations that a report defines itself."""

from __future__ import annotations

import time
from functools import cache
from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.extractors.rules import RulesExtractor
from ingest.grammar.abbreviations import defined_abbreviations
from ingest.report import Section


def test_a_short_form_in_parentheses_is_defined() -> None:
    text = "Pulmonary embolism (PE) is seen (left). Congestive heart failure (CHF), no edema."
    assert defined_abbreviations(text) == {"PE": "Pulmonary embolism", "CHF": "Congestive heart failure"}


def test_what_only_describes_defines_nothing() -> None:
    assert defined_abbreviations("Effusion (small), edema (-), (a) nodule (3 mm).") == {}


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("COPD (chronic obstructive pulmonary disease)", "COPD", "chronic obstructive pulmonary disease"),
        ("Ground-glass opacities (GGO)", "GGO", "Ground-glass opacities"),
        ("Seen in diffuse idiopathic skeletal hyperostosis (DISH)", "DISH", "diffuse idiopathic skeletal hyperostosis"),
        ("CT: 3; fever, cough; C-reactive protein (CRP)", "CRP", "C-reactive protein"),
    ],
)
def test_the_long_form_is_whole_words_and_may_stand_on_either_side(text: str, short: str, long: str) -> None:
    assert defined_abbreviations(text) == {short: long}


@pytest.mark.parametrize(
    "text",
    [
        "(PE) pulmonary embolism",
        "effusion(E)",
        "Thickness of 1.1 cm (0.7-1.1 cm)",  # the word for itself
        "No abnormality (XYZ)",
        "pulmonary embolism (P E)",
        "embolism of the large arteries (PE and DVT and more)",
    ],
)
def test_what_is_no_definition_is_none(text: str) -> None:
    assert defined_abbreviations(text) == {}


WORDS = (
    "pulmonary",
    "embolism",
    "Chronic",
    "of",
    "the",
    "disease",
    "x",
    "Hb",
    "alpha",
    "COPD",
    "PE",
    "CD",
    "A1c",
    "HSV1",
)
PHRASES = st.lists(st.sampled_from(WORDS), max_size=12)
INITIALS = st.integers(2, 5)


@pytest.mark.skipif(find_spec("scispacy") is None, reason="scispaCy is not here")
@pytest.mark.filterwarnings("ignore:.W036")
@given(before=PHRASES, inside=PHRASES | INITIALS)
@settings(max_examples=300, deadline=None)
def test_it_finds_what_scispacys_detector_finds(before: list[str], inside: list[str] | int) -> None:
    """Of words with spaces between: where signs stand close, that one cuts a long form short ("-reactive protein")."""
    short = "".join(word[0] for word in before[-inside:]) if isinstance(inside, int) else " ".join(inside)
    text = f"{' '.join(before)} ({short})"
    document = scispacys_detector()(text)
    theirs = {str(short): str(short._.long_form) for short in document._.abbreviations}
    assert defined_abbreviations(text) == {short: long for short, long in theirs.items() if short != long}


@cache
def scispacys_detector():
    import spacy
    from scispacy.abbreviation import AbbreviationDetector  # noqa: F401 - registers the component

    pipeline = spacy.blank("en")
    pipeline.add_pipe("abbreviation_detector")
    return pipeline


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("Left pulmonary embolism (PE). PE is small.", ["left pulmonary embolism", "small pulmonary embolism"]),
        ("No lepidic focus (LF). LF is seen.", ["no lepidic focus", "lepidic focus"]),
    ],
)
def test_a_concept_is_named_in_full_and_once(text: str, concepts: list[str]) -> None:
    found = RulesExtractor().mentions([Section("findings", text)])
    assert [mention.facets.text for mention in found] == concepts


@pytest.mark.parametrize("sign", ["(", "()", "[", "effusion (-), ", "[ ] effusion ", "(a) effusion ", "( effusion "])
def test_signs_without_end_are_read_in_linear_time(sign: str) -> None:
    def taken(times: int) -> float:
        begun = time.perf_counter()
        RulesExtractor().mentions([Section("findings", sign * times)])
        return time.perf_counter() - begun

    taken(1)
    assert taken(3_000) < 2.0
