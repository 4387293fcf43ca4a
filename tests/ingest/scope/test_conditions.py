"""Conditions over the columns of a source: what they select is what SQL selects."""

from __future__ import annotations

import time

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.scope.conditions import read_condition
from kb.errors import UsageError

ROW = {"modality": "CT", "Body Part": "CHEST", "age": "67", "status": "", "site": None, "n": 3.0, "it's": "x"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("modality = 'CT'", True),
        ("modality = 'ct'", False),
        ("modality == 'CT' and age > 60", True),
        ("modality <> 'CT'", False),
        ("MODALITY = 'CT'", "no column"),
        ("age > 60 AND age <= 67", True),
        ("age < 100", True),  # as numbers: "67" < "100" is not so for texts
        ("age BETWEEN 67 AND 70", True),
        ("age not between 67 and 70", False),
        ("n = 3", True),
        ("n = '3'", True),
        ("\"Body Part\" IN ('CHEST', 'THORAX')", True),
        ("\"Body Part\" NOT IN ('CHEST')", False),
        ("modality LIKE 'C_'", True),
        ("modality LIKE '%T%'", True),
        ("modality ILIKE 'c%'", True),
        ("modality NOT LIKE 'X%'", True),
        ("status IS NULL", True),
        ("site is not null", False),
        ("status = ''", None),
        ("status != 'draft'", None),
        ("NOT status = 'draft'", None),
        ("status = 'draft' OR modality = 'CT'", True),
        ("status = 'draft' AND modality = 'MR'", False),
        ("modality > 5", None),
        ("NOT (modality = 'MR' OR age > 90)", True),
        ("modality = 'MR' OR modality = 'US' AND age > 1 OR age = 67", True),
        ("\"it's\" = 'x'", True),
        ("modality = 'it''s'", False),
    ],
)
def test_what_a_condition_says_of_a_row(condition: str, holds: bool | str | None) -> None:
    if holds == "no column":
        with pytest.raises(KeyError):
            read_condition(condition)(ROW)
        return
    assert read_condition(condition)(ROW) is holds


@pytest.mark.parametrize(
    ("condition", "place", "why"),
    [
        ("", "at its end", "the name of a column was expected"),
        ("modality", "at its end", "a comparison, IN, LIKE, BETWEEN or IS NULL was expected"),
        ("modality = CT", "from `CT` on", "a text in single quotes or a number was expected"),
        ("modality = 'CT", "from `'CT` on", "no part of a condition"),
        ("modality = 'CT' age > 3", "from `age > 3` on", "something is left over"),
        ("(modality = 'CT'", "at its end", "a parenthesis is not closed"),
        ("modality IN ()", "from `)` on", "a text in single quotes"),
        ("modality IS 3", "from `3` on", "IS is followed by NULL"),
        ("modality = 'CT'; DROP TABLE x", "from `; DROP TABLE x` on", "no part of a condition"),
        ("lower(modality) = 'ct'", "from `(modality) = 'ct'` on", "a comparison"),
        ("age > 60y", "from `60y` on", "no part of a condition"),
        ("(" * 60 + "a = 1", "from `((((((((((a = 1` on", "more than 50 parentheses"),
    ],
)
def test_what_is_no_condition_is_told_with_the_place(condition: str, place: str, why: str) -> None:
    with pytest.raises(UsageError) as error:
        read_condition(condition)
    assert f"cannot be read {place}: " in str(error.value) and why in str(error.value)


def test_the_columns_that_it_asks_about_are_told_once_each_in_their_order() -> None:
    assert read_condition("""b = 1 OR NOT ("a x" IS NULL AND b > 2)""").columns == ("b", "a x")


def test_a_pattern_full_of_signs_takes_no_time_on_a_whole_report() -> None:
    condition = read_condition("t LIKE '" + "%a" * 40 + "%b'")
    started = time.monotonic()
    assert condition({"t": "a" * 100_000}) is False
    assert time.monotonic() - started < 2


cells = st.one_of(st.none(), st.sampled_from(["a", "b", "ab", "aab", "b%", "a_b", "x.y"]))
literals = st.sampled_from(["'a'", "'b'", "'ab'"])
patterns = st.text("ab%_.", max_size=5).map(lambda text: f"'{text}'")
tests = st.one_of(
    st.builds("{} {} {}".format, st.sampled_from("xy"), st.sampled_from(["=", "<>", "<", ">="]), literals),
    st.builds("{} {} {}".format, st.sampled_from("xy"), st.sampled_from(["LIKE", "NOT LIKE", "ILIKE"]), patterns),
    st.builds("{} {}IN ({}, {})".format, st.sampled_from("xy"), st.sampled_from(["", "NOT "]), literals, literals),
    st.builds("{} IS {}NULL".format, st.sampled_from("xy"), st.sampled_from(["", "NOT "])),
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner),
        st.builds("{} {} {}".format, inner, st.sampled_from(["AND", "OR"]), inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=6,
)


@pytest.mark.soak
@settings(max_examples=150, deadline=None)
@given(conditions, cells, cells)
def test_it_selects_what_sql_selects(condition: str, x: str | None, y: str | None) -> None:
    with duckdb.connect() as connection:
        sql = connection.execute(f"SELECT {condition} FROM (SELECT ?::VARCHAR AS x, ?::VARCHAR AS y)", [x, y])
        assert read_condition(condition)({"x": x, "y": y}) is sql.fetchone()[0]  # type: ignore[index]
