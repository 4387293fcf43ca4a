"""What a report's statements say of any concept: the general ones too, and nothing where nobody can know."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.training.statements import DENIED, HOLDS, OTHER, UNKNOWN, Statement, Statements
from kb.hierarchy.meaning import Meaning
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query
from kb.language.wider_terms import wider_findings
from schemas.terms import LATERALITIES
from tests.support.plain_statements import says_of, speaks_of


def meaning(text: str) -> Meaning:
    """What a text means: `- left effusion` denies, `left small effusion` affirms."""
    return Meaning.of(vars(read_query(text.replace("- ", "no ", 1) if text.startswith("- ") else text)))


@pytest.mark.parametrize(
    ("stated", "concept", "expected"),
    [
        ("left small effusion", "effusion", HOLDS),
        ("left small effusion", "left effusion", HOLDS),
        ("left small effusion", "left small effusion", HOLDS),
        ("left effusion", "left small effusion", UNKNOWN),
        ("left effusion", "right effusion", UNKNOWN),
        ("left effusion", "- effusion", DENIED),
        ("left effusion", "- right effusion", UNKNOWN),
        ("left effusion", "- large effusion", UNKNOWN),
        ("- effusion", "effusion", DENIED),
        ("- effusion", "left small effusion", DENIED),
        ("- large effusion", "effusion", UNKNOWN),
        ("- large effusion", "left large effusion", DENIED),
        ("- effusion", "- left effusion", HOLDS),
        ("- left effusion", "- effusion", UNKNOWN),
        ("loculated effusion", "effusion", HOLDS),
        ("effusion", "loculated effusion", UNKNOWN),
        ("basal effusion", "apical effusion", UNKNOWN),
        ("rib fracture", "fracture", HOLDS),
        ("left rib fracture", "left fracture", HOLDS),
        ("fracture", "rib fracture", UNKNOWN),
        ("- fracture", "rib fracture", DENIED),
        ("- fracture", "- rib fracture", HOLDS),
        ("- rib fracture", "- fracture", UNKNOWN),
        ("rib fracture", "- fracture", DENIED),
        ("lower lobe opacity", "opacity in the lung", HOLDS),
        ("- opacity in the lung", "lower lobe opacity", DENIED),
        ("bilateral effusion", "left effusion", HOLDS),
        ("bilateral effusion", "- left effusion", DENIED),
        ("- left effusion", "bilateral effusion", DENIED),
        ("- left effusion", "- bilateral effusion", UNKNOWN),
        ("- bilateral effusion", "- left effusion", UNKNOWN),
        ("- effusion", "- bilateral effusion", HOLDS),
    ],
)
def test_one_statement(stated: str, concept: str, expected: int) -> None:
    assert says_of(meaning(stated), meaning(concept)) == expected
    both = Statements([meaning(stated), meaning(concept)], [[Statement(0, True)]])
    assert both.relations([0], [1]).tolist() == [[expected]]


CONCEPTS = ["effusion", "left effusion", "- effusion", "nodule", "- nodule"]


def relations(*said: tuple[int, bool]) -> list[int]:
    statements = Statements([meaning(text) for text in CONCEPTS], [[Statement(*one) for one in said]])
    return statements.relations([0], range(len(CONCEPTS)))[0].tolist()


def test_what_is_not_mentioned_is_another_matter_and_a_denial_of_it_may_hold() -> None:
    assert relations((1, True)) == [HOLDS, HOLDS, DENIED, OTHER, UNKNOWN]
    assert relations((2, True)) == [DENIED, DENIED, HOLDS, OTHER, UNKNOWN]
    assert relations() == [OTHER, OTHER, UNKNOWN, OTHER, UNKNOWN]


def test_a_hedged_or_past_statement_says_nothing_of_its_finding() -> None:
    assert relations((1, False)) == [UNKNOWN, UNKNOWN, UNKNOWN, OTHER, UNKNOWN]


def test_a_report_that_contradicts_itself_says_nothing() -> None:
    assert relations((1, True), (2, True))[0] == UNKNOWN


def test_only_sure_statements_bring_concepts_into_a_batch() -> None:
    statements = Statements([meaning(t) for t in CONCEPTS], [[Statement(3, True)], [Statement(0, False)]])
    assert statements.concepts_of([0, 1]) == [3]


def test_a_finding_that_is_there_leaves_open_whether_it_is_a_narrower_one() -> None:
    texts = ["fracture", "rib fracture", "- fracture", "- rib fracture", "old fracture", "clavicle fracture"]
    reports = [[Statement(0, True)], [Statement(0, False)], [Statement(1, True)], [Statement(3, True)]]
    found = Statements([meaning(text) for text in texts], reports).relations(range(4), range(6)).tolist()
    assert found == [
        [HOLDS, UNKNOWN, DENIED, UNKNOWN, UNKNOWN, UNKNOWN],
        [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
        [HOLDS, HOLDS, DENIED, DENIED, UNKNOWN, OTHER],
        [OTHER, DENIED, UNKNOWN, HOLDS, OTHER, OTHER],
    ]


@pytest.mark.parametrize(
    ("stated", "open_or_there"),
    [
        ("consolidation", ["opacity", "airspace opacity", "infiltrate", "pneumonia", "pulmonary abnormality"]),
        ("left lower lobe consolidation", ["left lung opacity", "infiltrate", "left infiltrate"]),
        ("pleural effusion", ["pleural abnormality", "empyema", "costophrenic angle blunting"]),
        ("cardiomegaly", ["enlarged cardiomediastinum"]),
        ("pneumonia", ["opacity", "consolidation", "infiltrate", "aspiration pneumonia"]),
        ("aspiration pneumonia", ["consolidation"]),
        ("pulmonary edema", ["opacity", "interstitial opacity"]),
        ("nodule", ["lung lesion", "granuloma"]),
        ("bilateral pleural effusion", ["left pleural effusion", "right pleural effusion"]),
    ],
)
def test_a_wider_finding_and_what_goes_by_either_name_are_no_negatives(stated: str, open_or_there: list[str]) -> None:
    for concept in open_or_there:
        found = Statements([meaning(stated), meaning(concept)], [[Statement(0, True)]]).relations([0], [1])
        assert found.item() in (HOLDS, UNKNOWN), concept


@pytest.mark.parametrize("other", ["pneumothorax", "cardiomegaly", "nodule", "atelectasis"])
def test_a_consolidation_leaves_other_findings_negatives(other: str) -> None:
    found = Statements([meaning("consolidation"), meaning(other)], [[Statement(0, True)]]).relations([0], [1])
    assert found.item() == OTHER


FINDING = st.sampled_from(sorted(load_lexicon().kinds))


@settings(max_examples=60, deadline=None)
@given(FINDING, FINDING, st.sampled_from(LATERALITIES), st.sampled_from(LATERALITIES))
def test_what_is_there_makes_its_wider_findings_hold_and_openness_is_mutual(
    one: str, other: str, side: str, other_side: str
) -> None:
    names = [one, other, *sorted(wider_findings().above(one))]
    sides = [side, other_side, *["none"] * (len(names) - 2)]
    concepts = [
        Meaning(assertion="present", finding=name, laterality=at) for name, at in zip(names, sides, strict=True)
    ]
    found = Statements(concepts, [[Statement(0, True)], [Statement(1, True)]]).relations([0, 1], range(len(concepts)))
    assert (found[0, 2:] == HOLDS).all()
    assert (found[0, 1] == OTHER) == (found[1, 0] == OTHER)
    assert DENIED not in found


def test_findings_that_a_terminology_holds_for_one_are_no_negatives_of_each_other() -> None:
    concepts = [Meaning(assertion="present", finding=name) for name in ("zorbic rim", "halo", "nodule")]
    reports = [[Statement(0, True)]]
    assert Statements(concepts, reports).relations([0], range(3)).tolist() == [[HOLDS, OTHER, OTHER]]
    linked = Statements(concepts, reports, linked=[("halo", "zorbic rim")])
    assert linked.relations([0], range(3)).tolist() == [[HOLDS, UNKNOWN, OTHER]]


WORDS = st.lists(
    st.sampled_from(["left", "right", "bilateral", "small", "large", "apical", "basal", "lung", "hazy", "old"]),
    max_size=4,
    unique=True,
)
TEXTS = st.builds(
    lambda denied, words, finding: f"{'- ' if denied else ''}{' '.join(words)} {finding}".replace("  ", " "),
    st.booleans(),
    WORDS,
    st.sampled_from(["effusion", "empyema", "nodule", "opacity", "infiltrate", "pneumonia"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=12), st.data())
def test_a_whole_batch_is_answered_as_one_statement_after_the_other(texts: list[str], data: st.DataObject) -> None:
    meanings = [meaning(text) for text in texts]
    numbers = st.integers(0, len(texts) - 1)
    reports = data.draw(st.lists(st.lists(st.builds(Statement, numbers, st.booleans()), max_size=4), max_size=4))
    found = Statements(meanings, reports).relations(range(len(reports)), range(len(texts)))
    for row, report in enumerate(reports):
        for column, concept in enumerate(meanings):
            says = {says_of(meanings[said.concept], concept) for said in report if said.sure} - {UNKNOWN}
            spoken_of = any(speaks_of(meanings[said.concept], concept) for said in report)
            expected = UNKNOWN
            if len(says) == 1:
                (expected,) = says
            elif not says and not spoken_of and concept.assertion == "present":
                expected = OTHER
            assert found[row, column] == expected
