"""What a queue holds, looked for once in the background, and which of its groups are still open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from weakref import WeakKeyDictionary

from kb.commands.failures import describe
from kb.curation.apply import Concepts
from kb.curation.review.group import Group
from kb.curation.review.groups import review_groups
from kb.curation.review.left import left_of
from kb.curation.review.queue import Queue
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.state import State
from kb.vocabulary.catalogue import Passing
from workbench.desk import Desk

logger = logging.getLogger("clear_kb.workbench")

AHEAD = 50
"""Groups whose concepts are read together when the next open one is looked for."""

Key = tuple[Queue, str | None]
"""A queue, and since when it counts what is new."""


@dataclass(frozen=True, slots=True)
class Open:
    """A group that is to be decided on, as it stands now, and its place on the board, from 0."""

    at: int
    group: Group


@dataclass
class Board:
    """The groups of one queue.

    Attributes:
        queue: which one.
        since: since which tag or commit "new" counts.
        stage: what is being done while it is looked for.
        groups: what was found; None until then.
        failed: why nothing could be found, in words.
        settled: the places of the groups that are known to be decided on.
    """

    queue: Queue
    since: str | None = None
    stage: str = "beginning"
    groups: Sequence[Group] | None = None
    failed: str | None = None
    settled: set[int] = field(default_factory=set)

    def total(self, passing: Passing | None = None) -> int:
        """How many groups there are of which a concept is among `passing`; None: all pass."""
        groups = self.groups or ()
        return len(groups) if passing is None else sum(_passes(group, passing) for group in groups)

    def left(self, passing: Passing | None = None) -> int:
        """How many of them are still to be decided on, as far as is known."""
        groups, settled = self.groups or (), [*self.settled]
        done = len(settled) if passing is None else sum(_passes(groups[place], passing) for place in settled)
        return self.total(passing) - done

    def look(self, base: KnowledgeBase) -> None:
        """Look for the groups of a state; what goes wrong is kept for whoever asks."""
        try:
            self.groups = review_groups(base, self.queue, since=self.since, on_stage=self._hears)
        except Exception as error:  # it runs in a thread of its own, which nobody waits for
            logger.error("review %s", self.queue, exc_info=error)
            self.failed = describe(error)

    def open_ones(self, at: int, base: State, passing: Passing | None = None) -> Iterator[Open]:
        """The groups from a place on that are still open, as they stand now, and that pass.

        Args:
            at: the place.
            base: the newest state.
            passing: the concepts of which a group has to have one; without it all pass.
        """
        groups = self.groups or ()
        wanted = (place for place in range(max(at, 0), len(groups)) if _passes(groups[place], passing))
        while part := [*islice(wanted, AHEAD)]:
            concepts = Concepts(base)
            concepts.read(str(one.concept_id) for place in part for one in groups[place].concepts)
            for place in part:
                now = left_of(groups[place], concepts)
                (self.settled.add if now is None else self.settled.discard)(place)
                if now is not None:
                    yield Open(place, now)

    def group_at(self, at: int, group_id: str) -> Group:
        """The group at a place, as it was found; UsageError if another one stands there by now."""
        groups = self.groups or ()
        if not 0 <= at < len(groups) or groups[at].group_id != group_id:
            raise UsageError("this queue was looked through again since: reload the page")
        return groups[at]

    def _hears(self, stage: str) -> None:
        self.stage = stage


class Boards:
    """The boards of one desk, each looked for once, until it is asked for anew."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._boards: dict[Key, Board] = {}

    def known(self, queue: Queue, since: str | None = None) -> Board | None:
        """The board of a queue that was asked for before, or None."""
        return self._boards.get((queue, since))

    def get(self, queue: Queue, base: KnowledgeBase, *, since: str | None = None, anew: bool = False) -> Board:
        """The board of a queue; where there is none, or it is asked for anew, it is looked for in the background."""
        with self._making:
            board = self._boards.get((queue, since))
            if board is None or board.failed is not None or (anew and board.groups is not None):
                board = self._boards[queue, since] = Board(queue, since)
                threading.Thread(target=board.look, args=[base], daemon=True).start()
            return board


_BOARDS: WeakKeyDictionary[Desk, Boards] = WeakKeyDictionary()
_GETTING = threading.Lock()


def boards_of(desk: Desk) -> Boards:
    """The boards of a desk: all who sit at it share them."""
    with _GETTING:
        return _BOARDS.setdefault(desk, Boards())


def _passes(group: Group, passing: Passing | None) -> bool:
    return passing is None or any(one.concept_id in passing for one in group.concepts)
