"""Text as it was exported, read plainly, at the places it had."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extractors.rules import RulesExtractor
from ingest.report import Section
from kb.language.grammar.plain import plain_text

PARTS = [
    "<br>",
    "</p>",
    "&nbsp;",
    "&#39;t",
    "&lt;",
    "\\n",
    "\\r\\n",
    "\\.br\\",
    "_x000D_",
    "\u2019",
    "\u00a0",
    "no ",
    "mass ",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PARTS), max_size=12).map("".join)))
def test_the_plain_text_is_as_long_as_the_given_one(text: str) -> None:
    assert len(plain_text(text)) == len(text)


@pytest.mark.parametrize("text", ["SpO2 < 90 & L > R", "size <1 cm", "ratio 3\\4", "A&B"])
def test_signs_that_are_no_markup_stay(text: str) -> None:
    assert plain_text(text) == text


def test_spans_are_those_of_the_given_text() -> None:
    text = "<p>No&nbsp;effusion.</p>\\nMild\u00a0edema isn\u2019t excluded.<br/>"
    for mention in RulesExtractor().mentions([Section("findings", text)]):
        assert " ".join(text[start:end] for start, end in mention.spans) == mention.text
