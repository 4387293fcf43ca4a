"""Dates among attributes: every usual spelling is read, what can be read two ways is refused."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.audit.drift.dates import KnownDate, dates_of, day_comes_first, is_period_attribute, read_date
from encoder.audit.drift.periods import first_day, last_day, name_of, natural, periods_of
from kb.errors import UsageError

DAY = KnownDate(date(2024, 3, 31), "day")


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-31",
        "20240331",
        "20240331.0",
        "20240331101500",
        "20240331101500.123456",
        "2024/03/31",
        "31.03.2024",
        "31/03/2024",
        "31-03-2024",
        "2024-03-31 10:15:00",
        "2024-03-31T10:15:00Z",
        "31 Mar 2024",
        "31-Mar-2024",
        "31 March 2024",
        "Mar 31, 2024",
        "March 31 2024",
    ],
)
def test_a_day_is_read_as_it_is_usually_written(text: str) -> None:
    assert read_date(text) == DAY


@pytest.mark.parametrize("text", ["2024-03", "202403", "2024/03", "03/2024", "Mar 2024", "March 2024"])
def test_a_month_is_known_as_one(text: str) -> None:
    assert read_date(text) == KnownDate(date(2024, 3, 1), "month")


def test_a_year_is_known_as_one() -> None:
    assert read_date("2024") == KnownDate(date(2024, 1, 1), "year")


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", "20241301", "31.02.2024", "12", "31/03/24", "portable"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d %b %Y"]))
def test_what_is_written_is_read(day: date, written: str) -> None:
    assert read_date(day.strftime(written)) == KnownDate(day, "day")


def test_the_other_dates_tell_whether_the_day_comes_first() -> None:
    assert day_comes_first(["03/04/2024", "31/03/2024"])
    assert not day_comes_first(["03/04/2024", "03/31/2024"])
    assert day_comes_first(["2024-03-04", "04.03.2024", "05/05/2024"])
    assert dates_of([{"date": "03/04/2024"}, {"date": "03/31/2024"}])[0] == KnownDate(date(2024, 3, 4), "day")


@pytest.mark.parametrize(
    ("texts", "said"),
    [(["03/04/2024"], "can be read two ways"), (["31/03/2024", "03/31/2024"], "begins with the day and")],
)
def test_dates_that_could_be_others_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        day_comes_first(texts)


@pytest.mark.parametrize(
    "name", ["month", "study date", "StudyDate", "month: 2024-10", "acquisitiondate", "study date dicom", "Exam_Date"]
)
def test_attributes_of_time_are_known_by_their_name(name: str) -> None:
    assert is_period_attribute(name)


@pytest.mark.parametrize(
    "name", ["scanner", "birth date", "site: May clinic", "update", "age band", "patient birth date"]
)
def test_others_are_not(name: str) -> None:
    assert not is_period_attribute(name)


def test_or_by_values_that_all_are_dates() -> None:
    assert is_period_attribute("performed", ["2024-01-03", "2024-02-04"])
    assert not is_period_attribute("performed", ["2024-01-03", "at night"])
    assert not is_period_attribute("kvp", ["1200", "2024"]), "a bare number is no date"


@pytest.mark.parametrize(
    ("by", "name"), [("week", "2024-W13"), ("month", "2024-03"), ("quarter", "2024-Q1"), ("year", "2024")]
)
def test_a_day_falls_into_a_period(by: str, name: str) -> None:
    assert name_of(DAY, by) == name  # type: ignore[arg-type]


def test_a_month_falls_into_no_week() -> None:
    assert name_of(KnownDate(date(2024, 3, 1), "month"), "week") is None


def test_bounds_hold_all_of_what_they_name() -> None:
    assert (first_day("2024-02"), last_day("2024-02"), last_day("2024")) == (
        date(2024, 2, 1),
        date(2024, 2, 29),
        date(2024, 12, 31),
    )


@given(st.lists(st.sampled_from(["v1", "v2", "v9", "v10", "v11"]), min_size=1, max_size=60), st.integers(1, 20))
def test_small_periods_are_joined_with_the_next_and_no_row_is_lost(names: list[str], least: int) -> None:
    found = periods_of(names, least)
    sizes = [int((found.at == number).sum()) for number in range(len(found))]
    assert sum(sizes) == len(names)
    assert all(size >= least for size in sizes) or len(found) == 1
    starts = [name.split(" to ")[0] for name in found.names]
    assert starts == sorted(starts, key=natural)
    for name, number in zip(names, found.at, strict=True):
        ends = found.names[number].split(" to ")
        assert natural(ends[0]) <= natural(name) <= natural(ends[-1])
