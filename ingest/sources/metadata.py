"""Which columns of a table may be kept beside what it is read for: never the text of a report."""

from __future__ import annotations

from collections.abc import Collection

from ingest.sources.columns import SECTION_NAMES, TEXT_NAMES, plain_column

LONGEST = 1_000
"""Characters of a value: a column with a longer one holds texts, not metadata."""

WORDS = 6
SHARE = 0.2
"""A column holds prose where more than such a share of its different values have at least so many words."""

_SHORT = ("technique", "procedure", "examination", "exam", "study_description")
"""Sections that are a few words: they say what was done, and not what was seen."""

_TEXTS = frozenset(
    plain_column(name)
    for name in (*TEXT_NAMES, *(name for usual in SECTION_NAMES.values() for name in usual))
    if name not in _SHORT
)


def names_report_text(column: str) -> bool:
    """Whether a column is called as the text of a report, or a part of it, is: it is never kept as an attribute."""
    return plain_column(column) in _TEXTS


def is_prose(values: Collection[str]) -> bool:
    """Whether the different values of a column are sentences: whatever it is called, it is no attribute."""
    long = sum(len(value.split()) >= WORDS for value in values)
    return long > SHARE * len(values)
