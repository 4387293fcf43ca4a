"""Renaming: another text for a concept, and what becomes of its facets, which audits and the hierarchy go by."""

from __future__ import annotations

from typing import Any

from kb.curation.apply import Concepts, Plan, Row
from kb.errors import UsageError
from kb.language.facets import Facets
from kb.language.query_reading import query_or_none
from kb.store.sqltext import literal, literals
from kb.vocabulary.records import read_record
from schemas.terms import IN_USE

REREAD = ("finding", "anatomy", "laterality", "severity", "descriptors")
"""The facets that a new text says anew."""

FIXED = ("assertion", "laterality", "severity")
"""What a text may not say otherwise than the concept does, add to it or leave out: that is another concept."""


def rename(concept_id: str, text: str, *, keep_facets: bool = False) -> Plan:
    """Another text for a concept, whose facets are read from it; its id stays.

    A text with a word that the tables do not know ("spot on the left") leaves the facets as they are, and so does
    `keep_facets`. The vector of the old text goes.

    Raises (when planned):
        UsageError: the text says another side or severity than the concept does, or says one more or less.
    """
    if not (text := " ".join(text.split())):
        raise UsageError("a concept needs a text")
    try:
        text = read_record({"text": text})["text"]
    except ValueError as error:
        raise UsageError(str(error)) from error

    def plan(concepts: Concepts) -> dict[str, Row]:
        row = concepts.get(concept_id)
        read = query_or_none(text)
        _refuse_another(row, text, read, known=not keep_facets)
        _refuse_taken(concepts, row, text, None if keep_facets else read)
        again = {} if keep_facets or read is None or not read.well_formed else said_by(read)
        return {row["concept_id"]: {"text": text, **again}}

    return plan


def said_by(read: Facets) -> dict[str, Any]:
    """The facets that a new text gives a concept, as they are stored."""
    said = {name: getattr(read, name) for name in REREAD}
    return {**said, "descriptors": list(read.descriptors)}


def _refuse_another(row: Row, text: str, read: Facets | None, *, known: bool) -> None:
    """Refuse a text that says another assertion, side or severity than the concept, or one more, or one less.

    Of a text that leaves the facets as they are, silence takes nothing away.
    """
    for facet in FIXED if known else FIXED[:1]:
        said, own = (None if one in (None, "none") else one for one in (getattr(read, facet, None), row[facet]))
        silent = said is None or own is None
        if said != own and not (silent and (read is None or not read.well_formed)):
            raise UsageError(
                f"'{text}' says {facet} {said or 'none'}, and '{row['text']}' ({row['concept_id']}) has "
                f"{own or 'none'}: that is another one. Change its {facet} first, or keep its facets"
            )


def _refuse_taken(concepts: Concepts, row: Row, text: str, read: Facets | None) -> None:
    """Refuse a text that another concept in use has, or that means one."""
    same = (
        f"text = {literal(text)}" if read is None else f"(text = {literal(text)} OR concept_id = '{read.concept_id}')"
    )
    taken = concepts.where(f"{same} AND concept_id != '{row['concept_id']}' AND status IN {literals(IN_USE)}")
    if taken:
        other = concepts.get(taken[0])
        what = "is the text of" if other["text"] == text else "means the same as"
        raise UsageError(
            f"'{text}' {what} '{other['text']}' ({other['concept_id']}): merge the two, or take another one"
        )
