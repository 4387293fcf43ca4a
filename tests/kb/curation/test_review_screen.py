"""The review screen, driven as a person would, key by key: each key means one thing, and none destroys at once."""

from __future__ import annotations

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
from kb.curation.review.group import Group, Member
from kb.curation.review.group_session import GroupSession
from kb.curation.review.keys import IN_FOOTER, KEYS, key_of
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from tests.support.concepts import SAME_WORDS, add_concepts
from tests.support.loops import in_its_own_loop

TEXTS = (*SAME_WORDS, "left nodule", "rounded thing")
WIDE, WIDENED, BROADENED, LEFT, THING = (read_query(text).concept_id for text in TEXTS)
SIZES = ((80, 24), (160, 50))


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path / "screen.kb")
    add_concepts(kb, TEXTS)
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


def drive(
    kb: KnowledgeBase,
    queue,
    *keys: str,
    size: tuple[int, int] = SIZES[0],
    at_end: Callable[[str], None] = lambda _: None,
) -> GroupSession:
    """Press keys on the real screen, without a terminal; `at_end` sees the text that stands on it then."""
    from kb.curation.review.screen import ReviewApp

    session = kb.review(queue, by="ada")

    async def run() -> None:
        app = ReviewApp(session, queue)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            at_end(drawn(app))

    in_its_own_loop(run())
    return session


def drawn(app) -> str:
    """What stands on the screen, line by line."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line)[:width].rstrip() for line in lines[:height])


def words(seen: list[str]) -> str:
    return " ".join(seen[-1].replace("│", " ").split())


class TestKeys:
    def test_a_key_means_one_thing_and_the_footer_tells_of_the_chief_ones(self) -> None:
        names = [name for key in KEYS for name in key.keys]
        assert len(names) == len(set(names))
        assert {*IN_FOOTER} <= {key.action for key in KEYS}
        assert (key_of("take").browser, key_of("down").shown) == (("Enter",), "j, Down")

    @pytest.mark.soak
    @pytest.mark.parametrize("size", SIZES, ids=["80x24", "160x50"])
    def test_enter_takes_the_group_and_the_first_line_says_so_before(self, base: KnowledgeBase, size) -> None:
        mention(base, wide_fracture=2)
        seen: list[str] = []
        drive(base, "duplicates", size=size, at_end=seen.append)
        told = "Enter: 'widened fracture' (0 mentions) and 'broadened fracture' (0 mentions) will count under 'wide"
        assert told in words(seen) and "1 of 1" in words(seen)
        assert "space tick" in words(seen) and "? keys q stop" in words(seen)
        session = drive(base, "duplicates", "enter", size=size, at_end=seen.append)
        assert "now count under 'wide fracture' (2 mentions)" in words(seen)
        assert (acts(base), session.group) == (["merge"], None)

    @pytest.mark.soak
    def test_space_unticks_the_marked_row_and_what_is_left_stays(self, base: KnowledgeBase) -> None:
        session = drive(base, "duplicates", "space", "enter")
        assert base.at("HEAD").vocabulary.get(BROADENED).status == "retired"
        assert session.group is not None and [one.key for one in session.group.members] == [WIDENED]
        assert session.group.ticked == [WIDENED] or session.group.ticked == []

    def test_n_is_for_good_and_u_takes_it_back(self, base: KnowledgeBase) -> None:
        drive(base, "duplicates", "n")
        assert WIDE in base.at("HEAD").vocabulary.get(WIDENED).distinct_from
        assert acts(base) == ["distinct"]
        drive(base, "unreviewed", "enter", "u")
        assert acts(base) == ["distinct", "accept", "revert"]

    @pytest.mark.parametrize("queue", ["duplicates", "unreviewed", "rare"])
    def test_one_x_does_nothing_and_a_second_rejects_the_marked_row(self, base: KnowledgeBase, queue) -> None:
        seen: list[str] = []
        drive(base, queue, "x", at_end=seen.append)
        assert "x again: '" in words(seen) and acts(base) == []
        drive(base, queue, "x", "x")
        assert acts(base) == ["reject"]

    @pytest.mark.soak
    @pytest.mark.parametrize("between", ["j", "space", "pagedown", "tab", "1", "s"])
    def test_any_key_between_two_x_disarms_the_first(self, base: KnowledgeBase, between: str) -> None:
        drive(base, "unreviewed", "x", between, "x")
        assert acts(base) == []

    @pytest.mark.soak
    @pytest.mark.parametrize("queue", ["duplicates", "unreviewed", "rare"])
    @pytest.mark.parametrize("digit", "123456789")
    def test_a_digit_alone_changes_nothing(self, base: KnowledgeBase, queue, digit: str) -> None:
        session = drive(base, queue, digit, digit)
        assert (acts(base), session.steps) == ([], [])

    @pytest.mark.soak
    def test_a_digit_marks_what_stays_and_enter_takes_it(self, base: KnowledgeBase) -> None:
        seen: list[str] = []
        drive(base, "duplicates", "1", at_end=seen.append)
        assert "will count under 'widened fracture'" in words(seen)
        drive(base, "duplicates", "1", "enter")
        resolved = {base.at("HEAD").vocabulary.resolve(of).concept_id for of in (WIDE, BROADENED)}
        assert resolved == {WIDENED}

    @pytest.mark.soak
    def test_another_target_is_found_as_one_types_and_none_that_is_refused(self, base: KnowledgeBase) -> None:
        seen: list[str] = []
        drive(base, "duplicates", "slash", *"nod", at_end=seen.append)
        assert "nothing of this side" in words(seen)
        add_concepts(base, ["gaping fracture"])
        drive(base, "duplicates", "slash", *"gap", "enter", at_end=seen.append)
        assert "will count under 'gaping fracture'" in words(seen) and acts(base) == []
        drive(base, "duplicates", "slash", *"gap", "enter", "enter")
        assert base.at("HEAD").vocabulary.resolve(WIDENED).text == "gaping fracture"

    @pytest.mark.soak
    def test_rename_edits_the_marked_row_and_escape_leaves_it(self, base: KnowledgeBase) -> None:
        drive(base, "duplicates", "k", "e", "end", *" gap", "enter", "e", "x", "escape")
        assert base.at("HEAD").vocabulary.get(WIDE).text == "wide fracture gap"
        assert acts(base) == ["rename"]

    @pytest.mark.soak
    def test_all_keys_are_told(self, base: KnowledgeBase) -> None:
        seen: list[str] = []
        drive(base, "duplicates", "question_mark", at_end=seen.append, size=SIZES[1])
        assert all(key.told in words(seen) for key in KEYS)
        assert drive(base, "duplicates", "question_mark", "x", "x").decided == 0


class TestProposals:
    """What is proposed for a concept alone is taken by Enter; what does away with it by Enter twice."""

    def press(self, base: KnowledgeBase, group: Group, *keys: str) -> str:
        from kb.curation.review.screen import ReviewApp

        seen: list[str] = []

        async def run() -> None:
            app = ReviewApp(GroupSession(state=base, groups=[group], by="ada"), "rare")
            async with app.run_test(size=SIZES[1]) as pilot:
                for key in keys:
                    await pilot.press(key)
                    await pilot.pause()
                seen.append(drawn(app))

        in_its_own_loop(run())
        return words(seen)

    def group(self, act, text: str | None = None) -> Group:
        member = Member(concept_id=THING, text="rounded thing", status="candidate", mentions=0, ticked=True)
        return Group(kind="rare", act=act, survivor=None, members=(member,), reason="odd", text=text)

    @pytest.mark.soak
    @pytest.mark.parametrize(("act", "status"), [("reject", "rejected"), ("retire", "retired")])
    def test_a_concept_is_done_away_with_by_a_second_enter_alone(self, base: KnowledgeBase, act, status) -> None:
        assert "Enter again: 'rounded thing'" in self.press(base, self.group(act), "enter")
        self.press(base, self.group(act), "enter", "space", "space", "enter")
        assert acts(base) == []
        self.press(base, self.group(act), "enter", "enter")
        assert base.at("HEAD").vocabulary.get(THING).status == status

    @pytest.mark.soak
    def test_a_text_that_is_proposed_is_told_and_taken(self, base: KnowledgeBase) -> None:
        assert "gets another text: 'round nodule'" in self.press(base, self.group("rename", "round nodule"))
        self.press(base, self.group("rename", "round nodule"), "enter")
        assert base.at("HEAD").vocabulary.get(THING).text == "round nodule"


class TestEvidence:
    @pytest.mark.soak
    @pytest.mark.parametrize("size", SIZES, ids=["80x24", "160x50"])
    def test_both_sides_scroll_by_keyboard_to_their_last_sentence(self, base: KnowledgeBase, size) -> None:
        mention(base, wide_fracture=18, widened_fracture=17)
        seen: list[str] = []
        last = "r34"  # the seventeenth of the second, which are numbered after the first
        drive(base, "duplicates", *["pagedown"] * 8, size=size, at_end=seen.append)
        assert last in seen[-1]
        drive(base, "duplicates", "tab", *["pagedown"] * 8, size=size, at_end=seen.append)
        assert "r9 " in seen[-1]

    @pytest.mark.soak
    def test_brackets_in_a_text_are_shown_as_they_stand(self, base: KnowledgeBase) -> None:
        base.curate.rename(LEFT, "left nodule [L1", keep_facets=True)
        base.curate.rename(THING, "[R] thing [/b]", keep_facets=True)
        seen: list[str] = []
        drive(base, "unreviewed", at_end=seen.append)
        assert "[R] thing [/b]" in words(seen) or "[L1" in words(seen)
        assert drive(base, "unreviewed", *["enter"] * 5).group is None


class TestOthersAtWork:
    @pytest.mark.soak
    def test_what_another_curator_decided_is_told_and_passed_over(self, base: KnowledgeBase) -> None:
        from kb.curation.review.screen import ReviewApp

        session = base.review("unreviewed", by="ada")
        of = session.group.members[0]
        KnowledgeBase.open(base.uri).curate.reject(of.key, by="bob")
        seen: list[str] = []

        async def run() -> None:
            app = ReviewApp(session, "unreviewed")
            async with app.run_test(size=SIZES[1]) as pilot:
                await pilot.press("enter")
                await pilot.pause()
                seen.append(drawn(app))

        in_its_own_loop(run())
        assert f"'{of.text}' was candidate when it was shown, and is rejected by now (bob:" in words(seen)
        assert session.group is not None and session.group.members[0].key != of.key

    @pytest.mark.soak
    def test_stopped_half_way_it_goes_on_with_what_is_open(self, base: KnowledgeBase) -> None:
        first = drive(base, "unreviewed", "enter", "enter", "q")
        again = KnowledgeBase.open(base.uri).review("unreviewed")
        assert [group.group_id for group in again.groups] == [group.group_id for group in first.groups[2:]]


class TestTheCommand:
    def test_in_a_real_terminal(self, base: KnowledgeBase, tmp_path: Path) -> None:
        command = [Path(sys.executable).with_name("clear-kb"), "vocab", "review", "duplicates", "--by", "ada"]
        master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        process = subprocess.Popen(
            [*map(str, command), "--kb", base.uri],
            stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=tmp_path,
        )  # fmt: skip
        os.close(slave)
        try:
            wait_for(master, "wide fracture")
            os.write(master, b"\r")
            wait_for(master, "That was the last one")
            os.write(master, b"q")
            wait_for(master, "1 decided, 0 left")
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            os.close(master)
        assert acts(base) == ["merge"]

    def test_without_a_terminal_it_says_so_and_filters_narrow_it(self, base: KnowledgeBase, cli) -> None:
        assert "needs a terminal" in cli("vocab", "review", "--kb", base.uri, code=2).stderr
        told = cli("vocab", "review", "duplicates", "--side", "left", "--kb", base.uri).stderr
        assert "nothing to review: no duplicates" in told


def wait_for(master: int, text: str, seconds: float = 60) -> None:
    """Read the terminal until `text` stands in what was drawn."""
    seen, until = b"", time.monotonic() + seconds
    while text.encode() not in seen:
        assert time.monotonic() < until, f"'{text}' was not shown: {seen[-500:]!r}"
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 65_536)
