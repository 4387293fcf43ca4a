"""Splits: a rule parts mentions from a concept, later mentions follow it, and it can be undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.reports.ingest import ingest_reports
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.vocabulary.check import check
from tests.support.reports import write_csv

REPORTS = [
    {"uid": "a", "findings": "Pleural effusion. The heart is normal.", "impression": "Pleural effusion."},
    {"uid": "b", "findings": "Possible pleural effusion.", "impression": "No pneumothorax."},
    {"uid": "c", "findings": "Stable pleural effusion.", "impression": ""},
]
LATER = [{"uid": "d", "findings": "Possible pleural effusion.", "impression": ""}]


def concept_id(text: str) -> str:
    return read_query(text).concept_id


EFFUSION, POSSIBLE, FLUID = map(concept_id, ("pleural effusion", "pleural sign", "pleural thickening"))


@pytest.fixture
def mined(kb: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    ingest_reports(kb, [write_csv(tmp_path / "r.csv", REPORTS)])
    assert mentions(kb, EFFUSION) == 4
    return kb


def mentions(kb: KnowledgeBase, concept: str) -> int:
    counts = kb.vocabulary.counts()
    return counts[concept].mentions if concept in counts else 0


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ({"assertion": "uncertain"}, 1),
        ({"section": "impression"}, 1),
        ({"text": "^pleural"}, 4),
        ({"temporality": ["stable", "new"]}, 1),
        ({"section": "findings", "assertion": "present"}, 2),
    ],
)
def test_a_rule_moves_the_mentions_that_it_holds_for(mined: KnowledgeBase, where, count: int) -> None:
    assert mined.curate.split_count(EFFUSION, where) == count
    mined.curate.split(EFFUSION, "pleural sign", where)
    assert (mentions(mined, POSSIBLE), mentions(mined, EFFUSION)) == (count, 4 - count)
    assert len(mined.vocabulary.evidence(POSSIBLE)) == count
    assert check(mined) == [problem for problem in check(mined) if problem.severity == "warning"]


@pytest.mark.soak
def test_a_list_names_single_mentions(mined: KnowledgeBase) -> None:
    mined.curate.split(EFFUSION, "pleural sign", {"mention": ["a/impression/0", "c/findings/7"]})
    assert {(m.report_id, m.section) for m in mined.vocabulary.evidence(POSSIBLE)} == {
        ("a", "impression"),
        ("c", "findings"),
    }


@pytest.mark.soak
def test_what_is_mined_later_follows_the_rule(mined: KnowledgeBase, tmp_path: Path) -> None:
    mined.curate.split(EFFUSION, "pleural sign", {"assertion": "uncertain"})
    ingest_reports(mined, [write_csv(tmp_path / "more.csv", LATER)])
    assert (mentions(mined, POSSIBLE), mentions(mined, EFFUSION)) == (2, 3)


@pytest.mark.soak
def test_splits_and_merges_are_followed_in_turn(mined: KnowledgeBase) -> None:
    mined.curate.split(EFFUSION, "pleural sign", {"assertion": "uncertain"})
    mined.curate.add("pleural thickening")
    mined.curate.merge(EFFUSION, POSSIBLE, into=FLUID)
    assert mentions(mined, FLUID) == 4
    mined.curate.split(FLUID, "pleural plaque", {"concept": EFFUSION, "temporality": "stable"})
    assert (mentions(mined, concept_id("pleural plaque")), mentions(mined, FLUID)) == (1, 3)


@pytest.mark.soak
def test_a_split_reads_as_a_line_differs_and_is_undone(mined: KnowledgeBase) -> None:
    mined.tag("before")
    change = mined.curate.split(EFFUSION, "pleural sign", {"text": "effusion", "assertion": "uncertain"})
    assert "gives mentions to 'pleural sign' where text matches effusion and assertion is uncertain" in change.line()
    kinds = {d.concept_id: d.kind for d in mined.diff("before").differences}
    assert kinds == {EFFUSION: "split", POSSIBLE: "added"}
    mined.curate.revert(change.change_id)
    assert not mined.diff("before").differences
    assert mentions(mined, EFFUSION) == 4


@pytest.mark.parametrize(
    ("into", "where", "message"),
    [
        ("pleural sign", {}, "needs a rule"),
        ("pleural sign", {"colour": "red"}, "nothing a mention tells"),
        ("pleural sign", {"text": "("}, "no regular expression"),
        ("pleural sign", {"section": "it's"}, "no mention"),
        ("pleural effusion", {"section": "impression"}, "into itself"),
        ("no pneumothorax", {"section": "impression"}, "is present"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(mined: KnowledgeBase, into: str, where, message: str) -> None:
    before = mined.commit
    with pytest.raises(UsageError, match=message):
        mined.curate.split(EFFUSION, into, where)
    assert KnowledgeBase.open(mined.uri).commit == before


def test_splits_cannot_go_in_a_circle_nor_lose_their_target(mined: KnowledgeBase) -> None:
    change = mined.curate.add("pleural sign")
    mined.curate.split(EFFUSION, POSSIBLE, {"assertion": "uncertain"})
    with pytest.raises(UsageError, match="replaced by itself"):
        mined.curate.merge(POSSIBLE, into=EFFUSION)
    with pytest.raises(UsageError, match="lead to it"):
        mined.curate.revert(change.change_id)


@pytest.mark.soak
def test_on_the_command_line(mined: KnowledgeBase, cli, tmp_path: Path) -> None:
    rule = ["--into", "pleural sign", "--where", "assertion=uncertain", "--kb", mined.uri]
    assert "1 mentions would go over" in cli("vocab", "split", EFFUSION, *rule, "--dry-run").stderr
    done = json.loads(cli("vocab", "split", EFFUSION, *rule, "--format", "json").stdout)
    assert done["act"] == "split"
    assert "split" in cli("vocab", "show", EFFUSION, "--kb", mined.uri).stdout
    (tmp_path / "list.txt").write_text("a/impression/0\n", encoding="utf-8")
    listed = ["--into", POSSIBLE, "--mentions", tmp_path / "list.txt", "--kb", mined.uri]
    assert "1 mentions went over" in cli("vocab", "split", EFFUSION, *listed).stderr
