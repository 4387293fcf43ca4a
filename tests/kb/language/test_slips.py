"""Slips of a query: mended where one word is meant, and never from one disease into another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.language.normal_form.spelling import known_words
from kb.language.severities import same_severity
from kb.language.slips import meant_by

KNOWN = frozenset(known_words().values())
LONG = sorted(word for word in KNOWN if len(word) >= 9 and word.isalpha())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("atalectasis", "atelectasis"),
        ("pnuemothorax", "pneumothorax"),
        ("effussion", "effusion"),
        ("cardiomegly", "cardiomegaly"),
        ("consolidatoin", "consolidation"),
    ],
)
def test_a_slip_is_seen(word: str, expected: str) -> None:
    assert expected in meant_by(word, KNOWN)


@pytest.mark.parametrize(
    "word",
    [
        "pericarditis",
        "phototherapy",
        "bronchoscopy",
        "costochondritis",
        "thoracoplasty",
        "myelitis",
        "lobotomy",
        "mass",
        "12",
    ],
)
def test_another_disease_or_act_is_no_slip(word: str) -> None:
    assert meant_by(word, KNOWN) == frozenset()


@given(st.sampled_from(LONG), st.data())
def test_two_letters_exchanged_before_its_ending_lead_back_to_the_word(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, max(1, len(word) - 9)))  # an ending may say another act: "stomy" is not "otomy"
    slip = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert slip in KNOWN or word in meant_by(slip, KNOWN)


@pytest.mark.parametrize(
    ("one", "other", "finding", "same"),
    [
        ("mild", "minimal", "cardiomegaly", True),
        ("severe", "marked", "emphysema", True),
        ("small", "mild", "pleural effusion", True),
        ("small", "mild", "cardiomegaly", False),
        ("mild", "moderate", "cardiomegaly", False),
        ("mild", None, "cardiomegaly", False),
        (None, None, "cardiomegaly", True),
        ("moderate", "moderate to severe", "cardiomegaly", False),
    ],
)
def test_severities_that_readers_use_for_each_other(
    one: str | None, other: str | None, finding: str, *, same: bool
) -> None:
    assert same_severity(one, other, finding) is same
    assert same_severity(other, one, finding) is same
