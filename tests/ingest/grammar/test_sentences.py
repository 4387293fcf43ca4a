"""Where sentences begin and end."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.grammar.sentences import LONGEST_SENTENCE, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Heart normal. Lungs clear.", ["Heart normal.", "Lungs clear."]),
        ("1. No acute disease. 2. Mild edema.", ["No acute disease.", "Mild edema."]),
        ("A 1.5 cm nodule. No effusion.", ["A 1.5 cm nodule.", "No effusion."]),
        ("Discussed with Dr. Smith today. Clear lungs.", ["Discussed with Dr. Smith today.", "Clear lungs."]),
        ("No effusion.. Lungs clear. .", ["No effusion.", "Lungs clear."]),
        ("Lungs clear.Heart normal.", ["Lungs clear.", "Heart normal."]),
        ("The lungs\nare clear.\nNo effusion.", ["The lungs\nare clear.", "No effusion."]),
        ("Lungs clear\n\nNo effusion", ["Lungs clear", "No effusion"]),
        ("Heart: normal\nlungs: clear", ["Heart: normal", "lungs: clear"]),
        ("- nodule\n- scar", ["nodule", "scar"]),
        ("NO EFFUSION. LUNGS CLEAR.", ["NO EFFUSION.", "LUNGS CLEAR."]),
        ("Heart normal 2. Lungs clear", ["Heart normal", "Lungs clear"]),
        ("Tip in the SVC. No pneumothorax.", ["Tip in the SVC.", "No pneumothorax."]),
        ("Edema|Effusion | No mass", ["Edema", "Effusion", "No mass"]),
        ("", []),
        (" . .. \n", []),
    ],
)
def test_a_sentence_ends_where_a_reader_ends_it(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in split_sentences(text)] == sentences


@given(st.text(alphabet="aB1. \n:;-)XDr?", max_size=60))
def test_sentences_lie_in_the_text_in_order_and_apart(text: str) -> None:
    last = 0
    for start, end in split_sentences(text):
        assert last <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]
        last = end


def test_a_text_without_an_end_is_read_in_pieces_and_soon() -> None:
    text = "Left effusion, " * 6_000
    began = time.process_time()
    spans = split_sentences(text)
    assert max(end - start for start, end in spans) <= LONGEST_SENTENCE
    assert "".join(text[start:end] for start, end in spans).replace(" ", "") == text.replace(" ", "")
    assert time.process_time() - began < 5
