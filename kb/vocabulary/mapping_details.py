"""What a mapping may say beside what it maps to what: who made and who reviewed it, when, and by what likeness.

Each detail is a slot of SSSOM (https://mapping-commons.github.io/sssom/, its class `mapping`) and is kept as the text
that stands in its column, several values with "|" between. Slots that tell of our own concept are none of them, nor is
the cardinality: both follow from the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

REFERENCES = (
    "author_id",
    "reviewer_id",
    "creator_id",
    "object_source",
    "mapping_source",
    "mapping_tool_id",
    "curation_rule",
    "subject_match_field",
    "object_match_field",
    "subject_preprocessing",
    "object_preprocessing",
    "issue_tracker_item",
)
"""Details that are CURIEs: their prefixes are declared in the file."""
_DATES = ("mapping_date", "publication_date", "review_date")
_SHARES = ("similarity_score", "reviewer_agreement")
_TEXTS = (
    "author_label",
    "reviewer_label",
    "creator_label",
    "license",
    "object_type",
    "object_category",
    "object_source_version",
    "predicate_type",
    "mapping_provider",
    "mapping_tool",
    "mapping_tool_version",
    "curation_rule_text",
    "match_string",
    "similarity_measure",
    "see_also",
    "other",
    "comment",
)
DETAILS: tuple[str, ...] = (*REFERENCES, *_DATES, *_SHARES, *_TEXTS)
"""The details that are kept, by SSSOM's names."""

PROPAGATED = (
    "object_type",
    "object_source",
    "object_source_version",
    "predicate_type",
    "mapping_provider",
    "mapping_tool",
    "mapping_tool_id",
    "mapping_tool_version",
    "mapping_date",
    "subject_match_field",
    "object_match_field",
    "subject_preprocessing",
    "object_preprocessing",
    "similarity_measure",
    "curation_rule",
    "curation_rule_text",
)
"""Details that a file may say once for all its rows that say nothing of their own."""

Pairs = list[dict[str, str]]
"""Names and values as they are stored: `{"name": ..., "value": ...}`, by name."""


def pairs(said: Mapping[str, str]) -> Pairs:
    """Names and values as they are stored."""
    return [{"name": name, "value": said[name]} for name in sorted(said)]


def by_name(stored: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Stored names and values as a dictionary."""
    return {one["name"]: one["value"] for one in stored or ()}


def read_details(said: Mapping[str, Any]) -> dict[str, str]:
    """The details that are told, each checked; empty ones are left out.

    Raises:
        ValueError: one is no slot that is kept, a date is none, or a share is not between 0 and 1.
    """
    found = {name: " ".join(str(value).split()) for name, value in said.items() if value is not None}
    for name, text in found.items():
        if name not in DETAILS:
            raise ValueError(f"'{name}' is no detail of a mapping: they are {', '.join(sorted(DETAILS))}")
        if text and name in _DATES:
            _check_date(name, text)
        if text and name in _SHARES:
            _check_share(name, text)
    return {name: text for name, text in found.items() if text}


def references(details: Mapping[str, str]) -> list[str]:
    """The CURIEs that stand in details."""
    return [one.strip() for name in REFERENCES if name in details for one in details[name].split("|") if one.strip()]


def with_another(names: str | None, name: str) -> str:
    """Names of people with one more, each once."""
    return "|".join(dict.fromkeys([*(names or "").split("|"), name])).strip("|")


def _check_date(name: str, text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{name} '{text}' is no date: write 2026-11-30") from error


def _check_share(name: str, text: str) -> None:
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"{name} '{text}' is no number") from error
    if not 0 <= number <= 1:
        raise ValueError(f"{name} {text} is not between 0 and 1")
