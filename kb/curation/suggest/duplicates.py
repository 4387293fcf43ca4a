"""Concepts that may be one: of one assertion, side and severity, and of one wording or nearly so.

Equal wordings are found wherever they stand, by their words; those that are misspelt or nearly equal among each
concept's nearest neighbours by meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kb.curation.suggest.living import Living, embedded_blocks, read_living
from kb.curation.suggest.neighbours import ALL_WITH_ALL, nearest_others, sampled_recall
from kb.curation.suggest.suggestion import Suggestion, Suggestions
from kb.language.same_words import EQUAL, Comparison, compare, likeness
from kb.store.state import State

NEIGHBOURS = 10
STRONG = 0.9
"""The score from which a pair is suggested: what has it says the same words, spelling aside."""

Pairs = dict[tuple[int, int], tuple[float, Comparison]]


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
        min_score: from which likeness on; lower ones need a closer look (see `same_words.likeness`).
        on_stage: hears what is being done.
    """
    on_stage("reading")
    living = read_living(state)
    on_stage("wordings")
    apart = {frozenset((row["concept_id"], other)) for row in living.rows for other in row["distinct_from"]}
    pairs: Pairs = {pair: (EQUAL, _alike(living, pair)) for pair in _equal_wordings(living, apart)}
    on_stage("neighbours")
    recalls = list(_neighbours(living, pairs, min_score))
    suggested = [
        _suggestion(living, pair, score, found)
        for pair, (score, found) in pairs.items()
        if score >= min_score and _ids(living, pair) not in apart
    ]
    suggested.sort(key=lambda s: (-s.score, -s.mentions - s.other_mentions, s.concept_id, s.other_id or ""))
    weighed = [(share, weight) for share, weight in recalls if share is not None]
    total = sum(weight for _, weight in weighed)
    recall = sum(share * weight for share, weight in weighed) / total if total else None
    return Suggestions("duplicates", suggested[:limit], len(suggested), recall)


def _equal_wordings(living: Living, apart: set[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Every concept with the one of its block and wording that it would be merged into, unless they were told apart."""
    for rows in living.blocks().values():
        alike: dict[frozenset[str], list[int]] = {}
        for at in rows:
            alike.setdefault(living.wordings[at].words, []).append(at)
        for group in alike.values():
            survivor, *others = sorted(group, key=living.rank)
            pairs = ((survivor, other) for other in others)
            yield from (pair for pair in pairs if _ids(living, pair) not in apart)


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
                if row >= 0 and (first < row or first not in others[row]):
                    _score(
                        living,
                        pairs,
                        settled,
                        pair=(int(numbers[first]), int(numbers[row])),
                        cosine=cosine,
                        min_score=min_score,
                    )


def _score(
    living: Living, pairs: Pairs, settled: set[int], pair: tuple[int, int], cosine: float, min_score: float
) -> None:
    if settled & set(pair):
        return  # it goes into its equal already; what is like that one is found there
    first, second = sorted(pair, key=living.rank)
    found = _alike(living, (first, second))
    score = likeness(found, cosine)
    if score >= min_score and score > pairs.get((first, second), (0.0, found))[0]:
        pairs[first, second] = (score, found)


def _alike(living: Living, pair: tuple[int, int]) -> Comparison:
    return compare(living.wordings[pair[0]], living.wordings[pair[1]])


def _ids(living: Living, pair: tuple[int, int]) -> frozenset[str]:
    return frozenset(living.rows[at]["concept_id"] for at in pair)


def _suggestion(living: Living, pair: tuple[int, int], score: float, found: Comparison) -> Suggestion:
    first, second = (living.rows[at] for at in pair)
    return Suggestion(
        kind="duplicates",
        score=round(score, 4),
        concept_id=first["concept_id"],
        text=first["text"],
        mentions=living.mentions[pair[0]],
        other_id=second["concept_id"],
        other_text=second["text"],
        other_mentions=living.mentions[pair[1]],
        reason=_reason(found),
    )


def _reason(found: Comparison) -> str:
    if not found.only_first and not found.only_second:
        return "the same words but for spelling" if found.misspelt else "the same words"
    sides = [", ".join(sorted(words)) for words in (found.only_first, found.only_second)]
    return f"alike but for {' / '.join(side or '-' for side in sides)}"
