"""What rows are cut by: numbers by size, few values as categories, and what is neither is said."""

from __future__ import annotations

import numpy as np

from encoder.audit.confounders.exposures import exposures_of
from encoder.audit.segments.attributes import attribute_of, attributes_of, findings_of
from encoder.audit.segments.groups import parts_of


def row(number: int, **more: str) -> dict[str, object]:
    attributes = {"dose": str(number), "device": f"d{number % 3}", "serial": f"s{number}", **more}
    return {"sex": "F" if number % 2 else "M", "age": float(number), "view": "PA", "attributes": attributes}


def test_numbers_and_categories_are_told_apart_and_free_texts_left_out_aloud() -> None:
    found, notes = attributes_of([row(number) for number in range(60)], skip={"fold"})
    names = {one.name: one.names for one in found}
    assert names == {"sex": ("F", "M"), "age": None, "device": ("d0", "d1", "d2"), "dose": None}
    assert notes == ["not looked at, for they are no numbers and have more than 30 values: serial"]


def test_what_is_skipped_or_the_same_for_all_cuts_nothing() -> None:
    found, _ = attributes_of([row(number, fold=str(number % 2)) for number in range(60)], skip={"fold"})
    assert not {"fold", "view", "site", "month"} & {one.name for one in found}


def test_a_value_that_nobody_knows_is_unknown_and_no_zero() -> None:
    age = attribute_of("age", [30.0, None, 50.0, "", *range(20, 60)])
    assert age is not None and age.known.sum() == 42 and np.isnan(age.values[1])
    parts = dict(parts_of(age))
    assert parts["unknown"].sum() == 2 and sum(part.sum() for part in parts.values()) == 44
    assert list(parts) == ["< 40", ">= 40", "unknown"]


def test_ages_go_in_bands_and_other_numbers_in_quarters() -> None:
    age, dose = attribute_of("age", list(range(100))), attribute_of("dose", list(range(100)))
    assert age is not None and dose is not None
    assert [value for value, _ in parts_of(age)] == ["< 18", "18 to < 40", "40 to < 60", "60 to < 80", ">= 80"]
    assert {int(part.sum()) for _, part in parts_of(dose)} == {25}


def test_a_finding_is_stated_or_not_where_there_is_a_report_and_the_disease_is_none() -> None:
    known = np.array([True, True, True, False])
    exposures = exposures_of("report", [(0, "tube", "tube"), (1, "disease", "disease")], known)
    (tube,) = findings_of([exposures], {"disease"})
    assert (tube.name, tube.kind, tube.values.tolist()) == ("tube", "report", [0, 1, 1, -1])
