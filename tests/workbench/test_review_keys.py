"""The Review page has the keys of the terminal screen: one scheme, whichever one sits at."""

from __future__ import annotations

import re

from kb.curation.review.keys import KEYS
from tests.support.paths import ROOT

TERMINAL_ALONE = {"Tab", "Escape", "?"}
"""Tab moves through a page, and the workbench has ? and Escape on every page."""


def test_the_page_has_every_key_of_the_screen_and_none_that_does_away_with_something_by_one() -> None:
    templates = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workbench/review/templates").iterdir())
    found = {*re.findall(r'data-key="([^"{]+)"', templates), *re.findall(r'\("(\w+)", -?1, "mark', templates)}
    numbered = {str(digit) for digit in range(1, 10)} if 'data-key="{{ loop.index }}"' in templates else set()
    assert {key for one in KEYS for key in one.browser} - TERMINAL_ALONE <= found | numbered
    (rejecting,) = re.findall(r'<button[^>]*data-decide="reject"[^>]*>', templates)
    assert "data-key-twice" in rejecting
