"""The likely slip behind a query that DuckDB refuses: quotes, attributes, words of SQL, a missing GROUP BY."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from kb.errors import ClearKbError, UsageError
from schemas.sql.audit_views import FUNCTIONS, all_views, names_in, vector_relations

Attributes = Callable[[], Sequence[str]]
"""Tells the names of all attributes, once it is asked."""

_UNKNOWN = re.compile(r'(?:Referenced column|have a column named) "([^"]+)"')
_NEAR = re.compile(r'syntax error at or near "([^"]*)"', re.I)
_COMPARED = r"(?:=|<>|!=|\blike|\bilike|\bin\s*\(|,)\s*"

WORDS = re.compile(
    r"""all|and|any|as|asc|by|case|check|column|default|desc|distinct|else|end|from|group|having|in|limit|not|null
        |offset|on|or|order|select|table|then|to|union|unique|using|when|where|with""",
    re.X | re.I,
)
"""Words of SQL that are no names unless they stand in double quotes."""


def with_hint(error: UsageError, sql: str, attributes: Attributes) -> UsageError:
    """The error with the likely slip at the end of its first line, where one is found."""
    first, *place = str(error).split("\n")
    hint = _hint(first, place, sql, attributes)
    if hint is None:
        return error
    first = re.sub(r": did you mean [^?]*\?$", "", first)
    return UsageError(
        "\n".join([f"{first.rstrip('.!: ')}: {hint}", *place]), need=error.need, parameter=error.parameter
    )


def columns_in(sql: str) -> frozenset[str]:
    """The columns of the views that a query reads, to find the one that was meant; of all where functions are read."""
    views = {**all_views(), **vector_relations()}
    named = [name for name in names_in(sql) if name in views]
    chosen = named if named and not any(name in FUNCTIONS for name in names_in(sql)) else list(views)
    return frozenset(column for name in chosen for column in views[name].columns)


def bare(name: str) -> str:
    """A name as attributes are found by: in lower case, without what stands between words."""
    return re.sub(r"[ _.\-]", "", name.lower())


def _hint(said: str, place: list[str], sql: str, attributes: Attributes) -> str | None:
    if near := _NEAR.search(said):
        return _word_of_sql(near[1], place)
    if "must appear in the GROUP BY" in said or "Cannot mix aggregates" in said:
        return "GROUP BY ALL at the end groups by every column that is no aggregate"
    if "cannot contain aggregates" in said:
        return "a condition over aggregates is HAVING, behind GROUP BY"
    unknown = _UNKNOWN.search(said)
    return _unknown_column(unknown[1], sql, attributes) if unknown else None


def _word_of_sql(near: str, place: list[str]) -> str | None:
    """What is to be said where a word of SQL stands for a column: "SELECT run, by FROM metrics"."""
    before = place[0].partition(">>>")[0] if place else ""
    clause = re.search(r"\b(group|order|partition)\s+(by\s+)?$", before, re.I)
    if clause and (clause[2] or near.lower() == "by"):
        return f"columns were expected behind {clause[1].upper()} BY"
    last = re.search(r"(?:,|\(|=|\.|\bselect|\bwhere|\band|\bor|\bby)\s*(\w+)\s*$", before, re.I)
    for word in (near, last[1] if last else ""):
        if word.lower() == "by":
            return "by is a word of SQL: the column is called grouping"
        if WORDS.fullmatch(word) and word != near:
            return f'{word} is a word of SQL: as a name it stands in double quotes, "{word}"'
    return None


def _unknown_column(name: str, sql: str, attributes: Attributes) -> str | None:
    plain = name.split(".")[-1]
    try:
        known = attributes()
    except ClearKbError:  # no split, no time: the error itself is to be told, not this one
        known = []
    found = next((one for one in known if bare(one) == bare(plain)), None)
    if found is not None:
        return f"it is an attribute: attributes['{found}']"
    if re.search(rf'"{re.escape(plain)}"', sql) or _is_compared(plain, sql, columns_in(sql)):
        return f"text stands in single quotes, '{plain}'"
    return None


def _is_compared(name: str, sql: str, columns: Collection[str]) -> bool:
    """Whether a bare word stands behind a column and a sign: run = hidden."""
    names = "|".join(map(re.escape, sorted(columns)))
    return re.search(rf"\b(?:{names})\s*{_COMPARED}{re.escape(name)}\b", sql, re.I) is not None
