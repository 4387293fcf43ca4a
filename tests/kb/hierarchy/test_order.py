"""The order on concepts: a partial order, of one assertion, that follows the tables; and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.hierarchy.graph import Hierarchy
from kb.hierarchy.meaning import Meaning
from kb.hierarchy.order import contradicts, entails, stands_under
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query
from schemas.terms import LATERALITIES
from tests.support.examples import examples
from tests.support.meanings import any_meaning, related_meanings


def meaning(text: str) -> Meaning:
    return Meaning.of(vars(read_query(text)))


@pytest.mark.parametrize(
    ("special", "general"),
    [
        ("small left pleural effusion", "left pleural effusion"),
        ("left pleural effusion", "pleural effusion"),
        ("bilateral pleural effusion", "left pleural effusion"),
        ("rib fracture", "fracture"),
        ("displaced left rib fracture", "left fracture"),
        ("right lower lobe opacity", "right lung opacity in the lung"),
        ("peripherally inserted central catheter", "catheter"),
        ("endotracheal tube", "tube"),
        ("tension pneumothorax", "pneumothorax"),
        ("hydropneumothorax", "pleural effusion"),
        ("bone metastasis", "bone abnormality"),
        ("no small left pleural effusion", "no pleural effusion"),
        ("no rib fracture", "no fracture"),
    ],
)
def test_what_stands_under_what(special: str, general: str) -> None:
    assert stands_under(meaning(special), meaning(general))
    assert not stands_under(meaning(general), meaning(special))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("left pleural effusion", "right pleural effusion"),
        ("small pleural effusion", "large pleural effusion"),
        ("upper lobe nodule", "lower lobe nodule"),
        ("right upper and left lower lobe opacity", "left upper lobe opacity"),
        ("rib fracture", "clavicle fracture"),
        ("pleural effusion", "no pleural effusion"),
        ("no rib fracture", "fracture"),
        ("deep sulcus sign", "pneumothorax"),
    ],
)
def test_what_does_not_compare(first: str, second: str) -> None:
    assert not stands_under(meaning(first), meaning(second))
    assert not stands_under(meaning(second), meaning(first))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("lower lobe opacity", "opacity in the lower lobe of the lung"),
        ("atelectasis", "atelectasis of the lung"),
    ],
)
def test_a_place_that_goes_without_saying_changes_no_meaning(first: str, second: str) -> None:
    assert meaning(first) == meaning(second)


@settings(max_examples=examples(400), deadline=None)
@given(related_meanings(3))
def test_it_is_a_partial_order(meanings: list[Meaning]) -> None:
    first, second, third = meanings
    assert stands_under(first, first)
    if stands_under(first, second) and stands_under(second, first):
        assert first == second
    if stands_under(first, second) and stands_under(second, third):
        assert stands_under(first, third)


@settings(max_examples=examples(200), deadline=None)
@given(related_meanings(2))
def test_nothing_stands_under_what_says_the_opposite(meanings: list[Meaning]) -> None:
    first, second = meanings
    if stands_under(first, second):
        assert first.assertion == second.assertion
    assert not stands_under(first, replace(second, assertion="absent" if first.assertion == "present" else "present"))


@settings(max_examples=examples(300), deadline=None)
@given(related_meanings(3))
def test_what_is_said_carries_on_and_never_both_ways(meanings: list[Meaning]) -> None:
    first, second, third = meanings
    assert entails(first, first)
    if first.assertion == second.assertion == third.assertion and entails(first, second):
        assert not entails(second, third) or entails(first, third)
        opposite = replace(third, assertion="absent" if third.assertion == "present" else "present")
        assert not contradicts(second, opposite) or contradicts(first, opposite)
    assert contradicts(first, second) == contradicts(second, first)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(any_meaning(), max_size=25))
def test_the_graph_holds_what_the_order_says_and_only_steps_with_nothing_between(meanings: list[Meaning]) -> None:
    graph = Hierarchy(meanings)
    for own, special in enumerate(graph.meanings):
        above = {n for n, general in enumerate(graph.meanings) if n != own and stands_under(special, general)}
        assert graph.above[own] == above
        assert graph.parents[own] == {n for n in above if not any(n in graph.above[other] for other in above)}
        assert graph.steps_above(own).keys() == above | {own}
        assert graph.under(special) == sorted(graph.below[own] | {own})


def test_every_finding_alone_stands_under_no_side_and_no_size_of_itself() -> None:
    for label in load_lexicon().kinds:
        plain = Meaning(assertion="present", finding=label)
        for side in LATERALITIES:
            assert stands_under(replace(plain, laterality=side, severity="mild"), plain)
