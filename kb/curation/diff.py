"""The difference between two states of a vocabulary, and the patch that carries it to another knowledge base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import RenderableType

from kb.curation.apply import Concepts, Plan
from kb.curation.change import move_in_words
from kb.display import Listing
from kb.errors import UsageError
from kb.reading.json_text import read_json
from kb.reading.shown import shown
from kb.reading.unreadable import Unreadable
from kb.store.state import State
from kb.vocabulary.query import mention_counts, run_named
from kb.vocabulary.records import FIELDS, check_identity, complete_row, read_concept_id, read_edit

FORMAT = "clear-kb vocabulary patch 2"
FACETS = {"finding", "anatomy", "laterality", "severity", "descriptors"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One concept that differs: its differing fields before and after, or all of them where it came or went."""

    concept_id: str
    text: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def kind(self) -> str:
        """What happened to it: added, removed, merged, split, retired, renamed, re-faceted, judged or described."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        if self.after.get("replaced_by"):
            return "merged"
        if "splits" in self.after:
            return "split"
        if self.after.get("status") == "retired":
            return "retired"
        if "text" in self.after:
            return "renamed"
        if FACETS & set(self.after):
            return "re-faceted"
        return "judged" if "status" in self.after else "described"

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain data."""
        found = move_in_words(self.before, self.after)
        return {"kind": self.kind, "concept_id": self.concept_id, "text": self.text, "change": found}


@dataclass(frozen=True, slots=True)
class VocabularyDiff:
    """What differs between two commits. `counts` holds the mentions before and after, where they moved."""

    old: str
    new: str
    differences: Sequence[Difference]
    counts: Mapping[str, tuple[int, int]]
    texts: Mapping[str, str]
    """The texts of the concepts in `counts`."""

    def rows(self) -> list[dict[str, Any]]:
        """What differs as plain data: the concepts first, then those that are mentioned more or less often."""
        moved = [
            {
                "kind": "counted",
                "concept_id": concept_id,
                "text": self.texts.get(concept_id, ""),
                "change": f"mentions {was:,} -> {now:,}",
            }
            for concept_id, (was, now) in self.counts.items()
        ]
        return [difference.to_dict() for difference in self.differences] + moved

    def _repr_html_(self) -> str:
        return self._listing()._repr_html_()

    def __rich__(self) -> RenderableType:
        return self._listing().__rich__()

    def _listing(self) -> Listing[dict[str, Any]]:
        return Listing(self.rows(), ("kind", "concept_id", "text", "change"))

    def to_patch(self) -> dict[str, Any]:
        """The difference as a patch that `patch_plan` reads; counts are told, not applied."""
        return {
            "format": FORMAT,
            "from": self.old,
            "to": self.new,
            "edits": {d.concept_id: {"before": d.before, "after": d.after} for d in self.differences},
            "counts": {concept_id: list(moved) for concept_id, moved in self.counts.items()},
        }


def diff_vocabularies(old: State, new: State) -> VocabularyDiff:
    """What differs in the vocabulary of `new` from that of `old`: two commits, or two knowledge bases."""
    same = {table for table in ("concepts", "observations") if _is_same(table, old, new)}
    told = {"old_concepts": old.dataset("concepts")}
    rows = [] if "concepts" in same else run_named(new, "vocabulary_diff", tables=told)
    differences = [_difference(row["concept_id"], row["before"], row["after"]) for row in rows]
    was, now = ({}, {}) if len(same) == 2 else (mention_counts(old), mention_counts(new))
    moved = {
        concept_id: (was.get(concept_id, 0), now.get(concept_id, 0))
        for concept_id in sorted({*was, *now})
        if was.get(concept_id) != now.get(concept_id)
    }
    return VocabularyDiff(old.commit.commit_id, new.commit.commit_id, differences, moved, _texts(new, moved))


def _is_same(table: str, old: State, new: State) -> bool:
    """Whether two states of one knowledge base have the same version of a table."""
    return old.uri == new.uri and old.commit.pins[table] == new.commit.pins[table]


def _texts(state: State, concept_ids: Iterable[str]) -> dict[str, str]:
    """The texts of some concepts, read in one pass: an ingest of many reports moves the counts of most."""
    wanted = pa.array(concept_ids, pa.string())
    found: dict[str, str] = {}
    for batch in state.dataset("concepts").to_batches(columns=["concept_id", "text"]) if len(wanted) else ():
        own = batch.filter(pc.is_in(batch["concept_id"], value_set=wanted))
        found |= dict(zip(own["concept_id"].to_pylist(), own["text"].to_pylist(), strict=True))
    return found


def read_patch(text: str | bytes) -> dict[str, Any]:
    """The patch that a file holds; UsageError if it is none."""
    try:
        patch = read_json(text, exact=True)
    except Unreadable as error:
        raise UsageError(f"not a vocabulary patch: {error}") from error
    if not isinstance(patch, dict) or patch.get("format") != FORMAT or not isinstance(patch.get("edits"), dict):
        raise UsageError("not a vocabulary patch", need="patch")
    return patch


def patch_plan(patch: Mapping[str, Any]) -> Plan:
    """The act that carries a patch out: all of it, or nothing. Its fields are read as those of an import.

    Raises (some only when planned):
        UsageError: a field cannot be what the patch says, or a concept is not as the patch found it; the message names
            every such field and concept.
    """
    edits = _read_edits(patch.get("edits"))

    def plan(concepts: Concepts) -> dict[str, Mapping[str, Any] | None]:
        concepts.read(edits)
        if all(_is_so(concepts.find(of), after) for of, (_, after) in edits.items()):
            return {}  # it was applied already: nothing is to be done, and nothing is wrong
        _refuse([c for concept_id, edit in edits.items() for c in _conflicts(concepts, concept_id, *edit)])
        return {concept_id: after for concept_id, (_, after) in edits.items()}

    return plan


Edit = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]
"""What a patch found of a concept, and what it is to become; None if it is not there."""


def _read_edits(edits: Any) -> dict[str, Edit]:
    """The edits of a patch, read field by field; UsageError names all that cannot be."""
    if not isinstance(edits, Mapping):
        raise UsageError("not a vocabulary patch: it has no edits")
    read: dict[str, Edit] = {}
    wrong: list[str] = []
    for key, edit in edits.items():
        of = shown(key)
        try:
            of = concept_id = read_concept_id(key)
            if concept_id in read:
                raise ValueError("it stands in the patch twice")
            read[concept_id] = _read_edit(concept_id, edit)
        except ValueError as error:
            wrong.append(f"{of}: {error}")
    _refuse(wrong)
    return read


def _read_edit(concept_id: str, edit: Any) -> Edit:
    if not isinstance(edit, Mapping) or set(edit) != {"before", "after"}:
        raise ValueError("it has no before and after")
    before, after = edit["before"], edit["after"]
    for side, fields in edit.items():
        if fields is not None and not isinstance(fields, Mapping):
            raise ValueError(f"{side} is {shown(fields)}, and not the fields of a concept")
        if unknown := sorted(set(fields or ()) - {*FIELDS}, key=str):
            raise ValueError(f"unknown fields {', '.join(map(shown, unknown))}")
    if before is None and after is None:
        raise ValueError("both before and after are null")
    if after is None:
        return before, None
    found = read_edit(after)
    return before, complete_row({**found, "concept_id": concept_id}, "patch") if before is None else found


def _is_so(now: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    """Whether a concept already is what a patch makes of it."""
    if now is None or after is None:
        return now is None and after is None
    return all(now[name] == value for name, value in after.items())


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise UsageError(f"the patch does not fit, nothing was applied: {'; '.join(problems)}")


def _difference(concept_id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Difference:
    text = str((after or before or {})["text"])
    if before is None or after is None:
        return Difference(concept_id, text, before, after)
    names = [name for name in after if before[name] != after[name]]
    return Difference(concept_id, text, {n: before[n] for n in names}, {n: after[n] for n in names})


def _conflicts(
    concepts: Concepts, concept_id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[str]:
    now = concepts.find(concept_id)
    if before is None:
        return [] if now is None else [f"{concept_id} '{now['text']}' is there already"]
    if now is None:
        return [f"{concept_id} is not there"]
    moved = [
        f"{name} is {shown(now[name])}, not {shown(value)}" for name, value in before.items() if now[name] != value
    ]
    if moved:
        return [f"{concept_id} '{now['text']}': {', '.join(moved)}"]
    try:
        check_identity(concept_id, now, after or {})
    except ValueError as error:
        return [str(error)]
    return []
