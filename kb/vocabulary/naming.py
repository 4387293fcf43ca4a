"""A concept by what a person calls it: its id, its text, another name of it, or words that mean the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.errors import UnknownConceptError
from kb.language.query_reading import query_or_none
from kb.store.sqltext import literal, literals
from kb.store.state import State
from schemas.terms import IN_USE

CONCEPT_ID = re.compile(r"C(?=[a-f]*\d)[0-9a-f]{4,16}", re.IGNORECASE)
"""An id, or how one begins; it holds a digit, which no word does."""

CANDIDATES = 5
"""Concepts that a message names at most where a name is of none, or of several."""


def is_id(ref: str) -> bool:
    """Whether a word is written as ids are; everything else is a name."""
    return CONCEPT_ID.fullmatch(ref) is not None


def id_named(state: State, name: str) -> str:
    """The id of the one concept that has a name: by its text, else another name of it, else by what the words mean.

    Concepts in use come before those that are not: where one of them has the text, no other is looked at.

    Raises:
        UnknownConceptError: none has it, or several; the message names them, or those that are near, with their ids.
    """
    wanted = " ".join(name.split()).lower()
    quoted = literal(wanted)
    used = f" AND status IN {literals(IN_USE)}"
    conditions = [f"lower(text) = {quoted}{used}", f"array_has(synonyms, {literal(name.strip())}){used}"]
    if (read := _read_id(name)) is not None:
        conditions.append(f"concept_id = '{read}'{used}")
    conditions.append(f"lower(text) = {quoted}")
    for condition in conditions:
        found = _rows(state, condition, CANDIDATES + 1)
        if len(found) == 1:
            return found[0][0]
        if found:
            raise UnknownConceptError(f"'{name}' is a name of several concepts: {_listed(found)}")
    near = _near(state, wanted.split())
    hint = f"; near it: {_listed(near)}" if near else ""
    raise UnknownConceptError(f"no concept is called '{name}'{hint}")


def _read_id(name: str) -> str | None:
    read = query_or_none(name)
    return None if read is None else read.concept_id


def _near(state: State, words: Sequence[str]) -> list[tuple[str, str]]:
    """Concepts in use whose text holds all of the words, else most of the longest ones."""
    holding = [f"contains(lower(text), {literal(word)})" for word in sorted(words, key=len, reverse=True) if word]
    for many in range(len(holding), 0, -1):
        where = " AND ".join([*holding[:many], f"status IN {literals(IN_USE)}"])
        if found := _rows(state, where, CANDIDATES + 1):
            return found
    return []


def _rows(state: State, where: str, limit: int) -> list[tuple[str, str]]:
    """Ids and texts, the shortest text first."""
    table = state.dataset("concepts").to_table(columns=["concept_id", "text"], filter=where)
    rows = [(row["concept_id"], row["text"]) for row in table.to_pylist()]
    return sorted(rows, key=lambda row: (len(row[1]), row))[:limit]


def _listed(found: Sequence[tuple[str, str]]) -> str:
    more = ", ..." if len(found) > CANDIDATES else ""
    return ", ".join(f"'{text}' ({concept_id})" for concept_id, text in found[:CANDIDATES]) + more
