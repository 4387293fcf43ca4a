"""Merging: what may become one, and which names the one that stays gains by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kb.curation.apply import Concepts, Plan, Row
from kb.curation.told_apart import pairs_apart, told_apart
from kb.errors import UsageError
from kb.language.query_reading import query_or_none
from kb.language.severities import same_severity
from kb.vocabulary.mappings import merged_mappings

MOST_WORDINGS = 3
"""Wordings of reports that a merged concept brings at most."""

LEAST_USED = 2
"""How often reports have to use a wording before it is a name."""


def merge(sources: Sequence[str], survivor_id: str) -> Plan:
    """Concepts that mean the same as another: they are retired and forward to it, and it takes their names.

    Only concepts of one assertion, side and severity can be merged: what tells them apart is no synonym. Words of
    severity that readers use for each other ("mild", "minimal") are one (`kb.language.severities`).
    """
    return merge_groups({survivor_id: sources})


def merge_groups(groups: Mapping[str, Sequence[str]]) -> Plan:
    """Many merges as one act: by the concept that stays those that go into it. Each may stand in one group only."""

    def plan(concepts: Concepts) -> dict[str, Row]:
        concepts.read_wordings([of for sources in groups.values() for of in sources])
        edits: dict[str, Row] = {}
        for survivor_id, sources in groups.items():
            made = _merged(concepts, sources, survivor_id)
            if twice := sorted(edits.keys() & made.keys()):
                text = concepts.get(twice[0])["text"]
                raise UsageError(f"'{text}' ({twice[0]}) would be changed twice at once: decide on it first")
            edits |= made
        _say_of_both(concepts, groups, edits)
        return edits

    return plan


def _say_of_both(concepts: Concepts, survivors: Iterable[str], edits: dict[str, Row]) -> None:
    """What was told apart from what a concept took is told apart from it, on both sides."""
    for survivor_id in survivors:
        survivor = concepts.survivor(survivor_id)
        for of in edits[survivor["concept_id"]]["distinct_from"]:
            if of not in survivor["distinct_from"] and (other := concepts.find(of)) is not None:
                fields = edits.setdefault(of, {})
                known = {**other, **fields}["distinct_from"]
                fields["distinct_from"] = sorted({*known, survivor["concept_id"]})


def _merged(concepts: Concepts, sources: Sequence[str], survivor_id: str) -> dict[str, Row]:
    survivor = taking(concepts.survivor(survivor_id))
    merged = [living(concepts.get(source)) for source in sources]
    mappings = list(survivor["mappings"])
    for row in merged:
        if (problem := may_merge(row, survivor, concepts)) is not None:
            raise UsageError(problem)
        mappings = merged_mappings(mappings, row["mappings"])
    for pair in pairs_apart(merged, concepts):
        raise UsageError(_were_told_apart(*pair))
    edits: dict[str, Row] = {row["concept_id"]: retired(survivor["concept_id"]) for row in merged}
    apart = sorted({other for row in (survivor, *merged) for other in row["distinct_from"]} - edits.keys())
    names = _names(concepts, survivor, merged)
    return {**edits, survivor["concept_id"]: {"synonyms": names, "mappings": mappings, "distinct_from": apart}}


def _names(concepts: Concepts, survivor: Row, merged: Sequence[Row]) -> list[str]:
    """The synonyms of the survivor: its own, those of what goes into it, and the wordings that reports use for that.

    The text of a mined concept is made by the grammar ("contour silhouette normal heart size"): it is a name only where
    reports word it so, or where a person wrote it. What no report mentions came from a person or a file.
    """
    names = list(survivor["synonyms"])
    for row in merged:
        used = concepts.wordings(row["concept_id"])
        often = [words for words, mentions in used if mentions >= LEAST_USED]
        worded = [name for words in often if (name := name_of(words, row["assertion"])) is not None]
        own = [row["text"]] if not used or row["text"] in worded or _renamed(row) else []
        names += [*own, *row["synonyms"], *worded[:MOST_WORDINGS]]
    known = {survivor["text"].lower(): None}
    kept: list[str] = []
    for name in names:
        if name.lower() not in known:
            known[name.lower()] = None
            kept.append(name)
    return kept


def name_of(words: str, assertion: str) -> str | None:
    """The words of a mention as a name of its concept: what is denied is denied by its name; None for no name."""
    if (read := query_or_none(words)) is None:
        return None
    if read.assertion == assertion:
        return words
    return f"no {words}" if assertion == "absent" else None


def _renamed(row: Row) -> bool:
    """Whether a person gave a mined concept its text: it is not the one that its facets make."""
    read = query_or_none(row["text"])
    return read is None or read.concept_id != row["concept_id"]


def may_merge(row: Row, survivor: Row, concepts: Concepts) -> str | None:
    """Why a concept cannot be merged into another one; None where it can."""
    if row["concept_id"] == survivor["concept_id"]:
        return f"'{row['text']}' ({row['concept_id']}) cannot be merged into itself"
    for facet in ("assertion", "laterality", "severity"):
        worded = facet == "severity" and same_severity(row[facet], survivor[facet], survivor["finding"])
        if row[facet] != survivor[facet] and not worded:
            return (
                f"'{row['text']}' and '{survivor['text']}' differ in {facet} ({row[facet]}, {survivor[facet]}): "
                "they are not one concept"
            )
    return _were_told_apart(row, survivor) if told_apart(row, survivor, concepts) else None


def _were_told_apart(one: Row, other: Row) -> str:
    return f"'{one['text']}' and '{other['text']}' were told apart: revert that first"


def living(row: Row) -> Row:
    """A concept that can still be decided on; UsageError if it was retired or rejected."""
    if row["status"] in ("retired", "rejected"):
        raise UsageError(f"'{row['text']}' ({row['concept_id']}) is {row['status']}")
    return row


def taking(row: Row) -> Row:
    """A concept that others' mentions may become: not one that is put aside, where nobody would see them."""
    if row["status"] == "aside":
        raise UsageError(f"'{row['text']}' ({row['concept_id']}) is put aside: accept it first")
    return living(row)


def retired(replaced_by: str | None) -> Row:
    """The fields of a concept that is no longer used."""
    return {"status": "retired", "replaced_by": replaced_by}
