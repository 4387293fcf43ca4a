"""The pictures of the workbench in these pages, taken of the demo's knowledge base and of planted duplicates.

    python docs/how-to/workbench_pictures.py demo/demo.kb

Run it where the checkout is, after `clear-kb demo`; it needs Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import sleep

from PIL import Image
from playwright.sync_api import Browser, Page

from bench.planted_duplicates import planted
from tests.support.browser import started, window
from tests.support.served import served

PICTURES = Path(__file__).parent.parent / "img"
QUALITY = 82
"""Of a picture, of 100: letters stay sharp and files small."""


def main(kb: Path) -> None:
    """Take every picture anew."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, started() as browser:
        taken(browser, kb, "vocabulary", vocabulary)
        taken(browser, kb, "images", gallery)
        taken(browser, kb, "image", image, height=1100)
        taken(browser, kb, "audit", audit)
        taken(browser, kb, "sql", sql)
        taken(browser, Path(planted(Path(folder), 40).base.uri), "review", review)


def taken(browser: Browser, kb: Path, name: str, steps: Callable[[Page], None], height: int = 860) -> None:
    """One picture: the steps that lead to it, and what is then on the screen."""
    path = PICTURES / f"workbench-{name}.webp"
    with served(kb) as address, window(browser, address, width=1280, height=height) as at:
        at.page.set_default_timeout(120_000)
        steps(at.page)
        sleep(1)
        drawn = at.page.screenshot()
        assert at.complaints == [], at.complaints
    with Image.open(BytesIO(drawn)) as picture:
        picture.convert("RGB").save(path, quality=QUALITY, method=6)
    print(path, path.stat().st_size)


def vocabulary(page: Page) -> None:
    """A concept beside the list that was searched."""
    page.keyboard.press("g")
    page.keyboard.press("v")
    page.get_by_role("searchbox").first.fill("left pleural effusion")
    page.get_by_role("link", name="left pleural effusion", exact=False).first.click()
    page.get_by_text("mentions").first.wait_for()


def gallery(page: Page) -> None:
    """What a run called a pneumothorax and should not have."""
    page.goto(page.url.rstrip("/") + "/images/?run=concepts-zero-shot&label=pneumothorax&called=false+positive")
    sleep(3)


def image(page: Page) -> None:
    """One image with its report, what its prediction rests on, and a heat map."""
    page.goto(
        page.url.rstrip("/") + "/images/one?image=images%2FPH0000002.png&run=concepts-zero-shot&label=pneumothorax"
    )
    page.get_by_role("button", name="Heat map of pneumothorax").click()
    sleep(8)


def audit(page: Page) -> None:
    """Two runs side by side."""
    page.goto(page.url.rstrip("/") + "/audit/?run=probe&run=concepts-zero-shot&label=pneumothorax")
    sleep(15)


def sql(page: Page) -> None:
    """A question in SQL."""
    page.goto(page.url.rstrip("/") + "/audit/sql")
    page.get_by_role("button", name="Run r").click()
    page.get_by_role("table").first.wait_for()
    sleep(3)


def review(page: Page) -> None:
    """A group of duplicates."""
    page.goto(page.url.rstrip("/") + "/review/duplicates")
    page.get_by_role("button", name="The same Enter").wait_for()
    sleep(2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
