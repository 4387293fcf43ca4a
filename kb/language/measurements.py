"""Measurements in a phrase: numbers with their units, as they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+[.,]\d+|\d+|\.\d+)"
_UNIT = r"mm|millimet(?:er|re)s?|cms?|centimet(?:er|re)s?|ml|cc|inch(?:es)?|french|fr|degrees?|°|%"
_ONE = rf"{_NUMBER}(?:\s*-?\s*(?:{_UNIT})(?![\w]))?"
_CHAIN = re.compile(rf"(?<![\w.,/]){_ONE}(?:\s*(?:x|×|by|to|and|-|–)\s*{_ONE})*", re.IGNORECASE)
_PARTS = re.compile(rf"({_NUMBER})(?:\s*-?\s*({_UNIT})(?![\w]))?", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SHORT = {
    "millimeter": "mm",
    "millimetre": "mm",
    "cms": "cm",
    "centimeter": "cm",
    "centimetre": "cm",
    "inche": "inch",
    "fr": "french",
    "degree": "degrees",
    "°": "degrees",
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number and its unit: mm, cm, ml, cc, inch, french, degrees or %."""

    value: float
    unit: str


def read_measurements(phrase: str) -> tuple[Measurement, ...]:
    """The measurements of a phrase, in order; "2.4 x 1.9 cm" and "3-4 cm" are two each.

    Of two numbers that are joined, the first has its own unit, or else that of the second. A number without a unit
    measures nothing ("two views", "T8"), and a fraction is not read rather than misread ("1 1/2 inch").
    """
    found: list[Measurement] = []
    for chain in _CHAIN.finditer(phrase):
        parts = _PARTS.findall(chain.group())
        unit = ""
        measured: list[Measurement] = []
        for number, own in reversed(parts):
            unit = own.lower() or unit
            if unit:
                measured.append(Measurement(_value(number), _unit(unit)))
        found += reversed(measured)
    return tuple(found)


def _value(number: str) -> float:
    """The number: "1,200" is twelve hundred, "1,5" one and a half."""
    return float(number.replace(",", "" if _THOUSANDS.fullmatch(number) else "."))


def _unit(unit: str) -> str:
    return _SHORT.get(unit, _SHORT.get(unit.rstrip("s"), unit))
