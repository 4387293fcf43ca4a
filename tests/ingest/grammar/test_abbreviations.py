"""Abbreviations that a report defines itself."""

from __future__ import annotations

import time

import pytest

from ingest.extractors.rules import RulesExtractor
from ingest.grammar.abbreviations import defined_abbreviations
from ingest.report import Section


def test_a_short_form_in_parentheses_is_defined() -> None:
    text = "Pulmonary embolism (PE) is seen (left). Congestive heart failure (CHF), no edema."
    assert defined_abbreviations(text) == {"PE": "Pulmonary embolism", "CHF": "Congestive heart failure"}


def test_what_only_describes_defines_nothing() -> None:
    assert defined_abbreviations("Effusion (small), edema (-), (a) nodule (3 mm).") == {}


@pytest.mark.parametrize("sign", ["(", "()", "[", "effusion (-), ", "[ ] effusion ", "(a) effusion ", "( effusion "])
def test_signs_without_end_are_read_in_linear_time(sign: str) -> None:
    def taken(times: int) -> float:
        begun = time.perf_counter()
        RulesExtractor().mentions([Section("findings", sign * times)])
        return time.perf_counter() - begun

    taken(1)
    assert taken(3_000) < 2.0
