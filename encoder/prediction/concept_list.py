"""A curator's list of concepts: a file with an id or a text a line."""

from __future__ import annotations

from pathlib import Path

from kb.errors import UnknownConceptError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.reading.regular_file import read_text
from kb.reading.shown import shown
from kb.store.sqltext import literals
from schemas.terms import IN_USE


def read_concept_list(kb: KnowledgeBase, path: Path) -> list[str]:
    """The ids of the concepts that a file names; blank lines and those after # are passed over.

    Raises:
        UsageError: there is no such file, it names nothing, or a line names no concept in use.
    """
    lines = read_text(path).splitlines()
    named = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip() and line.strip()[0] != "#"]
    if not named:
        raise UsageError(f"{path} names no concept")
    found: list[str] = []
    for number, name in named:
        try:
            found.append(find_concept(kb, name))
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
    return list(dict.fromkeys(found))


def find_concept(kb: KnowledgeBase, name: str) -> str:
    """The id of the concept in use that an id, a text or another wording of it names.

    Raises:
        UsageError: there is none.
    """
    concepts = kb.dataset("concepts")
    try:
        wanted = read_query(name)
    except ValueError as error:
        raise UsageError(f"{shown(name)} names no concept: {error}") from error
    in_use = f"status IN {literals(IN_USE)}"
    for where in (
        f"concept_id IN {literals([name])}",
        f"text IN {literals([name])}",
        f"concept_id IN {literals([wanted.concept_id])}",
    ):
        rows = concepts.to_table(columns=["concept_id"], filter=f"{where} AND {in_use}").to_pylist()
        if rows:
            return str(rows[0]["concept_id"])
    raise UnknownConceptError(f"there is no concept in use {shown(name)}")
