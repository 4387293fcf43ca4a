"""Review: driven as a person would, key by key; every key is a change, and stopping half-way loses nothing."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.reports.ingest import ingest_reports
from kb.curation.review.queue import Item, review_queue
from kb.curation.review.review_session import ReviewSession
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from tests.support.concepts import SAME_WORDS, add_concepts

TEXTS = (*SAME_WORDS[:2], "left nodule", "nodule", "rounded thing", "loculated effusion")
WIDE, WIDENED, LEFT, NODULE, THING, EFFUSION = (read_query(text).concept_id for text in TEXTS)


@pytest.fixture
def vocabulary_kb(tmp_path: Path) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path / "review.kb")
    add_concepts(kb, TEXTS)
    kb.tag("begun")
    return kb


def mention(kb: KnowledgeBase, **times: int) -> None:
    """Reports that mention concepts so often, as their texts with _ for the blanks."""
    sentences = [text.replace("_", " ").capitalize() + "." for text, count in times.items() for _ in range(count)]
    lines = [f"r{number},FINDINGS: {sentence}" for number, sentence in enumerate(sentences)]
    path = Path(kb.uri).parent / "reports.csv"
    path.write_text("\n".join(["report_id,report", *lines]) + "\n", encoding="utf-8")
    ingest_reports(kb, [path])


def acts(kb: KnowledgeBase) -> list[str]:
    return [change.act for change in kb.at("HEAD").changes()]


class TestQueues:
    def test_the_unreviewed_are_the_candidates(self, vocabulary_kb: KnowledgeBase) -> None:
        vocabulary_kb.curate.accept(NODULE)
        queue = {item.concept_id for item in review_queue(vocabulary_kb, "unreviewed")}
        assert queue == {WIDE, WIDENED, LEFT, THING, EFFUSION}

    def test_what_is_new_since_a_tag(self, vocabulary_kb: KnowledgeBase) -> None:
        add_concepts(vocabulary_kb, ["scoliosis"])
        (item,) = review_queue(vocabulary_kb, "new", since="begun")
        assert (item.concept_id, item.reason) == (read_query("scoliosis").concept_id, "new since begun")
        with pytest.raises(UsageError, match="new since when"):
            review_queue(vocabulary_kb, "new")

    def test_duplicates_are_pairs(self, vocabulary_kb: KnowledgeBase) -> None:
        (item,) = review_queue(vocabulary_kb, "duplicates")
        assert {item.concept_id, item.other_id} == {WIDE, WIDENED}

    def test_an_unknown_queue_is_wrong_usage(self, vocabulary_kb: KnowledgeBase) -> None:
        with pytest.raises(UsageError, match="choose one of duplicates"):
            review_queue(vocabulary_kb, "triplets")


class TestSession:
    def session(self, kb: KnowledgeBase, *items: Item) -> ReviewSession:
        return ReviewSession(state=kb, items=items, by="ada")

    def test_each_decision_is_a_change_and_goes_on(self, vocabulary_kb: KnowledgeBase) -> None:
        session = self.session(vocabulary_kb, Item(NODULE, ""), Item(THING, ""), Item(WIDE, "", WIDENED))
        session.accept()
        session.reject()
        session.merge()
        assert acts(vocabulary_kb) == ["accept", "reject", "merge"]
        assert session.item is None and session.decided == 3
        assert vocabulary_kb.changes()[0].author == "ada"
        assert vocabulary_kb.vocabulary.resolve(WIDENED).concept_id == WIDE

    @pytest.mark.parametrize("item", [Item(WIDE, "", WIDENED), Item(WIDENED, "", WIDE)], ids=["first", "second"])
    def test_the_one_with_more_mentions_stays_unless_swapped(self, vocabulary_kb: KnowledgeBase, item: Item) -> None:
        mention(vocabulary_kb, wide_fracture=1, widened_fracture=3)
        session = self.session(vocabulary_kb, item)
        session.merge()
        assert vocabulary_kb.vocabulary.resolve(WIDE).concept_id == WIDENED
        session.undo()
        session.merge(swapped=True)
        assert vocabulary_kb.vocabulary.resolve(WIDENED).concept_id == WIDE

    def test_a_neighbour_of_fewer_mentions_goes_into_the_concept_which_stays_to_be_decided_on(
        self, vocabulary_kb: KnowledgeBase
    ) -> None:
        mention(vocabulary_kb, wide_fracture=2, widened_fracture=1)
        session = self.session(vocabulary_kb, Item(WIDE, ""), Item(NODULE, ""))
        session.merge(WIDENED)
        assert vocabulary_kb.vocabulary.resolve(WIDENED).concept_id == WIDE
        assert session.item == Item(WIDE, "")
        session.accept()
        assert session.item == Item(NODULE, "") and acts(vocabulary_kb) == ["merge", "accept"]

    def test_of_equally_many_mentions_the_first_of_a_pair_or_the_chosen_neighbour_stays(
        self, vocabulary_kb: KnowledgeBase
    ) -> None:
        pair, alone = (self.session(vocabulary_kb, item) for item in (Item(WIDE, "", WIDENED), Item(WIDE, "")))
        assert (pair.direction(WIDENED), alone.direction(WIDENED)) == ((WIDENED, WIDE), (WIDE, WIDENED))

    def test_a_neighbour_that_another_curator_decided_on_is_not_merged_unseen(
        self, vocabulary_kb: KnowledgeBase
    ) -> None:
        session = self.session(vocabulary_kb, Item(WIDE, ""))
        KnowledgeBase.open(vocabulary_kb.uri).curate.accept(WIDENED, by="bob")
        with pytest.raises(UsageError, match="candidate when it was shown, and is accepted by now"):
            session.merge(WIDENED)

    def test_undo_goes_back_through_everything(self, vocabulary_kb: KnowledgeBase) -> None:
        session = self.session(vocabulary_kb, Item(WIDE, "", WIDENED), Item(NODULE, ""), Item(THING, ""))
        session.merge(swapped=True)
        session.skip()
        session.rename("round thing")
        assert [session.undo() for _ in range(3)] == [
            "undone: renamed to 'round thing'",
            "undone: skipped",
            "undone: merged",
        ]
        assert session.item == Item(WIDE, "", WIDENED)
        assert vocabulary_kb.diff("begun").differences == []
        with pytest.raises(UsageError, match="nothing to undo"):
            session.undo()

    def test_a_name_is_added_and_a_pair_kept_apart(self, vocabulary_kb: KnowledgeBase) -> None:
        session = self.session(vocabulary_kb, Item(NODULE, "", name="coin lesion"), Item(WIDE, "", WIDENED))
        with pytest.raises(UsageError, match="not rejected"):
            session.reject()
        session.accept()
        session.accept()
        assert vocabulary_kb.vocabulary.get(NODULE).synonyms == ("coin lesion",)
        assert vocabulary_kb.vocabulary.get(WIDE).distinct_from == (WIDENED,)

    def test_what_is_settled_meanwhile_is_passed_over(self, vocabulary_kb: KnowledgeBase) -> None:
        session = self.session(
            vocabulary_kb, Item(NODULE, ""), Item(WIDE, "", WIDENED), Item(THING, ""), Item(LEFT, "")
        )
        other = KnowledgeBase.open(vocabulary_kb.uri)
        other.curate.keep_apart(WIDE, WIDENED)
        other.curate.reject(THING)
        session.accept()
        assert session.item == Item(LEFT, "")

    def test_what_another_curator_decided_is_not_overturned_unseen(self, vocabulary_kb: KnowledgeBase) -> None:
        session = self.session(vocabulary_kb, Item(NODULE, ""), Item(THING, ""))
        KnowledgeBase.open(vocabulary_kb.uri).curate.reject(NODULE, by="bob")
        with pytest.raises(UsageError, match="candidate when it was shown, and is rejected by now"):
            session.accept()
        session.refresh()
        assert session.item == Item(THING, "")

    def test_what_was_taken_away_is_passed_over(self, vocabulary_kb: KnowledgeBase) -> None:
        other = KnowledgeBase.open(vocabulary_kb.uri)
        added = other.curate.add("hiatal hernia")
        session = self.session(
            vocabulary_kb.at("HEAD"), Item(NODULE, ""), Item(added.concept_ids[0], ""), Item(THING, "")
        )
        other.curate.revert(added.change_id)
        session.accept()
        assert session.item == Item(THING, "")

    def test_an_undo_that_cannot_be_lets_the_earlier_ones_be_undone(self, vocabulary_kb: KnowledgeBase) -> None:
        session = self.session(vocabulary_kb, Item(NODULE, ""), Item(THING, ""), Item(LEFT, ""))
        session.accept()
        session.accept()
        KnowledgeBase.open(vocabulary_kb.uri).curate.reject(THING, by="bob")
        assert session.undo().startswith("not undone")
        assert session.undo() == "undone: accepted"

    def test_a_decision_that_cannot_be_leaves_it_where_it_is(self, vocabulary_kb: KnowledgeBase) -> None:
        session = self.session(vocabulary_kb, Item(NODULE, ""))
        with pytest.raises(UsageError, match="differ in laterality"):
            session.merge(LEFT)
        with pytest.raises(UsageError, match="number"):
            session.merge()
        assert (session.item, acts(vocabulary_kb)) == (Item(NODULE, ""), [])


def drive(
    kb: KnowledgeBase, items: list[Item], *keys: str, at_end: Callable[[str], None] = lambda _: None
) -> ReviewSession:
    """Press keys on the real screen, without a terminal; `at_end` sees what stands on it then."""
    from rich.console import Console
    from textual.widgets import Static

    from kb.curation.review.screen import ReviewApp

    session = ReviewSession(state=kb, items=items, by="ada")

    async def run() -> None:
        app = ReviewApp(session, "unreviewed")
        async with app.run_test(size=(140, 40)) as pilot:
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            console = Console(width=140, force_terminal=False)
            with console.capture() as capture:
                for name in ("head", "said", "beside"):
                    console.print(app.query_one(f"#{name}", Static).content)
            at_end(capture.get())

    asyncio.run(run())
    return session


class TestScreen:
    def test_a_key_is_a_change(self, vocabulary_kb: KnowledgeBase) -> None:
        items = [Item(NODULE, ""), Item(THING, ""), Item(WIDE, "", WIDENED), Item(EFFUSION, "", name="pocket of fluid")]
        session = drive(vocabulary_kb, items, "a", "r", "m", "a")
        assert acts(vocabulary_kb) == ["accept", "reject", "merge", "synonym"]
        assert session.item is None

    def test_it_says_where_it_is_and_what_was_done(self, vocabulary_kb: KnowledgeBase) -> None:
        seen: list[str] = []
        drive(vocabulary_kb, [Item(NODULE, "used most"), Item(THING, "why")], "a", at_end=seen.append)
        assert "2 of 2" in seen[0] and "decided 1" in seen[0] and "why" in seen[0]
        assert "accepted: ada: 'nodule' is accepted" in seen[0]

    def test_the_same_key_means_what_the_item_is(self, vocabulary_kb: KnowledgeBase) -> None:
        drive(vocabulary_kb, [Item(WIDE, "", WIDENED)], "a")
        assert acts(vocabulary_kb) == ["distinct"]

    def test_rename_edits_the_text(self, vocabulary_kb: KnowledgeBase) -> None:
        drive(vocabulary_kb, [Item(THING, "")], "e", "end", "s", "enter", "e", "x", "escape", "s")
        assert vocabulary_kb.vocabulary.get(THING).text == "rounded things"
        assert acts(vocabulary_kb) == ["rename"]

    def test_a_number_only_marks_a_neighbour_and_m_merges(self, vocabulary_kb: KnowledgeBase) -> None:
        seen: list[str] = []
        mention(vocabulary_kb, wide_fracture=3, widened_fracture=1)
        session = drive(vocabulary_kb, [Item(WIDE, "")], "m", "1", at_end=seen.append)
        told = "m merges 'widened fracture' (1 mentions) into 'wide fracture' (3 mentions), x the other way round"
        assert f"marked: {told}" in seen[0] and "1>widened fracture" in seen[0]
        assert (acts(vocabulary_kb), session.steps) == ([], [])
        drive(vocabulary_kb, [Item(WIDE, "")], "1", "m")
        assert acts(vocabulary_kb) == ["merge"]
        assert vocabulary_kb.vocabulary.resolve(WIDENED).concept_id == WIDE

    def test_x_merges_the_marked_neighbour_the_other_way_round(self, vocabulary_kb: KnowledgeBase) -> None:
        mention(vocabulary_kb, wide_fracture=3, widened_fracture=1)
        drive(vocabulary_kb, [Item(WIDE, "")], "1", "x")
        assert vocabulary_kb.vocabulary.resolve(WIDE).concept_id == WIDENED

    @pytest.mark.parametrize("keys", ["1", "19", "11m", "1sm", "123456789", "xm"])
    def test_without_a_mark_on_this_item_nothing_is_merged(self, vocabulary_kb: KnowledgeBase, keys: str) -> None:
        session = drive(vocabulary_kb, [Item(WIDE, ""), Item(WIDENED, "")], *keys)
        assert acts(vocabulary_kb) == [] and session.decided == 0

    def test_a_mark_is_of_its_item_and_goes_with_an_undo(self, vocabulary_kb: KnowledgeBase) -> None:
        add_concepts(vocabulary_kb, [SAME_WORDS[2]])
        # The third concept is a neighbour of both others: marked beside the one, it is not beside the other.
        session = drive(vocabulary_kb, [Item(WIDE, ""), Item(WIDENED, "")], "s", "1", "u", "m")
        assert acts(vocabulary_kb) == [] and session.item == Item(WIDE, "")

    def test_a_merge_that_is_refused_leaves_the_item_and_the_mark(self, vocabulary_kb: KnowledgeBase) -> None:
        seen: list[str] = []
        session = drive(vocabulary_kb, [Item(NODULE, "")], "1", "m", at_end=seen.append)
        assert "differ in laterality" in seen[0] and "1>left nodule" in seen[0]
        assert (acts(vocabulary_kb), session.item) == ([], Item(NODULE, ""))

    def test_of_a_pair_the_screen_says_which_one_stays(self, vocabulary_kb: KnowledgeBase) -> None:
        seen: list[str] = []
        mention(vocabulary_kb, widened_fracture=2)
        drive(vocabulary_kb, [Item(WIDE, "", WIDENED)], "1", at_end=seen.append)
        assert "m merges 'wide fracture' (0 mentions) into 'widened fracture' (2 mentions)" in seen[0]
        drive(vocabulary_kb, [Item(WIDE, "", WIDENED)], "m")
        assert vocabulary_kb.vocabulary.resolve(WIDE).concept_id == WIDENED

    def test_what_cannot_be_done_is_said_and_nothing_moves(self, vocabulary_kb: KnowledgeBase) -> None:
        seen: list[str] = []
        session = drive(vocabulary_kb, [Item(NODULE, "")], "u", at_end=seen.append)
        assert "nothing to undo" in seen[0] and session.at == 0

    def test_brackets_in_a_text_are_shown_as_they_stand(self, vocabulary_kb: KnowledgeBase) -> None:
        vocabulary_kb.curate.rename(LEFT, "fracture [L1")
        vocabulary_kb.curate.rename(THING, "[R] nodule [/b]")
        session = drive(vocabulary_kb, [Item(NODULE, "[odd"), Item(LEFT, ""), Item(THING, "")], "s", "s", "a")
        assert session.item is None

    def test_undo_and_skip(self, vocabulary_kb: KnowledgeBase) -> None:
        session = drive(vocabulary_kb, [Item(NODULE, ""), Item(THING, "")], "a", "s", "u", "u")
        assert acts(vocabulary_kb) == ["accept", "revert"]
        assert session.at == 0
        assert vocabulary_kb.vocabulary.get(NODULE).status == "candidate"

    def test_stopped_half_way_it_goes_on_with_what_is_open(self, vocabulary_kb: KnowledgeBase) -> None:
        items = review_queue(vocabulary_kb, "unreviewed")
        drive(vocabulary_kb, items, "a", "r", "q")
        left = review_queue(KnowledgeBase.open(vocabulary_kb.uri), "unreviewed")
        assert [item.concept_id for item in left] == [item.concept_id for item in items[2:]]


class TestTheCommand:
    def test_in_a_real_terminal(self, vocabulary_kb: KnowledgeBase, tmp_path: Path) -> None:
        command = [Path(sys.executable).with_name("clear-kb"), "vocab", "review", "duplicates", "--by", "ada"]
        master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        process = subprocess.Popen(
            [*map(str, command), "--kb", vocabulary_kb.uri],
            stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=tmp_path,
        )  # fmt: skip
        os.close(slave)
        try:
            wait_for(master, "wide fracture")
            os.write(master, b"m")
            wait_for(master, "merged")
            os.write(master, b"q")
            wait_for(master, "1 decided, 0 left")
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            os.close(master)
        assert acts(vocabulary_kb) == ["merge"]

    def test_without_a_terminal_it_says_so(self, vocabulary_kb: KnowledgeBase, cli) -> None:
        assert "needs a terminal" in cli("vocab", "review", "--kb", vocabulary_kb.uri, code=2).stderr
        told = cli("vocab", "review", "synonyms", "--kb", vocabulary_kb.uri).stderr
        assert "nothing to review: no synonyms" in told


def wait_for(master: int, text: str, seconds: float = 60) -> None:
    """Read the terminal until `text` stands in what was drawn."""
    seen, until = b"", time.monotonic() + seconds
    while text.encode() not in seen:
        assert time.monotonic() < until, f"'{text}' was not shown: {seen[-500:]!r}"
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 65_536)
