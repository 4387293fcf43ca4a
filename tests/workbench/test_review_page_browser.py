"""The Review page as a curator works with it: by keys in a real browser, in every size, and two at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Page, Route, expect

from kb.curation.review.keys import KEYS
from kb.knowledge_base import KnowledgeBase
from tests.support.browser import LOOKS, Window
from tests.support.mined import concept_id, doubled_in

Open = Callable[..., Window]
WIDE, WIDENED, BROADENED = map(concept_id, ("wide fracture", "widened fracture", "broadened fracture"))


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return doubled_in(tmp_path_factory.mktemp("review"))


@pytest.fixture
def base(doubled: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.open(copytree(doubled.uri, tmp_path / "doubled.kb"))


def opened(at: Window, path: str = "/review/duplicates") -> Page:
    page = at.open(path)
    page.locator("form.decide").wait_for(timeout=60_000)  # the queue is looked through first
    return page


def stays(page: Page, text: str) -> None:
    expect(page.locator(".side h2").first).to_have_text(text)


def now(base: KnowledgeBase) -> KnowledgeBase:
    return KnowledgeBase.open(base.uri)


def test_groups_are_decided_by_one_key_each_and_taken_back_by_one(base: KnowledgeBase, open_workbench: Open) -> None:
    at = open_workbench(base)
    page = opened(at)
    stays(page, "wide fracture")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("now count under 'wide fracture'")
    expect(page.locator("[data-tally]")).to_contain_text("2 of 3")
    page.keyboard.press("n")
    expect(page.locator("#said")).to_contain_text("is not the same as")
    stays(page, "flat nodule")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing more is to be decided here")).to_be_visible()
    expect(page.locator("[data-tally]")).to_contain_text("0 of 3")
    acts = [change.act for change in now(base).changes()][-3:]
    assert acts == ["merge", "distinct", "merge"]
    for _ in range(3):
        page.keyboard.press("u")
        expect(page.locator("#said")).to_contain_text("Undone")
        page.locator("#said p").evaluate("line => line.remove()")
    stays(page, "wide fracture")
    at.assert_clean()


@pytest.mark.soak
def test_a_digit_only_marks_and_space_ticks_the_marked_one(base: KnowledgeBase, open_workbench: Open) -> None:
    page = opened(open_workbench(base))
    before = now(base).commit
    texts = page.locator(".members .text").all_inner_texts()
    page.keyboard.press("2")
    expect(page.locator("[data-will]")).to_contain_text(f"will count under \u2018{texts[1]}\u2019")
    page.keyboard.press("2")
    expect(page.locator("[data-will]")).to_contain_text("will count under \u2018wide fracture\u2019")
    page.keyboard.press("j")
    expect(page.locator("[data-active] .text")).to_have_text(texts[1])
    expect(page.locator(".of-member:visible mark").first).to_have_text(texts[1])
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Nothing is ticked")
    assert now(base).commit == before
    page.keyboard.press(" ")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("now counts under")
    expect(page.locator(".members .text")).to_have_text([texts[0]])  # the rest of the group is still to be decided on


@pytest.mark.soak
def test_another_one_of_the_group_can_stay(base: KnowledgeBase, open_workbench: Open) -> None:
    page = opened(open_workbench(base))
    (first, *_) = page.locator(".members .text").all_inner_texts()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text(f"now count under '{first}'")
    assert now(base).vocabulary.resolve(WIDE).text == first


@pytest.mark.soak
def test_no_key_rejects_without_a_second_one(base: KnowledgeBase, open_workbench: Open) -> None:
    page = opened(open_workbench(base))
    before = now(base).commit
    page.keyboard.press("x")
    expect(page.locator("#said")).to_contain_text("Once more")
    page.keyboard.press("j")
    assert now(base).commit == before
    page.keyboard.press("x")
    page.keyboard.press("x")
    expect(page.locator("#said")).to_contain_text("rejected")


@pytest.mark.soak
@pytest.mark.parametrize("how", ["no answer", "an error"])
def test_a_decision_that_fails_is_told_and_its_group_is_back_and_nothing_after_it_is_sent(
    base: KnowledgeBase, open_workbench: Open, how: str
) -> None:
    at = open_workbench(base)
    page = opened(at)
    before = now(base).commit

    held: list[Route] = []
    page.route("**/decide?*", lambda route: held.append(route), times=1)
    page.keyboard.press("Enter")
    page.locator(".side h2", has_text="wide fracture").wait_for(state="detached")
    page.keyboard.press("Enter")
    expect(page.locator("#group")).to_have_attribute("data-pending", "2")
    (route,) = held
    route.abort() if how == "no answer" else route.fulfill(status=503, body="<p>gone</p>")
    expect(page.locator("#said")).to_contain_text("1 decided after it was not sent")
    stays(page, "wide fracture")
    assert now(base).commit == before
    page.keyboard.press("Enter")  # the page goes on
    expect(page.locator("#said")).to_contain_text("now count under 'wide fracture'")
    page.keyboard.press("u")
    expect(page.locator("#said")).to_contain_text("Undone: ")


@pytest.mark.soak
def test_without_a_server_the_group_is_shown_as_it_was(base: KnowledgeBase, open_workbench: Open) -> None:
    page = opened(open_workbench(base))
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("did not answer")
    stays(page, "wide fracture")
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("now count under 'wide fracture'")


@pytest.mark.soak
def test_what_is_typed_and_entered_at_once_goes_into_no_other_concept(
    base: KnowledgeBase, open_workbench: Open
) -> None:
    page = opened(open_workbench(base))
    before = now(base).commit
    page.keyboard.press("/")
    page.locator("#targets label").first.wait_for()  # the list of no words
    held: list[Route] = []
    page.route("**/targets?*words=irreg*", lambda route: held.append(route))
    page.keyboard.insert_text("irreg")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("still being looked for")
    page.get_by_role("button", name="Merge into it").click()
    expect(page.get_by_role("alert")).to_contain_text("still being looked for")
    held.pop().continue_()
    expect(page.locator("#targets label")).to_have_count(1)
    page.get_by_role("button", name="Merge into it").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose one in the list")
    assert now(base).commit == before


@pytest.mark.soak
def test_another_target_is_typed_and_a_rename_too(base: KnowledgeBase, open_workbench: Open) -> None:
    at = open_workbench(base)
    page = opened(at)
    page.keyboard.press("/")
    page.keyboard.type("irreg")
    expect(page.locator("#targets label")).to_have_count(1)
    at.assert_clean()
    before = now(base).commit
    page.keyboard.press("Enter")
    expect(page.locator("#targets input")).to_be_focused()
    assert now(base).commit == before
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("now count under 'irregular mass'")
    stays(page, "uneven mass")
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type("rugged mass")
    page.keyboard.press("Enter")
    stays(page, "rugged mass")


@pytest.mark.soak
def test_a_rule_is_previewed_and_needs_a_second_key(base: KnowledgeBase, open_workbench: Open) -> None:
    page = opened(open_workbench(base))
    page.keyboard.press("b")
    page.get_by_role("button", name="Preview the same words").press("Enter")
    expect(page.get_by_label("What would be done")).to_contain_text("now count under 'wide fracture'")
    before = now(base).commit
    page.keyboard.press("B")
    expect(page.locator("#said")).to_contain_text("Once more")
    assert now(base).commit == before
    page.keyboard.press("B")
    expect(page.get_by_text("Nothing more is to be decided here")).to_be_visible()
    page.keyboard.press("u")
    stays(page, "wide fracture")


@pytest.mark.soak
def test_a_rule_that_finds_otherwise_by_now_is_previewed_anew(base: KnowledgeBase, open_workbench: Open) -> None:
    page = opened(open_workbench(base))
    page.keyboard.press("b")
    page.get_by_role("button", name="Preview the same words").press("Enter")
    told = page.get_by_label("What would be done")
    expect(told).to_contain_text("widened fracture")
    base.curate.reject(WIDENED, by="bea")
    before = now(base).commit
    page.keyboard.press("B")
    page.keyboard.press("B")
    expect(page.locator("#said")).to_contain_text("not what was previewed")
    expect(told).not_to_contain_text("widened fracture")
    assert now(base).commit == before


@pytest.mark.soak
def test_what_another_decided_meanwhile_is_told_and_the_group_shown_anew(
    base: KnowledgeBase, open_workbench: Open
) -> None:
    page = opened(open_workbench(base))
    base.curate.reject(WIDENED, by="bea")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("bea")
    expect(page.locator(".members .text")).to_have_text(["broadened fracture"])


@pytest.mark.soak
def test_the_keys_are_listed(base: KnowledgeBase, open_workbench: Open) -> None:
    page = opened(open_workbench(base))
    page.keyboard.press("?")
    told = page.get_by_role("dialog")
    for key in KEYS:
        if key.action not in ("mark", "other_side", "help"):  # digits name what they mark; Tab is the browser's own
            expect(told).to_contain_text(key.told)


@pytest.mark.soak
@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_it_is_clean_in_every_size_and_light(
    doubled: KnowledgeBase, open_workbench: Open, width: int, dark: bool
) -> None:
    at = open_workbench(doubled, width=width, dark=dark)
    at.open("/review/")
    at.assert_clean()
    at.assert_fits()
    page = opened(at)
    at.assert_clean()
    at.assert_fits()
    for name in ("By rule", "Who did what", "Filters"):
        page.get_by_text(name, exact=True).click()
        page.wait_for_load_state("networkidle")
        at.assert_clean()
        at.assert_fits()
        page.get_by_text(name, exact=True).click()
