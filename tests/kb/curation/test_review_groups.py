"""Review in groups: what hangs together is one decision, a decision is one change, and "not the same" is for good."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.reports.ingest import ingest_reports
from kb.curation.review.decide import by_rule, decide_group, decide_groups
from kb.curation.review.group_session import GroupSession
from kb.curation.review.groups import review_groups
from kb.curation.review.progress import read_progress
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.vectors.embedding import load_embedder
from kb.vocabulary.embed_concepts import embed_concepts
from kb.vocabulary.filters import Filters
from tests.support.concepts import SAME_WORDS, add_concepts
from tests.support.examples import examples

MORE = ("left nodule", "wide left fracture", "widened left fracture", "rounded thing")
TEXTS = (*SAME_WORDS, *MORE)
WIDE, WIDENED, BROADENED, NODULE, WIDE_LEFT, WIDENED_LEFT, THING = (read_query(text).concept_id for text in TEXTS)


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path / "groups.kb")
    add_concepts(kb, TEXTS)
    return kb


def mention(kb: KnowledgeBase, *sentences: str) -> None:
    lines = [f'r{number},"FINDINGS: {sentence}."' for number, sentence in enumerate(sentences)]
    path = Path(kb.uri).parent / "reports.csv"
    path.write_text("\n".join(["report_id,report", *lines]) + "\n", encoding="utf-8")
    ingest_reports(kb, [path])


def acts(kb: KnowledgeBase) -> list[str]:
    return [change.act for change in kb.at("HEAD").changes()]


def around(base: KnowledgeBase, survivor: str):
    (group,) = [g for g in review_groups(base.at("HEAD"), "duplicates") if g.survivor.concept_id == survivor]
    return group


class TestGroupsOfDuplicates:
    def test_what_says_the_same_is_one_group_around_the_most_mentioned(self, base: KnowledgeBase) -> None:
        mention(base, "Widened fracture", "Widened fracture", "Wide fracture")
        group = around(base, WIDENED)
        assert (group.act, group.reason) == ("merge", "the same words")
        assert [(member.key, member.mentions) for member in group.members] == [(WIDE, 1), (BROADENED, 0)]
        assert group.ticked == [WIDE, BROADENED]

    def test_an_accepted_concept_stays_whatever_is_mentioned_more(self, base: KnowledgeBase) -> None:
        mention(base, "Widened fracture", "Widened fracture")
        base.curate.accept(BROADENED)
        assert set(around(base, BROADENED).ticked) == {WIDE, WIDENED}

    def test_sides_are_groups_of_their_own(self, base: KnowledgeBase) -> None:
        groups = review_groups(base, "duplicates")
        found = [{one.concept_id for one in group.concepts} for group in groups]
        assert found == [{WIDE, WIDENED, BROADENED}, {WIDE_LEFT, WIDENED_LEFT}]

    def test_two_that_were_told_apart_are_in_no_group_and_the_third_goes_with_one_of_them(
        self, base: KnowledgeBase
    ) -> None:
        base.curate.keep_apart(WIDE, WIDENED)
        groups = [{one.concept_id for one in group.concepts} for group in review_groups(base, "duplicates")]
        assert all(not {WIDE, WIDENED} <= group for group in groups)
        assert any(BROADENED in group for group in groups)

    def test_a_group_keeps_its_name_when_a_member_is_settled(self, base: KnowledgeBase) -> None:
        group = around(base, WIDE)
        base.curate.merge(BROADENED, into=WIDE)
        assert around(base, WIDE).group_id == group.group_id

    def test_filters_ask_for_a_concept_of_the_group(self, base: KnowledgeBase) -> None:
        found = review_groups(base, "duplicates", filters=Filters(laterality="left"))
        assert [group.survivor.concept_id for group in found] == [WIDE_LEFT]
        assert review_groups(base, "duplicates", filters=Filters(text="nodule")) == []
        assert len(review_groups(base, "duplicates", filters=Filters(kind="finding", findings=["fracture"]))) == 2


class TestDeciding:
    def test_taking_a_group_is_one_change_told_in_words_and_one_undo(self, base: KnowledgeBase) -> None:
        mention(base, "Wide fracture", "Wide fracture", "Widened fracture")
        base.tag("begun")
        done = decide_group(base, around(base, WIDE), by="ada")
        assert acts(base) == ["merge"]
        assert done.words[0] == (
            "'widened fracture' (1 mention) and 'broadened fracture' (0 mentions) now count under "
            "'wide fracture' (2 mentions)"
        )
        base.curate.revert(done.change.change_id)
        assert base.at("HEAD").diff("begun").differences == []

    def test_only_what_is_ticked_is_taken(self, base: KnowledgeBase) -> None:
        decide_group(base, around(base, WIDE), members=[WIDENED])
        assert base.vocabulary.resolve(WIDENED).concept_id == WIDE
        assert base.vocabulary.get(BROADENED).status == "candidate"

    def test_another_of_the_group_can_stay_and_the_survivor_goes_into_it(self, base: KnowledgeBase) -> None:
        decide_group(base, around(base, WIDE), into=WIDENED)
        assert {base.vocabulary.resolve(of).concept_id for of in (WIDE, BROADENED)} == {WIDENED}

    def test_another_target_takes_the_ticked_ones_and_leaves_the_survivor(self, base: KnowledgeBase) -> None:
        group = around(base, WIDE)
        added = base.curate.add("gaping fracture").concept_ids[0]
        decide_group(base, group, members=[WIDENED], into=added)
        assert base.vocabulary.resolve(WIDENED).concept_id == added
        assert base.vocabulary.get(WIDE).status == "candidate"

    def test_not_the_same_is_for_good(self, base: KnowledgeBase) -> None:
        decide_group(base, around(base, WIDE), "apart")
        groups = [{one.concept_id for one in group.concepts} for group in review_groups(base, "duplicates")]
        assert all(WIDE not in group for group in groups)

    def test_what_is_no_observation_is_named_where_a_concept_stays(self, base: KnowledgeBase) -> None:
        group = around(base, WIDE)
        with pytest.raises(UsageError, match="name the concepts"):
            decide_group(base, group, "reject")
        decide_group(base, group, "reject", members=[BROADENED])
        assert base.vocabulary.get(BROADENED).status == "rejected"

    @pytest.mark.parametrize(
        ("decision", "options", "problem"),
        [
            ("take", {"members": []}, "nothing is ticked"),
            ("take", {"members": ["C0123456789abcdef"]}, "is not in this group"),
            ("take", {"into": NODULE}, "differ in laterality"),
            ("reject", {"members": [NODULE]}, "no concept of this group"),
            ("rename", {"text": "broad fracture"}, "name the one concept"),
            ("rename", {"text": " ", "members": [WIDE]}, "needs a text"),
            ("keep", {}, "there is no decision 'keep'"),
        ],
    )
    def test_what_makes_no_sense_is_refused_and_nothing_is_done(
        self, base: KnowledgeBase, decision, options, problem: str
    ) -> None:
        with pytest.raises(UsageError, match=problem):
            decide_group(base, around(base, WIDE), decision, **options)
        assert acts(base) == []

    def test_what_another_curator_decided_meanwhile_is_told_and_not_overturned(self, base: KnowledgeBase) -> None:
        group = around(base, WIDE)
        KnowledgeBase.open(base.uri).curate.reject(WIDENED, by="bob", why="odd")
        with pytest.raises(
            UsageError, match=r"'widened fracture' was candidate when it was shown, and is rejected by now \(bob: .*odd"
        ):
            decide_group(base, group)
        assert acts(base) == ["reject"]

    @pytest.mark.parametrize(
        ("act", "problem"),
        [
            (lambda v: v.rename(WIDENED, "gaping fracture", by="bob"), "is called 'gaping fracture' by now .*bob"),
            (lambda v: v.set_facet(WIDENED, "anatomy", "rib", by="bob"), "has another anatomy than when it was shown"),
        ],
    )
    def test_another_text_or_facet_since_it_was_shown_is_told_too(self, base: KnowledgeBase, act, problem: str) -> None:
        group = around(base, WIDE)
        act(KnowledgeBase.open(base.uri).curate)
        with pytest.raises(UsageError, match=f"'widened fracture' {problem}"):
            decide_group(base, group)
        assert base.at("HEAD").vocabulary.get(WIDENED).status == "candidate"

    def test_a_rename_says_that_the_vector_is_gone(self, base: KnowledgeBase, tiny_model: Path) -> None:
        group = around(base, WIDE)
        assert len(decide_group(base, group, "rename", members=[WIDE], text="gaping fracture").words) == 1
        embed_concepts(base, load_embedder(str(tiny_model)))
        group = around(base, WIDE)
        done = decide_group(base, group, "rename", members=[WIDE], text="agape fracture")
        assert done.words[-1] == "'agape fracture' has no vector until the vocabulary is embedded again"

    def test_a_dry_run_tells_and_writes_nothing(self, base: KnowledgeBase) -> None:
        done = decide_group(base, around(base, WIDE), dry_run=True)
        assert "now count under 'wide fracture'" in done.words[0]
        assert acts(base) == []


class TestManyGroupsByARule:
    def test_all_that_a_rule_names_is_one_change_with_one_undo(self, base: KnowledgeBase) -> None:
        base.tag("begun")
        groups = by_rule(review_groups(base, "duplicates"), "the same words")
        told = decide_groups(base, groups, dry_run=True)
        done = decide_groups(base, groups, by="ada", why="read them all")
        assert told.words == done.words and "now counts under 'wide left fracture'" in done.words[1]
        assert acts(base) == ["merge"] and review_groups(base, "duplicates") == []
        base.curate.revert(done.change.change_id)
        assert base.at("HEAD").diff("begun").differences == []

    def test_a_rule_that_no_suggestion_follows_names_those_there_are(self, base: KnowledgeBase) -> None:
        with pytest.raises(UsageError, match="there are 'the same words'"):
            by_rule(review_groups(base, "duplicates"), "the same letters")

    def test_what_no_rule_found_is_not_taken_by_one(self, base: KnowledgeBase) -> None:
        with pytest.raises(UsageError, match="by which rule"):
            by_rule(review_groups(base, "unreviewed"), "")

    def test_what_is_only_likely_is_neither_ticked_nor_taken_by_its_rule(self, base: KnowledgeBase) -> None:
        add_concepts(base, ["mild cardiomegaly", "minimal cardiomegaly"])
        groups = review_groups(base, "duplicates", filters=Filters(text="cardiomegaly"))
        assert [group.ticked for group in groups] == [[]]
        with pytest.raises(UsageError, match="no suggestion that is sure"):
            by_rule(groups, "the same severity")

    def test_where_one_cannot_be_none_is(self, base: KnowledgeBase) -> None:
        groups = review_groups(base, "duplicates")
        KnowledgeBase.open(base.uri).curate.accept(WIDENED_LEFT)
        with pytest.raises(UsageError, match="is accepted by now"):
            decide_groups(base, groups)
        assert acts(base) == ["accept"]

    def test_many_groups_are_merged_by_their_ids_too(self, base: KnowledgeBase) -> None:
        base.curate.merge_groups({WIDE: [WIDENED, BROADENED], WIDE_LEFT: [WIDENED_LEFT]})
        assert acts(base) == ["merge"]
        assert base.vocabulary.resolve(WIDENED_LEFT).concept_id == WIDE_LEFT

    def test_a_concept_in_two_groups_is_refused(self, base: KnowledgeBase) -> None:
        with pytest.raises(UsageError, match=r"'broadened fracture' .* changed twice at once"):
            base.curate.merge_groups({WIDE: [BROADENED], WIDENED: [BROADENED]})


class TestConceptsAlone:
    @pytest.mark.parametrize("queue", ["rare", "unreviewed"])
    def test_what_is_left_as_it_is_is_not_asked_about_again(self, base: KnowledgeBase, queue) -> None:
        (group,) = [g for g in review_groups(base, queue) if g.members[0].key == THING]
        done = decide_group(base, group, "apart")
        assert done.words == ["'rounded thing' (0 mentions) is left as it is"]
        for other in ("rare", "unreviewed"):
            assert THING not in {one.key for group in review_groups(base, other) for one in group.members}
        base.curate.revert(done.change.change_id)
        assert THING in {one.key for group in review_groups(base, queue) for one in group.members}

    def test_the_unreviewed_are_accepted_or_rejected(self, base: KnowledgeBase) -> None:
        groups = {group.members[0].key: group for group in review_groups(base, "unreviewed")}
        decide_group(base, groups[NODULE])
        decide_group(base, groups[THING], "reject")
        assert [base.vocabulary.get(of).status for of in (NODULE, THING)] == ["accepted", "rejected"]

    def test_what_is_put_aside_is_accepted_too(self, base: KnowledgeBase) -> None:
        add_concepts(base, ["s overlying head"], status="aside")
        (group,) = review_groups(base, "aside")
        decide_group(base, group)
        assert review_groups(base, "aside") == []

    def test_new_ones_need_a_since(self, base: KnowledgeBase) -> None:
        base.tag("begun")
        add_concepts(base, ["scoliosis"])
        assert [group.members[0].text for group in review_groups(base, "new", since="begun")] == ["scoliosis"]
        with pytest.raises(UsageError, match="new since when"):
            review_groups(base, "new")


class TestNames:
    def named(self, base: KnowledgeBase):
        mention(base, "Left lung nodule", "Left lung nodule", "Nodule in the left lung", "Nodule in the left lung")
        return review_groups(base, "synonyms")

    @pytest.mark.soak
    def test_wordings_are_added_or_refused_for_good(self, base: KnowledgeBase) -> None:
        (group,) = self.named(base)
        first, second = (member.text for member in group.members)
        assert decide_group(base, group, members=[first]).words == [
            f"'{group.survivor.text}' (4 mentions) is also called '{first}'"
        ]
        (left,) = review_groups(base, "synonyms")
        assert [member.text for member in left.members] == [second]
        decide_group(base, left, "apart")
        assert review_groups(base, "synonyms") == []

    def test_a_wording_cannot_be_rejected(self, base: KnowledgeBase) -> None:
        (group,) = self.named(base)
        with pytest.raises(UsageError, match="no concept of this group"):
            decide_group(base, group, "reject", members=[group.members[0].key])


class TestSession:
    def session(self, base: KnowledgeBase, queue="duplicates") -> GroupSession:
        return GroupSession(state=base, groups=review_groups(base, queue), by="ada")

    def test_a_decision_goes_on_and_what_is_left_of_a_group_stays(self, base: KnowledgeBase) -> None:
        session = self.session(base)
        first = session.group
        assert first is not None and session.left == 2
        session.take(first.ticked[:1])
        assert session.group is not None and [one.key for one in session.group.members] == first.ticked[1:]
        session.apart()
        assert session.group is not None and session.group.group_id != first.group_id
        session.skip()
        assert session.group is None and (session.decided, session.left) == (2, 0)
        with pytest.raises(UsageError, match="the last one"):
            session.take()

    def test_undo_goes_back_through_everything(self, base: KnowledgeBase) -> None:
        base.tag("begun")
        session = self.session(base)
        first = session.group
        session.take()
        session.skip()
        assert session.undo() == "undone: skipped"
        assert session.undo().startswith("undone: 'widened fracture'")
        assert session.group == first
        assert base.at("HEAD").diff("begun").differences == []
        with pytest.raises(UsageError, match="nothing to undo"):
            session.undo()

    def test_what_others_settled_is_passed_over(self, base: KnowledgeBase) -> None:
        session = self.session(base)
        KnowledgeBase.open(base.uri).curate.keep_apart(WIDE, WIDENED, BROADENED)
        session.refresh()
        assert session.group is not None and session.group.survivor.concept_id == WIDE_LEFT

    def test_a_renamed_concept_is_shown_with_its_new_text(self, base: KnowledgeBase) -> None:
        session = self.session(base)
        session.rename("gaping fracture", of=WIDE)
        assert session.group is not None and session.group.survivor.text == "gaping fracture"

    def test_an_undo_that_cannot_be_says_why(self, base: KnowledgeBase) -> None:
        session = self.session(base, "unreviewed")
        of = session.group.members[0].key
        session.take()
        KnowledgeBase.open(base.uri).curate.reject(of, by="bob")
        assert session.undo().startswith("not undone")


@settings(max_examples=examples(15), deadline=None)
@given(st.lists(st.sampled_from(["take", "apart", "skip", "undo"]), max_size=6))
def test_any_walk_undone_to_its_beginning_leaves_nothing(tmp_path_factory, steps: list[str]) -> None:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("walk") / "walk.kb")
    add_concepts(kb, TEXTS[:6])
    kb.tag("begun")
    session = GroupSession(state=kb, groups=review_groups(kb, "duplicates"), by="ada")
    for step in steps:
        try:
            getattr(session, step)()
        except UsageError:
            assert session.group is None or not session.steps
    while session.steps:
        session.undo()
    assert kb.at("HEAD").diff("begun").differences == []


def test_progress_says_who_decided_how_much_since_when(base: KnowledgeBase) -> None:
    base.curate.accept(NODULE, by="ada")
    base.curate.reject(THING, by="ada")
    undone = base.curate.merge(WIDENED, into=WIDE, by="bob")
    base.curate.revert(undone.change_id, by="bob")
    (ada,) = read_progress(base)
    assert (ada.author, ada.decisions, ada.concepts, ada.acts) == ("ada", 2, 2, {"accept": 1, "reject": 1})
    assert ada.first <= ada.last <= datetime.now(UTC) and ada.seconds_each is not None
    assert read_progress(base, since=datetime.now(UTC)) == [] and read_progress(base, by="bob") == []
