"""Who decided what, since when and how fast: counted from the changes, so that every way of curating counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from kb.curation.apply import read_changes
from kb.curation.change import Change
from kb.display import Listing
from kb.store.state import State

PAUSE = timedelta(minutes=5)
"""A longer time between two decisions is a pause: it does not count as time spent on deciding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one curator decided.

    Attributes:
        author: who.
        decisions: changes that stand: what was undone, and the undoing, do not count.
        concepts: the concepts that they touched.
        acts: how many of each kind.
        first: when the first of them was made.
        last: when the last of them was made.
        seconds_each: from one decision to the next on average, pauses left out; None for fewer than two.
    """

    author: str
    decisions: int
    concepts: int
    acts: dict[str, int]
    first: datetime
    last: datetime
    seconds_each: float | None

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain data."""
        times = {"first": self.first.isoformat(timespec="seconds"), "last": self.last.isoformat(timespec="seconds")}
        return {**asdict(self), **times}


def read_progress(state: State, *, since: datetime | None = None, by: str | None = None) -> Listing[Progress]:
    """What each curator decided, who decided most first.

    Args:
        state: the vocabulary, at its commit.
        since: only changes made then or later; with a time zone.
        by: only those of this author.
    """
    changes = read_changes(state)
    undone = {change.reverts for change in changes}
    of: dict[str, list[Change]] = {}
    for change in changes:
        counted = change.reverts is None and change.change_id not in undone
        if counted and (since is None or change.time >= since) and by in (None, change.author):
            of.setdefault(change.author, []).append(change)
    found = [_progress(author, made) for author, made in of.items()]
    found.sort(key=lambda one: (-one.decisions, one.author))
    return Listing(found, ("author", "decisions", "concepts", "first", "last", "seconds_each"))


def _progress(author: str, changes: Sequence[Change]) -> Progress:
    times = sorted(change.time for change in changes)
    gaps = [later - earlier for earlier, later in pairwise(times) if later - earlier <= PAUSE]
    return Progress(
        author=author,
        decisions=len(changes),
        concepts=len({of for change in changes for of in change.concept_ids}),
        acts=dict(Counter(change.act for change in changes).most_common()),
        first=times[0],
        last=times[-1],
        seconds_each=round(sum(gaps, timedelta()).total_seconds() / len(gaps), 1) if gaps else None,
    )
