"""A real Chromium under Playwright: a window of a size, by keyboard and mouse, with what its console said."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.chromium import FLAGS, find_chromium

expect.set_options(timeout=20_000)  # a busy machine takes its time

SIZES = {"phone": 390, "laptop": 1280, "desk": 1920}
"""The widths that every page is looked at in."""

LOOKS = [
    pytest.param(width, dark, id=f"{size}, {'dark' if dark else 'light'}")
    for size, width in SIZES.items()
    for dark in (False, True)
]
"""The widths and lights that every page is looked at in."""


def chromium_or_skip() -> str:
    """The program; where there is none, CI fails and others are told what was not tested."""
    program = os.environ.get("CLEAR_KB_CHROMIUM") or find_chromium()
    if program is None:
        told = "no Chromium here: the workbench is not tested in a browser (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return program


@contextmanager
def started() -> Iterator[Browser]:
    """A browser, headless; it asks nothing of the network."""
    program = chromium_or_skip()
    flags = [flag for flag in FLAGS if flag not in ("--headless", "--remote-debugging-pipe")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@dataclass
class Window:
    """One window: its page, and what went wrong in it."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the workbench, and wait until it stands still."""
        self.page.goto(self.address.rstrip("/") + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def assert_clean(self) -> None:
        """Nothing in the console, nothing asked of elsewhere, and nothing that axe (WCAG 2.1 A and AA) objects to."""
        self.page.wait_for_function("() => !document.querySelector('.htmx-request')")  # what waits is paler
        assert self.complaints == []
        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
        found = Axe().run(self.page, options=rules).response["violations"]
        told = [(one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
        assert told == [], json.dumps(told, indent=1)

    def assert_fits(self) -> None:
        """The page is not wider than its window."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 1, f"the page is {wide} pixels wider than the window"


@contextmanager
def window(
    browser: Browser, address: str, *, width: int = 1280, height: int = 900, dark: bool = False
) -> Iterator[Window]:
    """A window of its own, without the cookies of others; `address` is what the server printed, token and all."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=width < 500,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    home = address.partition("?")[0]
    made = Window(page, home)
    page.on("console", lambda said: made.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            made.complaints.append(f"asked of elsewhere: {asked.url[:100]}")
            if not asked.url.startswith((home, "data:", "blob:"))
            else None
        ),
    )
    page.goto(address)
    yield made
    context.close()
