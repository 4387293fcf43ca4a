"""Damage to any file of a knowledge base: commands give the same answer, or tell of it in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.damage import OTHER_DATA, UNFORESEEN, cases, count, make_base, try_cases
from tests.support.examples import drawn_from

READS = (
    ("status", "--format", "json"),
    ("log", "--format", "json"),
    ("vocab", "list", "--format", "json"),
    ("observations", "export"),
    ("vocab", "note", "cardiomegaly", "seen"),
    ("vocab", "list", "--format", "json"),
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("sound"))


def test_no_damage_gives_other_data_in_silence_or_an_error_nobody_foresaw(base: Path) -> None:
    outcomes = list(try_cases(base, cases(base, 12, seed=drawn_from(20)), READS))
    told = [outcome for outcome in outcomes if outcome.outcome in (UNFORESEEN, OTHER_DATA)]
    assert not told, told
    assert count(outcomes)["told in a line"] > 0


@pytest.mark.soak
def test_300_damages_give_no_other_data_and_no_error_nobody_foresaw(base: Path) -> None:
    outcomes = list(try_cases(base, cases(base, 300, seed=drawn_from(20))))
    assert not [outcome for outcome in outcomes if outcome.outcome in (UNFORESEEN, OTHER_DATA)], count(outcomes)
