"""The Review page has the keys of the terminal screen: one scheme, whichever one sits at."""

from __future__ import annotations

import re

from kb.curation.review.keys import KEYS
from tests.support.paths import ROOT

ELSEWHERE = {"help", "other_side", "mark"}
"""The workbench has ? on every page, Tab moves through a page, and a digit is named by what it marks."""


def test_the_page_has_every_key_of_the_screen_and_none_that_does_away_with_something_by_one() -> None:
    templates = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workbench/review/templates").iterdir())
    found = {
        *re.findall(r'pressed\("(\w+)"\)', templates),
        *re.findall(r"keys\.(\w+)\.browser", templates),
        *re.findall(r'\("(\w+)", -?1\)', templates),
    }
    assert {one.action for one in KEYS} - ELSEWHERE <= found
    assert 'data-key="{{ loop.index }}"' in templates
    (rejecting,) = re.findall(r'<button[^>]*data-decide="reject"[^>]*>', templates)
    assert "data-key-twice" in rejecting
