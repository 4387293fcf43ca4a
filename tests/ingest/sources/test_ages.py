"""Ages: what a cell of a table, or a DICOM file, says of one."""

from __future__ import annotations

import pytest

from ingest.sources.ages import read_age


@pytest.mark.parametrize(
    ("cell", "years"),
    [("63", 63), (63.0, 63), ("063Y", 63), ("18M", 1.5), ("0", 0), ("63 years", 63), (" 90Y ", 90)],
)
def test_an_age_in_years(cell: object, years: float) -> None:
    assert read_age(cell) == (years, False)


@pytest.mark.parametrize(("cell", "years"), [("85 or more", 85), ("90+", 90), (">89", 89), ("85 years and over", 85)])
def test_the_oldest_stand_at_their_bound(cell: str, years: float) -> None:
    assert read_age(cell) == (years, True)


@pytest.mark.parametrize("cell", ["414", "000Y", "old", "Male", "-3", "2016-01-02"])
def test_what_is_no_age_is_odd_and_no_more(cell: str) -> None:
    assert read_age(cell) == (None, True)


@pytest.mark.parametrize("cell", [None, "", "nan", "unknown"])
def test_a_blank_is_nothing(cell: object) -> None:
    assert read_age(cell) == (None, False)
