"""What is to be reviewed: suggestions, what is new since a tag, or the most used concepts nobody looked at yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from kb.choices import check_choice
from kb.curation.suggest.suggest import KINDS, suggest
from kb.errors import UsageError
from kb.store.state import State
from kb.vocabulary.vocabulary import Vocabulary

Queue = Literal["duplicates", "synonyms", "outliers", "rare", "new", "unreviewed", "aside"]
QUEUES: tuple[Queue, ...] = get_args(Queue)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to decide on: a concept and, for duplicates, the one it may be the same as; for synonyms, a name."""

    concept_id: str
    reason: str
    other_id: str | None = None
    name: str | None = None


def review_queue(state: State, queue: str, *, limit: int | None = None, since: str | None = None) -> list[Item]:
    """The items of a queue, what matters most first.

    Args:
        state: the vocabulary, at its commit.
        queue: one of QUEUES.
        limit: how many at most.
        since: the tag or commit that "new" counts from.

    Raises:
        UsageError: there is no such queue, or "new" is not told since when.
    """
    check_choice("queue", queue, QUEUES)
    if queue in KINDS:
        return _suggested(state, queue, limit)
    if queue == "unreviewed":
        return _unreviewed(state, limit, lambda row: True, "{mentions} mentions, not reviewed yet")
    if queue == "aside":
        rows = Vocabulary(state).list(status="aside", limit=limit)
        return [
            Item(row["concept_id"], f"{row['mentions']:,} mentions, put aside: no well-formed observation")
            for row in rows
        ]
    if queue == "new":
        if since is None:
            raise UsageError("new since when? name a tag or a commit", parameter="since")
        old = state.at(since).dataset("concepts").to_table(columns=["concept_id"])["concept_id"].to_pylist()
        known = set(old)
        return _unreviewed(state, limit, lambda row: row["concept_id"] not in known, f"new since {since}")
    raise UsageError(f"there is no queue '{queue}': choose one of {', '.join(QUEUES)}")


def _suggested(state: State, kind: str, limit: int | None) -> list[Item]:
    """Suggestions as items: of duplicates and synonyms all, of the others the concepts nobody looked at yet."""
    if kind in ("duplicates", "synonyms"):
        found = suggest(state, kind, limit=limit).items
        other = kind == "duplicates"
        return [
            Item(s.concept_id, s.reason, s.other_id if other else None, None if other else s.other_text) for s in found
        ]
    found = suggest(state, kind, limit=limit, candidates_only=kind == "outliers").items
    return [Item(s.concept_id, s.reason) for s in found]


def _unreviewed(
    state: State, limit: int | None, wanted: Callable[[Mapping[str, Any]], bool], reason: str
) -> list[Item]:
    rows = [row for row in Vocabulary(state).list(status="candidate") if wanted(row)]
    return [Item(row["concept_id"], reason.format(mentions=f"{row['mentions']:,}")) for row in rows[:limit]]
