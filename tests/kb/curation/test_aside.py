"""What stands aside: kept and found when asked for, and in nobody's way until a curator takes it in."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.curation.review.groups import review_groups
from kb.errors import UsageError
from kb.exchange.formats import ExportOptions, export_vocabulary
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from tests.support.concepts import SAME_WORDS, add_concepts
from tests.support.curated import concept_id

ASIDE, OTHER_ASIDE = "zorbic rim", SAME_WORDS[1]
IN_USE = (SAME_WORDS[0], "nodule")
RIM, WIDENED, WIDE, NODULE = map(concept_id, (ASIDE, OTHER_ASIDE, *IN_USE))


@pytest.fixture
def base(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, IN_USE)
    add_concepts(kb, [ASIDE, OTHER_ASIDE], status="aside", source="rules")
    return kb


class TestReading:
    def test_it_is_listed_and_found_only_where_it_is_asked_for(self, base: KnowledgeBase) -> None:
        assert {row["text"] for row in base.vocabulary.list()} == {*IN_USE}
        assert {row["text"] for row in base.vocabulary.list(status="aside")} == {ASIDE, OTHER_ASIDE}
        assert ASIDE not in [hit.text for hit in base.search(ASIDE, words_only=True)]
        (hit,) = base.search(ASIDE, status="aside", words_only=True, k=1)
        assert (hit.concept_id, base.vocabulary.get(RIM).status) == (RIM, "aside")

    def test_its_kind_is_other_though_its_finding_is_known(self, base: KnowledgeBase) -> None:
        assert (base.vocabulary.get(WIDE).kind, base.vocabulary.get(WIDENED).kind) == ("finding", "other")
        with Views(base) as session:
            rows = session.run("SELECT concept_id, kind, status FROM concepts").rows()
        found = {row["concept_id"]: (row["kind"], row["status"]) for row in rows}
        assert (found[WIDE], found[WIDENED]) == (("finding", "candidate"), ("other", "aside"))

    def test_the_status_counts_it_apart(self, base: KnowledgeBase) -> None:
        assert base.status().concept_statuses == {"aside": 2, "candidate": 2}

    @pytest.mark.parametrize("kind", ["duplicates", "synonyms", "rare"])
    def test_nothing_is_suggested_of_it(self, base: KnowledgeBase, kind: str) -> None:
        suggested = {of for item in base.suggest(kind).items for of in (item.concept_id, item.other_id)}
        assert not suggested & {RIM, WIDENED}

    @pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet", "x.ttl"])
    def test_it_leaves_the_vocabulary_only_where_it_is_asked_for(
        self, base: KnowledgeBase, tmp_path: Path, name: str
    ) -> None:
        assert export_vocabulary(base, tmp_path / name) == 2
        assert export_vocabulary(base, tmp_path / name, options=ExportOptions(status="aside")) == 2
        other = KnowledgeBase.create(tmp_path / "other.kb")
        other.import_vocabulary(tmp_path / name)
        assert {row["concept_id"] for row in other.vocabulary.list(status="aside")} == {RIM, WIDENED}

    @pytest.mark.soak
    def test_the_command_line_says_what_it_leaves_out(self, base: KnowledgeBase, cli) -> None:
        listed = cli("vocab", "list", "--kb", base.uri)
        assert ASIDE not in listed.stdout
        assert "not listed: 2 concepts put aside as no well-formed observation (--status aside)" in listed.stderr
        aside = cli("vocab", "list", "--status", "aside", "--kb", base.uri)
        assert ASIDE in aside.stdout and "nodule" not in aside.stdout and "not listed" not in aside.stderr
        assert "not written: 2 concepts put aside" in cli("vocab", "export", "x.csv", "--kb", base.uri).stderr


class TestDeciding:
    def test_it_has_a_queue_of_its_own_and_stands_in_no_other(self, base: KnowledgeBase) -> None:
        assert {group.members[0].key for group in review_groups(base, "aside")} == {RIM, WIDENED}
        assert {group.members[0].key for group in review_groups(base, "unreviewed")} == {WIDE, NODULE}
        assert review_groups(base, "duplicates") == []

    def test_accepted_it_is_a_concept_as_any_other(self, base: KnowledgeBase) -> None:
        session = base.review("aside", by="ada")
        session.take()
        session.reject()
        assert session.group is None
        statuses = {base.vocabulary.get(of).status for of in (RIM, WIDENED)}
        assert statuses == {"accepted", "rejected"}
        assert len(base.vocabulary.list()) == 4, "what is rejected is listed as such"
        session.undo()
        session.undo()
        assert {base.vocabulary.get(of).status for of in (RIM, WIDENED)} == {"aside"}

    def test_accepted_its_kind_and_its_duplicates_are_told(self, base: KnowledgeBase) -> None:
        base.curate.accept(WIDENED)
        assert base.vocabulary.get(WIDENED).kind == "finding"
        (found,) = base.suggest("duplicates").items
        assert {found.concept_id, found.other_id} == {WIDE, WIDENED}

    def test_it_is_merged_into_one_in_use(self, base: KnowledgeBase) -> None:
        session = base.review("aside", by="ada")
        while session.group is not None and session.group.members[0].key != WIDENED:
            session.skip()
        session.take(into=WIDE)
        assert base.vocabulary.resolve(WIDENED).concept_id == WIDE
        assert base.vocabulary.get(WIDE).synonyms == (OTHER_ASIDE,)

    @pytest.mark.parametrize(
        "act",
        [
            lambda curate: curate.merge(WIDE, into=WIDENED),
            lambda curate: curate.retire(NODULE, RIM),
            lambda curate: curate.split(WIDE, WIDENED, {"section": "findings"}),
            lambda curate: curate.split(WIDE, OTHER_ASIDE, {"section": "findings"}),
        ],
        ids=["merge", "retire", "split", "split by text"],
    )
    def test_no_concept_in_use_vanishes_in_it(self, base: KnowledgeBase, act) -> None:
        with pytest.raises(UsageError, match="is put aside: accept it first"):
            act(base.curate)
        assert base.changes() == []

    def test_who_adds_it_hears_that_it_is_there(self, base: KnowledgeBase) -> None:
        with pytest.raises(UsageError, match=f"{RIM}, put aside: accept it"):
            base.curate.add(ASIDE)
