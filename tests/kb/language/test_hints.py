"""A text is left unsearched only where the pattern could not match it."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from kb.language.grammar import telling
from kb.language.hints import Hints, hints_of
from kb.language.spelling import is_one_slip_from, one_slip_from

PATTERNS = [value for value in vars(telling).values() if isinstance(value, re.Pattern)]
HINTS = Hints(*PATTERNS)
WORDS = sorted({word for pattern in PATTERNS for word in re.findall(r"[A-Za-z/]+|\d+", pattern.pattern)})


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.sampled_from([" ", ", ", "-", "  "]), st.booleans())
@example(["end", "of", "report"], " ", True)
@example(["follow", "up"], "-", False)
def test_what_a_pattern_matches_holds_its_hints(words: list[str], joined: str, capitals: bool) -> None:
    text = joined.join(words).upper() if capitals else joined.join(words)

    matching = {at for at, pattern in enumerate(PATTERNS) if pattern.search(text)}

    assert matching <= {at for at in range(len(PATTERNS)) if HINTS.possible(text) >> at & 1}


def test_a_common_word_is_no_hint_and_a_pattern_of_signs_has_none() -> None:
    assert {hint.letters for hint in hints_of(re.compile("there (?:may|might)")) or ()} == {"may", "might"}
    assert hints_of(re.compile(r"\d+\s?%?")) is None


@given(st.text("abc", min_size=1, max_size=5), st.text("abc", max_size=6))
def test_one_slip_is_one_of_all_slips(word: str, other: str) -> None:
    assert is_one_slip_from(word, other) == (other in set(one_slip_from(word)) - {word})
