"""Ages as tables write them: a number of years, DICOM's "063Y", or a word that stands for the oldest."""

from __future__ import annotations

import re

from ingest.sources.cells import BLANK

OLDEST = 125
"""Years: whoever is said to be older is a slip of a pen (NIH's "414"), and has no known age."""

_UNITS = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([YMWD])(?:(?:ear|onth|eek|ay)s?)?(?:[\s-]*old)?)?", re.I)
_AT_LEAST = re.compile(
    r"(?:>=?|over|older than|above)?\s*(\d{2,3})\s*(?:\+|(?:years\s*)?(?:or|and) (?:more|over|older|above))?", re.I
)


def read_age(cell: object) -> tuple[float | None, bool]:
    """An age in years, and whether the cell says something that is none.

    "85 or more", "90+" and ">89" are the number they name: the oldest are not lost, and stand at the bound. "000Y" is
    what DICOM files without an age say (a newborn is "003D"), and above `OLDEST` nobody is: these have no age.
    """
    text = "" if cell is None else str(cell).strip()
    if text.lower() in BLANK | {"unknown"}:
        return None, False
    if match := _AGE.fullmatch(text):
        years = float(match[1]) / _UNITS[(match[2] or "Y").upper()]
        nothing = years == 0 and match[2] is not None
        return (None, True) if nothing or years > OLDEST else (years, False)
    if (match := _AT_LEAST.fullmatch(text)) and float(match[1]) <= OLDEST:
        return float(match[1]), True
    return None, True
