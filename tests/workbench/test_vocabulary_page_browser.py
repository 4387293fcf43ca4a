"""The Vocabulary page as a curator works with it: in a real browser, by keyboard and by mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import expect

from kb.knowledge_base import KnowledgeBase
from tests.support.browser import LOOKS, Window
from tests.support.mined import concept_id, mined_in

Open = Callable[..., Window]


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return mined_in(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture
def base(mined: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.open(copytree(mined.uri, tmp_path / "mined.kb"))


def test_a_concept_is_found_read_renamed_and_taken_back_by_keys_alone(
    base: KnowledgeBase, open_workbench: Open
) -> None:
    at = open_workbench(base)
    page = at.open("/vocabulary/")
    page.keyboard.press("/")
    page.keyboard.type("chest tu")
    expect(page.locator("#results .row")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="chest tube")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#said")).to_contain_text("accepted")
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type("thoracostomy tube")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="thoracostomy tube")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#said")).to_contain_text("is now called")
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="chest tube")).to_be_visible()
    at.assert_clean()


@pytest.mark.soak
def test_no_key_rejects_without_a_second_one(base: KnowledgeBase, open_workbench: Open) -> None:
    tube = concept_id("chest tube")
    page = open_workbench(base).open(f"/vocabulary/concept/{tube}")
    page.keyboard.press("x")
    expect(page.locator("#said")).to_contain_text("Once more")
    assert KnowledgeBase.open(base.uri).changes() == []
    page.keyboard.press("x")
    expect(page.locator(".sheet .tag.rejected")).to_be_visible()
    assert KnowledgeBase.open(base.uri).vocabulary.get(tube).status == "rejected"


@pytest.mark.soak
def test_a_merge_is_typed_and_what_is_wrong_is_said_in_its_dialog(base: KnowledgeBase, open_workbench: Open) -> None:
    heart, lungs = concept_id("cardiomegaly"), concept_id("clear lungs")
    at = open_workbench(base)
    page = at.open(f"/vocabulary/concept/{heart}")
    page.keyboard.press("m")
    expect(page.locator("#targets fieldset")).to_be_visible()
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Choose one in the list")
    page.locator("#merge [name=words]").fill("clear")
    page.keyboard.press("Enter")  # the list is still of other words
    expect(page.get_by_role("alert")).to_contain_text("still being looked for")
    expect(page.locator("#targets label")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#targets input")).to_be_focused()
    assert KnowledgeBase.open(base.uri).changes() == []
    page.keyboard.press("Enter")
    expect(page.get_by_text("It counts under")).to_be_visible()
    assert KnowledgeBase.open(base.uri).vocabulary.resolve(heart).concept_id == lungs


@pytest.mark.soak
def test_the_list_is_walked_by_keys_and_the_address_leads_back(base: KnowledgeBase, open_workbench: Open) -> None:
    page = open_workbench(base).open("/vocabulary/")
    texts = page.locator("#results .row .text > :first-child").all_inner_texts()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=2, name=texts[0])).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=2, name=texts[1])).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=2, name=texts[1])).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=2, name=texts[0])).to_be_visible()


@pytest.mark.soak
def test_a_report_opens_around_its_mention(base: KnowledgeBase, open_workbench: Open) -> None:
    at = open_workbench(base)
    page = at.open(f"/vocabulary/concept/{concept_id('left rib fracture')}")
    page.get_by_role("button", name="report r4").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Chest tube in place.")
    expect(dialog.locator("mark")).to_have_text("Left rib fracture")
    at.assert_clean()


@pytest.mark.soak
@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_it_is_clean_in_every_size_and_light(
    mined: KnowledgeBase, open_workbench: Open, width: int, dark: bool
) -> None:
    at = open_workbench(mined, width=width, dark=dark)
    tube = concept_id("small left pleural effusion")
    for path in ("/vocabulary/?laterality=left", f"/vocabulary/concept/{tube}", "/vocabulary/?view=tree"):
        page = at.open(path)
        if "tree" in path:
            page.locator("summary").first.press("Enter")
            page.locator("details details").first.wait_for()
        at.assert_clean()
        at.assert_fits()
