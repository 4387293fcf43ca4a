"""Concepts that may be one: of one assertion and side, of severities that say the same, and of nearly one wording.

Wordings that say the same are found wherever they stand, by their words; those that are misspelt or nearly equal among
each concept's nearest neighbours by meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kb.curation.suggest.alike import STRONG, Alike, alike
from kb.curation.suggest.living import Living, embedded_blocks, read_living
from kb.curation.suggest.neighbours import ALL_WITH_ALL, nearest_others, sampled_recall
from kb.curation.suggest.suggestion import Suggestion, Suggestions
from kb.store.state import State

NEIGHBOURS = 10

Pairs = dict[tuple[int, int], Alike]


def suggest_duplicates(
    state: State,
    *,
    limit: int | None = None,
    min_score: float = STRONG,
    on_stage: Callable[[str], object] = lambda _: None,
) -> Suggestions:
    """Pairs of concepts that may be one, the likeliest and most mentioned first.

    Args:
        state: the vocabulary, at its commit; what is not embedded is compared by its words alone.
        limit: how many pairs at most.
        min_score: from which likeness on; lower ones need a closer look (see `alike.alike`).
        on_stage: hears what is being done.
    """
    on_stage("reading")
    living = read_living(state)
    on_stage("wordings")
    pairs: Pairs = dict(_equal_wordings(living))
    on_stage("neighbours")
    recalls = list(_neighbours(living, pairs, min_score))
    suggested = [
        _suggestion(living, pair, found)
        for pair, found in pairs.items()
        if found.score >= min_score and not living.told_apart(*pair)
    ]
    suggested.sort(key=lambda s: (-s.score, -s.mentions - s.other_mentions, s.concept_id, s.other_id or ""))
    weighed = [(share, weight) for share, weight in recalls if share is not None]
    total = sum(weight for _, weight in weighed)
    recall = sum(share * weight for share, weight in weighed) / total if total else None
    return Suggestions("duplicates", suggested[:limit], len(suggested), recall)


def _equal_wordings(living: Living) -> Iterator[tuple[tuple[int, int], Alike]]:
    """Every concept with the one of its block and wording that it would be merged into, unless they were told apart."""
    for rows in living.blocks().values():
        groups: dict[frozenset[str], list[int]] = {}
        for at in rows:
            groups.setdefault(living.wordings[at].like, []).append(at)
        for group in groups.values():
            yield from _to_survivors(living, sorted(group, key=living.rank))


def _to_survivors(living: Living, ranked: list[int]) -> Iterator[tuple[tuple[int, int], Alike]]:
    """Each concept of a wording with the likest of those that rank before it."""
    leaders: dict[tuple[frozenset[str], str | None], int] = {}
    for at in ranked:
        told = [(first, at) for first in leaders.values() if not living.told_apart(first, at)]
        scored = [(pair, found) for pair in told if (found := alike(living, *pair)) is not None]
        if scored:
            yield max(scored, key=lambda one: one[1].score)  # the first of the likest, which ranks before the others
        leaders.setdefault((living.wordings[at].words, living.rows[at]["severity"]), at)


def _neighbours(living: Living, pairs: Pairs, min_score: float) -> Iterator[tuple[float | None, int]]:
    """Score the neighbours in every block into `pairs`; gives the recall and size of each block that was clustered."""
    if living.vectors is None:
        return
    settled = {at for pair in pairs for at in pair[1:]}
    for numbers in embedded_blocks(living):
        vectors = living.vectors[numbers]
        found = nearest_others(vectors, NEIGHBOURS)
        large = len(numbers) > ALL_WITH_ALL
        yield (sampled_recall(vectors, found) if large else None), len(numbers)
        others = found.rows.tolist()
        for first, cosines in enumerate(found.cosines.tolist()):
            for row, cosine in zip(others[first], cosines, strict=True):
                pair = (int(numbers[first]), int(numbers[row]))
                if row < 0 or (first > row and first in others[row]) or not settled.isdisjoint(pair):
                    continue  # it was met already, or goes into its equal, where what is like it is found
                _score(living, pairs, pair, cosine, min_score)


def _score(living: Living, pairs: Pairs, pair: tuple[int, int], cosine: float, min_score: float) -> None:
    first, second = sorted(pair, key=living.rank)
    found = alike(living, first, second, cosine)
    if found is None or found.score < min_score:
        return
    if (first, second) not in pairs or found.score > pairs[first, second].score:
        pairs[first, second] = found


def _suggestion(living: Living, pair: tuple[int, int], found: Alike) -> Suggestion:
    first, second = (living.rows[at] for at in pair)
    return Suggestion(
        kind="duplicates",
        score=round(found.score, 4),
        concept_id=first["concept_id"],
        text=first["text"],
        mentions=living.mentions[pair[0]],
        other_id=second["concept_id"],
        other_text=second["text"],
        other_mentions=living.mentions[pair[1]],
        reason=found.reason,
        rule=found.rule,
        sure=found.sure,
        act="merge",
        target=first["concept_id"],
    )
