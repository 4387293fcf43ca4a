"""Measurements: numbers with their units, as they stand, and nothing that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.language.measurements import Measurement, read_measurements


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("ETT tip 4.5 cm above the carina", [(4.5, "cm")]),
        ("2.4 x 1.9 cm mass", [(2.4, "cm"), (1.9, "cm")]),
        ("2 cm x 3 cm", [(2.0, "cm"), (3.0, "cm")]),
        ("2.4 by 1.9 cm", [(2.4, "cm"), (1.9, "cm")]),
        ("3-4 mm nodules", [(3.0, "mm"), (4.0, "mm")]),
        ("18mm nodule", [(18.0, "mm")]),
        ("1,5 cm", [(1.5, "cm")]),
        ("10-mm nodule", [(10.0, "mm")]),
        ("12 millimetres", [(12.0, "mm")]),
        ("8 French catheter", [(8.0, "french")]),
        ("30 degrees", [(30.0, "degrees")]),
        ("loss of 50% of height", [(50.0, "%")]),
        ("from 3 mm to 1.2 cm", [(3.0, "mm"), (1.2, "cm")]),
        ("3cm x 20 mm", [(3.0, "cm"), (20.0, "mm")]),
        ("between 3 and 4 cm", [(3.0, "cm"), (4.0, "cm")]),
        ("1,200 ml", [(1200.0, "ml")]),
        (".5 cm", [(0.5, "cm")]),
        ("1 1/2 inch", []),
        ("T8 compression", []),
        ("two views", []),
        ("CTR of 0.55", []),
        ("5th rib", []),
        ("2019", []),
        ("4 cmH2O", []),
    ],
)
def test_numbers_with_a_unit_are_measured(phrase: str, expected: list[tuple[float, str]]) -> None:
    assert [(one.value, one.unit) for one in read_measurements(phrase)] == expected


@given(st.integers(1, 999), st.sampled_from(["mm", "cm", "ml", "%"]), st.text("abc ,.", max_size=10))
def test_a_measure_is_found_wherever_it_stands(value: int, unit: str, around: str) -> None:
    assert Measurement(float(value), unit) in read_measurements(f"{around} {value} {unit} {around}")


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    assert all(one.value >= 0 for one in read_measurements(text))
