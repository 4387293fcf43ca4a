"""What a terminal is shown of data: every character that it would act on is written out, and nothing else changes."""

from __future__ import annotations

import io
import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from kb.commands.console import SafeConsole
from kb.visible import visible, visible_json, visible_text

ANY_TEXT = st.text(st.characters(codec=None))
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def acts(text: str) -> set[str]:
    """The characters of a text that a terminal would act on, lines and tabs aside."""
    return {one for one in text if unicodedata.category(one) in ("Cc", "Cs") or one in TURNING} - {"\n", "\t"}


@given(ANY_TEXT)
def test_nothing_that_acts_is_left_and_the_rest_stays(text: str) -> None:
    shown = visible(text)
    assert not acts(shown)
    assert shown.encode("utf-8").decode() == shown
    assert shown == text or acts(text)


@given(ANY_TEXT)
def test_json_says_what_it_said(text: str) -> None:
    written = visible_json(json.dumps({"text": text}, ensure_ascii=False))
    assert not acts(written)
    assert json.loads(written) == {"text": text}


def test_escapes_are_read_at_a_glance() -> None:
    assert visible("a\x1b]0;t\x07b\x9bm\u202ec\ud800\n\td") == "a\\x1b]0;t\\x07b\\x9bm\\u202ec\\ud800\n\td"


def test_styles_stay_where_they_were() -> None:
    text = Text("a\x1bb\u202ecd")
    text.stylize("bold", 3, 6)
    shown = visible_text(text)
    assert isinstance(shown, Text)
    assert shown.plain == "a\\x1bb\\u202ecd"
    assert [shown.plain[one.start : one.end] for one in shown.spans if one.style == "bold"][-1].endswith("cd")


@given(ANY_TEXT)
def test_no_renderable_prints_what_acts(text: str) -> None:
    out = io.StringIO()
    console = SafeConsole(file=out, width=60)
    table = Table(text.replace("[", ""))
    table.add_row(Text(text))
    console.print(Text(text), table, markup=False)
    console.print(text, markup=False)
    assert not acts(out.getvalue())
