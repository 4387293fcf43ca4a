"""Concepts that are hardly mentioned, each with the more usual one that it is nearest to."""

from __future__ import annotations

from kb.curation.suggest.living import Living, read_living
from kb.curation.suggest.suggestion import Suggestion, Suggestions
from kb.language.same_words import compare, likeness
from kb.store.state import State
from kb.vectors.nearest import exact_nearest

MOST_MENTIONS = 1
NEAREST = 5


def suggest_rare(state: State, *, limit: int | None = 50, max_mentions: int = MOST_MENTIONS) -> Suggestions:
    """Candidates that are mentioned `max_mentions` times or fewer, the least mentioned first.

    The score is how like the more usual one of the same assertion, side and severity is: near 1, they may be merged.
    """
    living = read_living(state)
    rare = [
        at for at, row in enumerate(living.rows) if living.mentions[at] <= max_mentions and row["status"] == "candidate"
    ]
    rare.sort(key=lambda at: (living.mentions[at], living.rows[at]["text"], living.rows[at]["concept_id"]))
    shown = rare[:limit]
    nearest = _nearest_usual(living, shown, max_mentions)
    entries = [_told(living, at, nearest.get(at)) for at in shown]
    return Suggestions("rare", entries, len(rare))


def _nearest_usual(living: Living, rare: list[int], max_mentions: int) -> dict[int, tuple[int, float]]:
    """For each of `rare` the likest more usual concept of its block, and how like it is."""
    if living.vectors is None:
        return {}
    wanted = set(rare)
    found: dict[int, tuple[int, float]] = {}
    for rows in living.blocks().values():
        asking = [at for at in rows if at in wanted and living.embedded[at]]
        usual = [at for at in rows if living.mentions[at] > max_mentions and living.embedded[at]]
        if not asking or not usual:
            continue
        near = exact_nearest(living.vectors[asking], [living.vectors[usual]], NEAREST)
        for at, others, cosines in zip(asking, near.rows.tolist(), near.cosines.tolist(), strict=True):
            scored = [
                (likeness(compare(living.wordings[at], living.wordings[usual[other]]), cosine), usual[other])
                for other, cosine in zip(others, cosines, strict=True)
            ]
            score, other = max(scored, key=lambda pair: pair[0])
            found[at] = (other, score)
    return found


def _told(living: Living, at: int, nearest: tuple[int, float] | None) -> Suggestion:
    row = living.rows[at]
    other, score = nearest if nearest is not None else (None, 0.0)
    return Suggestion(
        kind="rare",
        score=round(score, 4),
        concept_id=row["concept_id"],
        text=row["text"],
        mentions=living.mentions[at],
        other_id=None if other is None else living.rows[other]["concept_id"],
        other_text=None if other is None else living.rows[other]["text"],
        other_mentions=0 if other is None else living.mentions[other],
        reason=_times(living.mentions[at]),
    )


def _times(mentions: int) -> str:
    if mentions <= 1:
        return "mentioned once" if mentions else "never mentioned"
    return f"mentioned {mentions} times"
