"""An outside terminology from a table: its concepts by id, with their names and parents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kb.errors import UsageError
from kb.language.lexicon import parts
from kb.reading.shown import shown
from kb.reading.spreadsheet import read_sheet

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "concept_id", "curie", "code", "object_id", "class id", "cui"),
    "label": ("label", "name", "preferred label", "preferred_label", "preferred name", "term", "object_label"),
    "synonyms": ("synonyms", "synonym", "aliases", "alternative labels"),
    "parent": ("parent", "parents", "parent_id", "broader", "is_a"),
}
"""What the columns of such tables are usually called, in either case; only the first two have to be there."""


@dataclass(frozen=True, slots=True)
class Term:
    """One outside concept: its CURIE, names, and the CURIEs of its parents."""

    id: str
    label: str
    synonyms: tuple[str, ...]
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Terminology:
    """The terms of an outside terminology, by id."""

    terms: Mapping[str, Term]

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """How many steps each term is from one without a known parent: the lower, the more general."""
        found: dict[str, int] = {}
        for term_id in self.terms:
            self._depth(term_id, found)
        return found

    def _depth(self, term_id: str, found: dict[str, int]) -> int:
        way = [term_id]
        while way[-1] not in found:
            known = [parent for parent in self.terms[way[-1]].parents if parent in self.terms and parent not in way]
            if not known:
                found[way[-1]] = 0
                break
            way.append(known[0])
        for child, parent in zip(reversed(way[:-1]), reversed(way[1:]), strict=True):
            found[child] = found[parent] + 1
        return found[term_id]


def read_terminology(path: Path, prefix: str | None = None) -> Terminology:
    """The terminology that a table holds, as a spreadsheet saves it: a term a row; "|" between synonyms and parents.

    Args:
        path: the file.
        prefix: what stands before ids that are no CURIEs ("RADLEX" makes RID1301 RADLEX:RID1301).

    Raises:
        UsageError: the file cannot be read, has no column of ids or labels, or an id is no CURIE and no prefix is told.
    """
    sheet = read_sheet(path)
    names = _columns(path, sheet.columns)
    rows = [
        {told: cells[at].strip() if at < len(cells) else "" for told, at in names.items()} for cells in sheet.rows()
    ]
    terms = {}
    for row in rows:
        if row["id"] and row["label"]:
            curie = _curie(path, row["id"], prefix)
            parents = tuple(_curie(path, parent, prefix) for parent in parts(row.get("parent", "")))
            terms[curie] = Term(curie, row["label"], parts(row.get("synonyms", "")), parents)
    if not terms:
        raise UsageError(f"{path} holds no term with an id and a label")
    return Terminology(terms)


def _columns(path: Path, found: Sequence[str]) -> dict[str, int]:
    """Where the columns of a table stand, by what they tell."""
    at = {name.strip().lower(): number for number, name in enumerate(found)}
    names = {told: next((at[name] for name in usual if name in at), None) for told, usual in COLUMNS.items()}
    if missing := [told for told in ("id", "label") if names[told] is None]:
        have = shown(", ".join(found))
        raise UsageError(f"{path} has no column of {' and '.join(missing)}s: its columns are {have}")
    return {told: number for told, number in names.items() if number is not None}


def _curie(path: Path, term_id: str, prefix: str | None) -> str:
    if ":" in term_id and "://" not in term_id:
        return term_id
    if prefix is not None and not re.fullmatch(r"[A-Za-z_][\w.-]*", prefix := prefix.rstrip(":")):
        raise UsageError(f"'{prefix}' cannot be a prefix: use letters and digits (RADLEX)")
    if prefix is None:
        raise UsageError(
            f"{shown(term_id)} in {path} is no CURIE (PREFIX:ID): name the terminology it is of",
            parameter="terminology",
        )
    return f"{prefix}:{term_id.rstrip('/').rpartition('/')[2]}"
