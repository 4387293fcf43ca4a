"""The audit room in a real browser: by keyboard alone, in every size, light and dark, without a complaint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from kb.knowledge_base import KnowledgeBase
from tests.support.audited import LABEL, RUNS
from tests.support.browser import LOOKS, Window, window
from tests.support.served import served

Open = Callable[..., Window]
BOTH = urlencode([*(("run", run) for run in RUNS), ("label", LABEL)])
PATIENCE_MS = 60_000
PATHS = (f"/audit/?{BOTH}", f"/audit/segments?{BOTH}", f"/audit/confounders?{BOTH}", "/audit/sql")


@pytest.fixture(scope="module")
def address(audited: KnowledgeBase) -> Iterator[str]:
    """One server for all of these tests."""
    with served(audited.uri) as printed:
        yield printed


@pytest.fixture
def open_window(browser: Browser, address: str) -> Iterator[Open]:
    """Opens a window on it."""
    with ExitStack() as until_the_end:
        yield lambda width=1280, dark=False: until_the_end.enter_context(
            window(browser, address, width=width, dark=dark)
        )


def settled(page: Page) -> None:
    """Wait until what comes later is there."""
    page.locator("main [aria-busy=true]").wait_for(state="detached", timeout=PATIENCE_MS)


def made(page: Page) -> None:
    """Make an audit by its key, where it was not made before."""
    if page.get_by_text("Make it again").count() == 0:
        page.keyboard.press("b")
        page.locator(".progress").wait_for()
    page.get_by_text("Make it again").wait_for(timeout=PATIENCE_MS)


@pytest.mark.soak
@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_every_page_is_clean_in_every_size_and_light(open_window: Open, width: int, dark: bool) -> None:
    at = open_window(width=width, dark=dark)
    for path in PATHS:
        page = at.open(path)
        settled(page)
        if "segments" in path or "confounders" in path:
            made(page)
            page.locator(".audit section").first.wait_for()
        elif "sql" in path:
            page.locator(".cm-content").wait_for()
            page.keyboard.press("r")
            page.locator("#result table").wait_for(timeout=PATIENCE_MS)
            page.locator("[name=kind]").select_option("bar")
            page.locator("[name=y]").select_option("auroc")
            page.locator("[data-drawn] svg").wait_for()
        at.assert_clean()
        at.assert_fits()


@pytest.mark.soak
def test_an_audit_is_begun_stopped_and_looked_at_by_keyboard(open_window: Open) -> None:
    at = open_window()
    page = at.open("/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.get_by_role("heading", name="Runs side by side").wait_for()
    page.wait_for_load_state("load")  # its keys are there
    page.keyboard.press("5")
    page.get_by_role("heading", name="Drift").wait_for()
    page.wait_for_load_state("load")
    page.keyboard.press("b")
    page.locator(".progress").wait_for()
    page.keyboard.press("x")
    page.get_by_text("Press x again").wait_for()
    assert page.locator(".progress").count() == 1, "one key does not stop it"
    page.keyboard.press("x")
    page.get_by_text("Stopped after").wait_for()
    at.assert_clean()


@pytest.mark.soak
def test_a_command_is_copied(open_window: Open) -> None:
    at = open_window()
    page = at.open(f"/audit/?{BOTH}")
    settled(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    foot = page.locator(".foot").first
    foot.locator("summary").press("Enter")
    foot.get_by_role("button", name="Copy").press("Enter")
    page.get_by_text("The command is copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == foot.locator(".typed").text_content() and copied.startswith("clear-kb audit compare")


def test_sql_is_written_completed_drawn_and_saved_by_keyboard(open_window: Open) -> None:
    at = open_window()
    page = at.open("/audit/sql")
    editor = page.locator(".cm-content")
    editor.wait_for()
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type("SELECT label, run, auroc FROM metri")
    page.locator(".cm-tooltip-autocomplete").get_by_text("metrics", exact=True).wait_for()
    page.keyboard.press("Escape")
    expect(editor).to_be_focused()
    page.keyboard.type("cs WHERE grouping = 'all' AND run = $run")
    page.keyboard.press("Escape")
    page.get_by_label("$run").wait_for()
    page.keyboard.press("Escape")
    page.get_by_label("$run").fill("sound")
    page.get_by_label("$run").press("Enter")
    page.locator("#result table").wait_for(timeout=PATIENCE_MS)
    assert "sound" in page.locator("#result table").inner_text()
    page.get_by_label("Save it as").fill("Of one run")
    page.get_by_label("Save it as").press("Enter")
    saved = page.get_by_role("button", name="Of one run", exact=True)
    saved.wait_for()
    saved.press("Enter")
    expect(editor).to_contain_text("run = $run")
    delete = page.get_by_role("button", name="Delete Of one run")
    delete.click()
    page.get_by_text("Press again").wait_for()
    assert saved.count() == 1, "one press deletes nothing"
    delete.click()
    page.get_by_text("Deleted").wait_for()
    expect(saved).to_have_count(0)
    at.assert_clean()


@pytest.mark.soak
def test_what_cannot_be_drawn_is_said(open_window: Open) -> None:
    at = open_window()
    page = at.open("/audit/sql")
    page.locator(".cm-content").wait_for()
    page.locator(".cm-content").fill("SELECT run, score FROM predictions LIMIT 50")
    page.keyboard.press("Control+Enter")
    page.locator("#result table").wait_for(timeout=PATIENCE_MS)
    page.locator("[name=kind]").select_option("bar")
    page.get_by_text("Several rows have the same run").wait_for()
    page.locator("[name=kind]").select_option("scatter")
    page.locator("[data-drawn] svg").wait_for()
    page.locator("[name=x]").select_option("score")
    page.locator("[name=kind]").select_option("histogram")
    page.locator("[data-drawn] svg").wait_for()
    page.locator("[name=x]").select_option("run")
    page.get_by_text("holds no numbers").wait_for()
    at.assert_clean()
