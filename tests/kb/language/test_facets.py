"""Facets: what makes two phrases the same concept, and what never does."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kb.language.facets import Facets, read_facets, read_severity, read_side
from kb.language.grammar.cues import cues_at_sight
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query
from tests.support.examples import examples


@pytest.mark.parametrize(
    "phrases",
    [
        ("enlarged heart", "The heart is enlarged", "cardiac enlargement", "Cardiomegaly", "enlargement of the heart"),
        ("Heart size normal", "normal heart size", "heart is normal in size"),
        ("Small left-sided pleural effusions", "small left pleural effusion", "Small effusion on the left"),
        ("lungs are clear", "Clear lungs", "lung clear"),
        ("rib fracture", "fractured rib", "fracture of the ribs"),
        ("collapsed lung", "atelectasis"),
        ("fracture of the right 5th rib", "right 5th rib fracture"),
        ("1.5 cm nodule", "nodule 1.5 CM"),
        ("RLL opacity", "right lower lobe opacity"),
        ("small rt ptx", "small right pneumothorax"),
        ("lt IJ catheter", "left internal jugular catheter"),
    ],
)
def test_surface_forms_of_one_observation_are_one_concept(phrases: tuple[str, ...]) -> None:
    assert len({read_facets(phrase).concept_id for phrase in phrases}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("left pleural effusion", "right pleural effusion"),
        ("small pleural effusion", "large pleural effusion"),
        ("small pleural effusion", "pleural effusion"),
        ("bilateral effusion", "left effusion"),
        ("pleural effusion", "pericardial effusion"),
        ("upper lobe nodule", "lower lobe nodule"),
        ("calcified nodule", "nodule"),
        ("mild cardiomegaly", "minimal cardiomegaly"),
        ("right ventricle enlarged", "left ventricle enlarged"),
    ],
)
def test_side_size_and_place_are_never_merged(one: str, other: str) -> None:
    assert read_facets(one).concept_id != read_facets(other).concept_id


def test_a_denial_is_a_concept_of_its_own_tied_to_the_finding() -> None:
    present, absent = read_facets("pleural effusion"), read_facets("pleural effusion", "absent")
    assert present.concept_id != absent.concept_id
    assert present.finding == absent.finding
    assert absent.text == "no pleural effusion"


@pytest.mark.parametrize(
    ("phrase", "facets"),
    [
        (
            "Small left-sided pleural effusions",
            Facets(
                assertion="present",
                finding="pleural effusion",
                anatomy=None,
                laterality="left",
                severity="small",
                descriptors=(),
                text="small left pleural effusion",
            ),
        ),
        (
            "calcified granuloma in the right upper lobe",
            Facets(
                assertion="present",
                finding="granuloma",
                anatomy="upper lobe",
                laterality="right",
                severity=None,
                descriptors=("calcified",),
                text="calcified right upper lobe granuloma",
            ),
        ),
        (
            "Bibasilar atelectasis",
            Facets(
                assertion="present",
                finding="atelectasis",
                anatomy="lung base",
                laterality="bilateral",
                severity=None,
                descriptors=(),
                text="bilateral basilar atelectasis",
            ),
        ),
        (
            "wombat sign",
            Facets(
                assertion="present",
                finding="wombat sign",
                anatomy=None,
                laterality="none",
                severity=None,
                descriptors=(),
                text="wombat sign",
            ),
        ),
    ],
)
def test_a_phrase_is_taken_apart(phrase: str, facets: Facets) -> None:
    assert read_facets(phrase) == facets


@pytest.mark.parametrize(
    "query",
    [
        "no effusion",
        "without effusion",
        "absence of effusion",
        "No evidence of effusion",
        "effusion is not seen",
        "effusion absent",
        "effusion: none",
        "no effusion identified",
    ],
)
def test_a_query_can_ask_for_the_absent(query: str) -> None:
    assert read_query(query) == read_facets("effusion", "absent")


def test_a_denial_in_the_middle_denies_the_rest() -> None:
    assert read_query("the heart is not enlarged") == read_facets("enlarged heart", "absent")
    assert read_query("lungs are not clear") == read_facets("clear lungs", "absent")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("right effusion is not changed", "right pleural effusion"),
        ("small effusion not excluded", "small pleural effusion"),
        ("nodule: no change", "nodule"),
        ("cardiac enlargement, not new", "cardiomegaly"),
        ("effusion is not increased", "pleural effusion"),
        ("picc tip not seen", "peripherally inserted central catheter tip"),
        ("the tip of the picc is not seen", "peripherally inserted central catheter tip"),
    ],
)
def test_what_is_not_said_of_a_finding_does_not_deny_it(text: str, read: str) -> None:
    facets = read_query(text)
    assert (facets.assertion, facets.text) == ("present", read)


@pytest.mark.parametrize(
    "text",
    ["not-changed right pleural effusion", "no-change nodule", "not-seen peripherally inserted central catheter tip"],
)
def test_a_denial_that_was_tied_to_its_word_stays_there(text: str) -> None:
    facets = read_query(text)
    assert (facets.assertion, facets.text) == ("present", text)


def test_what_only_says_that_it_is_said_is_left_out() -> None:
    assert read_query("small effusion is again seen") == read_facets("small effusion")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("aortic valve replacement", "mitral valve replacement"),
        ("lobectomy", "pneumonectomy"),
        ("right IJ catheter", "right subclavian catheter"),
        ("fluid in the minor fissure", "fluid in the major fissure"),
        ("lumbar fusion", "cervical fusion"),
        ("coronary stent", "aortic stent graft"),
        ("dextroscoliosis", "levoscoliosis"),
        ("dobbhoff tube", "nasogastric tube"),
    ],
)
def test_what_a_radiologist_keeps_apart_is_no_one_concept(one: str, other: str) -> None:
    assert read_facets(one).concept_id != read_facets(other).concept_id


@pytest.mark.parametrize("phrase", ["", " ", "the", "...", "left", "--", "no"])
def test_a_phrase_that_names_nothing_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="says nothing"):
        read_facets(phrase)


def test_ids_do_not_change() -> None:
    """Vocabularies in the field hold them: a change here is a change of every stored id."""
    assert read_facets("small left pleural effusion").concept_id == "Cd3f066afafc3b593"


def test_side_and_severity_are_read_as_they_stand() -> None:
    assert (read_side("Left lung"), read_side("lungs"), read_side("right ventricle")) == ("left", "none", "none")
    assert (read_severity("Mildly enlarged"), read_severity("enlarged")) == ("Mildly", None)


LEXICON = load_lexicon()
WORDS = st.one_of(
    st.sampled_from(LEXICON.terms()),
    st.sampled_from(sorted(LEXICON.severities)),
    st.sampled_from(sorted(LEXICON.sides)),
    st.sampled_from(
        ["base of the", "5 mm", "calcified", "in the", "lung", "pleural", "right ventricle", "rib", "no", "2"]
    ),
    st.text(max_size=12).filter(lambda text: not cues_at_sight(text)),  # a cue is no word of a concept
)


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), st.sampled_from(["present", "absent"]))
def test_the_canonical_text_reads_as_itself(phrase: str, assertion) -> None:
    try:
        facets = read_facets(phrase, assertion)
    except ValueError:
        assume(False)
    assert read_query(facets.text) == facets


@settings(max_examples=examples(200), deadline=None)
@given(
    st.sampled_from(LEXICON.terms()),
    st.sampled_from(["left", "right", "bilateral"]),
    st.sampled_from(["small", "large"]),
)
def test_every_term_keeps_its_side_and_size(term: str, side: str, size: str) -> None:
    assume("heart" not in term and "cardiac" not in term)  # "large heart" is a finding's name
    assume(LEXICON.severities.keys().isdisjoint(term.split()))  # "small airways disease" too
    facets = read_facets(f"{size} {side} {term}")
    both_anyway = {"none"} if side == "bilateral" else set()  # "clear lungs bilaterally"
    assert facets.laterality in {side, "bilateral", *both_anyway}
    assert facets.severity == size


@pytest.mark.parametrize("text", ["COVID-19", "COVID-19 pneumonia", "SARS-CoV-2 infection", "B-12 deficiency"])
def test_a_number_in_a_word_is_no_measure_and_its_reading_ends(text: str) -> None:
    facets = read_query(text)
    assert not any(descriptor.isdigit() for descriptor in facets.descriptors)
    assert read_query(facets.text) == facets
