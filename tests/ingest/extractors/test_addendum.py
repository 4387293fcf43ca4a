"""What an addendum corrects is not taken, and told."""

from __future__ import annotations

import pytest

from ingest.extractors.protocol import Extraction
from ingest.extractors.rules import RulesExtractor
from ingest.report import Section


def mined(findings: str, addendum: str) -> Extraction:
    (extraction,) = RulesExtractor().extract([[Section("findings", findings), Section("addendum", addendum)]])
    return extraction


def test_a_denial_that_an_addendum_takes_back_is_told_and_not_taken() -> None:
    extraction = mined("No pneumothorax. No effusion.", "There is a small left apical pneumothorax.")
    assert [(mention.text, mention.assertion) for mention in extraction.mentions] == [
        ("effusion", "absent"),
        ("small left apical pneumothorax", "present"),
    ]
    (told,) = extraction.refused
    assert "'pneumothorax' (absent) of findings is corrected by 'small left apical pneumothorax' (present)" in told


@pytest.mark.parametrize(
    ("findings", "addendum"),
    [
        ("No left pneumothorax.", "There is a right pneumothorax."),
        ("Small effusion.", "The effusion is unchanged."),
        ("No pneumothorax.", "A pneumothorax is possible."),
    ],
)
def test_what_an_addendum_does_not_contradict_stays(findings: str, addendum: str) -> None:
    extraction = mined(findings, addendum)
    assert len(extraction.mentions) == 2 and not extraction.refused
