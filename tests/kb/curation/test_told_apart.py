"""What a curator told apart is never made one: not by way of a third, not in a group, not by a line of another tool."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kb.curation.apply import Concepts
from kb.curation.review.decide import decide_group, decide_groups
from kb.curation.review.group import Group
from kb.curation.review.groups import review_groups
from kb.curation.review.left import left_of
from kb.errors import UsageError
from kb.exchange.change_line_reading import apply_change_lines
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from tests.support.concepts import SAME_WORDS, add_concepts

WIDE, WIDENED, BROADENED = (read_query(text).concept_id for text in SAME_WORDS)


@pytest.fixture
def base(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, SAME_WORDS)
    return kb


def duplicates(base: KnowledgeBase) -> list[Group]:
    return [*review_groups(base.at("HEAD"), "duplicates")]


@pytest.mark.parametrize(("source", "into"), [(WIDE, BROADENED), (BROADENED, WIDE)])
def test_what_took_one_of_them_does_not_take_the_other(base: KnowledgeBase, source: str, into: str) -> None:
    base.curate.keep_apart(WIDENED, BROADENED)
    base.curate.merge(WIDENED, into=WIDE)
    with pytest.raises(UsageError, match="told apart"):
        base.curate.merge(source, into=into)


@pytest.mark.parametrize(("source", "into"), [(WIDE, BROADENED), (BROADENED, WIDE)])
def test_a_concept_that_was_replaced_stays_apart_by_what_replaced_it(
    base: KnowledgeBase, source: str, into: str
) -> None:
    base.curate.keep_apart(WIDENED, BROADENED)
    base.curate.retire(WIDENED, WIDE)
    with pytest.raises(UsageError, match="told apart"):
        base.curate.merge(source, into=into)
    assert duplicates(base) == []


def test_two_that_were_told_apart_do_not_go_into_a_third_at_once(base: KnowledgeBase) -> None:
    base.curate.keep_apart(WIDENED, BROADENED)
    with pytest.raises(UsageError, match="'widened fracture' and 'broadened fracture' were told apart"):
        base.curate.merge(WIDENED, BROADENED, into=WIDE)


def test_no_group_holds_two_that_were_told_apart(base: KnowledgeBase) -> None:
    base.curate.accept(WIDE)
    base.curate.keep_apart(WIDENED, BROADENED)
    (group,) = duplicates(base)
    assert group.survivor is not None and group.survivor.key == WIDE and len(group.members) == 1


def test_a_group_that_was_shown_before_loses_the_tick_of_one_of_them(base: KnowledgeBase) -> None:
    (group,) = duplicates(base)
    first, second = group.ticked
    base.curate.keep_apart(first, second)
    left = left_of(group, Concepts(base.at("HEAD")))
    assert left is not None and len(left.members) == 2 and left.ticked == [first]
    with pytest.raises(UsageError, match="told apart"):
        decide_group(base, group)


def test_what_was_told_apart_is_said_of_both_sides_after_a_merge_and_of_nothing_that_is_gone(
    base: KnowledgeBase,
) -> None:
    base.curate.keep_apart(WIDENED, BROADENED)
    change = base.curate.merge(WIDENED, into=WIDE)
    assert base.vocabulary.get(WIDE).distinct_from == (BROADENED,)
    assert set(base.vocabulary.get(BROADENED).distinct_from) == {WIDE, WIDENED}
    assert change is not None
    base.curate.revert(change.change_id)
    assert base.vocabulary.get(BROADENED).distinct_from == (WIDENED,)


def test_a_line_of_another_tool_says_it_of_both(base: KnowledgeBase) -> None:
    apply_change_lines(base, f"create edge CLEARKB:{WIDE} owl:differentFrom CLEARKB:{WIDENED}")
    assert base.vocabulary.get(WIDENED).distinct_from == (WIDE,)
    for source, into in ((WIDE, WIDENED), (WIDENED, WIDE)):
        with pytest.raises(UsageError, match="told apart"):
            base.curate.merge(source, into=into)


def test_two_groups_of_one_survivor_are_both_taken(base: KnowledgeBase) -> None:
    (group,) = duplicates(base)
    halves = [replace(group, members=(one,)) for one in group.members]
    decide_groups(base, halves)
    assert group.survivor is not None
    assert {base.vocabulary.resolve(of).concept_id for of in group.ticked} == {group.survivor.key}
