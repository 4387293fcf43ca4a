"""The page on privacy knows every table that there is."""

from __future__ import annotations

import re

from schemas.tables import TABLES
from tests.support.paths import ROOT


def test_the_page_says_of_every_table_what_leads_to_a_person() -> None:
    page = (ROOT / "docs" / "explanation" / "privacy.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.M) == [table.name for table in TABLES]
