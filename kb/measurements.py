"""Measurements in a phrase: numbers with their units, as they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"\d+(?:[.,]\d+)?"
_UNIT = r"mm|millimet(?:er|re)s?|cms?|centimet(?:er|re)s?|ml|cc|inch(?:es)?|french|fr|degrees?|°|%"
_MEASURED = re.compile(
    rf"(?<![\w.,])({_NUMBER}(?:\s*(?:mm|cm)?\s*(?:x|×|by|to|-|–)\s*{_NUMBER})*)\s*-?\s*({_UNIT})(?!\w)", re.IGNORECASE
)
_ONE_NUMBER = re.compile(_NUMBER)
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

    A number without a unit measures nothing: "two views", "T8", "series 2".
    """
    found: list[Measurement] = []
    for match in _MEASURED.finditer(phrase):
        unit = match[2].lower()
        unit = _SHORT.get(unit, _SHORT.get(unit.rstrip("s"), unit))
        numbers = _ONE_NUMBER.findall(match[1])
        found += [Measurement(float(number.replace(",", ".")), unit) for number in numbers]
    return tuple(found)
