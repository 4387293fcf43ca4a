"""The catalogue of the newest state, kept at hand: brought up to date after acts, read anew after what is larger."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from kb.curation.apply import read_changes
from kb.curation.change import Change
from kb.knowledge_base import KnowledgeBase
from kb.store.commits import Commit
from kb.store.state import State
from kb.vocabulary.catalogue import Asked, Catalogue
from workbench.desk import Desk

TABLES = ("concepts", "observations")
"""What a catalogue is made of: while neither has moved, it is as it was."""

MOVING = ("replaced_by", "splits")
"""Fields by which mentions go from one concept to another."""


@dataclass(frozen=True, slots=True)
class _Held:
    commit: Commit
    catalogue: Catalogue


class Shelf:
    """Holds the catalogue of one knowledge base. One thread makes it; the others wait for that one."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._held: _Held | None = None

    def catalogue(self, base: KnowledgeBase) -> Catalogue:
        """The catalogue of a state: the one at hand, or that one brought up to date, or a new one."""
        with self._making:
            held = self._held
            if held is None or held.commit.commit_id != base.commit.commit_id:
                later = None if held is None else _brought_up(held, base)
                self._held = held = _Held(base.commit, later or _fresh(base))
            return held.catalogue


def _fresh(base: State) -> Catalogue:
    catalogue = Catalogue.of(base)
    catalogue.find(Asked())  # what the first question would have to wait for
    return catalogue


def _brought_up(held: _Held, base: State) -> Catalogue | None:
    """The catalogue at hand, after the acts of curation since; None where something else has moved, or it is older."""
    if all(held.commit.pins.get(table) == base.commit.pins.get(table) for table in TABLES):
        return held.catalogue
    since: list[Commit] = []
    for commit in base.log():
        if commit.commit_id == held.commit.commit_id:
            changes = _changes_of(since, base)
            return None if changes is None else _after(held.catalogue, base, changes)
        since.append(commit)
    return None


def _changes_of(commits: list[Commit], base: State) -> list[Change] | None:
    """The acts that some commits are of; None where one is no act of curation, or made new concepts by a file."""
    wanted: set[Any] = {commit.summary.get("change") for commit in commits}
    if None in wanted or any(commit.operation == "vocab import" for commit in commits):
        return None
    found = [change for change in read_changes(base) if change.change_id in wanted]
    return found if len(found) == len(wanted) else None


def _after(catalogue: Catalogue, base: State, changes: list[Change]) -> Catalogue | None:
    touched = sorted({concept_id for change in changes for concept_id in change.concept_ids})
    edits = [fields for change in changes for fields in change.after.values()]
    return catalogue.after(base, touched, recount=any(_moves(fields) for fields in edits))


def _moves(fields: Mapping[str, Any] | None) -> bool:
    return fields is None or any(name in fields for name in MOVING)


_SHELVES: WeakKeyDictionary[Desk, Shelf] = WeakKeyDictionary()
_GETTING = threading.Lock()


def catalogue_of(desk: Desk) -> tuple[KnowledgeBase, Catalogue]:
    """The newest state of a desk and its catalogue; every room shares the one of its desk."""
    with _GETTING:
        shelf = _SHELVES.setdefault(desk, Shelf())
    base = desk.base()
    return base, shelf.catalogue(base)
