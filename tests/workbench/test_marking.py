"""A text in pieces, some of them marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.marking import Piece, pieces

SPANS = st.lists(st.tuples(st.integers(-3, 12), st.integers(-3, 12)), max_size=5)


def test_what_lies_in_a_span_is_marked() -> None:
    assert pieces("no left effusion", [(3, 7), (8, 16)]) == [
        Piece("no ", False),
        Piece("left", True),
        Piece(" ", False),
        Piece("effusion", True),
    ]


@given(st.text(max_size=10), SPANS)
def test_the_pieces_are_the_text_and_each_letter_is_marked_as_the_spans_say(
    text: str, spans: list[tuple[int, int]]
) -> None:
    found = pieces(text, spans)
    assert "".join(piece.text for piece in found) == text
    marked = [piece.marked for piece in found for _ in piece.text]
    assert marked == [any(start <= at < end for start, end in spans) for at in range(len(text))]
    assert all(piece.text for piece in found)
