"""Dates as they stand among attributes, in any usual spelling: which attributes hold one, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from kb.errors import UsageError

Exact = Literal["day", "month", "year"]

DATE_NAMES = (
    "study date",
    "date",
    "acquired",
    "acquisition date",
    "exam date",
    "scan date",
    "acquisition datetime",
    "study datetime",
    "series date",
    "content date",
    "study date dicom",
    "datetime",
    "timestamp",
    "month",
    "year",
)
"""Attributes that say when an image was taken, spaces or not; the first that a row has counts."""

PERIOD_WORDS = frozenset({"date", "datetime", "timestamp", "day", "week", "month", "quarter", "year", "acquired"})
NO_PERIOD = frozenset({"birth", "born", "death", "old"})

DAY, MONTH = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y"), ("%Y-%m", "%Y/%m", "%m.%Y", "%m/%Y")
NAMED_DAY = ("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d %Y", "%B %d %Y", "%d%b%Y")
NAMED_MONTH = ("%b %Y", "%B %Y", "%b-%Y")

_TIME = re.compile(r"(?<=\d)(?:T|\s+)\d{1,2}:\d{2}.*$")
_DIGITS = re.compile(r"(\d{4}|\d{6}|\d{8})(?:\d{6}(?:\.\d+)?|\.0)?")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")


@dataclass(frozen=True, slots=True)
class KnownDate:
    """A date, and how exactly it is known: of a month or a year it is the first day."""

    day: date
    exact: Exact


def read_date(text: str, *, day_first: bool = True) -> KnownDate | None:
    """A date as it is written: 2024-03-31, 20240331, 31.03.2024, 31 Mar 2024, 2024-03, 2024; a time behind it is none.

    Args:
        text: the value of an attribute.
        day_first: how 03/04/2024 is read; see `day_comes_first`.
    """
    said = _TIME.sub("", text.strip())
    if digits := _DIGITS.fullmatch(said):
        return _of_digits(digits.group(1))
    if _SLASHED.fullmatch(said):
        order = "%d/%m/%Y" if day_first else "%m/%d/%Y"
        return _as_known(said.replace("-", "/"), (order,), "day")
    said = said.replace(",", " ").replace(". ", " ")
    said = " ".join(said.split())
    return _as_known(said, DAY + NAMED_DAY, "day") or _as_known(said, MONTH + NAMED_MONTH, "month")


def day_comes_first(texts: Iterable[str]) -> bool:
    """Whether 03/04/2024 is the third of April, by the other dates of the same attribute.

    Raises:
        UsageError: nothing tells, or some are written one way and some the other.
    """
    written = {text.strip() for text in texts}
    pairs = {
        text: (int(found[1]), int(found[2]))
        for text in sorted(written)
        if (found := _SLASHED.fullmatch(_TIME.sub("", text)))
    }
    day, month = (next((text for text, pair in pairs.items() if pair[at] > 12), None) for at in (0, 1))
    if day and month:
        raise UsageError(f"'{day}' begins with the day and '{month}' with the month: write dates as 2024-03-31")
    unclear = next((text for text, (first, second) in pairs.items() if first != second), None)
    if unclear and not day and not month:
        raise UsageError(f"'{unclear}' can be read two ways, and no other date tells which: write dates as 2024-03-31")
    return month is None


def is_period_attribute(name: str, values: Iterable[str] = ()) -> bool:
    """Whether an attribute says when something was done: by its name, or because all of its values are dates.

    Such an attribute is looked at as time. That a model "leans on 2024-10" would say nothing.

    Args:
        name: of the attribute, or of one of its values as a confounder is called ("month: 2024-10").
        values: what it holds; a bare number is no date here.
    """
    words = set(re.split(r"[\s_:/-]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.partition(":")[0]).lower()))
    joined = {word for word in words if word.endswith(("date", "datetime", "timestamp")) and word != "update"}
    if words & NO_PERIOD:
        return False
    if words & PERIOD_WORDS or joined:
        return True
    said = set(values)
    return bool(said) and all(not text.strip().isdigit() and read_date(text) is not None for text in said)


def date_text(attributes: Mapping[str, str], named: str | None = None) -> tuple[str, str] | None:
    """The attribute of a row that holds its date, and what stands there; None where there is none.

    Args:
        attributes: of the row; names are in lower case.
        named: the attribute that holds it; default: the first of `DATE_NAMES` that the row has.
    """
    if named is not None:
        return (named, attributes[named]) if attributes.get(named) else None
    joined = {name.replace(" ", ""): value for name, value in attributes.items()}
    spelt = ((name, joined.get(name.replace(" ", ""))) for name in DATE_NAMES)
    return next(((name, value) for name, value in spelt if value), None)


def dates_of(attributes: Iterable[Mapping[str, str]], named: str | None = None) -> list[KnownDate | None]:
    """The date of each row by its attributes.

    Args:
        attributes: of each row; names are in lower case.
        named: the attribute that holds it; default: the first of `DATE_NAMES` that a row has.

    Raises:
        UsageError: dates may be read in two ways.
    """
    told = [date_text(row, named) for row in attributes]
    by_name: dict[str, set[str]] = {}
    for one in told:
        if one:
            by_name.setdefault(one[0], set()).add(one[1])
    read: dict[tuple[str, str], KnownDate | None] = {}
    for name, texts in by_name.items():
        first = day_comes_first(texts)
        read |= {(name, text): read_date(text, day_first=first) for text in texts}
    return [read[one] if one else None for one in told]


def _of_digits(digits: str) -> KnownDate | None:
    kinds: dict[int, tuple[str, Exact]] = {4: ("%Y", "year"), 6: ("%Y%m", "month"), 8: ("%Y%m%d", "day")}
    written, exact = kinds[len(digits)]
    return _as_known(digits, (written,), exact)


def _as_known(text: str, formats: Iterable[str], exact: Exact) -> KnownDate | None:
    for written in formats:
        try:
            return KnownDate(datetime.strptime(text, written).date(), exact)  # a day has no zone
        except ValueError:
            continue
    return None
