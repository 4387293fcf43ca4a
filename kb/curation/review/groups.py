"""What there is to decide, in groups: everything that one decision can settle, what matters most first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kb.choices import check_choice
from kb.curation.apply import Concepts
from kb.curation.dismissed import AS_IT_IS, names_refused
from kb.curation.merging import may_merge
from kb.curation.review.duplicate_groups import duplicate_groups
from kb.curation.review.group import Act, Group, Member, by_weight
from kb.curation.review.queue import QUEUES, Queue
from kb.curation.review.ticks import untick_apart
from kb.curation.suggest.suggest import KINDS, suggest
from kb.curation.suggest.suggestion import Suggestion
from kb.curation.words import times
from kb.display import Listing
from kb.errors import UsageError
from kb.language.query_reading import query_or_none
from kb.store.state import State
from kb.vocabulary.filters import Filters
from kb.vocabulary.vocabulary import Vocabulary
from schemas.terms import IN_USE

COLUMNS = ("group_id", "act", "survivor", "members", "reason")
Stage = Callable[[str], object]


def review_groups(
    state: State,
    queue: Queue,
    *,
    filters: Filters | None = None,
    since: str | None = None,
    limit: int | None = None,
    min_score: float | None = None,
    on_stage: Stage = lambda _: None,
) -> Listing[Group]:
    """The groups of a queue: duplicates around the one that stays, names around their concept, other concepts alone.

    Args:
        state: the vocabulary, at its commit.
        queue: one of QUEUES.
        filters: only groups with a concept that passes.
        since: the tag or commit that "new" counts from.
        limit: how many groups at most.
        min_score: duplicates only: from which likeness on.
        on_stage: hears what is being done.

    Raises:
        UsageError: there is no such queue, or "new" is not told since when.
    """
    check_choice("queue", queue, QUEUES)
    groups = _suggested(state, queue, min_score, on_stage) if queue in KINDS else _listed(state, queue, since)
    if filters is not None:
        groups = _passing(state, groups, filters)
    return Listing(groups[:limit], COLUMNS)


def _suggested(state: State, queue: Queue, min_score: float | None, on_stage: Stage) -> list[Group]:
    """The suggestions of a kind as groups, without what a curator has settled for good."""
    limit = 1 << 30 if queue == "rare" else None
    found = suggest(
        state,
        queue,
        limit=limit,
        min_score=min_score,
        candidates_only=queue == "outliers",
        on_stage=on_stage,
    ).items
    concepts = Concepts(state)
    concepts.read(of for one in found for of in (one.concept_id, one.other_id) if of is not None)
    if queue == "duplicates":
        return by_weight(duplicate_groups(found, concepts))
    if queue == "synonyms":
        return _names(found, concepts)
    return _alone(queue, [one for one in found if AS_IT_IS not in concepts.get(one.concept_id)["dismissed"]], concepts)


def _names(found: Sequence[Suggestion], concepts: Concepts) -> list[Group]:
    """Wordings that reports use, around the concepts that they may be names of."""
    around: dict[str, list[Suggestion]] = {}
    for one in found:
        if one.other_text not in names_refused(concepts.get(one.concept_id)["dismissed"]):
            around.setdefault(one.concept_id, []).append(one)
    return [
        Group(
            kind="synonyms",
            act="add names",
            survivor=Member.of(concepts.get(of), names[0].mentions),
            members=tuple(_name(one) for one in names),
            reason="reports word it so",
        )
        for of, names in around.items()
    ]


def _name(one: Suggestion) -> Member:
    """A wording as a member: ticked where, read by itself, it means the concept."""
    name = str(one.other_text)
    return Member(
        concept_id=None,
        text=name,
        status=None,
        mentions=one.other_mentions,
        reason=one.reason,
        rule=one.rule,
        score=one.score,
        ticked=_means(name, one.concept_id),
    )


def _means(name: str, concept_id: str) -> bool:
    read = query_or_none(name)
    return read is not None and read.concept_id == concept_id


ACT_OF: Mapping[str, Act] = {"reject": "reject", "rename": "rename"}
"""What is done with a concept alone, by what is suggested for it; else it is kept as it is."""


def _alone(queue: Queue, found: Sequence[Suggestion], concepts: Concepts) -> list[Group]:
    """Concepts that are suggested one by one: around the one that they are to be merged into, or each by itself."""
    into: dict[str, list[Suggestion]] = {}
    groups: list[Group] = []
    for one in found:
        if one.act == "merge" and one.target is not None and _may_take(concepts, one):
            into.setdefault(one.target, []).append(one)
        else:
            groups.append(_by_itself(queue, one, concepts.get(one.concept_id)))
    merged = [_into(queue, ones, concepts.get(target), concepts) for target, ones in into.items()]
    return [*merged, *groups]


def _by_itself(queue: Queue, one: Suggestion, row: Mapping[str, Any]) -> Group:
    act: Act = ACT_OF.get(one.act, "keep")
    member = Member.of(row, one.mentions, reason=one.reason, rule=one.rule, score=one.score, ticked=True)
    text = one.target if act == "rename" else None
    return Group(kind=queue, act=act, survivor=None, members=(member,), reason=one.reason, text=text)


def _into(queue: Queue, ones: Sequence[Suggestion], survivor: Mapping[str, Any], concepts: Concepts) -> Group:
    """What is to be merged into one concept: ticked where that is sure, and not told apart from what is ticked."""
    members = tuple(
        Member.of(
            concepts.get(one.concept_id),
            one.mentions,
            reason=one.reason,
            rule=one.rule,
            score=one.score,
            ticked=one.sure,
        )
        for one in ones
    )
    rules = {one.rule for one in ones}
    reason = rules.pop() if len(rules) == 1 else "alike"
    stays = Member.of(survivor, ones[0].other_mentions)
    return Group(kind=queue, act="merge", survivor=stays, members=untick_apart(members, concepts), reason=reason)


def _may_take(concepts: Concepts, one: Suggestion) -> bool:
    row = concepts.find(str(one.target))
    return (
        row is not None and row["status"] in IN_USE and may_merge(concepts.get(one.concept_id), row, concepts) is None
    )


def _listed(state: State, queue: Queue, since: str | None) -> list[Group]:
    """The concepts that nobody decided on yet, the most mentioned first: all, those new since a tag, those aside."""
    if queue == "new" and since is None:
        raise UsageError("new since when? name a tag or a commit", parameter="since")
    known: set[str] = set()
    if queue == "new":
        old = state.at(str(since)).dataset("concepts").to_table(columns=["concept_id"])
        known = set(old["concept_id"].to_pylist())
    rows = Vocabulary(state).list(status="aside" if queue == "aside" else "candidate")
    left = set(Concepts(state).where(f"array_has(dismissed, '{AS_IT_IS}')"))
    return [
        _single(queue, row, row["mentions"], _why(queue, row["mentions"], since), "accept")
        for row in rows
        if row["concept_id"] not in known and row["concept_id"] not in left
    ]


def _why(queue: Queue, mentions: int, since: str | None) -> str:
    if queue == "new":
        return f"new since {since}"
    put = "put aside: no well-formed observation" if queue == "aside" else "not reviewed yet"
    return f"{times(mentions)}, {put}"


def _single(queue: Queue, row: Mapping[str, Any], mentions: int, reason: str, act: Act) -> Group:
    member = Member.of(row, mentions, reason=reason, ticked=True)
    return Group(kind=queue, act=act, survivor=None, members=(member,), reason=reason)


def _passing(state: State, groups: Iterable[Group], filters: Filters) -> list[Group]:
    """The groups that have a concept which passes the filters."""
    listed = [*groups]
    concepts = Concepts(state)
    concepts.read(str(one.concept_id) for group in listed for one in group.concepts)
    return [
        group
        for group in listed
        if any(filters.passes(concepts.get(str(one.concept_id)), one.mentions) for one in group.concepts)
    ]
