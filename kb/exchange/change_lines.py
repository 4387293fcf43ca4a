"""Acts of curation as lines of KGCL, the language in which ontology tools write changes (Hegde et al., 2025).

    rename CLEARKB:C123451257a791aaa from 'rib fracture' to 'fracture of a rib'
    create exact synonym 'broken rib' for CLEARKB:C123451257a791aaa
    obsolete CLEARKB:C3a3f77f18f6f1428 with replacement CLEARKB:C123451257a791aaa

Facets, statuses and notes are annotations, mappings and what is told apart are edges. A quotation mark or the end of a
line within a text has a backslash before it. What KGCL has no words for (denied mappings, splits, marks of what was
left as it is) is told as a comment: `kb.curation.diff` makes the patch that carries all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kb.curation.change import Change
from kb.exchange.prefixes import OUR_PREFIX
from kb.exchange.tabular import as_cell
from kb.language.query_reading import read_query
from kb.vocabulary.concept_rows import new_concept
from kb.vocabulary.mappings import holds, mapping_in_words
from kb.vocabulary.split_rules import Split

Fields = Mapping[str, Any]
ANNOTATIONS = ("status", "finding", "anatomy", "laterality", "severity", "descriptors", "note", "source", "replaced_by")
"""The fields that are changed as annotations: `change annotation of ID with CLEARKB:FIELD from "a" to "b"`."""
APART = "owl:differentFrom"


def change_lines(changes: Iterable[Change], concept_id: str | None = None) -> Iterator[str]:
    """The lines of acts, those of each under a comment that says who did it, when and why.

    Args:
        changes: the acts, oldest first: so the lines can be applied.
        concept_id: the concept to tell of; None tells of all.
    """
    for change in changes:
        why = f" ({' '.join(change.reason.split())})" if change.reason else ""
        when = change.time.isoformat(timespec="seconds")
        yield f"# {change.change_id} {when} {change.act} by {' '.join(change.author.split())}{why}"
        told = change.concept_ids if concept_id is None else [concept_id]
        # What is new comes first: other lines may name it.
        for of in sorted(told, key=lambda one: change.before.get(one) is not None):
            yield from _lines(of, change.before.get(of), change.after.get(of))


def _lines(of: str, before: Fields | None, after: Fields | None) -> Iterator[str]:
    if after is None:
        yield f"delete {curie(of)}"
    elif before is None:
        yield f"create node {curie(of)} {quoted(after['text'])}"
        yield from _moved(of, _as_created(after), after)
    else:
        yield from _moved(of, before, after)


def _as_created(row: Fields) -> Fields:
    """What a concept is once its line has created it: all that is told of it is read from its text."""
    try:
        return new_concept(read_query(row["text"]), "curator", "accepted")
    except ValueError:
        return {**row, "status": "accepted", "source": "curator"}


def _moved(of: str, before: Fields, after: Fields) -> Iterator[str]:
    """What became of the fields of a concept."""
    if "text" in after and before["text"] != after["text"]:
        yield f"rename {curie(of)} from {quoted(before['text'])} to {quoted(after['text'])}"
    if "synonyms" in after:
        yield from _synonyms(of, before["synonyms"], after["synonyms"])
    yield from _standing(of, before, after)
    for name in ANNOTATIONS[1:-1]:
        if name in after and before[name] != after[name]:
            yield annotation(of, name, before[name], after[name])
    yield from _edges(of, "distinct_from", before, after)
    yield from _edges(of, "mappings", before, after)
    for name in ("splits", "dismissed"):
        if name in after and before[name] != after[name]:
            shown = [Split.from_row(one).in_words() if name == "splits" else one for one in after[name]]
            yield f"# no words for it in KGCL: {name} of {curie(of)} become {'; '.join(shown) or 'none'}"


def _synonyms(of: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    for name in before:
        if name not in after:
            yield f"remove synonym {quoted(name)} for {curie(of)}"
    for name in after:
        if name not in before:
            yield f"create exact synonym {quoted(name)} for {curie(of)}"


def _standing(of: str, before: Fields, after: Fields) -> Iterator[str]:
    """Whether a concept is in use, and what takes its place."""
    was, now = (side.get("status", "retired") for side in (before, after))
    replaced_by = after.get("replaced_by")
    if now == "retired" and was != "retired":
        replacement = f" with replacement {curie(replaced_by)}" if replaced_by else ""
        yield f"obsolete {curie(of)}{replacement}"
    elif was == "retired" and now != "retired":
        yield f"unobsolete {curie(of)}"
        if now != "candidate":
            yield annotation(of, "status", "candidate", now)
    elif was != now:
        yield annotation(of, "status", was, now)
    elif "replaced_by" in after and before["replaced_by"] != replaced_by:
        yield annotation(of, "replaced_by", before["replaced_by"], replaced_by)


def _edges(of: str, name: str, before: Fields, after: Fields) -> Iterator[str]:
    """Mappings, or what is told apart, that came and went."""
    if name not in after:
        return
    was, now = (list(map(_edge, side[name])) for side in (before, after))
    yield from (f"delete edge {curie(of)} {edge}" for edge in was if edge and edge not in now)
    yield from (f"create edge {curie(of)} {edge}" for edge in now if edge and edge not in was)
    denied = [one for one in after[name] if _edge(one) is None and one not in before[name]]
    yield from (f"# no words for it in KGCL: {curie(of)} {mapping_in_words(one)}" for one in denied)


def _edge(one: Any) -> str | None:
    """Where a concept leads to, and how; None if that is denied."""
    if isinstance(one, str):
        return f"{APART} {curie(one)}"
    return f"{one['predicate']} {one['object_id']}" if holds(one) else None


def annotation(of: str, name: str, before: Any, after: Any) -> str:
    """The line for a field that is an annotation; what is null or empty is an empty text."""
    was, now = (_double(as_cell(name, value) or "") for value in (before, after))
    return f"change annotation of {curie(of)} with {OUR_PREFIX}:{name} from {was} to {now}"


def curie(concept_id: str) -> str:
    """A concept's id as KGCL names it."""
    return f"{OUR_PREFIX}:{concept_id}"


def quoted(text: str) -> str:
    """A text within single quotation marks."""
    return f"'{_escaped(text, chr(39))}'"


def _double(text: str) -> str:
    return f'"{_escaped(text, chr(34))}"'


def _escaped(text: str, mark: str) -> str:
    return text.replace("\\", "\\\\").replace(mark, f"\\{mark}").replace("\n", "\\n")
