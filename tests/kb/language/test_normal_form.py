"""The normal form: what a concept leaves out, how its text is worded, and what is put aside."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kb.language.facets import Facets, kind_of, read_facets
from kb.language.lexicon import load_lexicon, read_table, words_of
from kb.language.normal_form.tables import CLASSES, load_tables

TABLES, LEXICON = load_tables(), load_lexicon()
FINDINGS = [label for label, kind, _ in LEXICON.rows() if kind == "finding"]


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("focal area of consolidation", "focal consolidation"),
        ("the appearance of the overlying soft tissues is normal", "normal soft tissues"),
        ("bibasilar opacities, right greater than left", "bilateral basilar opacity"),
        ("RLL calcified granuloma seen", "calcified right lower lobe granuloma"),
        ("mild to moderate cardiomegaly", "mild to moderate cardiomegaly"),
        ("the lungs are clear bilaterally", "clear lungs"),
        ("left lung clear", "clear left lung"),
        ("right lung base clear", "clear right lung base"),
        ("sacroiliac joints normal", "normal sacroiliac joint"),
        ("aorta dilated", "aortic ectasia"),
        ("stomach dilated", "gastric dilatation"),
        ("enlarged left atrium", "left atrial enlargement"),
        ("calcified hilar lymph nodes", "hilar lymph node calcification"),
        ("left rib 7 nondisplaced fracture", "nondisplaced left seventh rib fracture"),
        ("old fusion of T9 and T10", "t9 t10 spinal fusion"),
        ("nodule overlying the right 6th rib", "nodule over right sixth rib"),
        ("ETT tip 4 cm above the carina", "endotracheal tube with tip above carina"),
        (
            "right PICC terminates in the lower SVC",
            "right peripherally inserted central catheter with tip at lower superior vena cava",
        ),
        ("8-mm nodule in the left upper lung", "left upper lung nodule"),
        ("3-5 mm nodules", "nodule"),
        ("fracture of T7-8", "t7-8 fracture"),
        ("numerous nodules", "multiple nodules"),
        ("nodule near the heart", "nodule near heart"),
        ("postoperative changes of left mastectomy", "left mastectomy"),
    ],
)
def test_a_concept_is_told_as_a_radiologist_says_it(phrase: str, text: str) -> None:
    facets = read_facets(phrase)
    assert (facets.text, facets.well_formed) == (text, True)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("pnuemothorax", "pneumothorax"),
        ("atelectesis", "atelectasis"),
        ("haemothorax", "hemothorax"),
        ("cardio-pulmonary abnormality", "cardiopulmonary abnormality"),
        ("groundglass opacity", "ground glass opacity"),
        ("well-expanded lungs", "normal lung inflation"),
        ("hypoinflated lungs", "low lung volumes"),
    ],
)
def test_words_are_read_as_the_tables_spell_them(phrase: str, text: str) -> None:
    assert read_facets(phrase).text == text


@pytest.mark.parametrize("word", ["effusive", "plural", "zorbical", "pleuralax"])
def test_a_word_that_is_none_of_ours_stays(word: str) -> None:
    """An English word, or one that more than one slip parts from any of ours."""
    assert word in read_facets(f"{word} wombat").text


@given(st.sampled_from(FINDINGS), st.data())
def test_a_slip_never_makes_another_finding(finding: str, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from([word for word in finding.split() if len(word) > 6] or ["effusion"]))
    at = data.draw(st.integers(1, len(word) - 1))
    slip = word[:at] + data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz")) + word[at + 1 :]
    read = read_facets(finding.replace(word, slip))
    assume(slip not in {form for term in LEXICON.terms() for form in term.split()})
    known = LEXICON.canonical(finding)
    assert read.finding in {known, read_facets(finding).finding} or not read.well_formed or _names(read, finding)


def _names(read: Facets, finding: str) -> bool:
    """Whether a reading names what the rest of the finding's words name: the slip's word is not known."""
    return bool({word.folded for word in words_of(read.text)} & {word.folded for word in words_of(finding)})


@pytest.mark.parametrize(
    "phrase",
    ["clear", "tortuosity", "reflex combination opacity", "zorbic rim", "lung volume", "Neptunian effusion", "KUB"],
)
def test_what_is_no_whole_observation_is_put_aside(phrase: str) -> None:
    assert not read_facets(phrase).well_formed


def test_a_denied_state_is_an_observation_and_an_affirmed_one_needs_a_place() -> None:
    assert read_facets("enlargement", "absent").well_formed
    assert not read_facets("enlargement").well_formed
    assert read_facets("enlarged spleen").well_formed


@given(st.sampled_from(sorted(TABLES.classes)), st.sampled_from(FINDINGS))
def test_every_descriptor_is_read_back_from_the_text_of_its_concept(descriptor: str, finding: str) -> None:
    facets = read_facets(f"{descriptor} {finding}")
    assert read_facets(facets.text) == facets


@given(st.sampled_from(LEXICON.places()), st.sampled_from(sorted(TABLES.state_names)))
def test_a_state_of_a_place_is_a_finding_of_it(place: str, state: str) -> None:
    facets = read_facets(f"{place} {state}")
    assert facets.well_formed or "artery" in place  # "main pulmonary arterial ..." is of the vessels
    assert read_facets(facets.text) == facets


@given(st.sampled_from(LEXICON.places()))
def test_every_place_may_be_normal(place: str) -> None:
    facets = read_facets(f"{place} unremarkable")
    assert kind_of(facets.finding) == "normal"
    assert read_facets(facets.text) == facets


@given(st.sampled_from(FINDINGS), st.sampled_from(sorted(TABLES.unsaid)))
def test_words_that_say_nothing_change_no_concept(finding: str, word: str) -> None:
    assume(not LEXICON.knows(word) and not word.startswith("larg"))
    assert read_facets(f"{finding} {word}").concept_id == read_facets(finding).concept_id


class TestTables:
    def test_every_descriptor_has_a_class_and_no_form_stands_twice(self) -> None:
        owners: dict[str, set[str]] = {}
        for name, kind, forms in read_table("descriptors.tsv", 3):
            assert kind in (*CLASSES, "unsaid")
            for form in filter(None, [name, *forms.split("|")]):
                owners.setdefault(" ".join(word.folded for word in words_of(form)), set()).add(name)
        assert {form: names for form, names in owners.items() if len(names) > 1} == {}

    def test_what_goes_without_saying_is_said_of_known_findings_by_known_names(self) -> None:
        known = {*LEXICON.kinds, *TABLES.state_names}
        named = {*LEXICON.places(), *TABLES.classes, *LEXICON.sides.values()}
        assert {finding for finding in TABLES.implied if finding not in known} == set()
        assert {one for implied in TABLES.implied.values() for one in implied} - named == set()

    def test_an_adjective_is_a_name_of_its_place(self) -> None:
        for place, adjective in TABLES.adjectives.items():
            (match,) = LEXICON.anatomy.find(words_of(adjective))
            assert match.label == place
